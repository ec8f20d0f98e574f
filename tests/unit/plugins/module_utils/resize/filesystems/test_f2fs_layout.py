# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""f2fs: what stands in its superblock and checkpoint, and what resize.f2fs makes of them."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from driver import DEVICE, HostOf, f2fs, resize
from f2fs_host import unmounted

from ansible_collections.foresight.capacity.plugins.module_utils.commands import SYSTEM_DIRECTORIES, Commands
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems import f2fs_layout as layout
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused

MIB = 2**20
PATH = ":".join(SYSTEM_DIRECTORIES)
MISSING = [tool for tool in ("mkfs.f2fs", "resize.f2fs", "fsck.f2fs") if not shutil.which(tool, path=PATH)]
needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not found; install the package f2fs-tools")
# Segments of a main area; what resize.f2fs 1.15.0 reserved and kept from files in the lab.
RECORDED = [(30, 14, 18), (37, 16, 21), (54, 18, 25), (68, 18, 28), (108, 21, 34), (112, 21, 34), (134, 21, 37), (172, 28, 42)]
RECORDED += [(186, 28, 43), (192, 28, 44), (232, 28, 48), (332, 33, 56)]


@pytest.mark.parametrize(("main", "reserved", "kept"), RECORDED)
def test_reserves_as_the_real_tool_kept_them(main, reserved, kept):
    assert layout.reserves(main) == (reserved, kept)
    assert layout.room(main) == (main - kept) * 512


def test_a_main_area_that_is_all_reserve_has_no_room():
    assert [layout.room(main) for main in (0, 1, 5, 10)] == [0, 0, 0, 0]


def test_checksum_is_that_of_f2fs():
    # The CRC-32 of f2fs over "123456789" with its magic number as the start, by hand.
    value = 0xF2F52010
    for byte in b"123456789":
        value ^= byte
        for _bit in range(8):
            value = (value >> 1) ^ (0xEDB88320 if value & 1 else 0)
    assert layout.checksum(b"123456789") == value


def test_the_second_superblock_serves_where_the_first_is_broken():
    machine = unmounted(100, broken_superblocks=1)
    assert layout.read_superblock(HostOf(machine), DEVICE).blocks == 100 * 1024
    machine.volumes["data"].fs.broken_superblocks = 2
    assert resize(machine, 150)["reason"] == "not_readable"


def test_a_superblock_is_held_against_its_checksum():
    data = bytearray(f2fs(100, features=0x800).read_bytes(1024, 3072))
    assert layout._is_superblock(bytes(data))
    data[36] ^= 1
    assert not layout._is_superblock(bytes(data))


def test_the_newer_checkpoint_counts_and_the_older_one_where_it_is_broken():
    machine = unmounted(100, used=50 * MIB)
    host, fs = HostOf(machine), machine.volumes["data"].fs
    superblock = layout.read_superblock(host, DEVICE)
    assert layout.read_checkpoint(host, DEVICE, superblock).version == 101
    fs.broken_checkpoints = 1
    assert layout.read_checkpoint(host, DEVICE, superblock)[:2] == (100, fs.valid)
    fs.broken_checkpoints = 2
    with pytest.raises(Refused, match="neither of its checkpoints is complete"):
        layout.read_checkpoint(host, DEVICE, superblock)


def run(*args):
    done = subprocess.run(args, capture_output=True, text=True, check=False, env={"PATH": PATH, "LC_ALL": "C"})
    return done.returncode, done.stdout, done.stderr


@needs_tools
@pytest.mark.parametrize("options", [[], ["-O", "extra_attr,inode_checksum,sb_checksum"], ["-z", "2"], ["-o", "20"]])
@pytest.mark.parametrize(("made", "volume"), [(200, 204), (200, 700), (300, 3000), (800, 500), (500, 177), (4000, 1600)])
def test_the_real_tools_make_what_is_foretold(tmp_path, options, made, volume):
    image = str(tmp_path / "image")
    host = Host(Commands(lambda args, **_more: run(*args)), Commands(lambda args, **_more: run(*args)), dict)
    with open(image, "wb") as file:
        file.truncate(made * MIB)
    assert run("mkfs.f2fs", "-f", *options, image)[0] == 0
    assert run("resize.f2fs", "-V")[1].startswith("resize.f2fs 1.")
    before = layout.read_superblock(host, image)
    assert layout.read_checkpoint(host, image, before).was_unmounted
    assert before.sector_size == 512
    with open(image, "r+b") as file:
        file.truncate(max(made, volume) * MIB)
    assert run("resize.f2fs", *(["-s"] if volume < made else []), "-t", str(volume * 2048), image)[0] == 0
    after = layout.read_superblock(host, image)
    assert after.blocks == volume * 256
    checkpoint = layout.read_checkpoint(host, image, after)
    if volume < made:
        assert after.main_segments == before.main_after(volume * 256)
        assert after.main_address == before.main_address
        assert checkpoint.reserved_segments == layout.reserves(after.main_segments).reserved
    else:
        assert (after.main_address - before.main_address) // 512 <= before.moved_when_grown(volume * 256)
    assert run("fsck.f2fs", "--dry-run", image)[0] == 0
