# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""f2fs: what resize.f2fs cannot be trusted with, and releases of it that would ask or were never measured."""

from __future__ import annotations

import copy

import pytest
from driver import DEVICE, data_volume, f2fs, machine_with, resize, shrink
from f2fs_host import FSTAB, unmounted
from simulated_f2fs import SECTOR, TOOLS
from simulated_volume import EXTENT

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
