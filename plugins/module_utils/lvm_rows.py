# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One group of the LVM report: text rows become typed entries of the C(foresight_lvm) document."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.filesystems import Volume
from ansible_collections.foresight.capacity.plugins.module_utils.lvm_query import Row

# The volume of a pvmove among the devices of a segment; what lies in /dev may be called anything.
_MOVED = re.compile(r"(?:^|,)\[?pvmove\d+\]?\(")


class LvRow(t.NamedTuple):
    """A volume: its entry in the document, and what finding its file system takes."""

    entry: dict[str, t.Any]
    volume: Volume
    carries_data: bool


class Group(t.NamedTuple):
    """One volume group with its parts; a group without C(vgs) holds the physical volumes of no group."""

    vgs: list[dict[str, t.Any]]
    pvs: list[dict[str, t.Any]]
    lvs: list[LvRow]


def parse_group(sections: dict[str, list[Row]]) -> Group:
    """One entry of the report; its sections are C(vg), C(pv), C(lv), C(pvseg) and C(seg)."""
    vgs = [_vg(row) for row in sections.get("vg", []) if row.get("vg_name")]
    vg = vgs[0] if vgs else {"name": None, "uuid": None}
    profile = (sections.get("vg") or [{}])[0].get("vg_profile", "")
    segments: dict[str, list[Row]] = {}
    for segment in sections.get("seg", []):
        segments.setdefault(segment["lv_uuid"], []).append(segment)
    rows = sections.get("lv", [])
    lvs = [_lv(row, vg, segments.get(row["lv_uuid"], []), profile) for row in rows]
    _tell_parents(rows, lvs)
    lying = _volumes_by_device(rows, segments)
    return Group(vgs=vgs, pvs=[_pv(row, vg["name"], lying.get(row["pv_name"], [])) for row in sections.get("pv", [])], lvs=lvs)


def _volumes_by_device(rows: list[Row], segments: dict[str, list[Row]]) -> dict[str, list[str]]:
    """The volumes with extents on each device; a hidden part counts as the volume that it is a part of."""
    parents = {row["lv_name"]: row.get("lv_parent", "") for row in rows}
    found: dict[str, set[str]] = {}
    for row in rows:
        name = row["lv_name"]
        while parents.get(parents[name]) is not None:
            name = parents[name]
        for segment in segments.get(row["lv_uuid"], []):
            for device in re.findall(r"([^,()]+)\(\d+\)", segment.get("devices", "")):
                found.setdefault(device, set()).add(name.strip("[]"))
    return {device: sorted(names) for device, names in found.items()}


def _tell_parents(rows: list[Row], lvs: list[LvRow]) -> None:
    """What moves or syncs below a volume, moves or syncs the volume."""
    entries = {row["lv_name"]: lv.entry for row, lv in zip(rows, lvs)}  # noqa: B905 (Python 3.8)
    parents = {row["lv_name"]: row.get("lv_parent", "") for row in rows}
    for row in rows:
        progress = entries[row["lv_name"]]["in_progress"]
        name = parents[row["lv_name"]]
        while progress is not None and name in entries:
            entries[name]["in_progress"] = entries[name]["in_progress"] or progress
            name = parents[name]


def _vg(row: Row) -> dict[str, t.Any]:
    shared = is_set(row, "vg_shared") or is_set(row, "vg_clustered")
    lock_type = row.get("vg_lock_type", "")
    return {
        "name": row["vg_name"],
        "uuid": row["vg_uuid"],
        "size": number(row, "vg_size"),
        "free": number(row, "vg_free"),
        "extent_bytes": number(row, "vg_extent_size"),
        "extents": number(row, "vg_extent_count"),
        "extents_free": number(row, "vg_free_count"),
        "tags": _list(row, "vg_tags"),
        "lock_type": lock_type if lock_type not in ("", "none") else ("clvm" if shared else None),
        "system_id": row.get("vg_systemid") or None,
        "foreign": False,
        "partial": is_set(row, "vg_partial"),
        "exported": is_set(row, "vg_exported"),
        "pv_count": number(row, "pv_count"),
    }


def _pv(row: Row, vg: str | None, volumes: list[str]) -> dict[str, t.Any]:
    return {
        "name": row["pv_name"],
        "uuid": row["pv_uuid"],
        "vg": vg,
        # A physical volume without a group has no extents yet: what counts is its device.
        "size": number(row, "pv_size") or number(row, "dev_size"),
        "free": number(row, "pv_free") if vg else number(row, "dev_size"),
        "missing": is_set(row, "pv_missing"),
        "allocatable": is_set(row, "pv_allocatable"),
        # Also true without a group: where the rest of its group, with the metadata, cannot be seen.
        "in_use": is_set(row, "pv_in_use"),
        "lvs": volumes,
    }


