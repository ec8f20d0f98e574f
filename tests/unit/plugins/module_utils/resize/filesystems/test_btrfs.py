# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""btrfs: what is refused, what its tool says and refuses as the lab showed it (btrfs-progs 6.2, Linux 6.1), every half-done state."""

from __future__ import annotations

import copy
import re

import pytest
from driver import btrfs, data_volume, machine_with, resize
from hypothesis import assume, given
from hypothesis import strategies as st
from simulated_btrfs import MIB, UUID
from simulated_host import Killed
from simulated_volume import EXTENT, Volume

from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.btrfs import Superblock, parse_superblock
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.btrfs_usage import Chunks, Usage, parse_usage

DEVICE = "/dev/mapper/vg0-data"
SYSFS = f"/sys/fs/btrfs/{UUID}"

DUMP_SUPER = """\
superblock: bytenr=65536, device=/dev/vg0/b1
---------------------------------------------------------
csum_type\t\t0 (crc32c)
csum_size\t\t4
csum\t\t\t0xf9223bf3 [match]
bytenr\t\t\t65536
flags\t\t\t0x1
\t\t\t( WRITTEN )
magic\t\t\t_BHRfS_M [match]
fsid\t\t\t65f15657-c15d-4190-ae57-9142912aec1e
metadata_uuid\t\t65f15657-c15d-4190-ae57-9142912aec1e
label\t\t\tdata
generation\t\t7
total_bytes\t\t999997440
bytes_used\t\t147456
sectorsize\t\t4096
num_devices\t\t1
compat_flags\t\t0x0
dev_item.uuid\t\tbd1c4b6c-5ca4-42f8-bb89-64753a2f4a97
dev_item.fsid\t\t65f15657-c15d-4190-ae57-9142912aec1e [match]
dev_item.type\t\t0
dev_item.total_bytes\t999997440
dev_item.bytes_used\t132513792
dev_item.devid\t\t1
"""
USAGE = """\
Overall:
    Device size:\t\t        3221225472
    Device allocated:\t\t        1895825408
    Device unallocated:\t\t        1325400064
    Device missing:\t\t                 0
    Device slack:\t\t                 0
    Used:\t\t\t         626253824
    Free (estimated):\t\t        2051743744\t(min: 1389043712)
    Free (statfs, df):\t\t        2050695168
    Data ratio:\t\t\t              1.00
    Metadata ratio:\t\t              2.00
    Global reserve:\t\t           5767168\t(used: 16384)
    Multiple profiles:\t\t                no

Data,single: Size:1342177280, Used:615833600 (45.88%)
   /dev/vg0/b2\t1342177280

Metadata,DUP: Size:268435456, Used:5193728 (1.93%)
   /dev/vg0/b2\t 536870912

System,DUP: Size:8388608, Used:16384 (0.20%)
   /dev/vg0/b2\t  16777216

Unallocated:
   /dev/vg0/b2\t1325400064
"""
# Ended with a file system forced read-only when it was shrunk to 560 MiB.
LOOSE = """\
Overall:
    Device size:\t\t        1258291200
    Used:\t\t\t         420872192

Data,single: Size:947912704, Used:419430400 (44.25%)
   /dev/vg0/k\t 947912704

Metadata,DUP: Size:62914560, Used:704512 (1.12%)
   /dev/vg0/k\t 125829120

System,DUP: Size:8388608, Used:16384 (0.20%)
   /dev/vg0/k\t  16777216

Unallocated:
   /dev/vg0/k\t 167772160
"""
MIXED = """\
Overall:
    Device size:\t\t         314572800
    Used:\t\t\t             36864

Data+Metadata,single: Size:8388608, Used:32768 (0.39%)
   /dev/vg0/b3\t   8388608

System,single: Size:4194304, Used:4096 (0.10%)
   /dev/vg0/b3\t   4194304

Unallocated:
   /dev/vg0/b3\t 301989888
"""


def host(extents=150, mounted=True, volume=None, **fs):
    """A host with vg0/data, btrfs that fills it unless told otherwise."""
    files = {"fs": btrfs(fs.pop("filled", extents), **fs), **(volume or {})}
    return machine_with(data_volume(extents, mountpoints=["/srv"] if mounted else [], **files))


def changes(machine):
    """The last words of the changing commands a machine saw: the program, and what it was asked for."""
    reading = {"lvs", "read_lvm", "--test", "--read-only", "inspect-internal", "usage", "stats", "lsblk"}
    return [" ".join(call) for call in machine.calls if not reading & set(call)]


# ---- what the tool says --------------------------------------------------------------------------------------------------


def test_superblock_tells_the_device_and_not_all_devices():
    assert parse_superblock(DUMP_SUPER) == Superblock("65f15657-c15d-4190-ae57-9142912aec1e", 999997440, 1, 1, 4096, 1)


def test_usage_counts_both_copies():
    usage = parse_usage(USAGE)
    assert usage.used == 626253824
    assert usage.chunks == (
        Chunks("Data", 1342177280, 615833600, 1),
        Chunks("Metadata", 536870912, 2 * 5193728, 2),
        Chunks("System", 16777216, 2 * 16384, 2),
    )


