# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

"""f2fs: what stands in its superblock and checkpoint, what resize.f2fs would stumble over, and every half-done state."""

import copy
import shutil
import subprocess

import pytest
from driver import HostOf, data_volume, f2fs, machine_with, resize
from simulated_f2fs import SECTOR, TOOLS
from simulated_volume import EXTENT

from ansible_collections.foresight.capacity.plugins.module_utils.commands import SYSTEM_DIRECTORIES, Commands
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems import f2fs_layout as layout
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin

MIB = 2**20
DEVICE = "/dev/mapper/vg0-data"
FSTAB = ["UUID=fs-uuid /srv f2fs defaults 0 2"]
PATH = ":".join(SYSTEM_DIRECTORIES)
MISSING = [tool for tool in ("mkfs.f2fs", "resize.f2fs", "fsck.f2fs") if not shutil.which(tool, path=PATH)]
needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not found; install the package f2fs-tools")

# Segments of a main area; what resize.f2fs 1.15.0 reserved and kept from files in the lab.
RECORDED = [(30, 14, 18), (37, 16, 21), (54, 18, 25), (68, 18, 28), (108, 21, 34), (112, 21, 34), (134, 21, 37), (172, 28, 42)]
RECORDED += [(186, 28, 43), (192, 28, 44), (232, 28, 48), (332, 33, 56)]


def unmounted(extents=100, filled=None, **more):
    """A host with vg0/data, not mounted, whose f2fs fills a volume of ``filled`` extents, or all of it."""
    return machine_with(data_volume(extents, fs=f2fs(filled or extents, **more), mountpoints=[]))


def shrink(machine, extents, **more):
    return resize(machine, extents, **{"allow_shrink": True, **more})


def words(result):
    return [command.split()[0] for command in result["commands"]]


# ---- what is on the disk -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("main", "reserved", "kept"), RECORDED)
def test_reserves_as_the_real_tool_kept_them(main, reserved, kept):
    assert layout.reserves(main) == (reserved, kept)
    assert layout.room(main) == (main - kept) * 512


def test_a_main_area_that_is_all_reserve_has_no_room():
    assert [layout.room(main) for main in (0, 1, 5, 10)] == [0, 0, 0, 0]


def test_checksum_is_that_of_f2fs():
    # The CRC-32 of f2fs over "123456789" with its magic number as the start, by hand.
    value = 0xF2F52010
    for byte in b"123456789":
        value ^= byte
        for _bit in range(8):
            value = (value >> 1) ^ (0xEDB88320 if value & 1 else 0)
    assert layout.checksum(b"123456789") == value


def test_the_second_superblock_serves_where_the_first_is_broken():
    machine = unmounted(100, broken_superblocks=1)
    assert layout.read_superblock(HostOf(machine), DEVICE).blocks == 100 * 1024
    machine.volumes["data"].fs.broken_superblocks = 2
    assert resize(machine, 150)["reason"] == "not_readable"


def test_a_superblock_is_held_against_its_checksum():
    data = bytearray(f2fs(100, features=0x800).read_bytes(1024, 3072))
    assert layout._is_superblock(bytes(data))
    data[36] ^= 1
    assert not layout._is_superblock(bytes(data))


def test_the_newer_checkpoint_counts_and_the_older_one_where_it_is_broken():
    machine = unmounted(100, used=50 * MIB)
    host, fs = HostOf(machine), machine.volumes["data"].fs
    superblock = layout.read_superblock(host, DEVICE)
    assert layout.read_checkpoint(host, DEVICE, superblock).version == 101
    fs.broken_checkpoints = 1
    assert layout.read_checkpoint(host, DEVICE, superblock)[:2] == (100, fs.valid)
    fs.broken_checkpoints = 2
    with pytest.raises(Refused, match="neither of its checkpoints is complete"):
        layout.read_checkpoint(host, DEVICE, superblock)


