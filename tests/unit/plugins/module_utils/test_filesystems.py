from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.block_devices import BlockDevice
from ansible_collections.foresight.capacity.plugins.module_utils.disk_usage import NOT_ANSWERING
from ansible_collections.foresight.capacity.plugins.module_utils.filesystems import MountTable, Volume, describe, find_top
from ansible_collections.foresight.capacity.plugins.module_utils.mounts import Mount
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

VOLUME = Volume("253:1", ("/dev/mapper/vg0-a", "/dev/vg0/a"), is_active=True, is_open=False)


def device(number, path, kind="lvm", fstype=None, children=(), table=None):
    return BlockDevice(number, path, kind, fstype, "uuid", None, table, list(children))


def top_of(*devices, volume=VOLUME):
    return find_top(volume, {entry.number: entry for entry in devices})


def test_nested_encryption_is_climbed():
    top = top_of(
        device("253:1", "/dev/mapper/vg0-a", fstype="crypto_LUKS", children=["253:2"]),
        device("253:2", "/dev/mapper/outer", "crypt", "crypto_LUKS", children=["253:3"]),
        device("253:3", "/dev/mapper/inner", "crypt", "ext4"),
    )
    assert (top.number, top.path, top.stack, top.reason) == ("253:3", "/dev/mapper/inner", ["luks", "luks"], None)


def test_encryption_without_a_header():
    top = top_of(device("253:1", "/dev/mapper/vg0-a", children=["253:2"]), device("253:2", "/dev/mapper/plain", "crypt", "ext4"))
    assert (top.path, top.stack, top.reason) == ("/dev/mapper/plain", ["crypt"], None)


@pytest.mark.parametrize(
    ("above", "fstype", "reason"),
    [
        ("part", None, "partitions"),
        ("raid1", "linux_raid_member", "member"),
        ("raid1", None, "member"),
        ("bcache", "bcache", "member"),
        ("lvm", "LVM2_member", "physical_volume"),
    ],
)
def test_what_stands_on_the_volume(above, fstype, reason):
    top = top_of(device("253:1", "/dev/mapper/vg0-a", fstype=fstype, children=["9:0"]), device("9:0", "/dev/x", above, "ext4"))
    assert (top.stack, top.reason) == ([reason], reason)


@pytest.mark.parametrize("fstype", ["zfs_member", "drbd", "linux_raid_member"])
def test_signatures_of_layers(fstype):
    assert top_of(device("253:1", "/dev/mapper/vg0-a", fstype=fstype)).reason == "member"


def test_physical_volume_inside_encryption():
    top = top_of(
        device("253:1", "/dev/mapper/vg0-a", fstype="crypto_LUKS", children=["253:2"]),
        device("253:2", "/dev/mapper/c", "crypt", "LVM2_member", children=["253:3"]),
        device("253:3", "/dev/mapper/inner-lv", "lvm", "ext4"),
    )
    assert (top.stack, top.reason) == (["luks", "physical_volume"], "physical_volume")


def mount(mountpoint, number="253:1", source="/dev/mapper/vg0-a", fstype="ext4", identifier=7, directory="/"):
    return Mount(identifier, 1, number, directory, mountpoint, fstype, source, read_only=False)


def description(mounts, devices, volume=VOLUME, measured=None, files=None):
    by_number = {entry.number: entry for entry in devices}
    table = MountTable(mounts, by_number, [volume], files or TargetFiles("/nonexistent"))
    return describe(find_top(volume, by_number), volume, table, measured or {})


def test_btrfs_is_found_by_any_name_of_its_device():
    for source in VOLUME.paths:
        entry = description([mount("/srv", "0:44", source, "btrfs")], [device("253:1", "/dev/mapper/vg0-a", fstype="btrfs")])
        assert entry["mountpoints"] == ["/srv"]


def test_file_system_that_does_not_answer():
    entry = description([mount("/srv")], [device("253:1", "/dev/mapper/vg0-a", fstype="ext4")], measured={"/srv": NOT_ANSWERING})
    assert (entry["reason"], entry["used"], entry["mountpoints"]) == ("not_answering", None, ["/srv"])


def test_whole_mounts_come_before_parts():
    entry = description(
        [mount("/part", directory="/sub", identifier=7), mount("/whole", identifier=8)],
        [device("253:1", "/dev/mapper/vg0-a", fstype="ext4")],
    )
    assert entry["mountpoints"] == ["/whole", "/part"]


