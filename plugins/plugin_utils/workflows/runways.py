# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dates beyond the planning window: of every VG, its pools and its snapshots; computed together, and remembered for the report."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.far_ahead import Extent, Far, extents, horizon_borne, look_far
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.group_runway import Taker, group_runway
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.limits import capacity
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.pools import (
    DATA,
    METADATA,
    SNAPSHOT,
    Lying,
    is_pool,
    is_thick_snapshot,
)

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store

Document = dict[str, t.Any]
USED = "used_bytes"
# Kept with the series free_bytes of the VG, under a digest of their own.
REMEMBERED_WITH, REMEMBERED_AS = "free_bytes", "foresight.runways/1"


class Runways(t.NamedTuple):
    """far: by entity id and metric; groups: the runway document of each VG by host and name."""

    far: dict[tuple[int, str], Far]
    groups: dict[tuple[str, str], Document]


def runways(
    store: Store,
    found: Sequence[Entity],
    lying: Lying,
    groups: Mapping[tuple[str, str], Document],
    *,
    now: int,
    window: int,
    most: int,
    engine: Engine | None,
) -> Runways:
    """Return how far everything that fills up reaches.

    Each VG is looked at as far ahead as the longest history in it bears.

    :param window: the planning window; most: the longest look ahead that is wanted; both in seconds.
    """
    entities = {entity.id: entity for entity in found}
    series = {
        one.id: (one.entity_id, metric)
        for metric in (USED, DATA, METADATA, SNAPSHOT)
        for one in store.find_series(metric=metric, entity_ids=list(entities))
        if metric == _metric_of(entities[one.entity_id], metric)
    }
    known = extents(store, list(series), now)
    spans: dict[tuple[str, str], list[int]] = {}
    for number, (entity_id, _metric) in series.items():
        spans.setdefault(_place(entities[entity_id]), []).append(known[number].span)
    horizons = {place: horizon_borne(seconds, window=window, most=most) for place, seconds in spans.items()}
    wanted: dict[int, tuple[Extent, int, float | None]] = {
        number: (known[number], horizons[_place(entities[entity_id])], capacity(metric, entities[entity_id].attributes))
        for number, (entity_id, metric) in series.items()
    }
    far = {series[number]: ahead for number, ahead in look_far(store, wanted, now, engine).items()}
    takers: dict[tuple[str, str], list[Taker]] = {}
    for entity in found:
        takers.setdefault(_place(entity), []).extend(_takers(entity, lying, far))
    return Runways(
        far,
        {
            place: group_runway(
                takers.get(place, []),
                extent_bytes=int(group["extent_bytes"]),
                spendable=max(0, int(group["extents_free"]) - int(group["reserve_extents"])),
                horizon=horizons.get(place, window),
            )
            for place, group in groups.items()
        },
    )


def remember(store: Store, groups: Sequence[Document], pools: Sequence[Document], snapshots: Sequence[Document], now: int) -> None:
    """Store the runways of every VG and what lies in it, so that a report shows what was known when planning."""
    ids = {entity.key: entity.id for entity in store.find_entities(kinds=["vg"], keys=[group["entity"] for group in groups])}
    series = {one.entity_id: one.id for one in store.find_series(metric=REMEMBERED_WITH, entity_ids=list(ids.values()))}
    inside: dict[tuple[t.Any, t.Any], dict[str, list[Document]]] = {}
    for kind, found in (("pools", pools), ("snapshots", snapshots)):
        for one in found:
            inside.setdefault((one["host"], one["vg"]), {"pools": [], "snapshots": []})[kind].append(one)
    rows = []
    for group in groups:
        number = series.get(ids.get(group["entity"], -1))
        if number is not None:
            within = inside.get((group["host"], group["vg"]), {"pools": [], "snapshots": []})
            rows.append(
                {
                    "series_id": number,
                    "digest": REMEMBERED_AS,
                    "issued_at": now,
                    "horizon_seconds": group["runway"]["horizon_seconds"] or 0,
                    "step_seconds": 0,
                    "method": "runways",
                    "status": "ok",
                    "document": {"issued_at": now, "group": group, **within},
                }
            )
    store.save_forecasts(rows)


def remembered(store: Store, hosts: Sequence[str]) -> list[Document]:
    """Return what was remembered last of each VG of these hosts: `{issued_at, group, pools, snapshots}`, by its key."""
    ids = {entity.id: entity.key for entity in store.find_entities(kinds=["vg"], hosts=list(hosts))}
    series = {one.id: ids[one.entity_id] for one in store.find_series(metric=REMEMBERED_WITH, entity_ids=list(ids))}
    documents = store.find_forecasts(list(series), digest=REMEMBERED_AS)
    return [documents[number] for number in sorted(documents, key=lambda number: series[number])]


def _place(entity: Entity) -> tuple[str, str]:
    return str(entity.host), str(entity.attributes["vg"])


def _metric_of(entity: Entity, metric: str) -> str | None:
    """Return the metric if it says how this entity fills up."""
    if is_pool(entity):
        return metric if metric in (DATA, METADATA) else None
    if is_thick_snapshot(entity):
        return metric if metric == SNAPSHOT else None
    return metric if metric == (DATA if entity.attributes.get("segment_type") == "thin" else USED) else None


def _takers(entity: Entity, lying: Lying, far: Mapping[tuple[int, str], Far]) -> list[Taker]:
    """Return what of this entity takes extents of the VG: a pool for its data and metadata, no thin volume, snapshot or hidden part."""
    attributes = entity.attributes
    size = int(attributes["size_bytes"])
    if is_pool(entity):
        virtual = sum(int(one.attributes["size_bytes"]) for one in lying.thin_volumes(entity))
        parts = [Taker(entity.key, size, 1.0, lying.part_copies(entity, "_tdata") or 1, max(size, virtual), far.get((entity.id, DATA)))]
        if attributes.get("metadata_size"):
            # The spare metadata of the VG grow along.
            taken = (lying.part_copies(entity, "_tmeta") or 1) + 1
            parts.append(Taker(entity.key, int(attributes["metadata_size"]), 1.0, taken, None, far.get((entity.id, METADATA))))
        return parts
    if attributes.get("role") not in ("plain", "guest_disk") or attributes.get("segment_type") == "thin":
        return []
    usable = (attributes.get("fs") or {}).get("usable")
    ratio = usable / size if usable and usable <= size else 1.0
    return [Taker(entity.key, size, ratio, lying.copies(entity), None, far.get((entity.id, USED)))]
