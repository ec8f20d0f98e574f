# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports history from files (documentation: modules/import_history.py)."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ansible_collections.foresight.capacity.plugins.module_utils.arguments import store_arguments
from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import Arguments, Verb, run_verb
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_history import import_history

TABLE: dict[str, dict[str, t.Any]] = {
    "time_column": {"type": "str"},
    "time_format": {"type": "str", "default": "auto"},
    "time_zone": {"type": "str"},
    "ambiguous_times": {"type": "str", "choices": ["order", "earlier", "later", "refuse"], "default": "order"},
    "entity": {"type": "str"},
    "columns": {"type": "dict"},
    "metric_column": {"type": "str"},
    "value_column": {"type": "str"},
    "metrics": {"type": "dict"},
    "header": {"type": "list", "elements": "str"},
    "delimiter": {"type": "str", "default": "auto"},
    "decimal": {"type": "str", "choices": [".", ","], "default": "."},
    "encoding": {"type": "str", "default": "utf-8-sig"},
}


class ActionModule(Verb):
    """One call of the workflow."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)

        def more(arguments: Arguments) -> Arguments:
            return {
                "table": {name: arguments.pop(name) for name in TABLE},
                "max_skew": parse_duration(arguments["max_skew"], option="max_skew"),
                "check": self._task.check_mode,
                "progress": Display().display,
            }

        return run_verb(
            self,
            spec={
                **store_arguments(),
                "path": {"type": "list", "elements": "path", "required": True},
                "format": {"type": "str", "choices": ["auto", "csv", "recording"], "default": "auto"},
                **TABLE,
                "shift_to_now": {"type": "bool", "default": False},
                "synthetic": {"type": "bool", "default": False},
                "max_skew": {"type": "str", "default": "5m"},
                "max_bad_rows": {"type": "int", "default": 100},
            },
            run=import_history,
            more=more,
            mutually_exclusive=[("columns", "metrics"), ("columns", "metric_column"), ("columns", "value_column")],
            required_together=[("metric_column", "value_column", "metrics")],
        )
