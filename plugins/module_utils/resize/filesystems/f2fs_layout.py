# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""f2fs on the disk: its superblock and checkpoint, and what resize.f2fs 1.15 makes of them."""

from __future__ import annotations

import struct
import typing as t
import zlib

from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused

BLOCK = 4096
_SUPERBLOCKS = (1024, BLOCK + 1024)
_SUPERBLOCK_BYTES = 3072
_MAGIC = 0xF2F52010
_BLOCKS_PER_SEGMENT = 512
_SEGMENT = BLOCK * _BLOCKS_PER_SEGMENT

# Features (include/linux/f2fs_fs.h) that bear on resizing or on reading.
_ZONED, _CHECKSUM, _READ_ONLY = 0x2, 0x800, 0x4000
_UNMOUNTED = 0x1  # flag of a checkpoint that was written by unmounting


class Superblock(t.NamedTuple):
    """Counts are blocks or segments, addresses blocks, as the names say; ``sector_size``: bytes of a sector of the device it was made on."""

    blocks: int
    sector_size: int
    segments_per_section: int
    sections_per_zone: int
    metadata_segments: int
    checkpoint_segments: int
    main_segments: int
    checkpoint_address: int
    main_address: int
    is_zoned: bool
    is_read_only: bool
    devices: int

    def main_after(self, blocks: int) -> int:
        """Segments of the main area when it was shrunk to so many blocks: the administration in front of it stays as it is (resize.f2fs -s)."""
        return max(0, (blocks * BLOCK - self._start) // _SEGMENT - self.metadata_segments)

    def size_with(self, main_segments: int) -> int:
        """Bytes of a file system with so many segments in the main area, and this administration."""
        return self._start + (self.metadata_segments + main_segments) * _SEGMENT

    @property
    def _start(self) -> int:
        """Bytes in front of the first segment: it begins at the first zone behind the superblocks."""
        zone = _SEGMENT * self.segments_per_section * self.sections_per_zone
        return _whole(2 * BLOCK, zone) * zone

    def moved_when_grown(self, blocks: int) -> int:
        """Segments by which the main area moves back when the administration in front of it grows with so many blocks; never too few."""
        segments = blocks // _BLOCKS_PER_SEGMENT
        usage = 2 * _whole(_whole(segments, 55), _BLOCKS_PER_SEGMENT)
        nodes = 2 * _whole(_whole(segments * _BLOCKS_PER_SEGMENT, 455), _BLOCKS_PER_SEGMENT)
        summaries = _whole(segments + 1, _BLOCKS_PER_SEGMENT)
        needed = self.checkpoint_segments + usage + nodes + summaries + self.segments_per_section * self.sections_per_zone
        return max(0, needed - self.metadata_segments)


def _whole(count: int, unit: int) -> int:
    """Units that hold so many."""
    return -(-count // unit)


class Checkpoint(t.NamedTuple):
    """What the last checkpoint says."""

    version: int
    valid_blocks: int
    reserved_segments: int
    free_segments: int
    was_unmounted: bool


class Reserves(t.NamedTuple):
    """What resize.f2fs keeps of a main area for itself, in segments."""

    reserved: int
    overprovision: int


def reserves(main_segments: int) -> Reserves:
    """As get_best_overprovision() and get_new_sb() of f2fs-tools, in the same floating point."""
    candidate, end, step = (10.0, 95.0, 5.0) if main_segments < 256 else (0.01, 10.0, 0.01)
    best_space, best = 0.0, 0.0
    while candidate <= end:
        reserved = 2 * (100 / candidate + 1) + 6
        space = (main_segments - reserved) * (1 - candidate / 100)
        if best_space < space:
            best_space, best = space, candidate
        candidate += step
    if not best:
        return Reserves(main_segments, main_segments)
    reserved_segments = int(2 * (100 / best + 1) + 6)
    return Reserves(reserved_segments, int((main_segments - reserved_segments) * best / 100) + reserved_segments)


def room(main_segments: int) -> int:
    """Blocks that a main area of so many segments has for files; 0 where resize.f2fs refuses it."""
    kept = reserves(main_segments)
    if main_segments - 2 < kept.reserved:
        return 0
    return max(0, main_segments - kept.overprovision) * _BLOCKS_PER_SEGMENT


def read_superblock(host: Host, device: str) -> Superblock:
    """The first of the two copies that is valid, as the kernel takes it. Raises Refused (C(not_readable)) where none is."""
    for offset in _SUPERBLOCKS:
        data = host.read_bytes(device, offset, _SUPERBLOCK_BYTES)
        if _is_superblock(data):
            return parse_superblock(data)
    raise Refused("not_readable", f"Cannot read the f2fs file system on {device}: neither of its superblocks is valid.")


def _is_superblock(data: bytes) -> bool:
    magic, log_block, log_segment = struct.unpack_from("<I", data)[0], *struct.unpack_from("<II", data, 16)
    if magic != _MAGIC or (1 << log_block) != BLOCK or (1 << log_segment) != _BLOCKS_PER_SEGMENT:
        return False
    if not struct.unpack_from("<I", data, 2180)[0] & _CHECKSUM:
        return True
    (place,) = struct.unpack_from("<I", data, 32)
    return place <= len(data) - 4 and struct.unpack_from("<I", data, place)[0] == checksum(data[:place])


def parse_superblock(data: bytes) -> Superblock:
    """The fields of struct f2fs_super_block."""
    (log_sector,) = struct.unpack_from("<I", data, 8)
    per_section, per_zone = struct.unpack_from("<II", data, 24)
    (blocks,) = struct.unpack_from("<Q", data, 36)
    checkpoint, usage, nodes, summaries, main = struct.unpack_from("<5I", data, 52)
    (features,) = struct.unpack_from("<I", data, 2180)
    return Superblock(
        blocks=blocks,
        # A logarithm beyond those of real sectors would be a number without an end.
        sector_size=1 << min(log_sector, 16),
        segments_per_section=per_section,
        sections_per_zone=per_zone,
        metadata_segments=checkpoint + usage + nodes + summaries,
        checkpoint_segments=checkpoint,
        main_segments=main,
        checkpoint_address=struct.unpack_from("<I", data, 76)[0],
        main_address=struct.unpack_from("<I", data, 92)[0],
        is_zoned=bool(features & _ZONED),
        is_read_only=bool(features & _READ_ONLY),
        devices=sum(1 for number in range(8) if data[2201 + 68 * number]),
    )


def read_checkpoint(host: Host, device: str, superblock: Superblock) -> Checkpoint:
    """The newer of the two packs among those that were written to their end. Raises Refused (C(not_readable)) where there is none."""
    found = []
    for number in range(2):
        start = (superblock.checkpoint_address + number * _BLOCKS_PER_SEGMENT) * BLOCK
        head = host.read_bytes(device, start, BLOCK)
        (length,) = struct.unpack_from("<I", head, 136)
        if not (_is_checkpoint(head) and 2 <= length <= _BLOCKS_PER_SEGMENT):
            continue
        tail = host.read_bytes(device, start + (length - 1) * BLOCK, BLOCK)
        if _is_checkpoint(tail) and tail[:8] == head[:8]:
            found.append(parse_checkpoint(head))
    if not found:
        raise Refused("not_readable", f"Cannot read the f2fs file system on {device}: neither of its checkpoints is complete.")
    return max(found)


def _is_checkpoint(data: bytes) -> bool:
    (place,) = struct.unpack_from("<I", data, 164)
    if not 192 <= place <= BLOCK - 4:
        return False
    whole = checksum(data[:place])
    if place < BLOCK - 4:
        whole = checksum(data[place + 4 :], whole)
    return bool(struct.unpack_from("<I", data, place)[0] == whole)


def parse_checkpoint(data: bytes) -> Checkpoint:
    """The fields of struct f2fs_checkpoint."""
    version, _user, valid, reserved, _overprovision, free = struct.unpack_from("<QQQIII", data)
    (flags,) = struct.unpack_from("<I", data, 132)
    return Checkpoint(version, valid, reserved, free, bool(flags & _UNMOUNTED))


def checksum(data: bytes, start: int = _MAGIC) -> int:
    """The CRC-32 of f2fs: without the inversion of both ends that zlib makes."""
    return zlib.crc32(data, start ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