# ---- growing and shrinking ---------------------------------------------------------------------------------------------


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
    assert words(result) == ["umount", "lvm", "resize.f2fs", "fsck.f2fs", "mount"]
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


# ---- refusals ----------------------------------------------------------------------------------------------------------

FEATURES = {
    "sections of two segments": ({"sections": 2}, "sections of 2 segments"),
    "zoned": ({"features": 0x2}, "zoned device"),
    "read-only": ({"features": 0x4000}, "read-only by its format"),
    "two devices": ({"devices": 2}, "several devices"),
}


@pytest.mark.parametrize("case", FEATURES)
@pytest.mark.parametrize("extents", [80, 150])
def test_what_resize_f2fs_cannot_be_trusted_with(case, extents):
    more, told = FEATURES[case]
    machine = unmounted(100, **more)
    former = copy.deepcopy(machine)
    result = shrink(machine, extents)
    assert (result["reason"], told in result["message"]) == ("filesystem_feature", True)
    machine.calls.clear()
    assert machine == former


def test_the_simulated_tool_spoils_sections():
    """Otherwise the refusal would be held by nothing."""
    machine = unmounted(100, sections=2)
    machine(["resize.f2fs", "-s", "-t", str(80 * 8192), DEVICE])
    assert machine(["fsck.f2fs", "--dry-run", DEVICE])[0] == 4


@pytest.mark.parametrize("tool", ["resize.f2fs", "fsck.f2fs"])
def test_missing_tools_are_told_with_their_package(tool):
    machine = unmounted(100)
    machine.missing.add(tool)
    result = resize(machine, 150)
    assert (result["reason"], "f2fs-tools" in result["message"]) == ("missing_tool", True)
    assert machine.volumes["data"].extents == 100


@pytest.mark.parametrize("extents", [80, 150])
@pytest.mark.parametrize(
    ("device", "made", "reason", "told"),
    [
        ("4096", 4096, "filesystem_feature", "sectors of 4096 bytes"),
        ("4096", 512, "filesystem_feature", "sectors of 4096 bytes"),
        ("512", 4096, "filesystem_feature", "sectors of 4096 bytes"),
        (None, 512, "not_readable", "size of a sector"),
    ],
)
def test_sectors_that_were_not_measured_are_refused(device, made, reason, told, extents):
    """resize.f2fs counts its target in them: eight times as much would be asked for."""
    machine = unmounted(100, sector=made)
    machine.tools = {**machine.tools, SECTOR: lambda _host: device}
    result = shrink(machine, extents)
    assert (result["status"], result["reason"], told in result["message"]) == ("refused", reason, True)
    assert (machine.volumes["data"].extents, machine.volumes["data"].fs.size) == (100, 100 * EXTENT)


def test_the_sectors_of_a_device_are_asked_by_the_name_that_the_kernel_has_for_it():
    machine = unmounted(100)
    machine.links[DEVICE] = "../dm-3"
    assert resize(machine, 150)["reason"] == "not_readable"
    machine.files["/sys/class/block/dm-3/queue/logical_block_size"] = "512\n"
    assert resize(machine, 150)["status"] == "changed"


VERSIONS = {
    "resize.f2fs 1.14.0 (2020-08-24)\n": None,
    "resize.f2fs 1.16.0 (2023-04-11)\n": None,
    # Built of later sources: the number is the old one, the day is not.
    "resize.f2fs 1.16.0 (2025-04-15)\n": "newer than the last release that is known here, 1.16.0",
    "resize.f2fs 1.17.0 (2026-01-30)\n": "resize.f2fs 1.17.0 of 2026-01-30 is newer",
    "\nUsage: resize.f2fs [options] device\n": "tells no version, but: 'Usage: resize.f2fs [options] device'",
    "": "tells no version, but: 'nothing'",
}


