# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""f2fs: what fsck.f2fs finds, what of it is bookkeeping that may be set right, and what it would drop."""

from __future__ import annotations

import pytest
from driver import DEVICE, programs, resize, shrink
from f2fs_host import unmounted


@pytest.mark.parametrize("extents", [80, 150])
def test_bookkeeping_is_set_right_only_where_that_is_allowed(extents):
    machine = unmounted(100, corrupt=True)
    result = shrink(machine, extents)
    assert (result["reason"], "allow_fsck" in result["message"]) == ("fsck_needed", True)
    assert machine.volumes["data"].extents == 100
    result = shrink(machine, extents, allow_fsck=True)
    assert (result["status"], programs(result)[:2]) == ("changed", ["fsck.f2fs", "fsck.f2fs"])
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


def test_killed_between_superblock_and_checkpoint():
    machine = unmounted(200, filled=100, corrupt=True)
    assert shrink(machine, 100)["reason"] == "fsck_needed"
    result = shrink(machine, 100, allow_fsck=True)
    assert (result["status"], programs(result)) == ("changed", ["fsck.f2fs", "fsck.f2fs", "lvm", "fsck.f2fs"])
