# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(foresight_outcomes) of the hosts → the store."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import from_ansible
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import check_number, clean_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store

_TEXTS = ("plan", "action", "target", "status")


def write_outcomes(notebook: Store, outcomes: Mapping[str, t.Any], run: int) -> int:
    """Write the outcomes of all hosts and return their number; what is there already (same action, same start) is written over.

    An entry that lacks its plan, action, target, status or start is left out, with a warning.
    """
    rows = []
    for host, entries in outcomes.items():
        for entry in from_ansible(entries) if isinstance(entries, list) else []:
            row = _row(host, entry, run)
            if row is None:
                logger("main").warning("%s: left out an outcome without plan, action, target, status or started_at: %.200r", host, entry)
            else:
                rows.append(row)
    notebook.add_outcomes(rows)
    return len(rows)


def _row(host: str, entry: t.Any, run: int) -> dict[str, t.Any] | None:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in _TEXTS):
        return None
    started_at, problem = check_number(entry.get("started_at"))
    if started_at is None or problem:
        return None
    return {
        "plan_id": entry["plan"],
        "action_id": entry["action"],
        "run_id": run,
        "host": host,
        "target": entry["target"],
        "status": entry["status"],
        "changed": entry.get("changed") is True,
        "started_at": int(started_at),
        "seconds": check_number(entry.get("seconds"))[0],
        "before": entry.get("before") or {},
        "after": entry.get("after") or {},
        "message": clean_text(entry.get("message")) or "",
    }
