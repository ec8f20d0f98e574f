# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that rise and fall are not resized with every tooth: 60 days of hourly plans, by the simulation of the benchmark."""

from __future__ import annotations

import collections
import importlib.util
import pathlib

import pytest

SIMULATION = pathlib.Path(__file__).parents[4] / "benchmarks" / "allocation_sawtooth_bench.py"


@pytest.fixture(scope="module")
def sawtooth():
    spec = importlib.util.spec_from_file_location("allocation_sawtooth", SIMULATION)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [0, 1])
def test_with_the_defaults_a_saw_tooth_finds_its_size_in_the_first_days_and_nothing_runs_full(sawtooth, seed):
    world = sawtooth.simulate(seed, {"allow_shrink": True})
    assert sum(world.full.values()) == 0
    for tooth in sawtooth.SAW_TEETH:
        assert world.count((tooth,), True) == 0
        assert world.count((tooth,), False, sawtooth.FIRST_DAYS) <= 1
        assert world.count((tooth,), False) <= 3
    days = collections.Counter(
        (name, (now - sawtooth.NOW) // 86400) for now, name, _extents in world.changes if name in ("archive", "steady")
    )
    assert max(days.values()) == 1
    # the VG was too small: without what the archive gave, others would have run full
    assert 1 <= world.count(("archive",), True) <= 60 / 7 + 1


def test_the_simulation_is_hard_enough_to_tell_good_policies_from_bad_ones(sawtooth):
    """Each way without one of the guards does what the guard is there for."""

    def world(way):
        return sawtooth.simulate(0, sawtooth.WAYS[way])

    teeth = sawtooth.SAW_TEETH
    assert world("none of the three").count(teeth, False) > 15
    near_sighted = world("none of the three, six hours are all it looks at")
    assert near_sighted.count(teeth, True) >= 4
    assert near_sighted.count(teeth, False, sawtooth.FIRST_DAYS) > 10
    assert sum(world("gives no more than the need").full.values()) > 100
    assert sum(world("no shrinking").full.values()) > 1000
