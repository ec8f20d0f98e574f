# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a btrfs file system on one device uses and has allocated, and how small the kernel can make it without running out of room."""

from __future__ import annotations

import re
import typing as t

_PROFILE = re.compile(r"^([A-Z][\w+]*),\w+: Size:(\d+), Used:(\d+).*\n\s+/\S.*?\s+(\d+)$", re.MULTILINE)
_SIZE = re.compile(r"^\s*Device size:\s+(\d+)$", re.MULTILINE)
_USED = re.compile(r"^\s*Used:\s+(\d+)$", re.MULTILINE)
_MIB = 2**20
# The largest chunks that the kernel allocates (init_alloc_chunk_ctl_policy_regular), each at most a tenth of the file system.
_LARGEST = {"System": 32 * _MIB, "Metadata": 256 * _MIB}
_LARGEST_OF_LARGE = {"Metadata": 1024 * _MIB}
_LARGEST_OTHER = 1024 * _MIB
_LARGE = 50 * 1024 * _MIB


class Chunks(t.NamedTuple):
    """The chunks of one kind: bytes of the device that they take, that are in use of those, and how many it takes to hold one byte."""

    kind: str
    allocated: int
    used: int
    copies: int


class Usage(t.NamedTuple):
    """All of them; ``size`` is that of the file system, ``used`` counts bytes of the device, so what is kept twice twice."""

    size: int
    used: int
    chunks: tuple[Chunks, ...]

    def least(self, size: int) -> int:
        """Bytes without which shrinking to ``size`` is not tried.

        Chunks of data may stay, or their content be packed into fewer of them, of which the last is not full. Chunks of metadata stay
        as large as they are, however empty. And one more chunk of every kind must fit in: moving begins with it. Less was measured to
        end with ENOSPC, and with file systems that the kernel forced read-only; C(btrfs inspect-internal min-dev-size) names less and
        more than the kernel can do, and is of no use here.
        """
        return min(self._data("allocated"), self._data("used") + self._unfilled()) + self._others() + self._scratch(size)

    def packing(self, size: int) -> int | None:
        """How full a chunk of data must be, in percent, to stay where it is before shrinking to ``size``; None where all of them may stay."""
        room = size - self._others() - self._scratch(size)
        if self._data("allocated") <= room:
            return None
        # What stays is at least so full that all of it fits in beside a chunk that is not.
        return min(100, 100 * self._data("used") // max(1, room - self._unfilled()) + 1)

    def _data(self, field: str) -> int:
        return sum(getattr(chunks, field) for chunks in self.chunks if "Data" in chunks.kind)

    def _others(self) -> int:
        return sum(chunks.allocated for chunks in self.chunks if "Data" not in chunks.kind)

    def _unfilled(self) -> int:
        """The chunk of data that packing fills last, as large as one is now."""
        return sum(chunks.copies * _largest_chunk(chunks.kind, self.size) for chunks in self.chunks if "Data" in chunks.kind)

    def _scratch(self, size: int) -> int:
        return sum(chunks.copies * _largest_chunk(chunks.kind, size) for chunks in self.chunks)


def _largest_chunk(kind: str, size: int) -> int:
    largest = (_LARGEST_OF_LARGE if size > _LARGE else {}).get(kind) or _LARGEST.get(kind, _LARGEST_OTHER)
    return min(largest, size // 10)


def parse_usage(text: str) -> Usage:
    """Read the output of C(btrfs filesystem usage -b). Raises ValueError when it tells no usage."""
    size, used = _SIZE.search(text), _USED.search(text)
    found = _PROFILE.findall(text)
    kinds = {kind for kind, _size, _used, _raw in found}
    if size is None or used is None or not ({"Data", "Metadata", "System"} <= kinds or {"Data+Metadata", "System"} <= kinds):
        raise ValueError("it tells no usage of data, metadata and system")
    chunks = []
    for kind, holds, part, raw in found:
        copies = -(-int(raw) // int(holds)) if int(holds) else 1
        chunks.append(Chunks(kind, int(raw), int(part) * copies, copies))
    return Usage(int(size.group(1)), int(used.group(1)), tuple(chunks))