def _lv(row: Row, vg: dict[str, t.Any], segments: list[Row], vg_profile: str) -> LvRow:
    role = _role(row)
    segment_type = "+".join(dict.fromkeys(segment["segtype"] for segment in segments if segment.get("segtype"))) or None
    moving = any(_MOVED.search(segment.get("devices", "")) for segment in segments)
    thin_or_pool = role == "pool" or "thin" in _list(row, "lv_layout")
    active = row.get("lv_active", "") not in ("", "0", "unknown")
    entry = {
        "vg": vg["name"],
        "vg_uuid": vg["uuid"],
        "name": row["lv_name"].strip("[]"),
        "uuid": row["lv_uuid"],
        "path": row.get("lv_path") or None,
        "dm_path": row.get("lv_dm_path") or None,
        "size": number(row, "lv_size"),
        "active": active,
        "segment_type": segment_type,
        "attr": row["lv_attr"],
        "tags": _list(row, "lv_tags"),
        "origin": _visible(row, "origin"),
        "pool": _visible(row, "pool_lv"),
        "snapshot_fraction": _snapshot_fraction(row),
        "sync_fraction": fraction(row, "sync_percent") if (segment_type or "").startswith(("raid", "mirror")) else None,
        "data_fraction": fraction(row, "data_percent") if thin_or_pool and role != "internal" else None,
        "metadata_fraction": fraction(row, "metadata_percent") if role == "pool" else None,
        "metadata_size": number(row, "lv_metadata_size") if role == "pool" else None,
        "chunk_size": next((number(segment, "chunk_size") or None for segment in segments), None) if role in ("pool", "snapshot") else None,
        "autoextend": _autoextend(row, role, segments, vg_profile),
        "role": role,
        "stack": [],
        "in_progress": _in_progress(row, segment_type or "", moving),
        "filesystem": None,
    }
    major, minor = number(row, "lv_kernel_major"), number(row, "lv_kernel_minor")
    volume = Volume(
        number=f"{major}:{minor}" if major is not None and minor is not None else None,
        paths=tuple(path for path in (row.get("lv_dm_path"), row.get("lv_path")) if path),
        is_active=active,
        is_open=is_set(row, "lv_device_open"),
    )
    return LvRow(entry, volume, carries_data=role not in ("internal", "pool"))


def _autoextend(row: Row, role: str, segments: list[Row], vg_profile: str) -> dict[str, t.Any] | None:
    """Of a thin pool or a copy-on-write snapshot, whether dmeventd watches it; what it then does stands in LVM's configuration."""
    is_thin_pool = role == "pool" and any(segment.get("segtype") == "thin-pool" for segment in segments)
    if not is_thin_pool and (role != "snapshot" or "thicksnapshot" not in _list(row, "lv_role")):
        return None
    monitors = [segment.get("seg_monitor", "") for segment in segments]
    return {
        "monitored": "monitored" in monitors if any(monitors) else None,
        "monitoring": None,
        "threshold": None,
        "step": None,
        "command": None,
        "profile": row.get("lv_profile") or vg_profile or None,
    }


def _role(row: Row) -> str:
    """What LVM itself knows of a volume's role: internal, pool, snapshot or plain."""
    roles = _list(row, "lv_role")
    is_pool = "pool" in _list(row, "lv_layout")
    if "snapshot" in roles:  # one that is being merged is hidden as well
        return "snapshot"
    # LVM calls a pool private too; the hidden parts are those in brackets, or with a parent where brackets are switched off.
    if row["lv_name"].startswith("[") or ("private" in roles and (not is_pool or row.get("lv_parent", ""))):
        return "internal"
    return "pool" if is_pool else "plain"


def _in_progress(row: Row, segment_type: str, moving: bool) -> str | None:
    if moving or row.get("move_pv"):
        return "pvmove"
    if is_set(row, "lv_merging") or row["lv_attr"][:1] in ("O", "S"):
        return "merge"
    is_copying = row.get("raid_sync_action", "") not in ("", "idle") or is_set(row, "lv_converting")
    synced = fraction(row, "sync_percent") if segment_type.startswith(("raid", "mirror")) else None
    return "sync" if is_copying or (synced is not None and synced < 1) else None


def _snapshot_fraction(row: Row) -> float | None:
    """How full a copy-on-write snapshot is; an invalid one has overflowed."""
    if "thicksnapshot" not in _list(row, "lv_role"):
        return None
    return 1.0 if is_set(row, "lv_snapshot_invalid") else fraction(row, "snap_percent")


def is_set(row: Row, column: str) -> bool:
    """Whether a yes-or-no column says yes: as a word, or as 1 where lvm.conf asks for numbers."""
    return row.get(column, "") not in ("", "0", "-1", "unknown")


def number(row: Row, column: str) -> int | None:
    """A whole number; None where LVM gives none (empty, or -1 for unknown)."""
    text = row.get(column, "")
    return int(text) if text.isdecimal() else None


def fraction(row: Row, column: str) -> float | None:
    """A percentage as a fraction; None where LVM gives none."""
    text = row.get(column, "")
    try:
        percent = float(text)
    except ValueError:
        return None
    return round(percent / 100, 6) if percent >= 0 else None


def _visible(row: Row, column: str) -> str | None:
    """Name of another volume; None for none, and for the hidden parts that a cached volume stands on."""
    name = row.get(column, "")
    return name if name and not name.startswith("[") else None


def _list(row: Row, column: str) -> list[str]:
    """Items of a list, such as tags (lvm(8) tells their characters); lvm.conf may divide them by something else than a comma."""
    return re.findall(r"[\w+.\-/=!:&#]+", row.get(column, ""))
