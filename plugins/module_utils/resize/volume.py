# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The volume as it is right now: its entry in the facts, its group, and how LVM lays it out."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.lvm_report import find_lv, find_vg
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused, unreadable

# Places of letters in lv_attr (lvs(8)).
_PERMISSIONS = 1
_IS_OPEN = 5


class Layout(t.NamedTuple):
    """How the last segment spreads: LVM continues in the same way."""

    segment_type: str
    stripes: int
    copies: int

    @property
    def data_stripes(self) -> int:
        """Devices over which data is spread: LVM rounds sizes up to a multiple of it."""
        if self.segment_type in ("striped", "raid0", "raid0_meta"):
            return max(1, self.stripes)
        if self.segment_type.startswith("raid10"):
            return max(1, self.stripes // max(1, self.copies))
        return max(1, self.stripes - self._parities) if self._parities else 1

    @property
    def _parities(self) -> int:
        if self.segment_type.startswith("raid6"):
            return 2
        return 1 if self.segment_type.startswith(("raid4", "raid5")) else 0

    def physical(self, extents: int) -> int:
        """Extents of the group that this many extents of the volume take."""
        if self.segment_type == "thin":
            return 0
        if self.segment_type in ("raid1", "mirror"):
            return extents * self.stripes
        if self._parities or self.segment_type.startswith("raid10"):
            return -(-extents * self.stripes // self.data_stripes)
        return extents


class Volume(t.NamedTuple):
    """A volume and what bears on it. ``lv``, ``vg`` and ``pool`` (of a thin volume) are entries of C(foresight_lvm).

    ``snapshots``: those that copy on write; ``dependants``: all volumes that name it as their origin, thin ones too.
    ``metadata``: layout of the hidden metadata of a thin pool; ``spare_extents``: what the group's spare copy of such metadata has.
    """

    lv: dict[str, t.Any]
    vg: dict[str, t.Any]
    pool: dict[str, t.Any] | None
    layout: Layout
    is_open: bool
    is_writable: bool
    snapshots: list[str]
    dependants: list[str]
    lvm_version: tuple[int, ...]
    metadata: Layout | None = None
    spare_extents: int = 0

    @property
    def name(self) -> str:
        return f"{self.vg['name']}/{self.lv['name']}"

    @property
    def size(self) -> int:
        return int(self.lv["size"])

    @property
    def extent(self) -> int:
        return int(self.vg["extent_bytes"])

    @property
    def mountpoints(self) -> list[str]:
        filesystem = self.lv["filesystem"]
        return list(filesystem["mountpoints"]) if filesystem else []


def read_volume(host: Host, vg: str, lv: str) -> Volume:
    """Read the volume. Raises Refused when LVM cannot be read (C(needs_root), C(not_installed) …) or there is no such volume."""
    document = host.read_lvm()
    if not document["available"]:
        raise Refused(str(document["reason"]), f"Cannot read LVM: {document['message']}.")
    group = find_vg(document, vg)
    if group is None:
        raise Refused("not_found", f"{_how_many(document, vg)} volume group {vg} on this host (O(vg)).")
    volume = find_lv(document, vg, lv)
    if volume is None:
        raise Refused("not_found", f"There is no volume {lv} in the volume group {vg} (O(lv)).")
    # A group that is not this host's is refused by the caller; LVM would not tell its layout.
    is_foreign = bool(group["foreign"] or group["lock_type"] or group["exported"])
    rows = [] if is_foreign else host.segments(vg)
    try:
        layout = Layout(str(volume["segment_type"]), 1, 1) if is_foreign else _layout(rows, volume)
    except ValueError as failed:
        raise unreadable(f"the segments of {vg}/{lv}", failed) from failed
    return Volume(
        lv=volume,
        vg=group,
        pool=find_lv(document, vg, volume["pool"]) if volume["segment_type"] == "thin" else None,
        layout=layout,
        is_open=volume["attr"][_IS_OPEN] == "o",
        is_writable=volume["attr"][_PERMISSIONS] == "w",
        snapshots=sorted({row["lv_name"] for row in rows if row["origin"] == lv and row["lv_attr"][:1] in ("s", "S")}),
        dependants=sorted({row["lv_name"] for row in rows if row["origin"] == lv}),
        lvm_version=_version(document.get("lvm_version")),
        metadata=_hidden(rows, f"{lv}_tmeta") if volume["segment_type"] == "thin-pool" else None,
        spare_extents=sum(
            int(row["lv_size"]) for row in rows if row["lv_attr"][:1] == "e" and row["lv_name"].strip("[]").endswith("_pmspare")
        )
        // int(group["extent_bytes"]),
    )


def _version(text: str | None) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", text or "")
    return tuple(int(part) for part in found.groups()) if found else ()


def _how_many(document: dict[str, t.Any], vg: str) -> str:
    return "There is more than one" if any(entry["name"] == vg for entry in document["vgs"]) else "There is no"


def _layout(rows: list[dict[str, str]], volume: dict[str, t.Any]) -> Layout:
    own = [row for row in rows if row["lv_uuid"] == volume["uuid"]]
    if not own:
        raise ValueError("LVM lists no segment of it")
    last = _layout_of(own)
    below = None
    if last.segment_type in ("cache", "writecache"):
        # A cache lies over the volume that really grows, a pool over its hidden data.
        below = _hidden(rows, own[-1]["origin"].strip("[]"))
    elif last.segment_type == "thin-pool":
        below = _hidden(rows, f"{volume['name']}_tdata")
    return below or last


def _hidden(rows: list[dict[str, str]], name: str) -> Layout | None:
    """Layout of a volume that LVM shows in brackets."""
    own = [row for row in rows if row["lv_name"].strip("[]") == name]
    return _layout_of(own) if own else None


def _layout_of(own: list[dict[str, str]]) -> Layout:
    last = max(own, key=lambda row: int(row["seg_start_pe"]))
    return Layout(last["segtype"], int(last["stripes"] or 1), int(last["data_copies"] or 1))
