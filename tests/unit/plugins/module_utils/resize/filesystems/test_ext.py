# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

"""The goal of an ext file system, held against what the real resize2fs makes of an image file; and what resize2fs would stumble over."""

import shutil
import subprocess

import pytest
from driver import data_volume, ext4, machine_with, resize
from simulated_volume import EXTENT

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


# What a superblock from before a crash looks like.
OUTDATED = {
    "its journal was not replayed": {"features": "has_journal extent 64bit sparse_super needs_recovery"},
    "no journal, not unmounted": {"kind": "ext2", "features": "resize_inode sparse_super", "state": "not clean"},
}


@pytest.mark.parametrize("case", OUTDATED)
def test_counts_from_before_a_crash_are_no_measure_for_shrinking(case):
    """More was in use than the superblock tells: with the margin it does not fit, and the repair would come too late to see that."""
    fs = ext4(150, used=95 * EXTENT, seen_used=20 * EXTENT, **OUTDATED[case])
    machine = machine_with(data_volume(150, fs=fs, mountpoints=[]))
    for allow_fsck in (False, True):
        result = resize(machine, 100, allow_shrink=True, allow_fsck=allow_fsck)
        assert (result["status"], result["reason"], "e2fsck -f" in result["message"]) == ("refused", "fsck_needed", True)
    assert (machine.volumes["data"].extents, fs.size) == (150, 150 * EXTENT)
    machine(["e2fsck", "-f", "-p", "/dev/mapper/vg0-data"])
    assert resize(machine, 100, allow_shrink=True, allow_fsck=True)["reason"] == "too_small"
    assert resize(machine, 120, allow_shrink=True)["status"] == "changed"


@pytest.mark.parametrize("case", OUTDATED)
def test_counts_from_before_a_crash_do_not_matter_for_growing(case):
    machine = machine_with(data_volume(100, fs=ext4(100, **OUTDATED[case]), mountpoints=[]))
    assert resize(machine, 150)["reason"] == "fsck_needed"
    assert resize(machine, 150, allow_fsck=True)["status"] == "changed"


@pytest.mark.parametrize("features", ["has_journal extent 64bit sparse_super", "has_journal needs_recovery extent 64bit sparse_super"])
def test_what_a_killed_resize2fs_left_is_shrunk_further_once_repaired(features):
    """Marked with errors, but unmounted before: no counts stand in a journal. (Mounted ones always have needs_recovery.)"""
    mounted = "needs_recovery" in features
    fs = ext4(150, used=20 * EXTENT, features=features, state="clean" if mounted else "not clean with errors")
    machine = machine_with(data_volume(150, fs=fs, mountpoints=["/srv"] if mounted else []), fstab=["UUID=fs-uuid /srv ext4 defaults 0 2"])

    def unmounted(host):
        if host.calls[-1][0] == "umount":
            fs.features = fs.features.replace(" needs_recovery", "")

    machine.at_call = unmounted
    assert resize(machine, 100, allow_shrink=True, allow_unmount=True, allow_fsck=True)["status"] == "changed"


@pytest.mark.parametrize(
    ("places", "read_only_at", "hidden", "reason"),
    [
        (["/export", "/srv"], {"/export"}, set(), "read_only"),
        (["/srv", "/export"], {"/export"}, set(), None),
        (["/export", "/srv"], {"/export"}, {"/export"}, None),
        (["/export", "/srv"], set(), set(), None),
    ],
)
def test_resize2fs_works_through_the_oldest_mount_that_it_sees(places, read_only_at, hidden, reason):
    """That one may be read-only (mount -o remount,bind,ro) although the file system is not: refused before the volume is extended."""
    machine = machine_with(data_volume(100, mountpoints=places), read_only_at=read_only_at, hidden=hidden)
    # The facts name them in another order than the mount table.
    document = machine.read_lvm

    def shuffled():
        found = document()
        found["lvs"][0]["filesystem"]["mountpoints"].reverse()
        return found

    machine.read_lvm = shuffled
    result = resize(machine, 150)
    assert (result["status"], result["reason"]) == (("refused", reason) if reason else ("changed", None))
    assert machine.volumes["data"].extents == (100 if reason else 150)
    if reason:
        assert "read-only at /export" in result["message"]
