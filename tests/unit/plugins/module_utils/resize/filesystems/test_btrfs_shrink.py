# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""btrfs shrinks: what room it needs, data that are packed before, a kernel that finds no room, and every half-done state."""

from __future__ import annotations

import copy
import re

import pytest
from btrfs_host import DUMP_SUPER, host
from driver import changes, programs, resize
from simulated_btrfs import MIB
from simulated_host import Killed
from simulated_volume import EXTENT


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
    assert programs(result) == ["btrfs", "lvm", "btrfs"]
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
