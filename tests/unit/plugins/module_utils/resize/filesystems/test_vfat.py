# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

"""vfat: what fatresize makes of a size, what it must not be let loose on, and every half-done state."""

import copy
import shutil
import subprocess

import pytest
import simulated_vfat
from driver import HostOf, data_volume, machine_with, resize, vfat
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_volume import EXTENT, Volume

from ansible_collections.foresight.capacity.plugins.module_utils.commands import SYSTEM_DIRECTORIES
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.vfat import parse_boot_sector, reachable
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.vfat_check import check
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin

MIB, GIB = 2**20, 2**30
DEVICE = "/dev/mapper/vg0-data"
FSTAB = ["UUID=fs-uuid /srv vfat defaults 0 2"]
PATH = ":".join(SYSTEM_DIRECTORIES)
MISSING = [tool for tool in ("mkfs.vfat", "fsck.vfat", "fatresize") if not shutil.which(tool, path=PATH)]
needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not found; install the packages dosfstools and fatresize")

# Volume, -s, and the sectors that fatresize 1.1.0 made of it in the lab (Debian 12).
RECORDED = [
    (600 * MIB, 628000000, 1226563),
    (600 * MIB, 627000000, 1224610),
    (1024 * MIB, 1073000000, 2095704),
    (4096 * MIB, 4294000000, 8386719),
    (12288 * MIB, 11800000000, 23046876),
    (40960 * MIB, 41900000000, 81835938),
    (102400 * MIB, 106000000000, 207031251),
]


def unmounted(extents=100, filled=None, **more):
    """A host with vg0/data, not mounted, whose vfat fatresize left for a volume of ``filled`` extents, or of all."""
    fs = vfat(extents, **more)
    fs.blocks = reachable((filled or extents) * EXTENT).sectors
    return machine_with(data_volume(extents, fs=fs, mountpoints=[]))


def shrink(machine, extents, **more):
    return resize(machine, extents, **{"allow_shrink": True, **more})


# ---- what comes of a size ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("volume", "argument", "sectors"), RECORDED)
def test_sizes_as_the_real_tool_made_them(volume, argument, sectors):
    assert simulated_vfat._placed(volume, argument) == sectors


@pytest.mark.parametrize("less", [0, 512])
def test_the_whole_volume_cannot_be_asked_for(less):
    assert simulated_vfat._placed(600 * MIB, 600 * MIB - less) == ""


def test_a_little_less_than_the_volume_runs_into_an_assertion():
    assert "Assertion" in simulated_vfat._placed(600 * MIB, 600 * MIB - 65536)


def test_a_wish_near_the_end_takes_the_whole_volume():
    """Above 10 GB; the goal must not depend on it, as the same wish on a volume not yet reduced would shrink nothing."""
    assert simulated_vfat._placed(12 * GIB, 12 * GIB - 100 * MIB) == 12 * GIB // 512


@settings(max_examples=1500, deadline=None)
@given(
    extents=st.one_of(st.integers(70, 3000), st.integers(2300, 2500), st.integers(23000, 27000), st.integers(3000, 500000)),
    unit=st.sampled_from([MIB, 4 * MIB, 32 * MIB]),
    more=st.one_of(st.just(0), st.integers(0, 20000)),
)
def test_the_goal_is_what_fatresize_makes_of_its_argument_on_this_volume_and_on_larger_ones(extents, unit, more):
    volume = extents * unit
    size = reachable(volume)
    assert simulated_vfat._placed(volume + more * unit, size.argument) == size.sectors
    assert size.sectors * 512 <= volume
    # What stays unused: two megabytes, above 10 GB one and a half gigabytes at most.
    assert volume - size.sectors * 512 <= (2 * 10**6 if volume < 10**10 else 16 * 10**8) or volume > 2199 * 10**9


def test_a_file_system_ends_where_its_boot_sector_cannot_count_further():
    assert reachable(3 * 2**40).sectors < 2**32
    assert reachable(5 * MIB).sectors == 0


