# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking a file system out of use and putting it back: only what /etc/fstab brings back as it is, and what nobody uses."""

from __future__ import annotations

import pytest
from driver import FSTAB, data_volume, ext4, machine_with, resize, shrinkable
from simulated_volume import Volume

from ansible_collections.foresight.capacity.plugins.module_utils.commands import MissingTool

ALLOWED = {"allow_shrink": True, "allow_unmount": True}


@pytest.mark.parametrize(
    ("more", "reason", "told"),
    [
        ({"allow": False}, "mounted", "ext4 can shrink only while it is not mounted"),
        ({"fstab": None}, "not_in_fstab", "no line of /etc/fstab mounts it there at boot"),
        ({"fstab": "/dev/vg0/data /srv ext4 noauto 0 0"}, "not_in_fstab", "no line of /etc/fstab"),
        ({"fstab": "/dev/vg0/data /elsewhere ext4 defaults 0 0"}, "not_in_fstab", "mounted at /srv, but no line"),
        ({"fstab": "# UUID=fs-uuid /srv ext4 defaults"}, "not_in_fstab", "no line of /etc/fstab"),
        ({"fstab": "UUID=fs-uuid /srv ext4 rw,ro 0 2"}, "not_in_fstab", "mounted read-write at /srv, but its line of /etc/fstab mounts it read-only"),
        ({"fstab": "/dev/vg0/old /srv ext4 noauto 0 0\n/dev/vg0/data /srv ext4 defaults 0 2"}, "not_in_fstab", "the first one with that place counts"),
        ({"files": {"/proc/self/mountinfo": "50 30 0:9 / /srv rw - tmpfs tmpfs rw"}}, "busy", "2 mounts lie on one another there"),
        ({"files": {"/proc/self/mountinfo": "50 30 253:0 /inside /srv rw - ext4 /dev/dm-0 rw"}}, "busy", "only its directory /inside is mounted"),
        ({"missing": {"umount"}}, "missing_tool", "umount was not found"),
        ({"missing": {"mount"}}, "missing_tool", "mount was not found"),
        ({"mountpoints": ["/srv", "/also"]}, "busy", "only a file system with one mount"),
        ({"links": {"/proc/7/cwd": "/srv/www"}, "files": {"/proc/7/comm": "nginx\n"}}, "busy", "process 7 (nginx) uses it"),
        ({"links": {"/proc/7/fd/3": "/srv/log"}, "files": {"/proc/7/comm": "rsyslogd\n"}}, "busy", "process 7 (rsyslogd)"),
        ({"files": {"/proc/9/maps": "7f0-7f1 r-xp 0 fd:00 12 /srv/lib.so\n"}}, "busy", "process 9"),
        ({"files": {"/proc/self/mountinfo": "50 30 0:9 / /srv/inside rw - tmpfs tmpfs rw"}}, "busy", "/srv/inside is mounted on it"),
        ({"files": {"/proc/self/mountinfo": "20 1 0:9 / /srv rw - autofs systemd-1 rw"}}, "busy", "it is mounted on demand at /srv"),
        ({"files": {"/proc/swaps": "/srv/swapfile file 1024 0 -2\n"}}, "busy", "/srv/swapfile is a swap file"),
        ({"files": {"/sys/block/loop0/loop/backing_file": "/srv/disk.img\n"}}, "busy", "loop0 is made of /srv/disk.img"),
        ({"read_only": True}, "read_only", "mounted read-only"),
    ],
)  # fmt: skip
def test_what_may_not_or_cannot_be_unmounted_is_refused(more, reason, told):
    allow = more.pop("allow", True)
    files, links = more.pop("files", {}), more.pop("links", {})
    machine = shrinkable(**more)
    machine.files, machine.links = files, links
    places = list(machine.volumes["data"].mountpoints)
    result = resize(machine, 100, allow_shrink=True, allow_unmount=allow)
    assert (result["status"], result["reason"]) == ("refused", reason)
    assert told in result["message"]
    assert machine.volumes["data"].mountpoints == places


