# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(foresight_lvm) documents → volume groups and volumes."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import (
    Attributes,
    Issue,
    ObservedEntity,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import (
    Part,
    Samples,
    tell_duplicate,
)

# The names of all attributes, for entities of which only history is known.
VG_ATTRIBUTES = (
    "host", "vg", "uuid", "size_bytes", "free_bytes", "extent_bytes", "extents", "extents_free", "tags", "lock_type", "system_id",
    "foreign", "partial", "exported", "pvs", "physical_volumes", "shared_with", "observed_at", "recorded",
)  # fmt: skip
LV_ATTRIBUTES = (
    "host", "vg", "lv", "vg_uuid", "uuid", "size_bytes", "role", "segment_type", "tags", "stack", "in_progress", "active", "path",
    "origin", "pool", "fs", "sync_fraction", "metadata_size", "data_fraction", "metadata_fraction", "snapshot_fraction", "chunk_size",
    "autoextend", "health", "observed_at", "recorded",
)  # fmt: skip

# The ninth letter of lv_attr of a thin pool (lvs(8)): what must be mended before it can be extended.
_HEALTH = {"F": "failed", "D": "out_of_data", "M": "metadata_read_only", "X": "unknown"}

Recorded = dict[str, t.Any] | None
Measured = tuple[float | int | None, str | None]


def observe_lvm(
    host: str, document: t.Mapping[str, t.Any], *, at: int, recorded: Recorded, samples: Samples, issues: list[Issue]
) -> tuple[list[ObservedEntity], dict[str, set[str]]]:
    """Map one document.

    :param at: the time of the observation, UTC seconds.
    :param recorded: None for a live host, else what the entities carry as C(recorded).
    :returns: the entities, and per kind the identities of everything the document lists (also of what could not be read in full).
    """
    part = Part(document, f"host:{host}", issues)
    entities: list[ObservedEntity] = []
    seen: dict[str, set[str]] = {"vg": set(), "lv": set()}
    pvs: dict[str | None, list[Attributes]] = {}
    for group, pv in _physical_volumes(part):
        pvs.setdefault(group, []).append(pv)
    keys: set[str] = set()
    for data in part.items("vgs"):
        entity = _group(host, data, at=at, recorded=recorded, samples=samples, issues=issues, pvs=pvs, seen=seen["vg"], keys=keys)
        if entity is not None:
            entities.append(entity)
    for data in part.items("lvs"):
        entity = _volume(host, data, at=at, recorded=recorded, samples=samples, issues=issues, seen=seen["lv"], keys=keys)
        if entity is not None:
            entities.append(entity)
    return entities, seen


def free_physical_volumes(host: str, document: t.Mapping[str, t.Any]) -> list[Attributes]:
    """Return the physical volumes that no group uses, nor one whose metadata cannot be seen: `{name, uuid, size_bytes}`.

    What was wrong with them is told by observe_lvm.
    """
    found = []
    for group, pv in _physical_volumes(Part(document, f"host:{host}", [])):
        if not group and pv["in_use"] is False and pv["missing"] is not True and pv["size_bytes"]:
            found.append({name: pv[name] for name in ("name", "uuid", "size_bytes")})
    return found


def _physical_volumes(part: Part) -> t.Iterator[tuple[str | None, Attributes]]:
    """Return each physical volume with its group."""
    for data in part.items("pvs"):
        pv = Part(data, part.entity, part.issues, "pvs.")
        group, name = pv.text("vg"), pv.text("name")
        if name:
            size = pv.integer("size")
            yield (
                group,
                {
                    "name": name,
                    "uuid": pv.text("uuid"),
                    "size_bytes": size,
                    "free_bytes": pv.integer("free", upper=size),
                    "missing": pv.truth("missing"),
                    "allocatable": pv.truth("allocatable"),
                    "in_use": pv.truth("in_use"),
                    "lvs": pv.texts("lvs"),
                },
            )


def _admit(part: Part, key: str, identity: str, seen: set[str], keys: set[str]) -> bool:
    if identity in seen or key in keys:
        tell_duplicate(part, key)
        return False
    seen.add(identity)
    keys.add(key)
    return True


def _group(
    host: str,
    data: t.Any,
    *,
    at: int,
    recorded: Recorded,
    samples: Samples,
    issues: list[Issue],
    pvs: dict[str | None, list[Attributes]],
    seen: set[str],
    keys: set[str],
) -> ObservedEntity | None:
    part = Part(data, f"host:{host}", issues, "vgs.")
    name, uuid = part.name("name"), part.uuid("uuid")
    if name is None or uuid is None:
        return None
    key, identity = f"vg:{host}/{name}", f"vg:{host}/{uuid}"
    part = Part(data, key, issues)
    if not _admit(part, key, identity, seen, keys):
        return None
    size = part.measured("size")
    free = part.measured("free", upper=_good(size))
    extents = part.integer("extents")
    attributes: Attributes = {
        "host": host,
        "vg": name,
        "uuid": uuid,
        "size_bytes": _whole(size),
        "free_bytes": _whole(free),
        "extent_bytes": part.integer("extent_bytes"),
        "extents": extents,
        "extents_free": part.integer("extents_free", upper=extents),
        "tags": part.texts("tags"),
        "lock_type": part.text("lock_type"),
        "system_id": part.text("system_id"),
        "foreign": part.truth("foreign"),
        "partial": part.truth("partial"),
        "exported": part.truth("exported"),
        "pvs": [pv["name"] for pv in pvs.get(name, [])],
        "physical_volumes": pvs.get(name, []),
        "shared_with": [],
        "observed_at": at,
        "recorded": recorded,
    }
    samples.add(identity, "size_bytes", size)
    samples.add(identity, "free_bytes", free)
    return ObservedEntity(identity, key, "vg", host, attributes, at)


