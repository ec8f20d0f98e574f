# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that a resize has unmounted and not mounted again, because it was killed or failed in between.

The host keeps no note of it, but the store knows which actions were handed out with leave to unmount and did not end well, and whether
the file system was seen in use since: then somebody has mounted it, and whoever unmounts it later wants it so.
"""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.kinds import SWAP, kind_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store

# Whoever left it so for longer than that wants it so.
_LOOK_BACK_SECONDS = 90 * 86400
# Handed out, and nobody told what became of it; of what failed there is an outcome.
_UNTOLD = ("started", "unknown")
_ENDED_WELL = ("changed", "ok")
# Only a mounted file system has samples of it.
_SEEN_IN_USE = "used_bytes"


def find_left_unmounted(notebook: Store, entities: Sequence[Entity], now: int) -> set[int]:
    """Return the ids of the entities (LVs) that are not mounted, and whose last resize might have unmounted them and did not end well."""
    suspects = {entity.key: entity for entity in entities if _is_suspect(entity)}
    if not suspects:
        return set()
    since = now - _LOOK_BACK_SECONDS
    untold = [(row.plan_id, row.action_id, row.at) for row in notebook.find_actions_in(_UNTOLD, since=since)]
    series = {one.entity_id: one.id for one in notebook.find_series(metric=_SEEN_IN_USE, entity_ids=[one.id for one in suspects.values()])}
    _first, last, _count = notebook.sample_extent(list(series.values()))
    seen = dict(zip(series, last.tolist(), strict=True))
    found = set()
    for entity in suspects.values():
        told = [one for one in notebook.find_outcomes(target=entity.key, since=since) if one.status != "refused"]
        settled = max((one.started_at + (one.seconds or 0) for one in told if one.status in _ENDED_WELL), default=0)
        begun = untold + [(one.plan_id, one.action_id, one.started_at) for one in told if one.status == "failed"][-1:]
        for plan_id, action_id, at in begun:
            if settled < at >= seen.get(entity.id, 0) and _may_unmount(notebook, plan_id, action_id, entity):
                found.add(entity.id)
    return found


def _may_unmount(notebook: Store, plan_id: str, action_id: str, entity: Entity) -> bool:
    """Return whether this is an action on this very volume, with leave to unmount it."""
    plan = notebook.load_plan(plan_id)
    actions = plan.document["actions"] if plan else []
    return any(
        action["id"] == action_id
        and action["target"] == entity.key
        and (action.get("expect") or {}).get("uuid") == entity.attributes.get("uuid")
        and bool((action.get("allow") or {}).get("unmount"))
        for action in actions
    )


def _is_suspect(entity: Entity) -> bool:
    filesystem = entity.attributes.get("fs") or {}
    kind = kind_of(filesystem.get("type"))
    # Whether swap is on is not seen in what was recorded.
    return kind is not None and kind.grow_unmounted and filesystem["type"] != SWAP and not filesystem.get("mountpoints")
