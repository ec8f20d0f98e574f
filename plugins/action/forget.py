# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forgets hosts that no longer exist (documentation: modules/forget.py)."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.arguments import store_arguments
from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import Verb, run_verb
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forget import forget


class ActionModule(Verb):
    """One call of the workflow."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        return run_verb(
            self,
            spec={**store_arguments(), "hosts": {"type": "list", "elements": "str", "required": True}},
            run=forget,
            more=lambda arguments: {"inventory": [str(host) for host in variables["groups"]["all"]], "check": self._task.check_mode},
        )
