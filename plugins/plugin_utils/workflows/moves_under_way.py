# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where guests go that a run of ours began to move before it was ended: its own plan knows it before the log of the migration does."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.stored_actions import UNTOLD, StoredActions

_LOOK_BACK_SECONDS = 86400


def find_destinations(notebook: Store, guests: Sequence[Entity], now: int) -> dict[str, str]:
    """Return the node of each guest, by its key, that was seen on its way and whose destination is known."""
    moving = {guest.key: guest.attributes for guest in guests if guest.attributes.get("moving")}
    found = {key: str(known["moving_to"]) for key, known in moving.items() if known.get("moving_to")}
    if len(found) == len(moving):
        return found
    actions = StoredActions(notebook)
    asked: dict[str, tuple[int, str]] = {}
    for row in notebook.find_actions_in(UNTOLD, since=now - _LOOK_BACK_SECONDS):
        action = actions.of(row.plan_id, row.action_id)
        key = action.get("target", "")
        # One that is to go on from another node than it is on was moved since.
        if action.get("kind") == "guest_migrate" and key in moving and action["from"]["node"] == moving[key].get("node"):
            asked[key] = max(asked.get(key, (0, "")), (row.at, str(action["to"]["node"])))
    return {**{key: node for key, (_at, node) in asked.items()}, **found}