@pytest.mark.parametrize(
    "source", ["UUID=fs-uuid", 'UUID="fs-uuid"', "LABEL=my\\040data", "/dev/vg0/data", "/dev/mapper/vg0-data", "/dev/disk/by-uuid/fs-uuid"]
)
def test_every_way_to_name_it_in_fstab_counts(source):
    machine = shrinkable(fs=ext4(150, label="my data"), fstab=f"{source} /srv/ ext4 defaults 0 2")
    machine.volumes["data"].mountpoints = ["/srv"]
    result = resize(machine, 100, check_mode=True, **ALLOWED)
    assert (result["status"], result["commands"][-1]) == ("changed", "mount /srv")


def test_who_is_missed_keeps_it_mounted_and_is_told():
    machine = shrinkable()
    machine.busy.add("/srv")
    result = resize(machine, 100, **ALLOWED)
    assert (result["reason"], result["stopped_at"], result["changed"], result["commands"]) == (
        "unmount_failed", "unmount", False, ["umount /srv"],
    )  # fmt: skip
    assert "target is busy" in result["message"]


def test_mount_in_another_namespace_is_noticed_and_it_is_mounted_again():
    machine = shrinkable(is_open=True)
    result = resize(machine, 100, **ALLOWED)
    assert (result["reason"], result["changed"], machine.volumes["data"].mountpoints) == ("in_use", False, ["/srv"])


def test_file_system_that_an_earlier_run_left_unmounted_is_mounted_as_fstab_says():
    machine = shrinkable(100, mountpoints=[])
    result = resize(machine, 100, **ALLOWED)
    assert (result["status"], result["commands"], result["after"]["mountpoints"]) == ("changed", ["mount /srv"], ["/srv"])
    assert result["message"] == "Mounted vg0/data at /srv, as /etc/fstab says."
    assert resize(machine, 100, **ALLOWED)["status"] == "ok"
    machine.volumes["data"].mountpoints.clear()
    assert resize(machine, 100, allow_shrink=True)["status"] == "ok", "without allow_unmount nothing is mounted"


def test_unmounted_growth_mounts_what_fstab_mounts():
    machine = shrinkable(100, mountpoints=[])
    result = resize(machine, 120, allow_unmount=True)
    assert result["commands"][-1] == "mount /srv"
    assert result["message"].endswith(" and its ext4 file system from 400 MiB to 480 MiB, and mounted it at /srv, as /etc/fstab says.")


def test_copy_of_a_mounted_file_system_is_not_mounted_in_its_place():
    """A copy has the UUID by which /etc/fstab mounts the other one."""
    original = Volume("original", "uuid-original", 150, fs=ext4(150), mountpoints=["/srv"])
    machine = machine_with(data_volume(150, fs=ext4(150), mountpoints=[]), original, fstab=[FSTAB])
    result = resize(machine, 200, **ALLOWED)
    assert (result["status"], result["after"]["mountpoints"]) == ("changed", [])
    assert not any(command.startswith("mount") for command in result["commands"])


def with_copy(fstab, **more):
    """A host with a copy of the file system of vg0/data, mounted nowhere."""
    copy = Volume("copy", "uuid-copy", 150, fs=ext4(150, label="data"))
    return machine_with(data_volume(150, fs=ext4(150, label="data"), **more), copy, fstab=[fstab])


@pytest.mark.parametrize("mountpoints", [["/srv"], []], ids=["mounted", "left unmounted"])
@pytest.mark.parametrize("source", ["UUID=fs-uuid", "LABEL=data", "/dev/disk/by-uuid/fs-uuid"])
def test_a_copy_that_might_be_mounted_in_its_place_is_refused(source, mountpoints):
    machine = with_copy(f"{source} /srv ext4 defaults 0 2", mountpoints=mountpoints)
    result = resize(machine, 100, **ALLOWED)
    assert (result["reason"], machine.volumes["data"].mountpoints) == ("duplicate_uuid", mountpoints)
    assert "/dev/mapper/vg0-copy bears the same" in result["message"]
    machine.fstab = ["/dev/vg0/data /srv ext4 defaults 0 2"]
    assert resize(machine, 100, **ALLOWED)["status"] == "changed"


