# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing the number of extents of a volume: what stands against it, LVM's own rehearsal, and the command."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Step
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Reserve, human
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume

_IN_PROGRESS = {
    "pvmove": "LVM is moving it to another device (pvmove)",
    "sync": "its copies are being synchronised",
    "merge": "a snapshot is being merged into it",
}
_RESIZABLE = re.compile(r"linear|striped|thin|mirror|cache|raid(0|0_meta|1|4|5|6|10)(_.+)?")
_EXTENTS = re.compile(r"changed from .* \((\d+) extents\) to .* \((\d+) extents\)")
_POOL_METADATA_LIMIT = 0.9
# From this version on LVM looks at the file system itself before it reduces a volume, and knows fewer kinds than we do.
_LOOKS_AT_FILESYSTEM = (2, 3, 17)


def check_change(volume: Volume, extents: int, besides: int, reserve: Reserve, freed: int) -> None:
    """Refuse what stands against giving the volume this many extents, and taking so many more ``besides``, the reserve of its group included.

    ``freed``: bytes of the group that count as free although they are not yet (check mode).
    """
    growth = extents - volume.size // volume.extent
    verb = "reduced" if growth < 0 else "extended"
    lv = volume.lv
    if not lv["active"]:
        raise Refused("inactive", f"{volume.name} is not active; activate it first (lvchange -ay {volume.name}).")
    if not _RESIZABLE.fullmatch(volume.layout.segment_type):
        raise Refused("segment_type", f"{volume.name} is of type {volume.layout.segment_type}, which this module leaves as it is.")
    if lv["in_progress"]:
        raise Refused(
            "in_progress", f"{volume.name} cannot be {verb} now: {_IN_PROGRESS[lv['in_progress']]}. Try again when that has ended."
        )
    if growth < 0 and volume.dependants:
        raise Refused(
            "snapshot_origin",
            f"{volume.name} is the origin of {', '.join(volume.dependants)}: an origin is never made smaller. Remove them first.",
        )
    if volume.snapshots:
        raise Refused(
            "snapshot_origin",
            f"{volume.name} is the origin of {', '.join(volume.snapshots)}: LVM extends an origin only while it is inactive. Remove its snapshots first.",
        )
    if volume.pool is not None:
        if growth > 0:
            _check_pool(volume, volume.pool, growth * volume.extent)
    elif growth > 0 or besides > 0:
        _check_space(volume, volume.layout.physical(max(0, growth)) + besides, reserve, freed)


def _check_space(volume: Volume, needed: int, reserve: Reserve, freed: int) -> None:
    free, kept = int(volume.vg["extents_free"]) + freed // volume.extent, reserve.in_extents(int(volume.vg["extents"]), volume.extent)
    if needed <= free - kept:
        return
    vg = volume.vg["name"]
    seen = f"{volume.name} needs {_extents(volume, needed)} more, {vg} has {_extents(volume, free)} free"
    if needed > free:
        raise Refused("no_space", f"{seen}. Add a physical volume (vgextend {vg}) or ask for a smaller size (O(size)).")
    raise Refused("reserve", f"{seen}, of which {_extents(volume, kept)} are its reserve (O(reserve)).")


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


def rehearse(host: Host, volume: Volume, extents: int, metadata_size: int | None, freed: int) -> None:
    """Let LVM try the change without doing it: it alone knows whether the extents lie where they are needed.

    It cannot where they are only ``freed`` bytes of the group that are not free yet (check mode).
    """
    host.require("lvm")
    growth = extents - volume.size // volume.extent
    if freed and volume.layout.physical(max(0, growth)) > int(volume.vg["extents_free"]):
        return
    step = change_step(volume, extents, metadata_size)
    tried = host.reading.run([*step.command, "--test"], check=False)
    # Of a pool the metadata is told before the data.
    said = next(iter(list(_EXTENTS.finditer(tried.out + tried.err))[::-1]), None)
    if tried.rc != 0:
        reason = "no_space" if "nsufficient" in tried.err else "not_resizable"
        raise Refused(reason, f"LVM will not make {volume.name} {_extents(volume, extents)}: {_last(tried.err)}")
    if said is not None and int(said.group(2)) != extents:
        size = human(int(said.group(2)) * volume.extent)
        raise Refused(
            "size_not_possible", f"LVM would make {volume.name} {said.group(2)} extents, not {extents}; ask for {size} (O(size))."
        )


def change_step(volume: Volume, extents: int, metadata_size: int | None) -> Step:
    """The step that gives the volume so many extents, and leaves its file system alone.

    ``metadata_size``: bytes of the metadata of a thin pool. LVM enlarges it unasked when it is not told (lvm2 2.03.16).
    """
    if extents * volume.extent > volume.size:
        metadata = [] if metadata_size is None else ["--poolmetadatasize", f"{metadata_size}b"]
        return Step("extend_volume", "extend_failed", ["lvm", "lvextend", *metadata, "--extents", str(extents), volume.name])
    alone = ["--fs", "ignore"] if volume.lvm_version >= _LOOKS_AT_FILESYSTEM else []
    return Step("reduce_volume", "reduce_failed", ["lvm", "lvreduce", "--yes", *alone, "--extents", str(extents), volume.name])


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("WARNING", "TEST MODE"))]
    return lines[-1] if lines else "it gave no reason"