@pytest.mark.parametrize("cluster", [8, 16, 64])
@pytest.mark.parametrize("sectors", [1226563, 2095704, 8386719])
def test_clusters_are_nearly_as_many_as_there_is_room_for(cluster, sectors):
    most = simulated_vfat._layout(sectors, cluster)[0]
    assert (
        most * 0.997 < parse_boot_sector(vfat(100).read_bytes(0, 512), DEVICE)._replace(cluster_sectors=cluster).clusters(sectors) <= most
    )


# Sectors, clusters of 4 KiB as the real tools counted them: just FAT32, and what became FAT16.
@pytest.mark.parametrize(("sectors", "clusters"), [(525391, 65540), (527344, 65784), (937501, 116953)])
def test_clusters_as_the_real_tools_counted_them(sectors, clusters):
    assert parse_boot_sector(vfat(100).read_bytes(0, 512), DEVICE).clusters(sectors) == clusters


# ---- growing and shrinking ---------------------------------------------------------------------------------------------


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
    assert [command.split()[0] for command in result["commands"]] == ["umount", "lvm", "fatresize", "fsck.vfat", "fsck.vfat", "mount"]
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


# ---- refusals ----------------------------------------------------------------------------------------------------------

FEATURES = {
    "fat12": ({"fat": 12}, "FAT12 or FAT16"),
    "fat16": ({"fat": 16}, "FAT12 or FAT16"),
    "sectors": ({"sector_size": 4096, "cluster_sectors": 1}, "sectors of 4096 bytes"),
    "one table": ({"tables": 1}, "1 tables"),
    "unmirrored tables": ({"flags": 0x81}, "mirror each other"),
    "small clusters": ({"cluster_sectors": 4}, "clusters of 2048 bytes"),
}


@pytest.mark.parametrize("case", FEATURES)
@pytest.mark.parametrize("extents", [80, 150])
def test_kinds_of_fat_that_fatresize_would_convert_or_spoil(case, extents):
    more, told = FEATURES[case]
    machine = unmounted(100, **more)
    former = copy.deepcopy(machine)
    result = shrink(machine, extents)
    assert (result["status"], result["reason"]) == ("refused", "filesystem_feature")
    assert told in result["message"]
    machine.calls.clear()
    assert machine == former


@pytest.mark.parametrize(("cluster", "start", "extents"), [(8, 100, 60), (32, 400, 200), (128, 1500, 500)])
def test_too_few_clusters_would_make_fat16_of_it(cluster, start, extents):
    machine = unmounted(start, cluster_sectors=cluster)
    result = shrink(machine, extents)
    assert (result["reason"], "make FAT16" in result["message"]) == ("filesystem_limit", True)


def test_the_simulated_tool_would_convert_it_without_a_question():
    machine = unmounted(100)
    machine(["fatresize", "--force-yes", "--partition", "1", "--size", "200000000", DEVICE])
    assert machine.volumes["data"].fs.fat == 16


NAMES = {
    "a partition of it by name": ("data", "data1", True),
    "many digits": ("data", "data064", True),
    "a volume that it is a partition of": ("data1", "data", True),
    "with p after a digit": ("data2", "data2p1", True),
    "a partition of a name with a digit": ("data2p1", "data2", True),
    "another digit": ("data2", "data3", False),
    "digits after a digit": ("data2", "data21", False),
    "p after a letter": ("data", "datap1", False),
    "more than digits": ("data", "data1x", False),
}


@pytest.mark.parametrize("case", NAMES)
def test_neighbours_that_fatresize_mistakes(case):
    own, other, clashes = NAMES[case]
    volume = data_volume(100, name=own, fs=vfat(100), mountpoints=[])
    neighbour = Volume(other, "uuid-other", 100, fs=vfat(100))
    machine = machine_with(volume, neighbour)
    result = resize(machine, 150, lv=own)
    assert (result["reason"] == "name_clash") is clashes
    assert (neighbour.active, neighbour.fs.size, neighbour.extents) == (True, 100 * EXTENT, 100)
    assert volume.extents == (100 if clashes else 150)
    neighbour.active = False
    assert resize(machine, 150, lv=own)["status"] == ("changed" if clashes else "ok")


