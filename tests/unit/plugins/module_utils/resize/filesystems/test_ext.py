# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

"""The goal of an ext file system, held against what the real resize2fs makes of an image file."""

import shutil
import subprocess

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.commands import SYSTEM_DIRECTORIES, Commands
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.ext import parse_superblock, read_superblock
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused

MIB = 2**20
PATH = ":".join(SYSTEM_DIRECTORIES)
MISSING = [tool for tool in ("mke2fs", "resize2fs", "dumpe2fs", "e2fsck") if not shutil.which(tool, path=PATH)]
needs_e2fsprogs = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not found; install the package e2fsprogs")


def run(*args):
    done = subprocess.run(args, capture_output=True, text=True, check=False, env={"PATH": PATH, "LC_ALL": "C"})
    return done.returncode, done.stdout, done.stderr


def host():
    return Host(Commands(lambda args, **_more: run(*args)), Commands(lambda args, **_more: run(*args)), dict)


def grown(image, *size):
    """Blocks after resize2fs, which must not complain."""
    assert run("e2fsck", "-f", "-p", str(image))[0] in (0, 1)
    status, _out, err = run("resize2fs", str(image), *size)
    assert status == 0, err
    return read_superblock(host(), str(image)).blocks


FLAVOURS = {
    "ext4": ["-t", "ext4", "-b", "4096"],
    "ext4 small blocks": ["-t", "ext4", "-b", "1024"],
    "ext4 few inodes": ["-t", "ext4", "-b", "4096", "-T", "largefile4"],
    "ext4 room to grow": ["-t", "ext4", "-b", "4096", "-E", "resize=100000000"],
    "ext4 without resize_inode": ["-t", "ext4", "-b", "4096", "-O", "^resize_inode"],
    "ext4 meta_bg": ["-t", "ext4", "-b", "4096", "-O", "^resize_inode,meta_bg"],
    "ext4 32 bit": ["-t", "ext4", "-b", "4096", "-O", "^64bit,^metadata_csum"],
    "ext3": ["-t", "ext3", "-b", "4096"],
    "ext2": ["-t", "ext2", "-b", "2048"],
}


@needs_e2fsprogs
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("size", [132, 140, 260, 388, 392, 400, 644, 1540, 2052])
def test_goal_is_what_resize2fs_makes(tmp_path, flavour, size):
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(128 * MIB)
    assert run("mke2fs", "-q", "-F", *FLAVOURS[flavour], str(image))[0] == 0
    before = read_superblock(host(), str(image))
    assert before.goal(128 * MIB) == before.blocks
    with image.open("r+b") as file:
        file.truncate(size * MIB)
    goal = before.goal(size * MIB)
    assert grown(image, str(goal)) == goal
    after = read_superblock(host(), str(image))
    assert after.goal(size * MIB) == goal
    # Left to itself, resize2fs finds nothing more to do.
    assert grown(image) == goal


@needs_e2fsprogs
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("size", [64, 68, 132, 140, 260, 388, 392, 400, 636, 640])
def test_goal_is_what_resize2fs_shrinks_to(tmp_path, flavour, size):
    """Shrunk exactly so far, sound, and filling a volume of that size; its least size can be asked without a check before."""
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(644 * MIB)
    assert run("mke2fs", "-q", "-F", *FLAVOURS[flavour], str(image))[0] == 0
    status, out, err = run("resize2fs", "-P", str(image))
    assert (status, int(out.rsplit(":", 1)[1]) > 0) == (0, True), err
    goal = read_superblock(host(), str(image)).goal(size * MIB)
    assert grown(image, str(goal)) == goal
    with image.open("r+b") as file:
        file.truncate(size * MIB)
    assert run("e2fsck", "-f", "-n", str(image))[0] == 0
    assert read_superblock(host(), str(image)).goal(size * MIB) == goal
    assert grown(image) == goal


@needs_e2fsprogs
def test_what_is_no_ext_file_system_is_not_readable(tmp_path):
    (tmp_path / "image").write_bytes(bytes(MIB))
    with pytest.raises(Refused, match="Cannot read the superblock") as refused:
        read_superblock(host(), str(tmp_path / "image"))
    assert refused.value.reason == "not_readable"


def test_superblock_without_optional_fields():
    text = (
        "Filesystem features:      has_journal ext_attr\nFilesystem state:         not clean with errors\nBlock count:              614400\n"
        "Free blocks:              500000\n"
        "First block:              1\nBlock size:               1024\nBlocks per group:         8192\nInodes per group:         2048\n"
        "Inode blocks per group:   256\n"
    )
    superblock = parse_superblock(text)
    assert (superblock.reserved_gdt_blocks, superblock.descriptor_size, superblock.cluster_size) == (0, 32, 1024)
    assert "errors" in superblock.state