@pytest.mark.parametrize("extents", [80, 150])
@pytest.mark.parametrize("said", VERSIONS)
def test_a_resize_f2fs_that_would_ask_is_refused_before_the_first_change(said, extents):
    machine = machine_with(data_volume(100, fs=f2fs(100)), fstab=FSTAB)
    machine.tools = {
        **machine.tools,
        "resize.f2fs": lambda host, args: (0, said, "") if args[1:] == ["-V"] else TOOLS["resize.f2fs"](host, args),
    }
    result = shrink(machine, extents, allow_unmount=True)
    if VERSIONS[said] is None:
        assert result["status"] == "changed"
    else:
        assert (result["status"], result["reason"], VERSIONS[said] in result["message"]) == ("refused", "missing_tool", True)
        assert (machine.volumes["data"].extents, machine.volumes["data"].mountpoints) == (100, ["/srv"])


def test_an_open_device_is_in_use():
    machine = unmounted(100)
    machine.volumes["data"].is_open = True
    assert resize(machine, 150)["reason"] == "in_use"


@pytest.mark.parametrize("extents", [80, 150])
def test_bookkeeping_is_set_right_only_where_that_is_allowed(extents):
    machine = unmounted(100, corrupt=True)
    result = shrink(machine, extents)
    assert (result["reason"], "allow_fsck" in result["message"]) == ("fsck_needed", True)
    assert machine.volumes["data"].extents == 100
    result = shrink(machine, extents, allow_fsck=True)
    assert (result["status"], words(result)[:2]) == ("changed", ["fsck.f2fs", "fsck.f2fs"])
    assert result["commands"][0] == f"fsck.f2fs -f {DEVICE}"


@pytest.mark.parametrize("extents", [80, 150])
def test_damage_is_never_left_to_fsck(extents):
    machine = unmounted(100, lost=True)
    result = shrink(machine, extents, allow_fsck=True)
    assert (result["reason"], "Incorrect curseg" in result["message"], "by hand" in result["message"]) == ("fsck_needed", True, True)


@pytest.mark.parametrize("allow_fsck", [False, True])
@pytest.mark.parametrize("extents", [80, 150])
def test_what_was_written_last_is_never_dropped(extents, allow_fsck):
    """After a power failure fsck.f2fs finds no fault, resize.f2fs refuses, and fsck.f2fs -f would drop what fsync promised."""
    machine = unmounted(100, clean=False)
    result = shrink(machine, extents, allow_fsck=allow_fsck)
    assert (result["reason"], "mount it" in result["message"]) == ("fsck_needed", True)
    assert not machine.volumes["data"].fs.dropped
    assert machine.volumes["data"].extents == 100


# What fsck.f2fs 1.15.0 said in the lab: of a killed shrinking (bookkeeping), and of a killed growth, which cannot be mounted.
SAID = {
    "shrinking, at the end": ("[FSCK] free segment_count matched with CP             [Fail] [0xe]\n", True),
    "shrinking, in the middle": (
        (
            "[ASSERT] (fsck_chk_data_blk:1870)  --> SIT bitmap is 0x0. blk_addr[0x51ff]\n"
            "[FSCK] SIT valid block bitmap checking                [Fail]\n"
            "[FSCK] other corrupted bugs                           [Fail]\n"
        ),
        True,
    ),
    "growth": ("[ASSERT] (sanity_check_ckpt:1316)  --> \tWrong user_block_count(52736)\n", False),
    "sections": ("[ASSERT] (fsck_chk_curseg_info:3143)  --> Incorrect curseg [0]: segno [0x9f] type(SIT) [1]\n", False),
    "nothing": ("", False),
}


@pytest.mark.parametrize("case", SAID)
def test_words_of_fsck_are_told_apart(case):
    said, repairable = SAID[case]
    machine = unmounted(100)
    seen = []

    def fsck(_host, args):
        seen.append(args)
        return (0 if ["fsck.f2fs", "-f", DEVICE] in seen else 4), said, ""

    machine.tools = {**machine.tools, "fsck.f2fs": fsck}
    assert resize(machine, 150)["reason"] == "fsck_needed"
    assert resize(machine, 150, allow_fsck=True)["status"] == ("changed" if repairable else "refused")
    assert (["fsck.f2fs", "-f", DEVICE] in seen) is repairable