def test_usage_of_mixed_chunks():
    assert [chunks.kind for chunks in parse_usage(MIXED).chunks] == ["Data+Metadata", "System"]
    assert parse_usage(MIXED).least(300 * MIB) == 8388608 + 30 * MIB + 4194304 + 30 * MIB


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ERROR: not a btrfs filesystem",
        USAGE.split("Metadata,DUP", maxsplit=1)[0],
        USAGE.replace("    Used:", "    Free:"),
        USAGE.replace("Device size", "Device"),
    ],
)
def test_other_text_is_no_usage(text):
    with pytest.raises(ValueError, match="tells no usage"):
        parse_usage(text)


# Allocated and used as measured in the lab, and sizes for which Linux 6.1 found no room.
NO_ROOM = [(USAGE, 1000000000), (USAGE.replace("Used:615833600", "Used:1211424768"), 1600000000), (LOOSE, 560 * MIB), (LOOSE, 460 * MIB)]


@pytest.mark.parametrize(("usage", "size"), NO_ROOM)
def test_what_the_kernel_found_no_room_for_is_not_asked_of_it(usage, size):
    assert parse_usage(usage).least(size) > size


@pytest.mark.parametrize(("usage", "size"), [(USAGE, 2300000000), (LOOSE, 1100 * MIB)])
def test_what_has_room_is(usage, size):
    assert parse_usage(usage).least(size) <= size


