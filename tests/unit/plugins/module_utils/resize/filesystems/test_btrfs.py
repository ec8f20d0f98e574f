# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""btrfs that is mounted: how it grows, what is waited for and what is refused, for shrinking too."""

from __future__ import annotations

import copy

import pytest
from btrfs_host import SYSFS, host
from driver import DEVICE, btrfs, changes, data_volume, machine_with, resize
from simulated_btrfs import MIB
from simulated_volume import EXTENT, Volume


def test_mounted_btrfs_is_rehearsed_then_grown():
    machine = host(100)
    result = resize(machine, 150)
    assert result["status"] == "changed"
    assert result["commands"] == [
        f"btrfs filesystem resize 1:{100 * EXTENT} /srv",
        "lvm lvextend --extents 150 vg0/data",
        f"btrfs filesystem resize 1:{150 * EXTENT} /srv",
    ]
    assert (result["after"]["fs_size"], result["after"]["fs_fills_volume"]) == (150 * EXTENT, True)
    assert resize(machine, 150)["status"] == "ok"


def test_device_id_of_its_own_is_named():
    assert "1:" not in " ".join(resize(host(100, device_id=12), 150)["commands"])


def test_half_grown_btrfs_is_finished():
    result = resize(host(150, filled=100), 150)
    assert result["commands"][-1] == f"btrfs filesystem resize 1:{150 * EXTENT} /srv"
    assert result["after"]["fs_fills_volume"]


def test_mount_point_that_is_writable_is_taken():
    machine = machine_with(data_volume(100, fs=btrfs(100), mountpoints=["/export", "/srv"]), read_only_at={"/export"})
    assert resize(machine, 150)["commands"][-1].endswith(" /srv")


def test_mount_point_under_another_mount_is_not_taken():
    machine = machine_with(data_volume(100, fs=btrfs(100), mountpoints=["/export", "/srv"]), hidden={"/export"})
    machine.files["/proc/self/mountinfo"] = "99 30 0:77 / /export rw - btrfs /dev/sdz rw"
    assert resize(machine, 150)["commands"][-1].endswith(" /srv")


def test_kernel_name_of_the_device_in_the_mount_table():
    machine = host(100)
    machine.links[DEVICE] = "../dm-0"
    machine.tools = {**machine.tools, "/proc/self/mountinfo": None}
    original = machine.text
    machine.text = lambda path: original(path).replace(DEVICE, "/dev/dm-0") if path == "/proc/self/mountinfo" else original(path)
    assert resize(machine, 150)["commands"][-1].endswith(" /srv")


@pytest.mark.parametrize("operation", ["balance", "balance paused", "device replace", "resize"])
def test_another_operation_of_the_kernel_is_waited_for(operation):
    machine = host(100)
    machine.files[f"{SYSFS}/exclusive_operation"] = operation + "\n"
    for size, more in ((150, {}), (90, {"allow_shrink": True})):
        result = resize(machine, size, **more)
        assert (result["reason"], changes(machine)) == ("in_progress", [])
        assert f"({operation})" in result["message"]


def test_operation_that_begins_later_stops_the_rehearsal_and_nothing_is_changed():
    machine = host(100)

    def begin(now):
        if "lvextend" in now.calls[-1] and "--test" in now.calls[-1]:
            now.files[f"{SYSFS}/exclusive_operation"] = "balance\n"

    machine.at_call = begin
    result = resize(machine, 150)
    assert (result["status"], result["stopped_at"], result["reason"], result["changed"]) == (
        "failed",
        "check_filesystem",
        "fsck_failed",
        False,
    )
    assert "another exclusive operation 'balance' in progress" in result["message"]
    assert machine.volumes["data"].extents == 100


@pytest.mark.parametrize(
    ("reason", "spoil"),
    [
        ("filesystem_not_supported", lambda machine, volume: setattr(volume.fs, "devices", 2)),
        ("filesystem_feature", lambda machine, volume: setattr(volume.fs, "flags", 0x100000001)),
        ("read_only", lambda machine, volume: setattr(volume, "read_only", True)),
        ("missing_tool", lambda machine, volume: machine.missing.add("btrfs")),
        ("not_mounted", lambda machine, volume: machine.hidden.add("/srv")),
        ("not_readable", lambda machine, volume: setattr(volume.fs, "checksum_wrong", 99)),
    ],
)
def test_refusals(reason, spoil):
    for size, more in ((200, {}), (100, {"allow_shrink": True})):
        machine = host(150)
        spoil(machine, machine.volumes["data"])
        former = copy.deepcopy(machine.volumes)
        assert resize(machine, size, allow_mount=True, **more)["reason"] == reason
        if reason != "not_readable":
            assert (changes(machine), machine.volumes) == ([], former)


def test_superblock_that_is_being_written_is_read_again():
    assert resize(host(100, checksum_wrong=2), 150, check_mode=True)["status"] == "changed"


def test_size_below_what_the_kernel_resizes_to():
    machine = host(30, filled=30)
    result = resize(machine, 40)
    assert (result["reason"], "256 MiB" in result["message"], changes(machine)) == ("filesystem_limit", True, [])
    for mounted in (True, False):
        assert resize(host(30, mounted=mounted), 64, allow_mount=True)["after"]["fs_size"] == 256 * MIB


def test_other_volumes_do_not_matter():
    other = Volume("other", "uuid-other", 100, fs=btrfs(100, uuid="another"), mountpoints=["/other"])
    machine = machine_with(data_volume(100, fs=btrfs(100)), other)
    assert resize(machine, 150)["commands"][-1].endswith(" /srv")


def test_copy_that_cannot_be_told_from_it_is_refused():
    for mounted in (True, False):
        machine = host(100, mounted=mounted)
        document = machine.read_lvm

        def with_a_copy(document=document):
            found = document()
            found["lvs"][0]["filesystem"]["devices"].append("/dev/mapper/vg0-copy")
            return found

        machine.read_lvm = with_a_copy
        result = resize(machine, 150, allow_mount=True)
        assert (result["reason"], changes(machine)) == ("duplicate_uuid", [])
        assert "/dev/mapper/vg0-copy" in result["message"]