def _volume(
    host: str, data: t.Any, *, at: int, recorded: Recorded, samples: Samples, issues: list[Issue], seen: set[str], keys: set[str]
) -> ObservedEntity | None:
    part = Part(data, f"host:{host}", issues, "lvs.")
    group, name, uuid = part.name("vg"), part.name("name"), part.uuid("uuid")
    if group is None or name is None or uuid is None:
        if uuid is not None:
            seen.add(f"lv:{host}/{uuid}")
        return None
    key, identity = f"lv:{host}/{group}/{name}", f"lv:{host}/{uuid}"
    part = Part(data, key, issues)
    if not _admit(part, key, identity, seen, keys):
        return None
    size = part.measured("size")
    metadata_size = part.measured("metadata_size")
    fractions = {name: part.measured(name, upper=1.0) for name in ("data_fraction", "metadata_fraction", "snapshot_fraction")}
    # Bytes are what is forecast: the fraction falls when a pool is extended, though nothing was freed.
    filled = {
        "data_used_bytes": _part_of(size, fractions["data_fraction"]),
        "metadata_used_bytes": _part_of(metadata_size, fractions["metadata_fraction"]),
        "snapshot_used_bytes": _part_of(size, fractions["snapshot_fraction"]),
    }
    attributes: Attributes = {
        "host": host,
        "vg": group,
        "lv": name,
        "vg_uuid": part.text("vg_uuid"),
        "uuid": uuid,
        "size_bytes": _whole(size),
        "role": part.word("role"),
        "segment_type": part.word("segment_type"),
        "tags": part.texts("tags"),
        "stack": part.texts("stack"),
        "in_progress": part.text("in_progress"),
        "active": part.truth("active"),
        "path": part.text("path"),
        "origin": part.text("origin"),
        "pool": part.text("pool"),
        "fs": _filesystem(part, identity, samples),
        "sync_fraction": part.number("sync_fraction", upper=1.0),
        "metadata_size": _whole(metadata_size),
        **{name: _good(measured) for name, measured in fractions.items()},
        "chunk_size": part.integer("chunk_size"),
        "autoextend": _autoextend(part),
        "health": _HEALTH.get((part.text("attr") or "")[8:9]) if part.data.get("role") == "pool" else None,
        "observed_at": at,
        "recorded": recorded,
    }
    samples.add(identity, "size_bytes", size)
    for name, measured in {**fractions, **filled}.items():
        samples.add(identity, name, measured)
    return ObservedEntity(identity, key, "lv", host, attributes, at)


def _part_of(size: Measured, fraction: Measured) -> Measured:
    """Return the bytes that a fraction is; flagged as the worse of both."""
    flag = fraction[1] or (None if fraction[0] is None else size[1])
    return None if size[0] is None or fraction[0] is None else round(size[0] * fraction[0]), flag


def _autoextend(volume: Part) -> Attributes | None:
    if volume.data.get("autoextend") is None:
        return None
    part = volume.inner("autoextend")
    return {
        **{name: part.truth(name) for name in ("monitored", "monitoring")},
        **{name: part.number(name) for name in ("threshold", "step")},
        **{name: part.text(name) for name in ("command", "profile")},
    }


def _filesystem(volume: Part, identity: str, samples: Samples) -> Attributes | None:
    if volume.data.get("filesystem") is None:
        return None
    part = volume.inner("filesystem")
    size = part.measured("size")
    used = part.measured("used", upper=_good(size))
    inodes = part.integer("inodes")
    inodes_used = part.measured("inodes_used", upper=inodes or None)
    reason = part.text("reason")
    if used[1] is not None or size[1] is not None:
        reason = "invalid"
    samples.add(identity, "fs_size_bytes", size)
    samples.add(identity, "used_bytes", used)
    samples.add(identity, "inodes_used", inodes_used)
    avail, in_use = part.integer("avail", upper=_good(size)), _whole(used)
    return {
        "type": part.word("type"),
        "uuid": part.text("uuid"),
        "device": part.text("device"),
        "size": _whole(size),
        "used": in_use,
        "avail": avail,
        # What users can fill: ext keeps blocks for root, and df counts its percentages without them.
        "usable": None if avail is None or in_use is None else in_use + avail,
        "inodes": inodes,
        "inodes_used": _whole(inodes_used),
        "mountpoints": part.texts("mountpoints"),
        "read_only": part.truth("read_only"),
        "reason": reason,
    }


def _good(measured: Measured) -> float | int | None:
    return None if measured[1] else measured[0]


def _whole(measured: Measured) -> int | None:
    value = _good(measured)
    return None if value is None else int(value)