@pytest.mark.parametrize(("size", "metadata"), [(40 << 30, 256 * MIB), (60 << 30, 1024 * MIB), (1 << 30, (1 << 30) // 10)])
def test_chunks_of_metadata_grow_with_the_file_system(size, metadata):
    data, system = min(1 << 30, size // 10), 32 * MIB
    unfilled = 3221225472 // 10
    assert parse_usage(USAGE).least(size) == 615833600 + unfilled + data + 536870912 + 2 * metadata + 16777216 + 2 * system


def test_data_is_packed_only_where_it_lies_in_the_way():
    usage = parse_usage(USAGE)
    loose, tight, others = 3000000000, 2600000000, 536870912 + 16777216

    def scratch(size):
        return size // 10 + 2 * min(256 * MIB, size // 10) + 2 * 32 * MIB

    assert 1342177280 + others + scratch(loose) <= loose
    assert usage.packing(loose) is None
    assert 1342177280 + others + scratch(tight) > tight
    assert usage.packing(tight) == 100 * 615833600 // (tight - others - scratch(tight) - 322122547) + 1


@given(
    used=st.integers(0, 10 << 30),
    share=st.floats(0.05, 1),
    metadata=st.integers(1, 40).map(lambda count: count * 32 * MIB),
    size=st.integers(256 * MIB, 30 << 30),
)
def test_what_stays_after_packing_leaves_room_for_a_chunk_of_each_kind(used, share, metadata, size):
    """Whatever the chunks are: those that stay are as full as was asked, so with all the rest they fit in."""
    allocated, now = int(used / share), 31 << 30
    chunks = (Chunks("Data", allocated, used, 1), Chunks("Metadata", 2 * metadata, 0, 2), Chunks("System", 16 * MIB, 0, 2))
    usage = Usage(now, used + metadata, chunks)
    assume(usage.least(size) <= size)
    asked = usage.packing(size)
    most = allocated if asked is None else min(allocated, used * 100 / asked + min(1 << 30, now // 10))
    spare = min(1 << 30, size // 10) + 2 * min(256 * MIB, size // 10) + 2 * min(32 * MIB, size // 10)
    assert most + 2 * metadata + 16 * MIB + spare <= size + 1


# ---- growing -------------------------------------------------------------------------------------------------------------


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


# ---- while it is not mounted ---------------------------------------------------------------------------------------------


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


# ---- copies --------------------------------------------------------------------------------------------------------------


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


def test_unmounted_volume_whose_uuid_is_mounted_from_another_device_is_refused():
    machine = host(100, mounted=False)
    machine.files[f"{SYSFS}/devices/dm-7/dev"] = "253:7\n"
    assert resize(machine, 150, allow_mount=True)["reason"] == "duplicate_uuid"


# ---- shrinking -----------------------------------------------------------------------------------------------------------


def test_file_system_shrinks_before_its_volume():
    machine = host(200, used=100 * MIB)
    result = resize(machine, 120, allow_shrink=True)
    assert result["status"] == "changed"
    assert result["commands"][0].endswith(f"sh btrfs /srv 1:{120 * EXTENT} 1:{200 * EXTENT - 4096} 1:{200 * EXTENT}")
    assert result["commands"][1:] == ["lvm lvreduce --yes --extents 120 vg0/data"]
    assert (result["after"]["fs_size"], result["after"]["mountpoints"]) == (120 * EXTENT, ["/srv"])


def test_data_in_the_way_of_metadata_is_packed_before():
    machine = host(200, used=100 * MIB, data_allocated=500 * MIB)
    result = resize(machine, 120, allow_shrink=True)
    assert result["status"] == "changed"
    assert " -dusage=" in result["commands"][0]
    assert machine.volumes["data"].fs.data == 100 * MIB


def test_packing_that_fails_shrinks_nothing():
    machine = host(200, used=100 * MIB, data_allocated=500 * MIB, balance_fails=True)
    result = resize(machine, 120, allow_shrink=True)
    assert (result["stopped_at"], result["reason"], result["changed"]) == ("shrink_filesystem", "shrink_failed", False)
    assert "error during balancing" in result["message"]


def test_half_shrunk_btrfs_is_finished():
    result = resize(host(200, filled=120), 120, allow_shrink=True)
    assert result["commands"] == ["lvm lvreduce --yes --extents 120 vg0/data"]


def test_btrfs_that_shrank_further_is_grown_back_into_the_volume():
    result = resize(host(200, filled=100), 120, allow_shrink=True)
    assert [command.split()[0] for command in result["commands"]] == ["btrfs", "lvm", "btrfs"]
    assert result["after"]["fs_size"] == 120 * EXTENT


@pytest.mark.parametrize(
    ("extents", "told", "fs"),
    [
        (110, "400.28 MiB of it are in use", {"used": 400 * MIB}),
        (50, "no smaller than 256 MiB", {}),
        (110, "kernel needs .* btrfs balance start", {"metadata": 150 * MIB}),
    ],
)
def test_too_little_room(extents, told, fs):
    machine = host(200, **fs)
    result = resize(machine, extents, allow_shrink=True)
    assert (result["reason"], changes(machine)) == ("too_small", [])
    assert re.search(told, result["message"])


def test_device_that_has_met_errors_is_not_shrunk_but_grows():
    machine = host(200, errors=3)
    result = resize(machine, 120, allow_shrink=True)
    assert (result["reason"], changes(machine)) == ("filesystem_errors", [])
    assert "corruption_errs 3" in result["message"]
    assert resize(machine, 210)["status"] == "changed"


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("device stats", (0, "", "")),
        ("device stats", (1, "", "ERROR: getting device info for '/srv' failed: Inappropriate ioctl for device")),
        ("filesystem usage", (0, "Overall:\n", "")),
        ("filesystem usage", (1, "", "ERROR: cannot get space info")),
        ("inspect-internal dump-super", (0, DUMP_SUPER.replace("num_devices", "devices"), "")),
        ("inspect-internal dump-super", (1, "", "ERROR: bad magic on superblock on /dev/mapper/vg0-data at 65536")),
    ],
)
def test_answer_that_makes_no_sense_stops_the_shrinking(words, answer):
    machine = host(200)
    tool = machine.tools["btrfs"]
    machine.tools = {**machine.tools, "btrfs": lambda now, args: answer if " ".join(args[1:3]) == words else tool(now, args)}
    result = resize(machine, 120, allow_shrink=True)
    assert (result["reason"], changes(machine)) == ("not_readable", [])


def test_kernel_that_finds_no_room_is_made_to_forget_it_and_nothing_is_changed():
    machine = host(200, used=10 * MIB, moves_nothing=True)
    for _again in range(3):
        result = resize(machine, 120, allow_shrink=True)
        assert (result["status"], result["stopped_at"], result["reason"], result["changed"]) == (
            "failed",
            "shrink_filesystem",
            "shrink_failed",
            False,
        )
        assert "No space left on device" in result["message"]
        assert (machine.volumes["data"].extents, machine.volumes["data"].fs.size) == (200, 200 * EXTENT)
        assert not machine.volumes["data"].fs.full


@pytest.mark.parametrize("tool", ["sh", "unshare"])
def test_tool_that_lies_reduces_no_volume(tool):
    machine = host(200, mounted=tool == "sh")
    machine.broken = {tool: "lies"}
    result = resize(machine, 120, allow_shrink=True, allow_mount=True)
    assert (result["status"], result["reason"], machine.volumes["data"].extents) == ("failed", "verify_failed", 200)


@pytest.mark.parametrize("mounted", [True, False])
@pytest.mark.parametrize("target", [260, 120])
def test_killed_at_every_call_it_is_finished_by_the_next_run(mounted, target):
    former = host(200, mounted=mounted, used=30 * MIB)
    wish = {"allow_shrink": True, "allow_mount": True}
    undisturbed = copy.deepcopy(former)
    expected = resize(undisturbed, target, **wish)
    for call in range(len(undisturbed.calls)):
        for when in ("before", "after"):
            machine = copy.deepcopy(former)
            machine.kill_at = (call, when)
            with pytest.raises(Killed):
                resize(machine, target, **wish)
            assert not machine.volumes["data"].fs.lost
            assert machine.volumes["data"].mountpoints == former.volumes["data"].mountpoints
            machine.kill_at = None
            assert resize(machine, target, **wish)["after"] == expected["after"]
            assert resize(machine, target, **wish)["status"] == "ok"


def test_other_volumes_do_not_matter():
    other = Volume("other", "uuid-other", 100, fs=btrfs(100, uuid="another"), mountpoints=["/other"])
    machine = machine_with(data_volume(100, fs=btrfs(100)), other)
    assert resize(machine, 150)["commands"][-1].endswith(" /srv")
