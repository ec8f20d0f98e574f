# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""btrfs: what its tools tell (btrfs-progs 6.2, Linux 6.1), and whether the kernel will find room for all chunks in a smaller size."""

from __future__ import annotations

import pytest
from btrfs_host import DUMP_SUPER
from hypothesis import assume, given
from hypothesis import strategies as st
from simulated_btrfs import MIB

from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.btrfs import Superblock, parse_superblock
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.btrfs_usage import Chunks, Usage, parse_usage

USAGE = """\
Overall:
    Device size:\t\t        3221225472
    Device allocated:\t\t        1895825408
    Device unallocated:\t\t        1325400064
    Device missing:\t\t                 0
    Device slack:\t\t                 0
    Used:\t\t\t         626253824
    Free (estimated):\t\t        2051743744\t(min: 1389043712)
    Free (statfs, df):\t\t        2050695168
    Data ratio:\t\t\t              1.00
    Metadata ratio:\t\t              2.00
    Global reserve:\t\t           5767168\t(used: 16384)
    Multiple profiles:\t\t                no

Data,single: Size:1342177280, Used:615833600 (45.88%)
   /dev/vg0/b2\t1342177280

Metadata,DUP: Size:268435456, Used:5193728 (1.93%)
   /dev/vg0/b2\t 536870912

System,DUP: Size:8388608, Used:16384 (0.20%)
   /dev/vg0/b2\t  16777216

Unallocated:
   /dev/vg0/b2\t1325400064
"""
# Ended with a file system forced read-only when it was shrunk to 560 MiB.
LOOSE = """\
Overall:
    Device size:\t\t        1258291200
    Used:\t\t\t         420872192

Data,single: Size:947912704, Used:419430400 (44.25%)
   /dev/vg0/k\t 947912704

Metadata,DUP: Size:62914560, Used:704512 (1.12%)
   /dev/vg0/k\t 125829120

System,DUP: Size:8388608, Used:16384 (0.20%)
   /dev/vg0/k\t  16777216

Unallocated:
   /dev/vg0/k\t 167772160
"""
MIXED = """\
Overall:
    Device size:\t\t         314572800
    Used:\t\t\t             36864

Data+Metadata,single: Size:8388608, Used:32768 (0.39%)
   /dev/vg0/b3\t   8388608

System,single: Size:4194304, Used:4096 (0.10%)
   /dev/vg0/b3\t   4194304

Unallocated:
   /dev/vg0/b3\t 301989888
"""


def test_superblock_tells_the_device_and_not_all_devices():
    assert parse_superblock(DUMP_SUPER) == Superblock("65f15657-c15d-4190-ae57-9142912aec1e", 999997440, 1, 1, 4096, 1)


def test_usage_counts_both_copies():
    usage = parse_usage(USAGE)
    assert usage.used == 626253824
    assert usage.chunks == (
        Chunks("Data", 1342177280, 615833600, 1),
        Chunks("Metadata", 536870912, 2 * 5193728, 2),
        Chunks("System", 16777216, 2 * 16384, 2),
    )


def test_usage_of_mixed_chunks():
    assert [chunks.kind for chunks in parse_usage(MIXED).chunks] == ["Data+Metadata", "System"]
    assert parse_usage(MIXED).least(300 * MIB) == 8388608 + 30 * MIB + 4194304 + 30 * MIB


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ERROR: not a btrfs filesystem",
        USAGE.split("Metadata,DUP", maxsplit=1)[0],
        USAGE.replace("    Used:", "    Free:"),
        USAGE.replace("Device size", "Device"),
    ],
)
def test_other_text_is_no_usage(text):
    with pytest.raises(ValueError, match="tells no usage"):
        parse_usage(text)


# Allocated and used as measured in the lab, and sizes for which Linux 6.1 found no room.
NO_ROOM = [(USAGE, 1000000000), (USAGE.replace("Used:615833600", "Used:1211424768"), 1600000000), (LOOSE, 560 * MIB), (LOOSE, 460 * MIB)]


@pytest.mark.parametrize(("usage", "size"), NO_ROOM)
def test_what_the_kernel_found_no_room_for_is_not_asked_of_it(usage, size):
    assert parse_usage(usage).least(size) > size


@pytest.mark.parametrize(("usage", "size"), [(USAGE, 2300000000), (LOOSE, 1100 * MIB)])
def test_what_has_room_is(usage, size):
    assert parse_usage(usage).least(size) <= size


@pytest.mark.parametrize(("size", "metadata"), [(40 << 30, 256 * MIB), (60 << 30, 1024 * MIB), (1 << 30, (1 << 30) // 10)])
def test_chunks_of_metadata_grow_with_the_file_system(size, metadata):
    data, system = min(1 << 30, size // 10), 32 * MIB
    unfilled = 3221225472 // 10
    assert parse_usage(USAGE).least(size) == 615833600 + unfilled + data + 536870912 + 2 * metadata + 16777216 + 2 * system


def test_data_is_packed_only_where_it_lies_in_the_way():
    usage = parse_usage(USAGE)
    loose, tight, others = 3000000000, 2600000000, 536870912 + 16777216

    def scratch(size):
        return size // 10 + 2 * min(256 * MIB, size // 10) + 2 * 32 * MIB

    assert 1342177280 + others + scratch(loose) <= loose
    assert usage.packing(loose) is None
    assert 1342177280 + others + scratch(tight) > tight
    assert usage.packing(tight) == 100 * 615833600 // (tight - others - scratch(tight) - 322122547) + 1


@given(
    used=st.integers(0, 10 << 30),
    share=st.floats(0.05, 1),
    metadata=st.integers(1, 40).map(lambda count: count * 32 * MIB),
    size=st.integers(256 * MIB, 30 << 30),
)
def test_what_stays_after_packing_leaves_room_for_a_chunk_of_each_kind(used, share, metadata, size):
    """Whatever the chunks are: those that stay are as full as was asked, so with all the rest they fit in."""
    allocated, now = int(used / share), 31 << 30
    chunks = (Chunks("Data", allocated, used, 1), Chunks("Metadata", 2 * metadata, 0, 2), Chunks("System", 16 * MIB, 0, 2))
    usage = Usage(now, used + metadata, chunks)
    assume(usage.least(size) <= size)
    asked = usage.packing(size)
    most = allocated if asked is None else min(allocated, used * 100 / asked + min(1 << 30, now // 10))
    spare = min(1 << 30, size // 10) + 2 * min(256 * MIB, size // 10) + 2 * min(32 * MIB, size // 10)
    assert most + 2 * metadata + 16 * MIB + spare <= size + 1
