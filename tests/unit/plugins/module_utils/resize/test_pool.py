# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thin pools: data and metadata grow, bounded by the reserve, only when named exactly; half done work is finished."""

from __future__ import annotations

import copy

import pytest
from driver import machine_with, resize
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_host import Killed
from simulated_volume import EXTENT, Volume

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Reserve

DATA = f"lvm lvextend --poolmetadatasize {2 * EXTENT}b --extents 150 vg0/data"
BOTH = f"lvm lvextend --poolmetadatasize {4 * EXTENT}b --extents 150 vg0/data"
METADATA = f"lvm lvextend --poolmetadatasize {4 * EXTENT}b vg0/data"


def pool(**more):
    fractions = {"data_fraction": 0.8, "metadata_fraction": 0.5}
    return Volume("data", "uuid-pool", 100, **{"role": "pool", "segment": "thin-pool", "metadata_extents": 2, **fractions, **more})


def test_metadata_grows_before_the_data():
    machine = machine_with(pool(), spare=2)
    result = resize(machine, 150, named_exactly=True, metadata_size=4 * EXTENT)
    assert (result["status"], result["commands"]) == ("changed", [METADATA, BOTH])
    assert result["after"] == {**result["before"], "size": 150 * EXTENT, "metadata_size": 4 * EXTENT}
    assert machine.free == 1000 - 50 - 2 - 2
    assert result["message"] == "Grew vg0/data from 400 MiB to 600 MiB and its metadata from 8 MiB to 16 MiB."
    assert resize(machine, 150, named_exactly=True, metadata_size=4 * EXTENT)["status"] == "ok"


@pytest.mark.parametrize(
    ("extents", "metadata", "commands"), [(150, None, [DATA]), (100, 4 * EXTENT, [METADATA]), (100, 3 * EXTENT + 1, [METADATA])]
)
def test_either_grows_alone(extents, metadata, commands):
    result = resize(machine_with(pool()), extents, named_exactly=True, metadata_size=metadata)
    assert (result["status"], result["commands"]) == ("changed", commands)


@pytest.mark.parametrize(
    ("more", "wish", "reason"),
    [
        ({}, {"named_exactly": False}, "pool"),
        ({"segment": "cache-pool", "metadata_extents": None}, {}, "segment_type"),
        ({"health": "M"}, {}, "pool_failed"),
        ({"health": "F"}, {}, "pool_failed"),
        ({}, {"metadata_size": EXTENT}, "shrink_not_supported"),
        ({}, {"metadata_size": 2**34}, "size_not_possible"),
        ({}, {"size": 90 * EXTENT}, "shrink_not_allowed"),
        ({}, {"size": 90 * EXTENT, "allow_shrink": True}, "shrink_not_supported"),
        ({}, {"expect_metadata_size": 3 * EXTENT}, "precondition_changed"),
        ({}, {"metadata_size": 4 * EXTENT, "expect_metadata_size": 3 * EXTENT}, "precondition_changed"),
        ({"tags": ["foresight.ignore"]}, {}, "ignored"),
        ({"active": False}, {}, "inactive"),
    ],
)
def test_refusals(more, wish, reason):
    machine = machine_with(pool(**more), free=10**6)
    former = copy.deepcopy(machine.volumes)
    result = resize(machine, 150, **{"named_exactly": True, **wish})
    assert (result["status"], result["reason"], machine.volumes) == ("refused", reason, former)


def test_spare_copy_of_the_metadata_that_is_not_there_is_counted_too():
    """LVM makes it when the metadata grows."""
    machine = machine_with(pool(), free=63)
    assert resize(machine, 150, named_exactly=True, metadata_size=4 * EXTENT, reserve=Reserve(extents=8))["reason"] == "reserve"
    assert resize(machine, 150, named_exactly=True, metadata_size=4 * EXTENT, reserve=Reserve(extents=7))["status"] == "changed"
    assert machine.free == 7


def test_metadata_of_a_volume_that_is_no_pool():
    machine = machine_with(Volume("data", "uuid-data", 100))
    assert resize(machine, 150, named_exactly=True, metadata_size=4 * EXTENT)["reason"] == "wrong_option"


@pytest.mark.parametrize(
    ("free", "below", "fits"), [(54, "linear", True), (53, "linear", False), (106, "raid1", True), (105, "raid1", False)]
)
def test_data_metadata_and_its_spare_copy_leave_the_reserve(free, below, fits):
    machine = machine_with(pool(below=below), spare=2, free=free + 10)
    result = resize(machine, 150, named_exactly=True, metadata_size=4 * EXTENT, reserve=Reserve(extents=10))
    assert (result["status"], result["reason"]) == (("changed", None) if fits else ("refused", "reserve"))
    assert machine.free == (10 if fits else free + 10)


@settings(max_examples=200, deadline=None)
@given(
    extents=st.integers(100, 140),
    metadata=st.integers(2, 6),
    when=st.sampled_from(["before", "after"]),
    broken=st.sampled_from([None, "fails", "lies"]),
    data=st.data(),
)
def test_killed_or_failed_growth_is_finished_by_the_next_run(extents, metadata, when, broken, data):
    machine = machine_with(pool(), spare=2)
    wish = {"named_exactly": True, "metadata_size": metadata * EXTENT, "expect_size": 100 * EXTENT, "expect_metadata_size": 2 * EXTENT}
    undisturbed = copy.deepcopy(machine)
    foretold = resize(copy.deepcopy(machine), extents, check_mode=True, **wish)
    expected = resize(undisturbed, extents, **wish)
    assert (foretold["after"], foretold["commands"], foretold["changed"]) == (expected["after"], expected["commands"], expected["changed"])
    machine.broken = {"lvextend": broken} if broken else {}
    machine.kill_at = None if broken else (data.draw(st.integers(0, len(undisturbed.calls) - 1)), when)
    try:
        first = resize(machine, extents, **wish)
        assert first["status"] != "changed" or first["after"] == expected["after"]
    except Killed:
        pass
    machine.kill_at, machine.broken = None, {}
    assert resize(machine, extents, **wish)["after"] == expected["after"]
    assert not resize(machine, extents, **wish)["changed"]
