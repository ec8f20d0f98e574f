# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""btrfs in memory, with btrfs-progs 6.2 on Linux 6.1 as the recordings of the lab show them."""

from __future__ import annotations

from dataclasses import dataclass

from simulated_host import Answer, SimulatedHost
from simulated_volume import EXTENT, FileSystem, Volume

UUID = "65f15657-c15d-4190-ae57-9142912aec1e"
MIB = 2**20


@dataclass
class Btrfs(FileSystem):
    """Sizes in sectors; ``used``: bytes of data. ``metadata``: bytes of one of two copies, allocated. ``full``: what the kernel remembers.

    ``moves_nothing``: it finds no room to move things in, as happens with large extents. ``unknown_feature``: it cannot be mounted.
    """

    kind: str = "btrfs"
    uuid: str = UUID
    device_id: int = 1
    devices: int = 1
    flags: int = 1
    errors: int = 0
    metadata: int = 8 * MIB
    data_allocated: int = 0
    checksum_wrong: int = 0
    moves_nothing: bool = False
    unknown_feature: bool = False
    balance_fails: bool = False
    read_only: bool = False
    full: bool = False

    @property
    def data(self) -> int:
        """Bytes in chunks of data."""
        return max(self.data_allocated, self.used, MIB)

    @property
    def least(self) -> int:
        """Bytes into which the kernel can move all chunks."""
        return self.data + 2 * (self.metadata + 8 * MIB)


def _btrfs(host: SimulatedHost, args: list[str]) -> Answer:
    words = " ".join(args[1:3])
    answers = {
        "inspect-internal dump-super": _dump_super,
        "filesystem usage": _usage,
        "filesystem resize": _resize,
        "device stats": _stats,
    }
    return answers[words](host, args)


def _at(host: SimulatedHost, place: str) -> tuple[Volume, Btrfs]:
    volume, fs = host.by_mountpoint(place)
    assert isinstance(fs, Btrfs)
    assert place not in host.hidden, "another file system is seen there"
    return volume, fs


def _dump_super(host: SimulatedHost, args: list[str]) -> Answer:
    fs = host.by_device(args[-1])[1]
    assert isinstance(fs, Btrfs)
    verdict = "[DON'T MATCH]" if fs.checksum_wrong else "[match]"
    fs.checksum_wrong = max(0, fs.checksum_wrong - 1)
    fields = {
        "csum_type": "0 (crc32c)",
        "csum": f"0xf9223bf3 {verdict}",
        "flags": f"{fs.flags:#x}",
        "magic": "_BHRfS_M [match]",
        "fsid": fs.uuid,
        "generation": 7,
        "total_bytes": fs.size * fs.devices,
        "bytes_used": fs.used,
        "sectorsize": fs.block_size,
        "num_devices": fs.devices,
        "dev_item.uuid": "bd1c4b6c-5ca4-42f8-bb89-64753a2f4a97",
        "dev_item.fsid": f"{fs.uuid} [match]",
        "dev_item.total_bytes": fs.size,
        "dev_item.devid": fs.device_id,
    }
    out = f"superblock: bytenr=65536, device={args[-1]}\n---------------------------------------------------------\n"
    return 0, out + "".join(f"{name}\t\t{value}\n" for name, value in fields.items()), ""


def _usage(host: SimulatedHost, args: list[str]) -> Answer:
    volume, fs = _at(host, args[-1])
    data = fs.data
    used = fs.used + 2 * (131072 + 16384)
    out = (
        f"Overall:\n    Device size:\t\t{fs.size:>18}\n    Device allocated:\t\t{data + 2 * (fs.metadata + 8 * MIB):>18}\n"
        f"    Used:\t\t\t{used:>18}\n    Global reserve:\t\t   5767168\t(used: 0)\n    Multiple profiles:\t\t                no\n\n"
        f"Data,single: Size:{data}, Used:{fs.used} (45.88%)\n   {volume.path}\t{data}\n\n"
        f"Metadata,DUP: Size:{fs.metadata}, Used:131072 (0.24%)\n   {volume.path}\t {2 * fs.metadata}\n\n"
        f"System,DUP: Size:{8 * MIB}, Used:16384 (0.20%)\n   {volume.path}\t  {16 * MIB}\n\n"
        f"Unallocated:\n   {volume.path}\t 941228032\n"
    )
    return 0, out, ""


def _stats(host: SimulatedHost, args: list[str]) -> Answer:
    assert args[3] == "-c"
    volume, fs = _at(host, args[-1])
    names = ("write_io_errs", "read_io_errs", "flush_io_errs", "corruption_errs", "generation_errs")
    out = "".join(f"[{volume.path}].{name:<15}  {fs.errors if name == 'corruption_errs' else 0}\n" for name in names)
    return (64 if fs.errors else 0), out, ""


def _resize(host: SimulatedHost, args: list[str]) -> Answer:
    wish, place = args[3:]
    device_id, size = map(int, wish.split(":"))
    volume, fs = _at(host, place)
    running = host.files.get(f"/sys/fs/btrfs/{fs.uuid}/exclusive_operation", "none").strip()
    if running != "none":
        return 1, "", f"ERROR: unable to start resize, another exclusive operation '{running}' in progress"
    if device_id != fs.device_id:
        return 1, "", f"ERROR: cannot find devid: {device_id}\nERROR: unable to resize '{place}': No such device"
    out = f"Resize device id {device_id} ({volume.path}) from {fs.size} to {size}\n"

    def refused(why: str) -> Answer:
        return 1, out, f"ERROR: unable to resize '{place}': {why}"

    if volume.read_only or place in host.read_only_at:
        return refused("Read-only file system")
    if size < 256 * MIB:
        return refused("Invalid argument")
    if size > volume.extents * EXTENT:
        return refused("no enough free space")
    sectors = size // fs.block_size
    fs.read_only = fs.read_only or (sectors < fs.blocks - 1 and sectors * fs.block_size < fs.least)
    assert not fs.read_only, "forced read-only: metadata found no room beside the data"
    if sectors < fs.blocks - 1 and fs.moves_nothing:
        assert not fs.full, "forced read-only"
        fs.full = True
        return refused("No space left on device")
    if sectors > fs.blocks:
        fs.full = False
    fs.blocks = sectors
    return 0, out, ""


def _balance(host: SimulatedHost, usage: str, place: str) -> Answer:
    """All chunks of data are as full as the whole here: they are packed, or stay."""
    fs = _at(host, place)[1]
    if fs.balance_fails:
        return (
            1,
            "",
            f"ERROR: error during balancing '{place}': No space left on device\nThere may be more info in syslog - try dmesg | tail",
        )
    if fs.used * 100 < int(usage.partition("=")[2]) * fs.data:
        fs.data_allocated = 0
    return 0, "Done, had to relocate 3 out of 7 chunks\n", ""


def _sh(host: SimulatedHost, args: list[str]) -> Answer:
    """The script that shrinks: ``sh -c SCRIPT sh BTRFS PLACE GOAL LESS NOW [-dusage=N]``."""
    btrfs, place, goal, less, now, *pack = args[4:]
    done = _balance(host, pack[0], place) if pack else (0, "", "")
    if done[0] == 0:
        done = _resize(host, [btrfs, "filesystem", "resize", goal, place])
    if done[0] == 0 or _resize(host, [btrfs, "filesystem", "resize", less, place])[0] != 0:
        return done
    _resize(host, [btrfs, "filesystem", "resize", now, place])
    return done


TOOLS = {"btrfs": _btrfs, "sh": _sh}
