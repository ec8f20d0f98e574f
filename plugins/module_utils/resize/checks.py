# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is never resized, and what stands against making a volume larger."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Reserve, human
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume

IGNORE_TAG = "foresight.ignore"

_ROLES = {
    "internal": ("internal_volume", "is an internal volume of LVM; it changes only together with the volume it belongs to"),
    "snapshot": ("snapshot", "is a snapshot; snapshots are never resized here"),
    "pool": ("pool", "is a pool; pools are not resized by this module"),
    "guest_disk": ("guest_disk", "is the disk of a guest; it is resized through its guest"),
}
_IN_PROGRESS = {
    "pvmove": "LVM is moving it to another device (pvmove)",
    "sync": "its copies are being synchronised",
    "merge": "a snapshot is being merged into it",
}
_GROWABLE = re.compile(r"linear|striped|thin|mirror|cache|raid(0|0_meta|1|4|5|6|10)(_.+)?")
_EXTENTS = re.compile(r"changed from .* \((\d+) extents\) to .* \((\d+) extents\)")
_POOL_METADATA_LIMIT = 0.9


def check_manageable(volume: Volume) -> None:
    """Refuse what is not ours to change: shared, damaged or excluded groups and volumes (rules 2 and 12)."""
    vg, lv = volume.vg, volume.lv
    if vg["lock_type"]:
        raise Refused("shared_vg", f"{vg['name']} is a shared volume group (lock type {vg['lock_type']}); shared groups are never changed.")
    if vg["foreign"]:
        raise Refused(
            "shared_vg", f"{vg['name']} belongs to another system (system id {vg['system_id']}); foreign groups are never changed."
        )
    if vg["exported"]:
        raise Refused("exported_vg", f"{vg['name']} is exported; import it first (vgimport {vg['name']}).")
    if vg["partial"]:
        raise Refused("partial_vg", f"A physical volume of {vg['name']} is missing; bring it back, or remove it from the group, first.")
    for owner, tags in ((vg["name"], vg["tags"]), (volume.name, lv["tags"])):
        if IGNORE_TAG in tags:
            raise Refused("ignored", f"{owner} is tagged {IGNORE_TAG}; take the tag off to have {volume.name} resized.")
    if lv["role"] != "plain":
        reason, text = _ROLES[lv["role"]]
        raise Refused(reason, f"{volume.name} {text}.")
    if lv["stack"]:
        layers = ", ".join(lv["stack"])
        raise Refused("stacked", f"{volume.name} carries another layer ({layers}) below its file system, which this module cannot resize.")


def check_writable(volume: Volume) -> None:
    """Refuse a volume that LVM holds read-only: its file system could not grow."""
    if not volume.is_writable:
        raise Refused("read_only", f"LVM holds {volume.name} read-only; make it writable first (lvchange --permission rw {volume.name}).")


def check_extension(volume: Volume, extents: int, reserve: Reserve) -> None:
    """Refuse what stands against extending the volume to this many extents, the reserve of its group included."""
    lv = volume.lv
    if not lv["active"]:
        raise Refused("inactive", f"{volume.name} is not active; activate it first (lvchange -ay {volume.name}).")
    if not _GROWABLE.fullmatch(volume.layout.segment_type):
        raise Refused("segment_type", f"{volume.name} is of type {volume.layout.segment_type}, which this module does not extend.")
    if lv["in_progress"]:
        raise Refused(
            "in_progress", f"{volume.name} cannot be extended now: {_IN_PROGRESS[lv['in_progress']]}. Try again when that has ended."
        )
    if volume.snapshots:
        raise Refused(
            "snapshot_origin",
            f"{volume.name} is the origin of {', '.join(volume.snapshots)}: LVM extends an origin only while it is inactive. Remove its snapshots first.",
        )
    growth = extents - volume.size // volume.extent
    if volume.pool is not None:
        _check_pool(volume, volume.pool, growth * volume.extent)
    else:
        _check_space(volume, volume.layout.physical(growth), reserve.in_extents(int(volume.vg["extents"]), volume.extent))


def _check_space(volume: Volume, needed: int, reserve: int) -> None:
    free = int(volume.vg["extents_free"])
    if needed <= free - reserve:
        return
    vg = volume.vg["name"]
    seen = f"{volume.name} needs {_extents(volume, needed)} more, {vg} has {_extents(volume, free)} free"
    if needed > free:
        raise Refused("no_space", f"{seen}. Add a physical volume (vgextend {vg}) or ask for a smaller size (O(size)).")
    raise Refused("reserve", f"{seen}, of which {_extents(volume, reserve)} are its reserve (O(reserve)).")


def _check_pool(volume: Volume, pool: dict[str, t.Any], growth: int) -> None:
    if pool["data_fraction"] is None or pool["metadata_fraction"] is None:
        raise Refused(
            "pool_unknown", f"LVM does not tell how full the pool {pool['name']} of {volume.name} is; see lvs {volume.vg['name']}."
        )
    if pool["metadata_fraction"] > _POOL_METADATA_LIMIT:
        raise Refused("pool_full", f"The metadata of the pool {pool['name']} is {pool['metadata_fraction']:.0%} full; extend it first.")
    free = int(pool["size"] * (1 - pool["data_fraction"]))
    if growth > free:
        raise Refused(
            "pool_full",
            f"{volume.name} would grow by {human(growth)}, its pool {pool['name']} has {human(free)} free. Extend the pool first, or ask for less (O(size)).",
        )


def _extents(volume: Volume, count: int) -> str:
    return f"{count} extents ({human(count * volume.extent)})"


def rehearse_extension(host: Host, volume: Volume, extents: int) -> None:
    """Let LVM try the extension without doing it: it alone knows whether the free extents lie where they are needed."""
    command = ["lvm", *extension(volume, extents), "--test"]
    tried = host.reading.run(command, check=False)
    said = _EXTENTS.search(tried.out + tried.err)
    if tried.rc != 0:
        raise Refused(
            "no_space" if "nsufficient" in tried.err else "not_extendable", f"LVM will not extend {volume.name}: {_last(tried.err)}"
        )
    if said is not None and int(said.group(2)) != extents:
        size = human(int(said.group(2)) * volume.extent)
        raise Refused(
            "size_not_possible", f"LVM would make {volume.name} {said.group(2)} extents, not {extents}; ask for {size} (O(size))."
        )


def extension(volume: Volume, extents: int) -> list[str]:
    """Arguments of lvm that extend the volume to so many extents, and leave its file system alone."""
    return ["lvextend", "--extents", str(extents), volume.name]


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("WARNING", "TEST MODE"))]
    return lines[-1] if lines else "it gave no reason"
