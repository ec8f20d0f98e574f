# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a VG has nothing left to give: by hand where the answer is known, and against futures that were drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.far_ahead import Far, horizon_borne
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.group_runway import Taker, group_runway

EXTENT = 4 * 2**20
DAY = 86400


def rising(low, middle, high, step=3600, start=0):
    """What a volume's use may rise to: three paths in extents, the steps of which begin `start` seconds from now."""
    paths = {"0.1": low, "0.5": middle, "0.9": high}
    highest = {name: np.array(path, dtype=float) * EXTENT for name, path in paths.items()}
    return Far(step, highest, middle[0] * EXTENT, {}, step * len(middle), start)


def taker(far, name="data", size=10, ratio=1.0, copies=1, most=None):
    return Taker(f"lv:web1/vg0/{name}", size * EXTENT, ratio, copies, None if most is None else most * EXTENT, far)


def runway_of(takers, spendable, horizon=4 * 3600):
    return group_runway(takers, extent_bytes=EXTENT, spendable=spendable, horizon=horizon)


def test_volumes_take_extents_once_they_outgrow_their_size():
    takers = [
        taker(rising([8, 9, 10, 11], [9, 10, 12, 14], [10, 12, 14, 16])),
        taker(rising([1, 1, 1, 1], [2, 2, 2, 2], [9, 9, 9, 9]), "calm"),
    ]
    answer = runway_of(takers, spendable=3)
    # the start of the third hour, the middle of the fourth
    assert answer["seconds"] == {"0.1": 2 * 3600, "0.5": 3.5 * 3600, "0.9": None}
    assert answer["extents"] == {"0.1": 6, "0.5": 4, "0.9": 1}
    assert (answer["spendable_extents"], answer["volumes"], answer["left_out"], answer["horizon_seconds"]) == (3, 2, [], 4 * 3600)


def test_what_is_free_in_one_volume_helps_no_other():
    alone = taker(rising([12] * 4, [12] * 4, [12] * 4))
    empty = taker(rising([0] * 4, [0] * 4, [0] * 4), "empty", size=1000)
    assert runway_of([alone, empty], spendable=1)["seconds"]["0.5"] == 1800


def test_overhead_mirrors_and_bounds_count():
    path = [14] * 4
    assert runway_of([taker(rising(path, path, path), ratio=0.7)], 0)["extents"]["0.5"] == 10
    assert runway_of([taker(rising(path, path, path), copies=2)], 0)["extents"]["0.5"] == 8
    assert runway_of([taker(rising(path, path, path), most=12)], 0)["extents"]["0.5"] == 2  # a pool its volumes cannot fill further


def test_what_nobody_knows_is_told_and_counts_as_it_is():
    answer = runway_of([taker(None, "raw"), taker(rising([1], [1], [1]))], 0)
    assert (answer["left_out"], answer["volumes"], answer["seconds"]["0.1"]) == (["lv:web1/vg0/raw"], 1, None)
    unknown = runway_of([taker(None, "raw")], 5)
    assert (unknown["horizon_seconds"], unknown["seconds"], unknown["extents"]["0.5"]) == (None, dict.fromkeys(["0.1", "0.5", "0.9"]), None)


def test_nothing_spendable_is_exhausted_only_when_somebody_needs_something():
    assert runway_of([taker(rising([5], [5], [5]))], 0)["seconds"]["0.1"] is None
    assert runway_of([taker(rising([11], [11], [11]))], 0)["seconds"]["0.1"] == 0


def test_volumes_of_different_steps_are_added_up_at_the_right_time():
    slow = taker(rising([12, 14], [12, 14], [12, 14], step=7200), "slow")
    fast = taker(rising([10, 11, 12, 13], [10, 11, 12, 13], [10, 11, 12, 13]), "fast")
    seconds = runway_of([slow, fast], spendable=3)["seconds"]
    # at the earliest 4 of slow from 2 h on; at the latest 2 of slow after 2 h and 2 of fast after 3 h
    assert (seconds["0.1"], seconds["0.5"], seconds["0.9"]) == (2 * 3600, 2.5 * 3600, 3 * 3600)


def test_a_need_within_the_first_step_may_be_there_already():
    need = [60] * 5
    day = runway_of([taker(rising(need, need, need, step=DAY))], 0, horizon=5 * DAY)["seconds"]
    assert (day["0.1"], day["0.5"], day["0.9"]) == (0, DAY / 2, DAY)
    week = taker(rising([510], [510], [510], step=7 * DAY), "weekly")
    hours = taker(rising([1] * 168, [1] * 168, [1] * 168), "hourly")
    seconds = runway_of([week, hours], 50, horizon=7 * DAY)["seconds"]
    assert (seconds["0.1"], seconds["0.5"], seconds["0.9"]) == (0, 3.5 * DAY, 7 * DAY)