def test_a_repair_that_repairs_nothing_changes_nothing_else():
    """fsck.f2fs -f ends with 1 (corrected) also where it corrected nothing."""
    machine = unmounted(100)
    said = "[FSCK] free segment_count matched with CP             [Fail] [0xe]\n"
    machine.tools = {**machine.tools, "fsck.f2fs": lambda _host, args: (1 if "-f" in args else 4, said, "")}
    result = resize(machine, 150, allow_fsck=True)
    assert (result["status"], result["reason"], result["stopped_at"]) == ("failed", "fsck_failed", "check_filesystem")
    assert machine.volumes["data"].extents == 100


# ---- room --------------------------------------------------------------------------------------------------------------


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


# ---- half-done states, and tools that lie ------------------------------------------------------------------------------


def test_volume_grown_and_file_system_not():
    machine = machine_with(data_volume(150, fs=f2fs(100), mountpoints=[]))
    result = resize(machine, 150, expect_size=100 * EXTENT)
    assert words(result) == ["resize.f2fs", "fsck.f2fs"]


def test_file_system_shrunk_and_volume_not():
    result = shrink(unmounted(200, filled=100), 100)
    assert words(result) == ["lvm", "fsck.f2fs"]


def test_killed_between_superblock_and_checkpoint():
    machine = unmounted(200, filled=100, corrupt=True)
    assert shrink(machine, 100)["reason"] == "fsck_needed"
    result = shrink(machine, 100, allow_fsck=True)
    assert (result["status"], words(result)) == ("changed", ["fsck.f2fs", "fsck.f2fs", "lvm", "fsck.f2fs"])


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


# ---- the real tools ----------------------------------------------------------------------------------------------------


def run(*args):
    done = subprocess.run(args, capture_output=True, text=True, check=False, env={"PATH": PATH, "LC_ALL": "C"})
    return done.returncode, done.stdout, done.stderr


@needs_tools
@pytest.mark.parametrize("options", [[], ["-O", "extra_attr,inode_checksum,sb_checksum"], ["-z", "2"], ["-o", "20"]])
@pytest.mark.parametrize(("made", "volume"), [(200, 204), (200, 700), (300, 3000), (800, 500), (500, 177), (4000, 1600)])
def test_the_real_tools_make_what_is_foretold(tmp_path, options, made, volume):
    image = str(tmp_path / "image")
    host = Host(Commands(lambda args, **_more: run(*args)), Commands(lambda args, **_more: run(*args)), dict)
    with open(image, "wb") as file:
        file.truncate(made * MIB)
    assert run("mkfs.f2fs", "-f", *options, image)[0] == 0
    assert run("resize.f2fs", "-V")[1].startswith("resize.f2fs 1.")
    before = layout.read_superblock(host, image)
    assert layout.read_checkpoint(host, image, before).was_unmounted
    assert before.sector_size == 512
    with open(image, "r+b") as file:
        file.truncate(max(made, volume) * MIB)
    assert run("resize.f2fs", *(["-s"] if volume < made else []), "-t", str(volume * 2048), image)[0] == 0
    after = layout.read_superblock(host, image)
    assert after.blocks == volume * 256
    checkpoint = layout.read_checkpoint(host, image, after)
    if volume < made:
        assert after.main_segments == before.main_after(volume * 256)
        assert after.main_address == before.main_address
        assert checkpoint.reserved_segments == layout.reserves(after.main_segments).reserved
    else:
        assert (after.main_address - before.main_address) // 512 <= before.moved_when_grown(volume * 256)
    assert run("fsck.f2fs", "--dry-run", image)[0] == 0
