# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""f2fs in memory, with f2fs-tools 1.15.0: what they say, refuse and get wrong as the lab showed it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from simulated_host import Answer, SimulatedHost
from simulated_volume import EXTENT, FileSystem

_SEGMENT = 2 * 2**20
_MAGIC = 0xF2F52010


def _crc(data: bytes) -> int:
    """f2fs_cal_crc32()."""
    value = _MAGIC
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value


def _table_entry(value: int) -> int:
    for _bit in range(8):
        value = (value >> 1) ^ (0xEDB88320 if value & 1 else 0)
    return value


_TABLE = [_table_entry(number) for number in range(256)]


@dataclass
class F2fs(FileSystem):
    """``administration``: segments in front of the main area; ``scattered``: segments in use beyond those that the used bytes would fill.

    ``corrupt``: a count in the checkpoint is wrong; ``clean``: it was unmounted; ``dropped``: fsck.f2fs -f threw away what was written last;
    ``sector``: bytes of a sector of the device it was made on.
    """

    kind: str = "f2fs"
    administration: int = 8
    scattered: int = 0
    sections: int = 1
    features: int = 0
    devices: int = 0
    clean: bool = True
    sector: int = 512
    dropped: bool = False
    broken_superblocks: int = 0
    broken_checkpoints: int = 0

    @property
    def main(self) -> int:
        return max(0, (self.size - _SEGMENT) // _SEGMENT - self.administration)

    @property
    def overhead(self) -> int:
        return self.administration * 512 + _kept(self.main)[1] * 512

    @property
    def valid(self) -> int:
        return 3 + self.used // 4096

    @property
    def held(self) -> int:
        """Segments that are not free: six are written to at a time."""
        return min(self.main, 6 + self.valid // 512 + self.scattered)

    def read_bytes(self, offset: int, count: int) -> bytes:
        """Both superblocks and both checkpoints, the older one first."""
        if offset < 8192:
            number, place = divmod(offset, 4096)
            return bytes(count) if number < self.broken_superblocks else self._superblock()[place - 1024 : place - 1024 + count]
        number, place = divmod(offset // 4096 - 512, 512)
        if number >= 2 - self.broken_checkpoints:
            return bytes(count)
        return self._checkpoint(100 + number, current=number == 1 - self.broken_checkpoints)

    def _superblock(self) -> bytes:
        block = bytearray(3072)
        struct.pack_into("<IHHIIIIIII", block, 0, _MAGIC, 1, 16, self.sector.bit_length() - 1, 3, 12, 9, self.sections, 1, 3068)
        struct.pack_into("<QII", block, 36, self.blocks, self.main, self.main + self.administration)
        struct.pack_into("<5I", block, 52, 2, 2, 2, self.administration - 6, self.main)
        struct.pack_into("<6I", block, 72, 512, 512, 1536, 2560, 3584, (1 + self.administration) * 512)
        struct.pack_into("<I", block, 2180, self.features)
        for number in range(self.devices):
            block[2201 + 68 * number : 2209 + 68 * number] = b"/dev/sdx"
        struct.pack_into("<I", block, 3068, _crc(bytes(block[:3068])))
        return bytes(block)

    def _checkpoint(self, version: int, current: bool) -> bytes:
        block = bytearray(4096)
        reserved, kept = _kept(self.main)
        valid, held = (self.valid, self.held) if current else (2, 6)
        struct.pack_into("<QQQIII", block, 0, version, max(0, self.main - kept) * 512, valid, reserved, kept, self.main - held)
        struct.pack_into("<II", block, 132, 0xC5 if self.clean else 0xC4, 6)
        struct.pack_into("<I", block, 164, 4092)
        struct.pack_into("<I", block, 4092, _crc(bytes(block[:4092])))
        return bytes(block)


def _kept(main: int) -> tuple[int, int]:
    """Reserved segments and all that are kept from files, for the best share of over-provision (get_best_overprovision)."""
    shares = [10.0 + 5 * n for n in range(18)] if main < 256 else [0.01 * n for n in range(1, 1001)]
    share = max(shares, key=lambda each: (main - (2 * (100 / each + 1) + 6)) * (100 - each))
    reserved = int(2 * (100 / share + 1) + 6)
    return reserved, int(max(0, main - reserved) * share / 100) + reserved


def _resize(host: SimulatedHost, args: list[str]) -> Answer:
    if args[1:] == ["-V"]:
        return 0, "resize.f2fs 1.15.0 (2022-05-13)\n", ""
    volume, fs = host.by_device(args[-1])
    assert isinstance(fs, F2fs)
    blocks = int(args[args.index("-t") + 1]) // 8
    if volume.mountpoints or volume.is_open:
        return 255, "\tError: In use by the system!\n", ""
    if not fs.clean:
        return 255, "[f2fs_do_mount:3587] Mount unclean image to replay log first\n", ""
    if blocks * 4096 > volume.extents * EXTENT:
        return 0, "[ASSERT] (do_resize: 988) Out-of-range Target=0x28000 / 0x26000\n", ""
    if blocks == fs.blocks:
        return 0, "Nothing to resize.\n", ""
    if blocks < fs.blocks and "-s" not in args:
        return 0, "[ASSERT] (f2fs_resize: 745) Nothing to resize, now only supports resizing with safe resize flag\n", ""
    assert "-s" not in args or blocks < fs.blocks, "growing in the safe way leaves no room for the administration of what is added"
    if fs.main - fs.held <= _kept(fs.main)[0] + 1 + 6:
        return (
            255,
            "[FIX] (move_one_curseg_info:2857)  --> Move curseg[0] ab -> 3 after 1000\n\n[ASSERT] (move_one_curseg_info:2840) ret == 0\n",
            "",
        )
    after = F2fs(blocks=blocks, administration=fs.administration)
    if blocks < fs.blocks:
        reserved, kept = _kept(after.main)
        if after.main - 2 < reserved or fs.valid > (after.main - kept) * 512:
            return 0, f"Info: total FS sectors = {fs.blocks * 8} (360 MB)\nInfo: CKPT version = e0684e1\n", ""
        if fs.held + 6 > after.main:
            return 0, "Not enough space to migrate blocks\nTry to do defragement: Insufficient Space\n", ""
    else:
        fs.administration += max(0, (blocks - fs.blocks) // 2**19)
    if fs.sections > 1:
        fs.lost = True
    fs.blocks = blocks
    return 0, "[update_superblock: 701] Info: Done to update superblock\n", ""


def _fsck(host: SimulatedHost, args: list[str]) -> Answer:
    volume, fs = host.by_device(args[-1])
    assert isinstance(fs, F2fs)
    if volume.mountpoints or volume.is_open:
        return 8, "Info: Mounted device!\n\tError: Not available on mounted device!\n", ""
    if fs.lost:
        seen = "[ASSERT] (fsck_chk_curseg_info:3143)  --> Incorrect curseg [0]: segno [0x9f] type(SIT) [1]\n"
        return 4, seen + "[FSCK] other corrupted bugs                           [Fail]\n", ""
    seen = f"[FSCK] free segment_count matched with CP             [{'Fail' if fs.corrupt else 'Ok..'}] [0xe]\n"
    seen += "[FSCK] next block offset is free                      [Ok..]\n"
    if "--dry-run" in args:
        return (4 if fs.corrupt else 0), "Info: Dry run\n" + seen, ""
    assert "-f" in args, "it would ask, and nobody answers"
    fs.dropped = fs.dropped or not fs.clean
    repaired, fs.corrupt, fs.clean = fs.corrupt, False, True
    return (1 if repaired else 0), "Info: Force to fix corruption\n" + seen, ""


SECTOR = "/sys/class/block/vg0-data/queue/logical_block_size"
TOOLS = {"resize.f2fs": _resize, "fsck.f2fs": _fsck, SECTOR: lambda _host: "512\n"}
