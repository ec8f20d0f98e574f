# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vfat: what fsck.vfat finds, what of it is harmless and may be set right, and what is damage."""

from __future__ import annotations

import pytest
from driver import DEVICE, HostOf, data_volume, machine_with, resize, shrink, vfat
from vfat_host import FSTAB, unmounted

from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.vfat_check import check


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
