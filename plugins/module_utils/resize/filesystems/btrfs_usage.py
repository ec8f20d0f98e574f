# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a btrfs file system on one device uses and has allocated, and how small the kernel can make it without running out of room."""

from __future__ import annotations

import re
import typing as t

_PROFILE = re.compile(r"^([A-Z][\w+]*),\w+: Size:(\d+), Used:(\d+).*\n\s+/\S.*?\s+(\d+)$", re.MULTILINE)
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
    """All of them; ``used`` counts bytes of the device, so what is kept twice twice."""

    used: int
    chunks: tuple[Chunks, ...]

    def least(self, size: int) -> int:
        """Bytes without which shrinking to ``size`` is not tried.

        Data is packed into fewer chunks. Chunks of metadata stay as large as they are, however empty. And one more chunk of every kind must
        fit in: moving begins with it. Less was measured to end with ENOSPC, once with a file system that the kernel forced read-only;
        C(btrfs inspect-internal min-dev-size) names less and more than the kernel can do, and is of no use here.
        """
        return sum(
            (chunks.used if "Data" in chunks.kind else chunks.allocated) + chunks.copies * _largest_chunk(chunks.kind, size)
            for chunks in self.chunks
        )


def _largest_chunk(kind: str, size: int) -> int:
    largest = (_LARGEST_OF_LARGE if size > _LARGE else {}).get(kind) or _LARGEST.get(kind, _LARGEST_OTHER)
    return min(largest, size // 10)


def parse_usage(text: str) -> Usage:
    """Read the output of C(btrfs filesystem usage -b). Raises ValueError when it tells no usage."""
    used = _USED.search(text)
    found = _PROFILE.findall(text)
    kinds = {kind for kind, _size, _used, _raw in found}
    if used is None or not ({"Data", "Metadata", "System"} <= kinds or {"Data+Metadata", "System"} <= kinds):
        raise ValueError("it tells no usage of data, metadata and system")
    chunks = []
    for kind, size, part, raw in found:
        copies = -(-int(raw) // int(size)) if int(size) else 1
        chunks.append(Chunks(kind, int(raw), int(part) * copies, copies))
    return Usage(int(used.group(1)), tuple(chunks))
