# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""btrfs that is not mounted: it is resized in a mount of its own, which nobody else sees, and only where that is allowed."""

from __future__ import annotations

import pytest
from btrfs_host import SYSFS, host
from driver import DEVICE, changes, resize
from simulated_btrfs import MIB
from simulated_volume import EXTENT


def test_unmounted_btrfs_needs_a_permission():
    machine = host(100, mounted=False)
    result = resize(machine, 150)
    assert (result["reason"], "O(allow_mount)" in result["message"], changes(machine)) == ("not_mounted", True, [])


def test_unmounted_btrfs_grows_in_a_mount_of_its_own():
    machine = host(100, mounted=False)
    result = resize(machine, 150, allow_mount=True)
    assert (result["status"], result["after"]["fs_size"], result["after"]["mountpoints"]) == ("changed", 150 * EXTENT, [])
    rehearsal, extend, growing = result["commands"]
    assert extend == "lvm lvextend --extents 150 vg0/data"
    for command, size in ((rehearsal, 100), (growing, 150)):
        assert command.startswith("unshare --mount --propagation private sh -c ")
        assert f" --rw btrfs skip_balance,nosuid,nodev,noexec {DEVICE} /mnt btrfs filesystem resize 1:{size * EXTENT} /mnt" in command


def test_unmounted_btrfs_shrinks_there_too_and_is_read_without_a_change():
    machine = host(200, mounted=False, used=50 * MIB)
    asked = resize(machine, 120, allow_mount=True, allow_shrink=True, check_mode=True)
    assert (asked["status"], changes(machine)) == ("changed", [])
    private = [call for call in machine.calls if call[0] == "unshare"]
    assert private
    assert all("--read-only" in call and "rescue=nologreplay,nosuid,nodev,noexec" in call for call in private)
    done = resize(machine, 120, allow_mount=True, allow_shrink=True)
    assert (done["status"], machine.volumes["data"].extents, machine.volumes["data"].fs.size) == ("changed", 120, 120 * EXTENT)


def test_what_this_kernel_cannot_mount_is_found_before_the_volume_is_changed():
    machine = host(100, mounted=False, unknown_feature=True)
    result = resize(machine, 150, allow_mount=True)
    assert (result["stopped_at"], result["changed"], machine.volumes["data"].extents) == ("check_filesystem", False, 100)
    assert "wrong fs type, bad option, bad superblock" in result["message"]


def test_unmounted_and_open_is_in_use():
    machine = host(100, mounted=False, volume={"is_open": True})
    assert resize(machine, 150, allow_mount=True)["reason"] == "in_use"


@pytest.mark.parametrize("tool", ["unshare", "mount"])
def test_tools_of_the_mount(tool):
    machine = host(100, mounted=False)
    machine.missing.add(tool)
    result = resize(machine, 150, allow_mount=True)
    assert (result["reason"], changes(machine)) == ("missing_tool", [])


def test_unmounted_volume_whose_uuid_is_mounted_from_another_device_is_refused():
    machine = host(100, mounted=False)
    machine.files[f"{SYSFS}/devices/dm-7/dev"] = "253:7\n"
    assert resize(machine, 150, allow_mount=True)["reason"] == "duplicate_uuid"
