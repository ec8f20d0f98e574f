# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that a resize has unmounted and not mounted again, because it was killed or failed in between.

The host keeps no note of it, but the store knows which actions were handed out with leave to unmount and did not end well.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.kinds import SWAP, kind_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store

# Whoever left it so for longer than that wants it so.
_LOOK_BACK_SECONDS = 90 * 86400
_OPEN_ENDED = ("started", "unknown", "failed")
_ENDED_WELL = ("changed", "ok")


def find_left_unmounted(notebook: Store, entities: Sequence[Entity], now: int) -> set[int]:
    """Return the ids of the entities (LVs) that are not mounted, and whose last resize might have unmounted them and did not end well."""
    suspects = {entity.key: entity.id for entity in entities if _is_suspect(entity)}
    if not suspects:
        return set()
    begun: dict[str, int] = {}
    for row in notebook.find_actions_in(_OPEN_ENDED, since=now - _LOOK_BACK_SECONDS):
        plan = notebook.load_plan(row.plan_id)
        action = next((one for one in plan.document["actions"] if one["id"] == row.action_id), None) if plan else None
        if action is not None and action["target"] in suspects and (action.get("allow") or {}).get("unmount"):
            begun[action["target"]] = max(begun.get(action["target"], 0), row.at)
    for target, at in list(begun.items()):
        outcomes = notebook.find_outcomes(target=target, since=now - _LOOK_BACK_SECONDS)
        if any(one.status in _ENDED_WELL and one.started_at + (one.seconds or 0) >= at for one in outcomes):
            del begun[target]
    return {suspects[target] for target in begun}


def _is_suspect(entity: Entity) -> bool:
    filesystem = entity.attributes.get("fs") or {}
    kind = kind_of(filesystem.get("type"))
    # Whether swap is on is not seen in what was recorded.
    return kind is not None and kind.grow_unmounted and filesystem["type"] != SWAP and not filesystem.get("mountpoints")
