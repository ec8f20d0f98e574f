# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thin pools and copy-on-write snapshots as documents: what fills them up, until when they last, and who extends them."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.standing import copies, volume_reason
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.far_ahead import NAMES, Far

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity

Document = dict[str, t.Any]

DATA, METADATA, SNAPSHOT = "data_used_bytes", "metadata_used_bytes", "snapshot_used_bytes"
_NOT_OF_POOLS = ("fs", "mounted", "copies", "allow_shrink", "allow_unmount")
_DAMAGED = ("failed", "metadata_read_only")
# A copy-on-write snapshot keeps 16 bytes for each chunk that it holds (kernel, drivers/md/dm-snap-persistent.c).
_EXCEPTION_BYTES = 16
_USUAL_CHUNK = 4096


def is_pool(entity: Entity) -> bool:
    """Return whether this is a thin pool."""
    return entity.attributes.get("role") == "pool" and entity.attributes.get("segment_type") == "thin-pool"


def is_thick_snapshot(entity: Entity) -> bool:
    """Return whether this is a snapshot that overflows when its own space is full: a thin one draws on its pool."""
    return entity.attributes.get("role") == "snapshot" and entity.attributes.get("segment_type") != "thin"


class Lying:
    """What lies where on the hosts: thin volumes by their pool, hidden parts by their name, spare metadata by their VG."""

    def __init__(self, found: Sequence[Entity]) -> None:
        self._thin: dict[tuple[t.Any, ...], list[Entity]] = {}
        self._named: dict[tuple[t.Any, ...], Entity] = {}
        self._spare: dict[tuple[t.Any, ...], int] = {}
        for entity in found:
            attributes = entity.attributes
            place = (entity.host, attributes["vg"])
            self._named[(*place, attributes["lv"])] = entity
            if attributes.get("pool") and attributes.get("segment_type") == "thin":
                self._thin.setdefault((*place, attributes["pool"]), []).append(entity)
            if attributes.get("role") == "internal" and str(attributes["lv"]).endswith("_pmspare"):
                self._spare[place] = int(attributes["size_bytes"])

    def thin_volumes(self, pool: Entity) -> list[Entity]:
        return self._thin.get((pool.host, pool.attributes["vg"], pool.attributes["lv"]), [])

    def part_copies(self, pool: Entity, suffix: str) -> int | None:
        """Return how many extents of the VG one extent of a hidden part takes (1 where the part was not recorded), None = not extended."""
        part = self._named.get((pool.host, pool.attributes["vg"], f"{pool.attributes['lv']}{suffix}"))
        return 1 if part is None else copies(part.attributes)

    @staticmethod
    def copies(entity: Entity) -> int:
        return copies(entity.attributes) or 1

    def spare_bytes(self, pool: Entity) -> int:
        return self._spare.get((pool.host, pool.attributes["vg"]), 0)

    def origin(self, snapshot: Entity) -> Entity | None:
        return self._named.get((snapshot.host, snapshot.attributes["vg"], snapshot.attributes.get("origin")))


def pool_document(
    pool: Entity, lying: Lying, far: Mapping[tuple[int, str], Far], *, common: Document, demands: Mapping[str, Document]
) -> Document:
    """Return one pool.

    :param far: by entity id and metric, of this pool and its thin volumes.
    :param common: what every volume's document has: entity, what the policy says of it …
    :param demands: by metric what stands behind the demand: demand_bytes, demand_status …
    """
    attributes = pool.attributes
    inside = lying.thin_volumes(pool)
    size, virtual = int(attributes["size_bytes"]), sum(int(one.attributes["size_bytes"]) for one in inside)
    parts = {}
    for name, metric, part_size, suffix in (
        ("data", DATA, size, "_tdata"),
        ("metadata", METADATA, attributes.get("metadata_size"), "_tmeta"),
    ):
        share = attributes.get(f"{name}_fraction")
        parts[name] = {
            "size_bytes": part_size,
            "used_bytes": None if share is None or not part_size else round(share * part_size),
            "copies": lying.part_copies(pool, suffix),
            **demands[metric],
            "runway": far_runway(far.get((pool.id, metric))),
        }
    can_fill = virtual > size
    if not can_fill:
        parts["data"]["runway"] = _never(parts["data"]["runway"])
    charge = common["managed"], common["refused_reason"], attributes.get("autoextend")
    return {
        **{name: value for name, value in common.items() if name not in _NOT_OF_POOLS},
        "chunk_bytes": attributes.get("chunk_size"),
        **parts,
        "overprovisioning": {"virtual_bytes": virtual, "ratio": virtual / size, "volumes": len(inside), "can_fill": can_fill},
        "runway": _earlier(parts["data"]["runway"], parts["metadata"]["runway"]),
        "fastest": _fastest(inside, far),
        "spare_bytes": lying.spare_bytes(pool),
        "autoextend": attributes.get("autoextend"),
        "in_charge": in_charge(*charge),
        "health": attributes.get("health"),
    }


