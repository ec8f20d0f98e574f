# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports history from files or a Proxmox VE cluster (documentation: modules/import_history.py)."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ansible_collections.foresight.capacity.plugins.module_utils.arguments import store_arguments
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import proxmox_arguments
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

CLUSTER: dict[str, dict[str, t.Any]] = {
    **proxmox_arguments(),
    "api_host": {**proxmox_arguments()["api_host"], "required": False},
    "timeframes": {"type": "list", "elements": "str", "choices": ["hour", "day", "week", "month", "year"], "default": ["month", "year"]},
    "entities": {"type": "list", "elements": "str", "default": []},
    "peaks": {"type": "bool", "default": True},
    "parallel": {"type": "int", "default": 8},
}


class ActionModule(Verb):
    """One call of the workflow."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)

        def more(arguments: Arguments) -> Arguments:
            return {
                "table": {name: arguments.pop(name) for name in TABLE},
                "cluster": {name: arguments.pop(name) for name in CLUSTER},
                "max_skew": parse_duration(arguments["max_skew"], option="max_skew"),
                "check": self._task.check_mode,
                "progress": Display().display,
            }

        return run_verb(
            self,
            spec={
                **store_arguments(),
                "source": {"type": "str", "choices": ["files", "proxmox"], "default": "files"},
                "path": {"type": "list", "elements": "path"},
                "format": {"type": "str", "choices": ["auto", "csv", "recording"], "default": "auto"},
                **TABLE,
                **CLUSTER,
                "shift_to_now": {"type": "bool", "default": False},
                "synthetic": {"type": "bool", "default": False},
                "max_skew": {"type": "str", "default": "5m"},
                "max_bad_rows": {"type": "int", "default": 100},
            },
            run=import_history,
            more=more,
            required_if=[("source", "files", ("path",)), ("source", "proxmox", ("api_host",))],
            mutually_exclusive=[("columns", "metrics"), ("columns", "metric_column"), ("columns", "value_column")],
            required_together=[("metric_column", "value_column", "metrics")],
        )
