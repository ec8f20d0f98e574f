# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Close the gate: note how far the plan has come, and give the lease back."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import playbook_process
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import apply_lease
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.apply_runs import close_run, find_run, opened_plan


def close_gate(*, store: str | None, now: int, plan: str | None = None, run_id: int | None = None) -> dict[str, t.Any]:
    """Note from the recorded outcomes how far the plan has come, and release the lease. Closing again changes nothing.

    :returns: plan_id, run_id, state (of the plan), counts (of its actions), failures, summary.
    :raises PlanError: when there is no such run.
    """
    me = playbook_process()
    with open_store(store, create=False) as opened:
        run = find_run(opened, run_id, me)
        row = opened_plan(opened, run, plan)
        if run.finished_at is not None:
            return {**run.detail["result"], "summary": [f"Run {run.id} was closed before ({run.status})."]}
        with opened.transaction():
            result = close_run(opened, run, at=now, status="finished")
            apply_lease.release(opened, run)
    logger("main").info("apply run %d of plan %s: %s", run.id, row.id, result["state"])
    counts = ", ".join(f"{number} {state}" for state, number in result["counts"].items() if number)
    mode = " (check mode: nothing was noted)" if run.check else ""
    return {**result, "summary": [f"Plan {row.id[:12]} is {result['state']}: {counts or 'no actions'}{mode}."]}