def test_dates_count_from_now_and_not_from_the_newest_sample():
    path = [10, 11, 12, 13]
    old = taker(rising(path, path, path, step=DAY, start=-23 * 3600))
    assert runway_of([old], 0, horizon=3 * DAY)["seconds"] == {"0.1": 3600, "0.5": 13 * 3600, "0.9": 25 * 3600}
    # the last step reaches one hour beyond the horizon
    assert runway_of([old], 2, horizon=3 * DAY)["seconds"] == {"0.1": 49 * 3600, "0.5": 61 * 3600, "0.9": 3 * DAY}


_RISES = st.tuples(st.integers(0, 40), st.floats(0, 1, exclude_max=True))  # extents within one step, and what part of it passed before
_VOLUME = st.tuples(st.sampled_from([600, 3600, 14400]), st.floats(0, 1), st.lists(_RISES, min_size=6, max_size=6))


@settings(max_examples=300, deadline=None)
@given(volumes=st.lists(_VOLUME, min_size=1, max_size=4), spendable=st.integers(0, 120))
def test_wherever_in_its_step_a_volume_rises_the_end_lies_between_the_dates(volumes, spendable):
    takers, events = [], []
    for name, (step, old, rises) in enumerate(volumes):
        start, path = -int(old * step), 10 + np.cumsum([extents for extents, _part in rises])
        takers.append(taker(rising(path, path, path, step=step, start=start), str(name)))
        events += [(start + (number + part) * step, extents) for number, (extents, part) in enumerate(rises)]
    horizon = 6 * 14400
    early, median, late = _dates(runway_of(takers, spendable, horizon=horizon))
    taken, end = 0, np.inf
    for moment, extents in sorted(events):
        taken += extents
        if taken > spendable:
            end = max(moment, 0)
            break
    assert early <= median <= late
    assert early <= end <= late
    assert (end < np.inf) == (late < np.inf)


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(st.lists(st.floats(0, 5), min_size=6, max_size=6), min_size=1, max_size=5),
    spendable=st.integers(0, 60),
    more=st.integers(0, 20),
)
def test_more_space_never_brings_a_date_forward_and_dates_are_ordered(steps, spendable, more):
    takers = []
    for number, changes in enumerate(steps):
        path = 8 + np.cumsum(changes)
        takers.append(taker(rising(path, path + 1, path + 3), str(number)))
    before, after = (_dates(runway_of(takers, space, horizon=6 * 3600)) for space in (spendable, spendable + more))
    assert before == sorted(before)
    assert all(late >= early for early, late in zip(before, after, strict=True))
    need = sum(max(0, np.ceil(item.far.highest["0.5"][-1] / EXTENT - 10)) for item in takers)
    assert (before[1] < np.inf) == (need > spendable)


def _dates(answer):
    return [np.inf if answer["seconds"][name] is None else answer["seconds"][name] for name in ("0.1", "0.5", "0.9")]


@pytest.mark.parametrize(("shared", "early"), [(True, (0.03, 0.15)), (False, (0.0, 0.02))])
def test_early_and_late_dates_against_drawn_futures(shared, early):
    """2,000 futures of ten volumes: as told when all share one cause of growth, within the dates when each has its own."""
    generator = np.random.default_rng(7)
    futures, volumes, steps = 2000, 10, 48
    common, own = generator.normal(0, 3, (futures, 1, steps)), generator.normal(0, 3, (futures, volumes, steps))
    noise = np.where(shared, common, own)
    used = np.maximum.accumulate(10 + np.cumsum(1.0 + noise, axis=2), axis=2)
    takers = [taker(rising(*np.quantile(used[:, number], (0.1, 0.5, 0.9), axis=0)), str(number)) for number in range(volumes)]
    spendable = 120
    told = _dates(runway_of(takers, spendable, horizon=steps * 3600))
    lacking = np.ceil(np.maximum(used - 10, 0)).sum(axis=1)
    moment = (lacking > spendable).argmax(axis=1) + generator.uniform(0, 1, futures)  # anywhere within its step
    reached = np.where((lacking > spendable).any(axis=1), moment * 3600, np.inf)
    share_before_early = float((reached < told[0]).mean())
    assert early[0] <= share_before_early <= early[1]
    assert 0.35 <= float((reached <= told[1]).mean()) <= 0.65
    assert float((reached > told[2]).mean()) <= 0.15


@pytest.mark.parametrize(
    ("spans", "borne"),
    [
        ([], 6 * 3600),
        ([DAY], 6 * 3600),
        ([14 * DAY], 3 * DAY),
        ([14 * DAY, 100 * DAY], 21 * DAY),
        ([360 * DAY], 90 * DAY),
        ([2000 * DAY], 90 * DAY),
    ],
)
def test_a_history_bears_a_quarter_of_its_length(spans, borne):
    assert horizon_borne(spans, window=6 * 3600, most=90 * DAY) == borne