@pytest.mark.parametrize(("own", "other"), [("data", "data1"), ("data1", "data")])
def test_the_simulated_tool_does_mistake_them(own, other):
    """Otherwise the refusal would be held by nothing."""
    machine = machine_with(data_volume(150, name=own, fs=vfat(100), mountpoints=[]), Volume(other, "uuid-other", 150, fs=vfat(100)))
    machine(["fatresize", "--force-yes", "--size", "600000000", f"/dev/mapper/vg0-{own}"])
    neighbour = machine.volumes[other]
    assert not neighbour.active or neighbour.fs.size != 100 * EXTENT


@pytest.mark.parametrize("tool", ["fatresize", "fsck.vfat"])
def test_missing_tools_are_told_with_their_package(tool):
    machine = unmounted(100)
    machine.missing.add(tool)
    result = resize(machine, 150)
    assert (result["reason"], "fatresize" in result["message"] or "dosfstools" in result["message"]) == ("missing_tool", True)
    assert machine.volumes["data"].extents == 100


def test_an_open_device_is_in_use():
    machine = unmounted(100)
    machine.volumes["data"].is_open = True
    assert resize(machine, 150)["reason"] == "in_use"


@pytest.mark.parametrize("fault", ["corrupt", "count_wrong"])
@pytest.mark.parametrize("extents", [80, 150])
def test_harmless_faults_are_set_right_only_where_that_is_allowed(fault, extents):
    machine = unmounted(100, **{fault: True})
    result = shrink(machine, extents)
    assert (result["reason"], "allow_fsck" in result["message"]) == ("fsck_needed", True)
    assert machine.volumes["data"].extents == 100
    result = shrink(machine, extents, allow_fsck=True)
    assert result["status"] == "changed"
    assert result["commands"][0] == f"fsck.vfat -a {DEVICE}"


@pytest.mark.parametrize("extents", [80, 150])
def test_damage_is_never_left_to_fsck(extents):
    """Killed between tables and boot sector: fsck.vfat -a would cut off the files, fatresize would succeed and lose them."""
    machine = unmounted(100, lost=True)
    result = shrink(machine, extents, allow_fsck=True)
    assert (result["reason"], "FATs differ" in result["message"], "by hand" in result["message"]) == ("fsck_needed", True, True)


def test_damage_seen_only_once_it_is_unmounted_mounts_it_again():
    machine = machine_with(data_volume(100, fs=vfat(100, count_wrong=True)), fstab=FSTAB)
    result = resize(machine, 150, allow_unmount=True)
    assert (result["status"], result["stopped_at"], result["reason"]) == ("failed", "check_filesystem", "fsck_needed")
    assert (machine.volumes["data"].mountpoints, machine.volumes["data"].extents) == (["/srv"], 100)


def test_no_room_to_copy_the_directories():
    fs = vfat(100)
    fs.used = fs.clusters * 4096
    machine = machine_with(data_volume(100, fs=fs, mountpoints=[]))
    result = resize(machine, 101)
    assert (result["reason"], "too full" in result["message"]) == ("filesystem_limit", True)
    assert machine.volumes["data"].extents == 100


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


@pytest.mark.parametrize("spoil", [slice(510, 512), slice(11, 13), slice(13, 14), slice(16, 17), slice(32, 36)])
def test_a_boot_sector_that_makes_no_sense(spoil):
    sector = bytearray(vfat(100).read_bytes(0, 512))
    sector[spoil] = bytes(len(sector[spoil]))
    with pytest.raises(Refused, match="boot sector makes no sense") as refused:
        parse_boot_sector(bytes(sector), DEVICE)
    assert refused.value.reason == "not_readable"


# ---- half-done states, and tools that lie ------------------------------------------------------------------------------


def test_volume_grown_and_file_system_not():
    machine = machine_with(data_volume(150, fs=vfat(100), mountpoints=[]))
    result = resize(machine, 150, expect_size=100 * EXTENT)
    assert result["commands"] == [f"fatresize --force-yes --partition 1 --size 628000000 {DEVICE}", f"fsck.vfat -n {DEVICE}"]


def test_file_system_shrunk_and_volume_not():
    machine = unmounted(200, filled=100)
    result = shrink(machine, 100)
    assert [command.split()[0] for command in result["commands"]] == ["lvm", "fsck.vfat"]


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


