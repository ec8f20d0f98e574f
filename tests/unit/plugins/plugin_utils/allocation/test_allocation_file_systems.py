# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `allocate` makes of the file system in a volume: which grow, what contradicts itself, what an earlier resize left behind."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems import registry
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.kinds import KINDS
from support.allocations import GIB, ask, grown, reasons


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"mounted": False}, "not_mounted"),
        ({"mounted": False, "fs": {"type": "xfs", "size": None, "used": None}, "min_bytes": 9 * GIB}, "not_mounted"),
        ({"fs": {"type": "ext4", "size": None, "used": None}, "min_bytes": 9 * GIB}, "invalid_fact"),
        ({"fs": {"type": "vfat", "size": 8 * GIB, "used": 7 * GIB}}, "needs_unmount"),
        ({"fs": {"type": "f2fs", "size": 8 * GIB, "used": 7 * GIB}}, "needs_unmount"),
        ({"mounted": False, "fs": {"type": "swap", "size": None, "used": None}, "min_bytes": 9 * GIB}, "needs_unmount"),
        ({"fs": None}, "unknown_filesystem"),
        ({"fs": {"type": "ntfs", "size": 8 * GIB, "used": 7 * GIB}}, "unknown_filesystem"),
        ({"fs": {"type": "xfs", "size": 9 * GIB, "used": 7 * GIB}, "named_exactly": True}, "invalid_fact"),
        ({"fs": {"type": "xfs", "size": 7 * GIB, "used": 8 * GIB}, "named_exactly": True}, "invalid_fact"),
        ({"size_bytes": 8 * GIB + 1, "named_exactly": True}, "invalid_fact"),
    ],
)
def test_file_systems_that_do_not_grow(volume, group, fields, reason):
    assert reasons(ask([volume(**fields)], [group()])) == [("lv:web1/vg0/data", reason)]


@pytest.mark.parametrize(
    "fields",
    [
        {"fs": {"type": "xfs", "size": 9 * GIB, "used": 7 * GIB}},
        {"fs": {"type": "ext4", "size": 7 * GIB, "used": 8 * GIB}, "demand_status": "no_history", "demand_bytes": None},
        {"fs": {"type": "ext4", "size": None, "used": None}, "demand_bytes": GIB},
        {"size_bytes": 8 * GIB + 1},
    ],
)
def test_a_volume_whose_facts_contradict_each_other_is_told_of_though_only_a_pattern_names_it(volume, group, fields):
    answer = ask([volume(named_exactly=False, **fields)], [group()])
    assert (answer["actions"], answer["proposals"], reasons(answer)) == ([], [], [("lv:web1/vg0/data", "invalid_fact")])
    unmanaged = ask([volume(named_exactly=False, managed=False, **{"demand_bytes": GIB, **fields})], [group()])
    assert (unmanaged["actions"], unmanaged["proposals"], reasons(unmanaged)) == ([], [], [])


def test_without_a_known_file_system_a_volume_grows_only_when_named_exactly(volume, group):
    raw = volume(fs=None, mounted=False, named_exactly=True, min_bytes=9 * GIB, demand_status="no_history", demand_bytes=None)
    assert grown(ask([raw], [group()])) == {"lv:web1/vg0/data": 256}
    assert ask([{**raw, "named_exactly": False}], [group()])["actions"] == []


def test_what_a_resize_left_unmounted_is_mounted_again_where_it_may_be_unmounted(volume, group):
    left = volume(mounted=False, fs={"type": "vfat"}, left_unmounted=True, demand_bytes=8 * GIB)
    (action,) = ask([{**left, "allow_unmount": True}], [group()])["actions"]
    assert (action["reason"], action["to"], action["allow"], action["cost"]) == (
        "unfinished", {"size": 8 * GIB}, {"unmount": True}, {"bytes": 0},
    )  # fmt: skip
    assert "mounted again as /etc/fstab says" in action["message"]
    minimum = ask([{**left, "allow_unmount": True, "fs": {"type": "ext4"}, "min_bytes": 9 * GIB}], [group()])["actions"]
    assert [(one["reason"], one["allow"]) for one in minimum] == [("minimum", {"unmount": True})]
    answer = ask([left], [group()])
    assert (answer["actions"], reasons(answer)) == ([], [("lv:web1/vg0/data", "left_unmounted")])
    assert "leave to mount it again" in answer["refused"][0]["message"]
    for fine in ({"mounted": True}, {"left_unmounted": False}, {"managed": False}, {"fs": {"type": "xfs"}}):
        assert ask([{**left, "fs": {"type": "ext4"}, "allow_unmount": True, **fine}], [group()])["actions"] == []


def test_an_unfinished_growth_is_finished_before_anything_is_added(volume, group):
    half = volume(size_bytes=10 * GIB, unfinished=True, demand_bytes=8 * GIB)
    (action,) = ask([half], [group()])["actions"]
    assert (action["reason"], action["from"], action["to"], action["cost"]) == (
        "unfinished",
        {"size": 10 * GIB},
        {"size": 10 * GIB},
        {"bytes": 0},
    )
    found = volume(size_bytes=16 * GIB, demand_bytes=8 * GIB)
    assert [a["reason"] for a in ask([found], [group()])["actions"]] == ["unfinished"]
    still_short = ask([{**half, "demand_bytes": 9 * GIB}], [group()])
    assert [action["reason"] for action in still_short["actions"]] == ["forecast"]
    for nowhere_to_grow, limits in (({}, {"extents_free": 400}), ({"max_bytes": 10 * GIB}, {})):
        answer = ask([{**half, "demand_bytes": 12 * GIB, **nowhere_to_grow}], [group(**limits)])
        assert [(action["reason"], action["to"]["size"]) for action in answer["actions"]] == [("unfinished", 10 * GIB)]
        assert len(answer["refused"]) == 1


def test_the_allocator_and_lv_resize_agree_which_file_systems_they_know():
    assert set(registry._STRATEGIES) == set(KINDS)
