# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vfat grows and shrinks: the commands, what stays of the used bytes, every half-done state, and a tool that lies."""

from __future__ import annotations

import pytest
from driver import DEVICE, data_volume, machine_with, programs, resize, shrink, vfat
from simulated_volume import EXTENT, Volume
from vfat_host import FSTAB, unmounted

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin

MIB = 2**20


def test_growth_unmounted():
    machine = unmounted(100)
    result = resize(machine, 150)
    assert result["commands"] == [
        "lvm lvextend --extents 150 vg0/data",
        f"fatresize --force-yes --partition 1 --size 628000000 {DEVICE}",
        f"fsck.vfat -n {DEVICE}",
    ]
    assert (result["after"]["fs_size"], result["after"]["fs_fills_volume"]) == (1226563 * 512, True)
    assert machine.volumes["data"].fs.blocks == 1226563
    assert resize(machine, 150)["status"] == "ok"


def test_growth_mounted_unmounts_and_mounts_and_keeps_the_label():
    machine = machine_with(data_volume(100, fs=vfat(100, label="BOOT", boot_label="BOOT")), fstab=FSTAB)
    assert resize(machine, 150)["reason"] == "mounted"
    result = resize(machine, 150, allow_unmount=True)
    assert programs(result) == ["umount", "lvm", "fatresize", "fsck.vfat", "fsck.vfat", "mount"]
    assert f"fsck.vfat -a {DEVICE}" in result["commands"]
    assert (machine.volumes["data"].fs.boot_label, machine.volumes["data"].mountpoints) == ("BOOT", ["/srv"])


def test_shrinking_reads_back_and_checks():
    machine = unmounted(200, used=100 * MIB)
    result = shrink(machine, 100)
    assert result["commands"] == [
        f"fatresize --force-yes --partition 1 --size 418000000 {DEVICE}",
        "lvm lvreduce --yes --extents 100 vg0/data",
        f"fsck.vfat -n {DEVICE}",
    ]
    assert result["after"]["fs_size"] == machine.volumes["data"].fs.size == (418000000 // 512 + 1) * 512


def test_what_mkfs_filled_stays_as_it_is():
    """mkfs.vfat fills a volume to its end, further than fatresize reaches."""
    machine = machine_with(data_volume(120, fs=vfat(100), mountpoints=[]))
    result = shrink(machine, 100)
    assert result["commands"] == ["lvm lvreduce --yes --extents 100 vg0/data", f"fsck.vfat -n {DEVICE}"]
    assert result["after"]["fs_size"] == 100 * EXTENT
    assert resize(machine, 100)["status"] == "ok"


def test_a_step_of_which_fatresize_can_use_nothing():
    """Nothing of 500 MB is lost from 10 GB on: less than that more is no growth."""
    machine = machine_with(data_volume(2600, fs=vfat(2600), mountpoints=[]))
    result = resize(machine, 2610)
    assert result["reason"] == "step_too_small"
    assert resize(machine, 2800)["after"]["fs_size"] <= 2800 * EXTENT


def test_used_bytes_and_margin_stay():
    machine = unmounted(200, used=380 * MIB)
    assert shrink(machine, 100)["reason"] == "too_small"
    assert "O(margin)" in shrink(machine, 96, margin=Margin(percent=5.0))["message"]
    assert shrink(machine, 120)["status"] == "changed"


def test_the_least_that_fatresize_makes():
    machine = unmounted(200, used=380 * MIB, directories=60 * MIB)
    assert "no smaller than" in shrink(machine, 100, margin=Margin())["message"]


def test_used_bytes_of_a_mounted_one_include_its_tables():
    machine = machine_with(data_volume(200, fs=vfat(200, used=395 * MIB)), fstab=FSTAB)
    result = shrink(machine, 100, allow_unmount=True, margin=Margin(size=4 * MIB))
    assert (result["status"], result["reason"], machine.volumes["data"].mountpoints) == ("refused", "too_small", ["/srv"])


def test_volume_grown_and_file_system_not():
    machine = machine_with(data_volume(150, fs=vfat(100), mountpoints=[]))
    result = resize(machine, 150, expect_size=100 * EXTENT)
    assert result["commands"] == [f"fatresize --force-yes --partition 1 --size 628000000 {DEVICE}", f"fsck.vfat -n {DEVICE}"]


def test_file_system_shrunk_and_volume_not():
    machine = unmounted(200, filled=100)
    result = shrink(machine, 100)
    assert programs(result) == ["lvm", "fsck.vfat"]


def test_killed_between_resizing_and_copying_the_label():
    """The next run has the label copied before it mounts: nothing else is left to do."""
    machine = machine_with(data_volume(100, fs=vfat(100, label="BOOT"), mountpoints=[]), fstab=FSTAB)
    foretold = resize(machine, 100, check_mode=True, allow_unmount=True)
    result = resize(machine, 100, allow_unmount=True)
    assert result["commands"] == foretold["commands"] == ["fsck.vfat -a /dev/mapper/vg0-data", "mount /srv"]
    assert (machine.volumes["data"].fs.boot_label, result["status"]) == ("BOOT", "changed")


def test_killed_before_the_label_was_copied():
    """fsck.vfat -n ends with 1 for that alone; it is no reason to refuse, and the label is copied."""
    machine = unmounted(200, filled=100, label="BOOT")
    result = shrink(machine, 100)
    assert (result["status"], machine.volumes["data"].fs.boot_label) == ("changed", "BOOT")


@pytest.mark.parametrize("more", [{}, {"fat": 16}, {"cluster_sectors": 1}])
def test_only_the_mount_is_left(more):
    """Whatever would stand against a resize: nothing is left to be resized."""
    machine = unmounted(100, **more)
    machine.volumes["data1"] = Volume("data1", "uuid-other", 100)
    machine.fstab = FSTAB
    result = resize(machine, 100, allow_unmount=True)
    assert (result["commands"], result["status"]) == (["mount /srv"], "changed")


@pytest.mark.parametrize(("extents", "stopped_at"), [(150, "verify"), (80, "shrink_filesystem")])
def test_a_fatresize_that_says_it_did_and_did_not(extents, stopped_at):
    machine = unmounted(100)
    machine.broken = {"fatresize": "lies"}
    result = shrink(machine, extents)
    assert (result["status"], result["reason"], result["stopped_at"]) == ("failed", "verify_failed", stopped_at)
    assert machine.volumes["data"].extents == max(100, extents)
    machine.broken = {}
    assert shrink(machine, extents)["status"] == "changed"


def test_a_fatresize_that_tells_no_least_size():
    machine = unmounted(100)
    machine.tools = {**machine.tools, "fatresize": lambda _host, _args: (0, "fatresize 1.1.0 (20221231)\n", "")}
    assert shrink(machine, 80)["reason"] == "not_readable"
    machine.tools["fatresize"] = lambda _host, _args: (1, "", "Error: it is broken")
    assert "it is broken" in shrink(machine, 80)["message"]
