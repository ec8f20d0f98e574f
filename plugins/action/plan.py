# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a plan, stores it and writes it to a file (documentation: modules/plan.py)."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.arguments import store_arguments
from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import Arguments, Verb, run_verb
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import DOCUMENTS
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.budgets import OPTIONS
from ansible_collections.foresight.capacity.plugins.plugin_utils.play import play_hosts, refuse_forged
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan import plan

_DOCUMENTS = {"type": "list", "elements": "dict", "default": []}


class ActionModule(Verb):
    """One plan for all hosts of the run; one call of the workflow."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}

        def more(arguments: Arguments) -> Arguments:
            refuse_forged(variables, play_hosts(variables).hosts, DOCUMENTS)
            return {
                "inventory": [str(host) for host in variables["groups"]["all"]],
                "hosts": play_hosts(variables).hosts,
                "check": self._task.check_mode,
                "expires_seconds": parse_duration(arguments["expires_seconds"], option="expires_seconds"),
            }

        return run_verb(
            self,
            spec={
                **store_arguments(),
                **{name: dict(_DOCUMENTS) for name in ("actions", "proposals", "refused")},
                "clusters": {
                    **_DOCUMENTS,
                    "options": {
                        **{name: {"type": "dict", "required": True} for name in ("document", "balance")},
                        "waves": dict(_DOCUMENTS),
                        "policy": {"type": "dict"},
                    },
                },
                **{name: {"type": "dict"} for name in ("before", "after", "policy")},
                "budgets": {"type": "dict", "options": OPTIONS},
                "observed_at": {"type": "int"},
                "expires_seconds": {"type": "str", "default": "1h"},
                "path": {"type": "str"},
            },
            run=plan,
            more=more,
        )
