from __future__ import annotations

import contextlib
import os

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.mounts import read_mounts, visible_mounts
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles


def mounts_of(tree, *lines):
    return read_mounts(tree({"/proc/self/mountinfo": "".join(f"{line}\n" for line in lines)}))


ROOT = "1 0 8:1 / / rw - ext4 /dev/sda1 rw"


def test_fields(tree):
    mount = mounts_of(
        tree, r"221 26 253:0 /sub /mnt/da\040ta\134x rw,relatime shared:116 master:1 - ext4 /dev/mapper/vg0-data ro,errors=panic"
    )[0]
    assert mount == (221, 26, "253:0", "/sub", "/mnt/da ta\\x", "ext4", "/dev/mapper/vg0-data", True)


def test_without_optional_fields_and_with_damaged_lines(tree):
    found = mounts_of(tree, ROOT, "damaged", "2 1 8:2")
    assert [(mount.mountpoint, mount.read_only) for mount in found] == [("/", False)]


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_mount_points_may_hold_any_character(tree, character):
    found = mounts_of(tree, ROOT, f"2 1 253:0 / /mnt/a{character}b rw - ext4 a rw")
    assert [mount.mountpoint for mount in found] == ["/", f"/mnt/a{character}b"]


def test_no_mount_table(tree):
    assert read_mounts(tree({})) == []


def visible(tree, *lines):
    return [mount.identifier for mount in visible_mounts(mounts_of(tree, *lines))]


def test_mounted_over(tree):
    lines = [ROOT, "2 1 253:0 / /mnt rw - ext4 a rw", "3 2 253:1 / /mnt rw - ext4 b rw"]
    assert visible(tree, *lines) == [1, 3]


def test_directory_above_mounted_over(tree):
    lines = [ROOT, "2 1 253:0 / /mnt/a rw - ext4 a rw", "4 2 253:2 / /mnt/a/b rw - ext4 c rw", "3 1 253:1 / /mnt rw - ext4 b rw"]
    assert visible(tree, *lines) == [1, 3]


def test_root_mounted_over(tree):
    lines = [ROOT, "2 1 253:0 / /mnt rw - ext4 a rw", "3 1 253:1 / / rw - ext4 b rw", "4 3 253:2 / /mnt rw - ext4 c rw"]
    assert visible(tree, *lines) == [3, 4]


def test_like_named_directories_do_not_hide_each_other(tree):
    lines = [ROOT, "2 1 253:0 / /mnt rw - ext4 a rw", "3 1 253:1 / /mnt2 rw - ext4 b rw", "4 2 253:2 / /mnt/a rw - ext4 c rw"]
    assert visible(tree, *lines) == [1, 2, 3, 4]


LOCAL = {"ext4", "xfs", "tmpfs", "devtmpfs", "proc", "sysfs", "cgroup", "cgroup2"}


def test_mounts_of_this_process_lead_where_the_kernel_says():
    """A look at the mount point finds the device of the mount. (btrfs shows another number there; a server might not answer.)"""
    for mount in visible_mounts(read_mounts(TargetFiles())):
        with contextlib.suppress(OSError):
            if mount.fstype in LOCAL:
                device = os.stat(mount.mountpoint).st_dev
                assert f"{os.major(device)}:{os.minor(device)}" == mount.number, mount
