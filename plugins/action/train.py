# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trains models out of the histories in the store (documentation: modules/train.py)."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ansible_collections.foresight.capacity.plugins.module_utils.arguments import engine_arguments, store_arguments
from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import Verb, run_verb
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train import train


class ActionModule(Verb):
    """One call of the workflow."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        return run_verb(
            self,
            spec={
                **store_arguments(),
                **engine_arguments(),
                "metrics": {"type": "list", "elements": "str", "default": ["used_bytes"]},
                "entities": {"type": "list", "elements": "str", "default": ["*"]},
                "models": {"type": "list", "elements": "str", "choices": ["lstm", "global"], "default": ["lstm", "global"]},
                "horizon": {"type": "str", "default": "6h"},
                "step": {"type": "str"},
                "history": {"type": "str"},
                "seed": {"type": "int", "default": 0},
                "force": {"type": "bool", "default": False},
                "figures": {"type": "path"},
            },
            run=train,
            more=lambda arguments: {"check": self._task.check_mode, "progress": Display().display},
        )