def test_held_open_by_somebody_unseen():
    volume = VOLUME._replace(is_open=True)
    assert description([], [device("253:1", "/dev/mapper/vg0-a", fstype="ext4")], volume)["reason"] == "in_use"
    assert description([], [device("253:1", "/dev/mapper/vg0-a")], volume)["reason"] == "in_use"


def test_mount_points_that_are_no_utf8_are_shown():
    entry = description([mount("/mnt/\udcff")], [device("253:1", "/dev/mapper/vg0-a", fstype="ext4")])
    assert entry["mountpoints"] == ["/mnt/\ufffd"]


# What the kernel holds (recorded in the lab: btrfs on one and on two devices, its snapshot by LVM, swap).

ORIGIN, SNAPSHOT = device("253:1", "/dev/mapper/vg0-a", fstype="btrfs"), device("253:2", "/dev/mapper/vg0-s", fstype="btrfs")


def held(*numbers):
    """sysfs of a mounted btrfs on these devices."""
    return {f"/sys/fs/btrfs/uuid/devices/dm-{number.split(':')[1]}/dev": f"{number}\n" for number in numbers}


def snapshot_volume():
    return VOLUME._replace(number="253:2", paths=("/dev/mapper/vg0-s", "/dev/vg0/s"))


def test_snapshot_of_a_mounted_btrfs_is_not_mounted_although_it_bears_its_uuid(tree):
    files = tree(held("253:1"))
    mounts = [mount("/srv", "0:44", "/dev/mapper/vg0-a", "btrfs")]
    origin = description(mounts, [ORIGIN, SNAPSHOT], files=files)
    assert (origin["mountpoints"], origin["devices"]) == (["/srv"], ["/dev/mapper/vg0-a"])
    snapshot = description(mounts, [ORIGIN, SNAPSHOT], snapshot_volume(), files=files)
    assert (snapshot["mountpoints"], snapshot["devices"], snapshot["reason"]) == ([], ["/dev/mapper/vg0-s"], "not_mounted")


def test_btrfs_on_two_devices_is_mounted_on_both(tree):
    files = tree(held("253:1", "253:2"))
    mounts = [mount("/srv", "0:44", "/dev/mapper/vg0-a", "btrfs")]
    for volume in (VOLUME, snapshot_volume()):
        entry = description(mounts, [ORIGIN, SNAPSHOT], volume, files=files)
        assert (entry["mountpoints"], entry["devices"]) == (["/srv"], ["/dev/mapper/vg0-a", "/dev/mapper/vg0-s"])


def test_copies_of_an_unmounted_btrfs_cannot_be_told_from_its_devices(tree):
    entry = description([], [ORIGIN, SNAPSHOT], files=tree(held("253:9")))
    assert (entry["mountpoints"], entry["devices"]) == ([], ["/dev/mapper/vg0-a", "/dev/mapper/vg0-s"])


def test_btrfs_whose_mount_names_its_device_as_the_kernel_does(tree):
    files = tree({**held("253:1"), "/sys/class/block/dm-1/dev": "253:1\n"})
    assert description([mount("/srv", "0:44", "/dev/dm-1", "btrfs")], [ORIGIN], files=files)["mountpoints"] == ["/srv"]


SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/dm-1                               partition\t262140\t\t0\t\t5\n"


def test_active_swap_is_at_its_place_as_lsblk_shows_it(tree):
    files = tree({"/proc/swaps": SWAPS, "/sys/class/block/dm-1/dev": "253:1\n"})
    entry = description([], [device("253:1", "/dev/mapper/vg0-a", fstype="swap")], VOLUME._replace(is_open=True), files=files)
    assert (entry["type"], entry["mountpoints"], entry["reason"], entry["read_only"]) == ("swap", ["[SWAP]"], "swap", None)
    other = description([], [device("253:2", "/dev/mapper/vg0-s", fstype="swap")], snapshot_volume(), files=files)
    assert (other["mountpoints"], other["reason"]) == ([], "swap")


def test_swap_that_the_kernel_uses_is_swap_whatever_udev_saw(tree):
    files = tree({"/proc/swaps": SWAPS, "/sys/class/block/dm-1/dev": "253:1\n"})
    assert description([], [device("253:1", "/dev/mapper/vg0-a")], files=files)["type"] == "swap"