# ---- fsck.vfat ---------------------------------------------------------------------------------------------------------

BANNER, SUMMARY = "fsck.fat 4.2 (2021-01-31)\n", "/dev/x: 2 files, 1222/76643 clusters\n"
LEFT = "\nLeaving filesystem unchanged.\n"
# Status and words of the real fsck.vfat -n: clean, what -a sets right, damage.
VERDICTS = {
    "clean": (0, "", 0, 0),
    "label": (
        1,
        "There is no label in boot sector, but there is volume label 'LAB' stored in root directory\n"
        "  Auto-copying volume label from root directory to boot sector.\n" + LEFT,
        0,
        0,
    ),
    "backup": (
        0,
        (
            "There are differences between boot sector and its backup.\n"
            "This is mostly harmless. Differences: (offset:original/backup)\n"
            "  100:56/78\n  Not automatically fixing this.\n"
        ),
        0,
        0,
    ),
    "uninitialised": (0, "Free cluster summary uninitialized (should be 75421)\n", 0, 0),
    "dirty": (
        1,
        "Dirty bit is set. Fs was not properly unmounted and some data may be corrupt.\n Automatically removing dirty bit.\n" + LEFT,
        1,
        0,
    ),
    "free count": (1, "Free cluster summary wrong (77 vs. really 75421)\n  Auto-correcting.\n" + LEFT, 1, 0),
    "lost chain": (1, "FATs differ but appear to be intact.\n  Using first FAT.\nReclaimed 1 unused cluster (4096 bytes).\n" + LEFT, 0, 3),
    "half resized": (1, "FATs differ - using first FAT.\n/DIR4\n  Contains a free cluster (2936). Assuming EOF.\n" + LEFT, 0, 3),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_words_of_fsck_are_told_apart(case):
    status, words, faults, damage = VERDICTS[case]
    machine = unmounted(100)
    machine.tools = {**machine.tools, "fsck.vfat": lambda _host, _args: (status, BANNER + words + SUMMARY, "")}
    verdict = check(HostOf(machine), DEVICE)
    assert (len(verdict.faults), len(verdict.damage), verdict.free_clusters) == (faults, damage, 76643 - 1222)


@pytest.mark.parametrize(
    ("status", "out", "err"),
    [
        (1, BANNER, "Logical sector size is zero.\n"),
        (6, BANNER, "open: No such file or directory\n"),
        (-11, "", ""),
        (139, BANNER + SUMMARY, ""),
    ],
)
def test_a_check_that_did_not_come_to_its_end_is_damage(status, out, err):
    machine = unmounted(100)
    machine.tools = {**machine.tools, "fsck.vfat": lambda _host, _args: (status, out, err)}
    (seen,) = check(HostOf(machine), DEVICE).damage
    assert f"status {status}" in seen
    assert err.strip() in seen


# ---- the real tools ----------------------------------------------------------------------------------------------------


@needs_tools
@pytest.mark.parametrize("cluster", [8, 16])
@pytest.mark.parametrize(
    ("made", "volume"), [(600, 604), (600, 1000), (560, 10000), (600, 12000), (1200, 600), (20000, 9000), (9990, 9700)]
)
def test_the_goal_is_what_the_real_fatresize_makes(tmp_path, cluster, made, volume):
    image = str(tmp_path / "image")

    def run(*args):
        return subprocess.run(args, capture_output=True, text=True, check=True, env={"PATH": PATH, "LC_ALL": "C"}).stdout

    with open(image, "wb") as file:
        file.truncate(made * MIB)
    run("mkfs.vfat", "-F", "32", "-s", str(cluster), image)
    with open(image, "r+b") as file:
        file.truncate(max(made, volume) * MIB)
    size = reachable(volume * MIB)
    run("fatresize", "--force-yes", "--partition", "1", "--size", str(size.argument), image)
    with open(image, "rb") as file:
        boot = parse_boot_sector(file.read(512), image)
    assert (boot.sectors, boot.cluster_sectors, boot.is_fat32) == (size.sectors, cluster, True)
    assert f"/{boot.clusters(size.sectors)} clusters" in run("fsck.vfat", "-n", image)
