# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vfat: what fatresize must not be let loose on, as it would convert it, spoil it, or take a neighbour for it."""

from __future__ import annotations

import copy

import pytest
from driver import DEVICE, data_volume, machine_with, resize, shrink, vfat
from simulated_volume import EXTENT, Volume
from vfat_host import unmounted

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


def test_no_room_to_copy_the_directories():
    fs = vfat(100)
    fs.used = fs.clusters * 4096
    machine = machine_with(data_volume(100, fs=fs, mountpoints=[]))
    result = resize(machine, 101)
    assert (result["reason"], "too full" in result["message"]) == ("filesystem_limit", True)
    assert machine.volumes["data"].extents == 100
