# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The world of the race counts what its page says; checked against one volume and one tick at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from race_series import VOLUMES, Replay
from race_world import EXTENT, World

WARM_UP, TICKS = 3, 6


def world_of(use):
    return World([Replay("made", 1, 7200, WARM_UP, TICKS, np.asarray(use, dtype=float) * EXTENT)])


@st.composite
def races(draw):
    use = draw(
        st.lists(st.lists(st.integers(1, 400), min_size=WARM_UP + TICKS, max_size=WARM_UP + TICKS), min_size=VOLUMES, max_size=VOLUMES)
    )
    wishes = draw(st.lists(st.lists(st.integers(0, 60), min_size=VOLUMES, max_size=VOLUMES), min_size=TICKS, max_size=TICKS))
    return use, wishes, draw(st.integers(0, 20))


def replayed(use, wishes, reserve):
    """Count in plain numbers, in extents: what each volume has, what came, what waits."""
    size = [max(1, -(-max(row[WARM_UP - 1 : WARM_UP + 1]) * 100 // 95)) for row in use]
    whole = max(-(-sum(row[-1] for row in use) * 125 // 95), sum(size))
    waits = [0] * VOLUMES
    counts = {"full": [0, 0], "above": [0, 0], "unserved": [0, 0], "excess": 0.0, "resizes": 0, "exhausted": 0}
    plans = []
    for tick, wish in enumerate(wishes):
        plan = []
        for number in range(VOLUMES):
            given_now = min(wish[number], whole - sum(size))
            size[number] += given_now
            plan.append(given_now)
        plans.append(plan)
        apart = whole - sum(size) - reserve < VOLUMES
        counts["exhausted"] += apart
        counts["resizes"] += sum(amount > 0 for amount in plan)
        for number in range(VOLUMES):
            comes = use[number][WARM_UP + tick]
            counts["full"][apart] += comes >= size[number]
            counts["above"][apart] += comes * 100 > size[number] * 95
            refused = max(0, comes - size[number])
            counts["unserved"][apart] += max(0, refused - waits[number])
            waits[number] = refused
            counts["excess"] += 2 * max(0, size[number] - comes / 0.95)
    return plans, counts


@settings(max_examples=60, deadline=None)
@given(races())
def test_every_count_is_what_a_plain_replay_counts(race):
    use, wishes, reserve = race
    plans, expected = replayed(use, wishes, reserve)
    world = world_of(use)
    for plan in plans:
        assert not world.over
        world.live(np.array(plan), np.array([reserve]))
    assert world.over
    for name in ("full", "above"):
        assert getattr(world.counts, name)[:, 0].tolist() == expected[name]
    assert (world.counts.unserved[:, 0] / EXTENT).tolist() == pytest.approx(expected["unserved"])
    assert world.counts.excess[0] / EXTENT == pytest.approx(expected["excess"])
    assert (world.counts.resizes[0], world.counts.exhausted[0]) == (expected["resizes"], expected["exhausted"])


def test_what_does_not_fit_waits_and_comes_when_there_is_room():
    use = [[95, 95, 95, 200, 200, 200, 200, 200, 200]] + [[95] * 9] * 4
    world = world_of(use)
    assert world.size[0] == 211  # the need of the first tick is known to nobody, but given to all
    world.size[0] = 100
    nothing, reserve = np.zeros(5, dtype=int), np.zeros(1)
    world.live(nothing, reserve)
    assert world.used[0] == 100 * EXTENT
    assert world.counts.unserved.sum() == 100 * EXTENT
    world.live(nothing, reserve)
    assert world.counts.unserved.sum() == 100 * EXTENT  # the same bytes, refused again
    world.live(np.array([120, 0, 0, 0, 0]), reserve)
    assert world.used[0] == 200 * EXTENT
    assert world.resized_at == [world.now - 7200, None, None, None, None]


@pytest.mark.parametrize("added", [[-1, 0, 0, 0, 0], [10_000, 0, 0, 0, 0]])
def test_a_plan_that_no_vg_could_carry_out_is_refused(added):
    world = world_of([[100] * 9] * 5)
    with pytest.raises(ValueError, match="gives more than its VG has"):
        world.live(np.array(added), np.zeros(1))


def test_a_plan_sees_nothing_of_what_comes():
    use = np.full((5, WARM_UP + TICKS), 100.0)
    world = world_of(use)
    assert world.shown.shape == (5, WARM_UP)
    assert world.at == WARM_UP - 1
    world.live(np.zeros(5, dtype=int), np.zeros(1))
    assert world.shown.shape == (5, WARM_UP + 1)
