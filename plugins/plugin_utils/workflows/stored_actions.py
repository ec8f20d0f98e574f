# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions of stored plans, for whoever asks what became of one."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store

# States of what was handed out, and nobody told what became of it; of what failed there is an outcome.
UNTOLD = ("started", "unknown")


class StoredActions:
    """The actions of stored plans, each plan read once."""

    def __init__(self, notebook: Store) -> None:
        self._notebook = notebook
        self._plans: dict[str, dict[str, dict[str, t.Any]]] = {}

    def of(self, plan_id: str, action_id: str) -> dict[str, t.Any]:
        """Return the action, empty where the plan is no longer stored."""
        if plan_id not in self._plans:
            plan = self._notebook.load_plan(plan_id)
            self._plans[plan_id] = {action["id"]: action for action in plan.document["actions"]} if plan else {}
        return self._plans[plan_id].get(action_id, {})
