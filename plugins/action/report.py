# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the report (documentation: modules/report.py)."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.arguments import store_arguments
from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import Verb, run_verb
from ansible_collections.foresight.capacity.plugins.plugin_utils.play import play_hosts
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report import report


class ActionModule(Verb):
    """One call of the workflow, for all hosts of the play."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        return run_verb(
            self,
            spec={
                **store_arguments(),
                "path": {"type": "path", "required": True},
                "plan": {"type": "str"},
                "charts": {"type": "int", "default": 100},
                "images": {"type": "int", "default": 12},
            },
            run=report,
            more=lambda arguments: {"hosts": play_hosts(variables).hosts},
        )
