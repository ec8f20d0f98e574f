# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records the facts of all hosts of the play (documentation: modules/record.py)."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.arguments import store_arguments
from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import Arguments, Verb, run_verb
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import DOCUMENTS
from ansible_collections.foresight.capacity.plugins.plugin_utils.play import play_hosts, raw_facts, run_started
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record

KEEP = {"raw": "60d", "hourly": "730d", "daily": "forever", "forecasts": "60d", "models": "60d"}


class ActionModule(Verb):
    """Reads the variables of every host of the play itself; one call of the workflow."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}

        def more(arguments: Arguments) -> Arguments:
            play = play_hosts(variables)
            started_at = arguments["started_at"]
            return {
                "hosts": play.hosts,
                "lost": play.lost,
                "facts": raw_facts(variables, play.hosts, DOCUMENTS),
                "check": self._task.check_mode,
                "max_skew": parse_duration(arguments["max_skew"], option="max_skew"),
                "keep": {name: _age(arguments.pop(f"keep_{name}"), name) for name in KEEP},
                "started_at": run_started(arguments["now"]) if started_at is None else started_at,
            }

        return run_verb(
            self,
            spec={
                **store_arguments(),
                "max_skew": {"type": "str", "default": "5m"},
                **{f"keep_{name}": {"type": "str", "default": age} for name, age in KEEP.items()},
                "started_at": {"type": "int"},
                "facts_from": {"type": "path"},
                "shift_to_now": {"type": "bool", "default": False},
            },
            run=record,
            more=more,
        )


def _age(text: str, name: str) -> int | None:
    return None if text == "forever" else parse_duration(text, option=f"keep_{name}")
