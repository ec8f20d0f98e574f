# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulates the balancing of a cluster (documentation: modules/simulate.py)."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import Verb, run_verb
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.simulate import simulate


class ActionModule(Verb):
    """One call of the workflow."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        return run_verb(
            self,
            spec={
                "cluster": {"type": "dict"},
                "file": {"type": "path"},
                "preset": {"type": "str"},
                "synthetic": {"type": "dict"},
                "strategies": {"type": "list", "elements": "str", "default": ["foresight"]},
                "goal": {"type": "str"},
                "policy": {"type": "dict", "default": {}},
                "path": {"type": "path", "required": True},
                "bars": {"type": "int", "default": 60},
            },
            run=simulate,
            more=lambda arguments: {"progress": Display().display},
        )
