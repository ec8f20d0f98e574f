# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""f2fs grows and shrinks: the commands, the room that it needs, every half-done state, and a tool that lies."""

from __future__ import annotations

import pytest
from driver import DEVICE, data_volume, f2fs, machine_with, programs, resize, shrink
from f2fs_host import FSTAB, unmounted
from simulated_volume import EXTENT

from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems import f2fs_layout as layout
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin

MIB = 2**20


def test_growth_unmounted():
    machine = unmounted(100)
    result = resize(machine, 150)
    assert result["commands"] == [
        "lvm lvextend --extents 150 vg0/data",
        f"resize.f2fs -t {150 * 8192} {DEVICE}",
        f"fsck.f2fs --dry-run {DEVICE}",
    ]
    assert (result["after"]["fs_size"], result["after"]["fs_fills_volume"]) == (150 * EXTENT, True)
    assert resize(machine, 150)["status"] == "ok"


def test_growth_mounted_unmounts_and_mounts():
    machine = machine_with(data_volume(100, fs=f2fs(100)), fstab=FSTAB)
    assert resize(machine, 150)["reason"] == "mounted"
    result = resize(machine, 150, allow_unmount=True)
    assert programs(result) == ["umount", "lvm", "resize.f2fs", "fsck.f2fs", "mount"]
    assert machine.volumes["data"].mountpoints == ["/srv"]


def test_shrinking_in_the_safe_way_reads_back_and_checks():
    machine = unmounted(200, used=100 * MIB)
    result = shrink(machine, 100)
    assert result["commands"] == [
        f"resize.f2fs -s -t {100 * 8192} {DEVICE}",
        "lvm lvreduce --yes --extents 100 vg0/data",
        f"fsck.f2fs --dry-run {DEVICE}",
    ]
    assert machine.volumes["data"].fs.size == 100 * EXTENT


def test_too_full_to_grow_is_seen_before_the_volume_grows():
    fs = f2fs(100)
    fs.used = (fs.main - 40) * 2 * MIB
    machine = machine_with(data_volume(100, fs=fs, mountpoints=[]))
    machine(["resize.f2fs", "-t", str(100 * 8192), DEVICE])
    result = resize(machine, 150)
    assert (result["reason"], "too full" in result["message"]) == ("filesystem_limit", True)
    assert machine.volumes["data"].extents == 100
    # The tool would have failed, once the volume was extended.
    machine.volumes["data"].extents = 150
    assert machine(["resize.f2fs", "-t", str(150 * 8192), DEVICE])[0] == 255


def test_used_bytes_and_margin_stay():
    machine = unmounted(200, used=380 * MIB)
    assert "O(margin)" in shrink(machine, 97)["message"]
    assert shrink(machine, 97, margin=Margin(percent=0))["reason"] == "too_small"
    assert shrink(machine, 160)["status"] == "changed"


def test_scattered_files_keep_their_segments():
    """resize.f2fs moves blocks only to free segments of the same kind: it may fail half-way where each of them holds a little."""
    machine = unmounted(200, used=100 * MIB, scattered=180)
    result = shrink(machine, 100)
    assert (result["reason"], "no smaller than" in result["message"]) == ("too_small", True)
    assert machine(["resize.f2fs", "-s", "-t", str(100 * 8192), DEVICE])[0] == 0
    assert machine.volumes["data"].fs.size == 200 * EXTENT


def test_a_shrunk_one_keeps_free_what_f2fs_reserves():
    """Beyond what is in use, the segments that it needs to clean up must be free; otherwise it could not even grow again."""
    machine = unmounted(200, used=100 * MIB, scattered=144)
    fs = machine.volumes["data"].fs
    left = f2fs(120).main - fs.held
    assert 12 <= left < 12 + layout.reserves(f2fs(120).main).reserved
    assert "no smaller than" in shrink(machine, 120)["message"]
    assert shrink(machine, 130)["status"] == "changed"


def test_a_file_system_has_an_end():
    machine = machine_with(data_volume(100, fs=f2fs(100), mountpoints=[]), free=10**8)
    assert resize(machine, 2**22 + 1)["reason"] == "filesystem_limit"


def test_volume_grown_and_file_system_not():
    machine = machine_with(data_volume(150, fs=f2fs(100), mountpoints=[]))
    result = resize(machine, 150, expect_size=100 * EXTENT)
    assert programs(result) == ["resize.f2fs", "fsck.f2fs"]


def test_file_system_shrunk_and_volume_not():
    result = shrink(unmounted(200, filled=100), 100)
    assert programs(result) == ["lvm", "fsck.f2fs"]


@pytest.mark.parametrize("more", [{}, {"clean": False}, {"used": 250 * MIB}, {"sections": 2}])
def test_only_the_mount_is_left(more):
    """Whatever would stand against a resize: nothing is left to be resized."""
    machine = unmounted(100, **more)
    machine.fstab = FSTAB
    result = resize(machine, 100, allow_unmount=True)
    assert (result["commands"], result["status"]) == (["mount /srv"], "changed")


@pytest.mark.parametrize(("extents", "stopped_at"), [(150, "verify"), (80, "shrink_filesystem")])
def test_a_resize_f2fs_that_says_it_did_and_did_not(extents, stopped_at):
    machine = unmounted(100)
    machine.broken = {"resize.f2fs": "lies"}
    result = shrink(machine, extents)
    assert (result["status"], result["reason"], result["stopped_at"]) == ("failed", "verify_failed", stopped_at)
    assert machine.volumes["data"].extents == max(100, extents)
    machine.broken = {}
    assert shrink(machine, extents)["status"] == "changed"