def test_what_another_line_mounts_there_is_not_taken_for_its_place():
    machine = shrinkable(mountpoints=[], fstab="/dev/vg0/old /srv ext4 noauto 0 0\n/dev/vg0/data /srv ext4 defaults 0 2")
    result = resize(machine, 100, **ALLOWED)
    assert (result["status"], result["after"]["mountpoints"]) == ("changed", [])


def test_a_volume_that_is_still_mounted_after_the_unmount_is_left_alone():
    machine = shrinkable(broken={"umount": "lies"})
    result = resize(machine, 100, **ALLOWED)
    assert (result["reason"], result["stopped_at"], result["changed"], result["commands"]) == (
        "unmount_failed", "unmount", False, ["umount /srv"],
    )  # fmt: skip
    assert "still in use at /srv" in result["message"]


@pytest.mark.parametrize("error", [OSError(12, "Cannot allocate memory"), MissingTool("lsblk")], ids=["no memory", "tool gone"])
def test_it_is_mounted_again_where_it_cannot_even_be_read_after_the_unmount(error):
    """Nothing was done to it, so nothing has to be known of it."""
    machine = shrinkable()

    def break_reading(host):
        if host.calls[-1] == ["read_lvm"] and ["umount", "/srv"] in host.calls:
            raise error

    machine.at_call = break_reading
    result = resize(machine, 100, **ALLOWED)
    assert (result["status"], result["stopped_at"], result["commands"]) == ("failed", "check_filesystem", ["umount /srv", "mount /srv"])
    assert machine.volumes["data"].mountpoints == ["/srv"]
    assert "out of use" not in result["message"]


@pytest.mark.parametrize("error", [OSError(12, "Cannot allocate memory"), MissingTool("lsblk")], ids=["no memory", "tool gone"])
def test_what_was_changed_and_cannot_be_read_is_not_mounted_and_that_is_told(error):
    machine = shrinkable()

    def break_reading(host):
        if host.calls[-1] == ["read_lvm"] and any(call[0] == "resize2fs" and call[1] != "-P" for call in host.calls):
            raise error

    machine.at_call = break_reading
    result = resize(machine, 100, **ALLOWED)
    assert (result["status"], result["reason"], result["stopped_at"]) == ("failed", "verify_failed", "shrink_filesystem")
    assert "It may be out of use now" in result["message"]
    assert (machine.volumes["data"].mountpoints, machine.volumes["data"].extents) == ([], 150)


def test_what_an_earlier_run_left_unmounted_needs_mount_too():
    machine = machine_with(data_volume(100, mountpoints=[]), fstab=[FSTAB], missing={"mount"})
    result = resize(machine, 100, check_mode=True, allow_unmount=True)
    assert (result["status"], result["reason"]) == ("refused", "missing_tool")


def test_a_refusal_tells_of_a_file_system_that_an_earlier_run_left_out_of_use():
    machine = machine_with(data_volume(100, mountpoints=[]), free=5, fstab=[FSTAB])
    result = resize(machine, 150, allow_unmount=True)
    assert (result["reason"], machine.volumes["data"].mountpoints) == ("no_space", [])
    assert result["message"].endswith("It is out of use now, though /etc/fstab names it.")
    assert "out of use" not in resize(machine, 150)["message"], "nobody was to unmount it"


def test_the_kind_that_fstab_mounts_it_as_is_foretold():
    """An ext3 is called ext4 by the mount table where /etc/fstab says so."""
    machine = shrinkable(150, fs=ext4(150, kind="ext3"), mountpoints=[])
    foretold = resize(machine, 100, check_mode=True, **ALLOWED)
    result = resize(machine, 100, **ALLOWED)
    assert (result["status"], result["before"]["fs_type"], result["after"]["fs_type"]) == ("changed", "ext3", "ext4")
    assert foretold["after"] == result["after"]
