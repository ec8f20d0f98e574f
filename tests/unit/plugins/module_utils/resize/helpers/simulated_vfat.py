# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vfat in memory, with fatresize 1.1.0 (libparted 3.5) and dosfstools 4.2: what they say, refuse and get wrong as the lab showed it."""

from __future__ import annotations

import re
import struct
import sys
from dataclasses import dataclass

from simulated_host import Answer, SimulatedHost
from simulated_volume import EXTENT, FileSystem, Volume

_BANNER = "fsck.fat 4.2 (2021-01-31)\n"


@dataclass
class Vfat(FileSystem):
    """Sizes in sectors. ``directories``: bytes of them, which fatresize copies; ``boot_label``: the one in the boot sector.

    ``corrupt``: the dirty bit is set; ``lost``: a resize was killed between tables and boot sector, or the volume was cut off.
    """

    kind: str = "vfat"
    block_size: int = 512
    cluster_sectors: int = 8
    tables: int = 2
    flags: int = 0
    fat: int = 32
    sector_size: int = 512
    directories: int = 65536
    boot_label: str | None = None
    count_wrong: bool = False

    @property
    def clusters(self) -> int:
        return _layout(self.blocks, self.cluster_sectors, self.fat)[0]

    @property
    def overhead(self) -> int:
        return self.blocks - self.clusters * self.cluster_sectors

    @property
    def used_clusters(self) -> int:
        return min(self.clusters, -(-self.used // (self.cluster_sectors * 512)))

    def read_bytes(self, offset: int, count: int) -> bytes:
        """The boot sector, as mkfs.vfat writes it."""
        sector = bytearray(512)
        small = self.fat != 32
        struct.pack_into("<3s8sHBHBHHBH", sector, 0, b"\xeb\x58\x90", b"mkfs.fat", self.sector_size, self.cluster_sectors, 32, self.tables,
                         512 if small else 0, 0, 0xF8, 200 if small else 0)  # fmt: skip
        struct.pack_into("<I", sector, 32, self.blocks * 512 // self.sector_size)
        struct.pack_into("<IHH", sector, 36, 0 if small else 1200, self.flags, 0)
        sector[71:82] = (self.boot_label or "NO NAME").encode("ascii").ljust(11)
        sector[510:512] = b"\x55\xaa"
        return bytes(sector)[offset : offset + count]


def _layout(sectors: int, cluster: int, fat: int = 32) -> tuple[int, int]:
    """Clusters and sectors of a table, by trial: as many clusters as there is room for beside two tables that name them all."""
    reserved = 32 if fat == 32 else 33
    clusters = max(0, sectors - reserved - cluster) // cluster
    while clusters > 0:
        table = (clusters + 2 + 127) // 128
        if reserved + cluster + 2 * table + clusters * cluster <= sectors:
            return clusters, table
        clusters -= 1 + (reserved + cluster + 2 * table + clusters * cluster - sectors) // (cluster + 1) // 2
    return 0, 0


def _compact(size: int) -> str:
    """ped_unit_format() in its unit COMPACT."""
    for least, unit, name in ((10**13, 10**12, "TB"), (10**10, 10**9, "GB"), (10**7, 10**6, "MB"), (10**4, 10**3, "kB")):
        if size >= least:
            number = size / unit * (1 + sys.float_info.epsilon)
            digits = 2 if number + 0.005 < 10 else 1 if number + 0.05 < 100 else 0
            return f"{number:.{digits}f}{name}"
    return f"{size}B"


def _placed(device_size: int, asked: int) -> int | str:
    """Sectors that fatresize 1.1.0 would resize to, or what it says when it fails."""
    last, end = device_size // 512 - 1, asked // 512
    text = _compact(end * 512)
    first_end, last_end = last, last
    if text != _compact(last * 512):
        unit = {"TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 10**3}[text[-2:]]
        radius = -(-unit // 512) // 2 - 1
        end = int(float(text[:-2]) * unit / 512)
        first_end, last_end = end - radius, min(last, end + radius)
        if end - last_end > radius:
            return f"Error: The location {text} is outside of the device."
        end = min(end, last)
    if end > last:
        return ""
    if not first_end <= end <= last_end:
        return "Bug: Assertion (ped_geometry_test_sector_inside(range, *sector)) at fatresize.c:347 in function snap"
    if first_end > last - 1:
        return ""
    return (last if first_end <= last <= last_end else end) + 1


def _target(host: SimulatedHost, args: list[str]) -> Volume | None:
    """The volume that fatresize opens: digits at the end of the name are taken for a partition when there is such a device without them."""
    name = args[-1].split("/vg0-")[1]
    stem = name.rstrip("0123456789")
    stem = stem[:-1] if re.search(r"\dp$", stem) else stem
    if stem != name and stem in host.volumes and host.volumes[stem].active:
        return host.volumes[stem]
    return host.volumes[name] if "--partition" in args or stem == name else None


def _fatresize(host: SimulatedHost, args: list[str]) -> Answer:
    said = "fatresize 1.1.0 (20221231)\n"
    volume = _target(host, args)
    if volume is None:
        return -11, "", ""
    fs, size = volume.fs, volume.extents * EXTENT
    partitions = [
        host.volumes[name] for name in host.volumes if re.fullmatch(volume.name + ("p" if volume.name[-1].isdigit() else "") + r"\d+", name)
    ]
    assert isinstance(fs, Vfat)
    if any(each.mountpoints or each.is_open for each in [volume, *partitions]):
        return 1, said, f"Error: Partition {volume.path} is being used.  You must unmount it before you modify it with Parted.\n"
    if fs.fat == 12:
        return 1, said, "No Implementation: File system is FAT12, which is unsupported.\n"
    least = min(fs.size, (fs.overhead * 512) + fs.used + fs.directories) + 64 * 512
    if "--info" in args:
        return 0, f"{said}FAT: fat32\nCur size: {fs.size}\nMin size: {least}\nMax size: {size}\n", ""
    assert "--force-yes" in args, "it would ask, and nobody answers"
    sectors = _placed(size, int(args[args.index("--size") + 1]))
    if isinstance(sectors, str):
        return (-6 if sectors.startswith("Bug") else 1), said, sectors
    for each in partitions:
        each.active = False
    fits = _layout(sectors, fs.cluster_sectors)[0]
    if fs.cluster_sectors < 8:
        return 1, said, "No Implementation: GNU Parted cannot resize this partition to this size.  We're working on it!\n"
    if fits * fs.cluster_sectors * 512 < fs.used + fs.directories:
        return 1, said, "Error: You need 3834kB of free disk space to shrink this partition to this size.  Currently, only 0.00B is free.\n"
    if fits < 0xFFF0:
        fs.fat = 16  # with --force-yes, nobody is asked
    if fs.sector_size != 512 or fs.fat != 32:
        fs.lost = True
    fs.blocks, fs.tables, fs.boot_label = sectors, 2, None
    return 0, f"{said}part(start=0, end={size // 512 - 1}, length={size // 512})\n", ""


def _fsck(host: SimulatedHost, args: list[str]) -> Answer:
    volume, fs = host.by_device(args[-1])
    assert isinstance(fs, Vfat)
    if volume.mountpoints:
        return (
            1,
            _BANNER + "Dirty bit is set. Fs was not properly unmounted and some data may be corrupt.\n Automatically removing dirty bit.\n",
            "",
        )
    assert "-n" in args or not fs.lost, "fsck.vfat -a cut off the files of a damaged file system"
    found = ""
    if fs.lost:
        found += "FATs differ - using first FAT.\n/DIR4\n  Contains a free cluster (2936). Assuming EOF.\n"
    if fs.label and fs.boot_label != fs.label:
        found += f"There is no label in boot sector, but there is volume label '{fs.label}' stored in root directory\n"
        found += "  Auto-copying volume label from root directory to boot sector.\n"
    if fs.corrupt:
        found += (
            "There are differences between boot sector and its backup.\nThis is mostly harmless. Differences: (offset:original/backup)\n"
        )
        found += "  65:01/00\n  Not automatically fixing this.\n"
        found += "Dirty bit is set. Fs was not properly unmounted and some data may be corrupt.\n Automatically removing dirty bit.\n"
    if fs.count_wrong:
        found += "Free cluster summary wrong (77 vs. really 75421)\n  Auto-correcting.\n"
    if found:
        found += "\nLeaving filesystem unchanged.\n" if "-n" in args else "\n*** Filesystem was changed ***\nWriting changes.\n"
    if "-a" in args:
        fs.corrupt, fs.count_wrong, fs.boot_label = False, False, fs.label
    return (1 if found else 0), f"{_BANNER}{found}{args[-1]}: 1 files, {fs.used_clusters}/{fs.clusters} clusters\n", ""


TOOLS = {"fatresize": _fatresize, "fsck.vfat": _fsck}
