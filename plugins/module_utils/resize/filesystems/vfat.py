# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vfat: FAT32 alone, resized by fatresize 1.1 while it is not mounted.

fatresize asks libparted, and both have traps that no exit status tells (measured in the lab, see docs/lv_resize.md): sizes are rounded to
three digits, FAT32 becomes FAT16 without a question where its clusters get too few, and the name of the volume may name another one.
"""

from __future__ import annotations

import re
import struct
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.commands import CommandFailed
from ansible_collections.foresight.capacity.plugins.module_utils.resize import mounting
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems import vfat_check
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.base import check_room
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused, unreadable
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Procedure, Step
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume

_SECTOR = 512
_LEAST_CLUSTER = 4096  # libparted: fat_min_cluster_size(); below it, there is no resizing to FAT32
_LEAST_CLUSTERS = 65525  # fewer are FAT16 by definition
_MOST_CLUSTERS = 0x0FFFFFF0
_RESERVED_SECTORS = 32
_ENTRIES_PER_SECTOR = 128
_MINIMUM = re.compile(r"^Min size: (\d+)$", re.MULTILINE)


class BootSector(t.NamedTuple):
    """The fields of the first sector that decide how it can be resized."""

    sectors: int
    sector_size: int
    cluster_sectors: int
    tables: int
    is_fat32: bool
    is_mirrored: bool
    has_label: bool

    @property
    def cluster_size(self) -> int:
        return self.cluster_sectors * self.sector_size

    def clusters(self, sectors: int) -> int:
        """Clusters that libparted lays out in so many sectors (calc_sizes); it keeps one cluster free for aligning them."""
        space = sectors - _RESERVED_SECTORS - self.cluster_sectors
        table = 0
        for _round in range(2):
            table = -(-((space - table) // self.cluster_sectors + 2) // _ENTRIES_PER_SECTOR)
        return (space - 2 * table) // self.cluster_sectors


class Size(t.NamedTuple):
    """A size that fatresize can be asked for: the bytes to say, and the sectors that come of it."""

    argument: int
    sectors: int


# fatresize 1.1 writes the wish down as text with few digits and reads that back. From, below, step, and the width of what it takes for the
# same place: within half of that from the end of the volume, the end of the volume is taken, or the command fails.
_ROUNDING = (
    (10**7, 10**10, 10**6, 10**6),
    (10**10, 999 * 10**8 + 1, 10**8, 10**9),
    (10**11, 2199 * 10**9 + 1, 10**9, 10**9),
)


def reachable(volume_size: int) -> Size:
    """The largest size that fatresize makes on a volume of this size, and on any larger one."""
    last = (volume_size // _SECTOR - 1) * _SECTOR
    best = Size(0, 0)
    for start, stop, step, width in _ROUNDING:
        argument = min(last - width // 2, stop - 1) // step * step
        if argument >= start:
            best = Size(argument, _sectors(argument))
    return best


def _sectors(argument: int) -> int:
    """As libparted reads the rounded text (ped_unit_parse), in floating point; both ends of the file system are counted."""
    if 10**10 <= argument < 10**11:
        return int(float(f"{argument / 10**9:.1f}") * 10**9 / _SECTOR) + 1
    return argument // _SECTOR + 1


class Vfat:
    """A FAT file system."""

    def __init__(self, host: Host, volume: Volume, options: Options) -> None:
        self._host = host
        self._volume = volume
        self._options = options
        self._device = str(volume.lv["filesystem"]["device"])
        self.boot = parse_boot_sector(host.read_bytes(self._device, 0, _SECTOR), self._device)
        self.size: int | None = self._bytes
        self.places = mounting.places(host, volume, options)

    @property
    def _bytes(self) -> int:
        return self.boot.sectors * self.boot.sector_size

    def goal(self, volume_size: int) -> int:
        # mkfs.vfat fills a volume further than fatresize reaches: such a file system stays as it is.
        goal = reachable(volume_size).sectors * _SECTOR
        return self._bytes if goal < self._bytes <= volume_size else goal

    def growth(self, volume_size: int) -> Procedure:
        released = mounting.released(self._host, self._volume, self._options, "grow")
        if not self._volume.mountpoints:
            self._host.require("fsck.vfat")
            self._check_unmounted()
        if self._bytes >= self.goal(volume_size):
            # Nothing is left of it but to be mounted again, with its label if an earlier run did not come to that.
            return Procedure(released, [] if self.boot.has_label else self._relabel())
        self._check_possible(volume_size)
        if not self._volume.mountpoints:
            self._check_directories()
        return Procedure(released, self._repair(), [self._resizing("grow", volume_size), *self._check()])

    def shrinkage(self, volume_size: int) -> Procedure:
        self._check_possible(volume_size)
        released = mounting.released(self._host, self._volume, self._options, "shrink")
        seen, minimum = self._volume.lv["filesystem"], 0
        if self._volume.mountpoints:
            # statvfs(3) counts clusters: the administration is what it leaves out of the size.
            used = int(seen["used"] or 0) + self._bytes - int(seen["size"] or self._bytes)
        else:
            used, minimum = self._check_unmounted(), self._minimum()
        goal = self.goal(volume_size)
        check_room(self._volume, volume_size, goal, used, minimum, self._options)
        before, after = self._repair(), self._check()
        if self._bytes > goal:
            before = [*before, self._resizing("shrink", volume_size)]
        elif self._bytes < goal:
            after = [self._resizing("grow", volume_size), *after]
        return Procedure(released, before, after)

    def trouble(self) -> str | None:
        # A dirty bit or a wrong count keeps nobody from mounting it.
        return next(iter(vfat_check.check(self._host, self._device).damage), None)

    def _resizing(self, verb: str, volume_size: int) -> Step:
        # The partition is named, or the digits at the end of the name of the device are taken for one.
        command = ["fatresize", "--force-yes", "--partition", "1", "--size", str(reachable(volume_size).argument), self._device]
        return Step(f"{verb}_filesystem", f"{verb}_failed", command)

    def _repair(self) -> list[Step]:
        return [vfat_check.repair(self._device)] if self._options.allow_fsck else []

    def _check(self) -> list[Step]:
        return [*self._relabel(), Step("check_filesystem", "fsck_failed", ["fsck.vfat", "-n", self._device])]

    def _relabel(self) -> list[Step]:
        # fatresize overwrites the label in the boot sector, not the one in the root directory; fsck.vfat -a puts it back.
        return [vfat_check.repair(self._device)] if self._volume.lv["filesystem"].get("label") else []

    def _minimum(self) -> int:
        """The least that fatresize would make of it; asked only while it is unmounted."""
        try:
            answer = self._host.reading.run(["fatresize", "--info", "--partition", "1", self._device]).out
        except CommandFailed as failed:
            raise unreadable(f"the least size of the file system on {self._device}", failed) from failed
        found = _MINIMUM.search(answer)
        if found is None:
            raise Refused("not_readable", f"fatresize --info told no least size of the file system on {self._device}.")
        return int(found.group(1))

    def _check_possible(self, volume_size: int) -> None:
        name, boot = self._volume.name, self.boot
        for tool in ("fatresize", "fsck.vfat"):
            self._host.require(tool)
        self._check_names()
        unusual = [
            ("is FAT12 or FAT16, and only FAT32 is", not boot.is_fat32),
            (f"has sectors of {boot.sector_size} bytes, and only 512 are", boot.sector_size != _SECTOR),
            (f"has {boot.tables} tables (FAT), and only two that mirror each other are", boot.tables != 2 or not boot.is_mirrored),
            (f"has clusters of {boot.cluster_size} bytes, and only 4096 or more are", boot.cluster_size < _LEAST_CLUSTER),
        ]
        for what, is_so in unusual:
            if is_so:
                raise Refused(
                    "filesystem_feature", f"The file system of {name} {what} resized: fatresize would make another kind of it, or fail."
                )
        clusters = boot.clusters(self.goal(volume_size) // _SECTOR)
        if not _LEAST_CLUSTERS <= clusters <= _MOST_CLUSTERS:
            least = human((_LEAST_CLUSTERS + 1) * boot.cluster_size)
            raise Refused(
                "filesystem_limit",
                f"The file system of {name} would have {max(0, clusters)} clusters of {human(boot.cluster_size)} on {human(volume_size)} (O(size)); "
                f"FAT32 has {_LEAST_CLUSTERS} to {_MOST_CLUSTERS}, so somewhat more than {least} at least: "
                f"fatresize would make FAT16 of it, or other clusters.",
            )

    def _check_names(self) -> None:
        """Refuse where libparted mistakes a neighbour for this volume, or for a partition of it, whose mapping it would remove."""
        folder, _slash, own = self._device.rpartition("/")
        stem = re.sub(r"(?<=\d)p$", "", own.rstrip("0123456789"))
        partition = re.compile(re.escape(own) + ("p" if own[-1:].isdigit() else "") + r"\d+")
        for other in self._host.files.names(folder):
            if other != own and (other == stem or partition.fullmatch(other)):
                raise Refused(
                    "name_clash",
                    f"fatresize would take {folder}/{other} for a part of {self._volume.name}, or change it instead: their names differ in digits "
                    f"at the end only. Rename one of them (lvrename), or deactivate the other one meanwhile (lvchange -an).",
                )

    def _check_unmounted(self) -> int:
        """Refuse what is in use or not sound; gives the bytes in use, its administration included."""
        name = self._volume.name
        if self._volume.is_open:
            raise Refused(
                "in_use",
                f"{name} is in use although it is mounted nowhere that this session sees (another mount namespace, a guest, a device on top).",
            )
        verdict = vfat_check.check(self._host, self._device)
        if verdict.damage:
            raise Refused(
                "fsck_needed",
                f"The unmounted file system of {name} is damaged: {verdict.damage[0]}. Check it by hand, after a copy of the volume: "
                f"fsck.vfat may cut off files, so it is not let loose on this here.",
            )
        if verdict.faults and not self._options.allow_fsck:
            raise Refused(
                "fsck_needed",
                f"The unmounted file system of {name} needs a check: {verdict.faults[0]}. "
                f"Check it yourself, or let fsck.vfat -a set that right (O(allow_fsck)).",
            )
        return self._bytes - verdict.free_clusters * self.boot.cluster_size

    def _check_directories(self) -> None:
        """Refuse a file system with so little free that fatresize could not copy its directories, for which it demands room."""
        minimum = self._minimum()
        if minimum > self._bytes:
            raise Refused(
                "filesystem_limit",
                f"The file system of {self._volume.name} is too full: fatresize copies all directories and has no room for that. "
                f"Move some files away first.",
            )


def parse_boot_sector(data: bytes, device: str) -> BootSector:
    """The boot sector; raises Refused (C(not_readable)) for what is none."""
    sector_size, cluster_sectors, _reserved, tables, root_entries, sectors = struct.unpack_from("<HBHBHH", data, 11)
    (small_table,) = struct.unpack_from("<H", data, 22)
    (more_sectors,) = struct.unpack_from("<I", data, 32)
    table, flags, version = struct.unpack_from("<IHH", data, 36)
    total = sectors or more_sectors
    if data[510:512] != b"\x55\xaa" or not (total and tables and cluster_sectors and sector_size in (512, 1024, 2048, 4096)):
        raise Refused("not_readable", f"Cannot read the FAT file system on {device}: its boot sector makes no sense.")
    is_fat32 = not root_entries and not small_table and bool(table)
    return BootSector(
        sectors=total,
        sector_size=sector_size,
        cluster_sectors=cluster_sectors,
        tables=tables,
        is_fat32=is_fat32,
        is_mirrored=not flags & 0x80 and not version,
        has_label=not is_fat32 or data[71:82].strip(b"\0 ") not in (b"", b"NO NAME"),
    )