def pool_reason(pool: Entity, lying: Lying, *, excluded: bool) -> str | None:
    """Return why a pool is never extended by us, whatever its need, or None."""
    attributes = pool.attributes
    reason = volume_reason({**attributes, "role": "plain", "segment_type": "linear"}, excluded=excluded, has_snapshots=False)
    if reason is not None:
        return reason
    if None in (lying.part_copies(pool, "_tdata"), lying.part_copies(pool, "_tmeta")):
        return "segment_type"
    if attributes.get("health") in _DAMAGED:
        return "pool_damaged"
    return "dmeventd_in_charge" if dmeventd_extends(attributes.get("autoextend")) else None


def dmeventd_extends(autoextend: Document | None) -> bool:
    """Return whether dmeventd extends this, or may: it watches, and its threshold is below 100 %, not known, or its program is another."""
    told = autoextend or {}
    threshold = told.get("threshold")
    return told.get("monitored") is True and (threshold is None or threshold < 1 or bool(told.get("command")))


def in_charge(managed: bool, refused_reason: str | None, autoextend: Document | None) -> str:
    """Return who extends it: foresight, dmeventd or nobody."""
    if dmeventd_extends(autoextend):
        return "dmeventd"
    return "foresight" if managed and refused_reason is None else "nobody"


def snapshot_document(snapshot: Entity, lying: Lying, far: Mapping[tuple[int, str], Far]) -> Document:
    """Return one copy-on-write snapshot; one as large as its origin cannot overflow."""
    attributes = snapshot.attributes
    size, origin = int(attributes["size_bytes"]), lying.origin(snapshot)
    chunk = attributes.get("chunk_size") or _USUAL_CHUNK
    most = None if origin is None else int(origin.attributes["size_bytes"]) * (1 + _EXCEPTION_BYTES / chunk) + 2 * chunk
    can_fill = most is None or size < most
    runway = far_runway(far.get((snapshot.id, SNAPSHOT)))
    share = attributes.get("snapshot_fraction")
    return {
        "entity": snapshot.key,
        "host": snapshot.host,
        "vg": attributes["vg"],
        "lv": attributes["lv"],
        "uuid": attributes["uuid"],
        "origin": attributes.get("origin"),
        "size_bytes": size,
        "used_bytes": None if share is None else round(share * size),
        "overflowed": share is not None and share >= 1,
        "can_fill": can_fill,
        "runway": runway if can_fill else _never(runway),
        "autoextend": attributes.get("autoextend"),
        "in_charge": "dmeventd" if dmeventd_extends(attributes.get("autoextend")) else "nobody",
        "observed_at": attributes.get("observed_at") or snapshot.last_seen,
        "recorded": bool(attributes.get("recorded")),
    }


def far_runway(far: Far | None) -> Document:
    """Return a runway; without a history that bears one it has no horizon."""
    if far is None:
        return {"seconds": dict.fromkeys(NAMES), "horizon_seconds": None}
    return {"seconds": dict(far.runway), "horizon_seconds": far.horizon}


def _never(runway: Document) -> Document:
    return {**runway, "seconds": dict.fromkeys(NAMES)}


def _earlier(data: Document, metadata: Document) -> Document:
    """Return the earlier of both at each quantile, as if both were late or early together, and which it is on the early date."""
    seconds, by = {}, None
    for name in NAMES:
        reached = [
            (runway["seconds"][name], part)
            for runway, part in ((data, "data"), (metadata, "metadata"))
            if runway["seconds"][name] is not None
        ]
        seconds[name] = min(reached)[0] if reached else None
        by = by or (min(reached)[1] if reached else None)
    horizons = [runway["horizon_seconds"] for runway in (data, metadata) if runway["horizon_seconds"] is not None]
    return {"seconds": seconds, "horizon_seconds": min(horizons, default=None), "by": by}


def _fastest(inside: Sequence[Entity], far: Mapping[tuple[int, str], Far]) -> Document | None:
    """Return the thin volume that takes most of the pool per day, by the median of its forecast."""
    rates = []
    for entity in inside:
        ahead = far.get((entity.id, DATA))
        if ahead is not None:
            rates.append((float(ahead.highest["0.5"][-1] - ahead.last) / ahead.horizon * 86400, entity.key))
    rate, key = max(rates, default=(0.0, ""))
    return {"entity": key, "bytes_per_day": rate} if rate > 0 else None
