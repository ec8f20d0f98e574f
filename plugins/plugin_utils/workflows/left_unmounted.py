# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that a resize has unmounted and not mounted again, because it was killed or failed in between.

The host keeps no note of it, but the store knows which actions were handed out with leave to unmount and did not end well, and whether
the file system was seen in use since: then somebody has mounted it, and whoever unmounts it later wants it so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.kinds import SWAP, kind_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.stored_actions import UNTOLD, StoredActions

# Whoever left it so for longer than that wants it so.
_LOOK_BACK_SECONDS = 90 * 86400
_ENDED_WELL = ("changed", "ok")
# Only a mounted file system has samples of it.
_SEEN_IN_USE = "used_bytes"


def find_left_unmounted(notebook: Store, entities: Sequence[Entity], now: int) -> set[int]:
    """Return the ids of the entities (LVs) that are not mounted, and whose last resize might have unmounted them and did not end well."""
    suspects = {entity.key: entity for entity in entities if _is_suspect(entity)}
    if not suspects:
        return set()
    since = now - _LOOK_BACK_SECONDS
    begun: dict[str, list[tuple[str, str, int]]] = {}
    actions = StoredActions(notebook)
    for row in notebook.find_actions_in(UNTOLD, since=since):
        target = actions.of(row.plan_id, row.action_id).get("target", "")
        begun.setdefault(target, []).append((row.plan_id, row.action_id, row.at))
    settled: dict[str, float] = dict.fromkeys(suspects, 0.0)
    # Of those that failed the last one counts.
    failed: dict[str, list[tuple[str, str, int]]] = {}
    for one in notebook.find_outcomes(since=since):
        if one.target in suspects and one.status in _ENDED_WELL:
            settled[one.target] = max(settled[one.target], one.started_at + (one.seconds or 0))
        elif one.target in suspects and one.status == "failed":
            failed[one.target] = [(one.plan_id, one.action_id, one.started_at)]
    seen = _last_use(notebook, suspects.values())
    found = set()
    for key, entity in suspects.items():
        for plan_id, action_id, at in begun.get(key, []) + failed.get(key, []):
            action = actions.of(plan_id, action_id)
            same = action.get("target") == key and (action.get("expect") or {}).get("uuid") == entity.attributes.get("uuid")
            if same and (action.get("allow") or {}).get("unmount") and settled[key] < at >= seen.get(entity.id, 0):
                found.add(entity.id)
    return found


def _last_use(notebook: Store, entities: Iterable[Entity]) -> dict[int, int]:
    """Return when each file system was last seen mounted, by entity id; of what never was there is nothing."""
    series = {one.entity_id: one.id for one in notebook.find_series(metric=_SEEN_IN_USE, entity_ids=[one.id for one in entities])}
    _first, last, _count = notebook.sample_extent(list(series.values()))
    return dict(zip(series, last.tolist(), strict=True))


def _is_suspect(entity: Entity) -> bool:
    filesystem = entity.attributes.get("fs") or {}
    kind = kind_of(filesystem.get("type"))
    # Whether swap is on is not seen in what was recorded.
    return kind is not None and kind.grow_unmounted and filesystem["type"] != SWAP and not filesystem.get("mountpoints")
