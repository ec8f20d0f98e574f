# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.history.timeframes import TIMEFRAMES, Points, merge, questions

NOW = 1_763_700_010
DAY = 86400
RELEASE = (9, 2, 11)


def asked(wanted, known, release=RELEASE):
    found, settled = questions(wanted, known, NOW, release=release)
    return [(one.asked, one.wanted) for one in found], settled


def points(step, values):
    times = sorted(values)
    return Points(step, np.array(times, dtype=np.int64), np.array([values[time] for time in times], dtype=float))


# ---- what to ask -----------------------------------------------------------------------------------------------------


def test_the_first_time_each_is_asked_the_finest_first():
    assert asked(["year", "month", "day"], {}) == ([("day", "day"), ("month", "month"), ("year", "year")], {})


def test_one_that_a_longer_one_of_the_same_points_contains_is_not_asked():
    found, settled = asked(["hour", "day", "week", "month"], {})
    assert found == [("day", "day"), ("month", "month")]
    assert set(settled) == {"hour", "week"}


def test_before_release_9_they_differ_and_each_is_asked():
    found, _settled = asked(["hour", "day", "week", "month"], {}, release=(8, 4))
    assert [name for name, _wanted in found] == ["day", "hour", "month", "week"]


def test_the_second_time_one_short_question_is_enough():
    known = {"month": NOW - DAY, "year": NOW - DAY}
    assert asked(["month", "year"], known) == ([("week", "month")], {"year": NOW // 21600 * 21600})


def test_a_shorter_one_is_asked_only_where_it_reaches_back():
    assert asked(["month"], {"month": NOW - 8 * DAY})[0] == [("month", "month")]
    assert asked(["day"], {"day": NOW - 3000})[0] == [("hour", "day")]
    assert asked(["day"], {"day": NOW - 3700})[0] == [("day", "day")]
    assert asked(["month"], {"month": NOW - DAY}, release=(8, 4))[0] == [("month", "month")]


def test_nothing_is_asked_before_there_can_be_a_new_point():
    assert asked(["month"], {"month": NOW - 1799})[0] == []
    assert asked(["month"], {"month": NOW - 1800})[0] == [("week", "month")]


def test_a_timeframe_that_is_wanted_for_the_first_time_is_asked_in_full():
    assert asked(["month", "year"], {"month": NOW - 600})[0] == [("year", "year")]


@given(
    wanted=st.sets(st.sampled_from(sorted(TIMEFRAMES)), min_size=1),
    known=st.dictionaries(st.sampled_from(sorted(TIMEFRAMES)), st.integers(NOW - 400 * DAY, NOW)),
)
def test_every_moment_since_the_last_time_is_asked_or_known(wanted, known):
    found, settled = questions(wanted, known, NOW, release=RELEASE)
    covered = {name: NOW - TIMEFRAMES[name].seconds for name in wanted}
    reach = min([NOW, *(NOW - TIMEFRAMES[one.asked].seconds for one in found)])
    for one in found:
        # What a shorter one leaves out was known before.
        assert one.after == known.get(one.wanted, 0)
        assert NOW - TIMEFRAMES[one.asked].seconds <= max(one.after, covered[one.wanted])
    for name in wanted - {one.wanted for one in found}:
        fresh = name in known and known[name] + TIMEFRAMES[name].step > NOW
        by_others = name in settled and (
            known.get(name, 0) >= reach
            or any(TIMEFRAMES[other].step == TIMEFRAMES[name].step and covered[other] <= covered[name] for other in wanted - {name})
            or any(known.get(name, 0) >= covered[other] for other in wanted - {name})
        )
        assert fresh or by_others


# ---- one series of several resolutions -------------------------------------------------------------------------------


def test_the_finest_wins_where_several_cover_a_time():
    fine = points(60, {NOW - 60: 1.0, NOW: 2.0})
    coarse = points(1800, {NOW - 3600: 7.0, NOW - 1800: 8.0, NOW: 9.0})
    assert merge([coarse, fine], np.empty(0, dtype=np.int64))[1:] == (
        pytest.approx([NOW - 3600, NOW - 1800, NOW - 60, NOW]),
        pytest.approx([7, 8, 1, 2]),
    )


def test_what_was_observed_stays_and_leaves_its_time_to_no_other():
    coarse = points(1800, {NOW - 1800: 8.0, NOW: 9.0})
    assert merge([coarse], np.array([NOW - 1000])).times.tolist() == [NOW - 1800]


def test_nothing_of_nothing():
    assert merge([], np.empty(0, dtype=np.int64)).times.tolist() == []


STEPS = (60, 1800, 21600)
PARTS = st.lists(
    st.tuples(st.sampled_from(STEPS), st.sets(st.integers(1, 60))).map(
        lambda part: points(part[0], {part[0] * number: float(part[0] + number) for number in part[1]})
    ),
    max_size=4,
)
STORED = st.sets(st.integers(0, 60 * 1800), max_size=40).map(lambda times: np.array(sorted(times), dtype=np.int64))


@given(parts=PARTS, stored=STORED)
def test_a_merge_adds_no_time_twice_and_no_second_merge_adds_anything(parts, stored):
    new = merge(parts, stored)
    assert np.all(np.diff(new.times) > 0)
    assert not set(new.times.tolist()) & set(stored.tolist())
    assert merge(parts, np.union1d(stored, new.times)).times.tolist() == []


@given(parts=PARTS, stored=STORED)
def test_a_point_is_added_exactly_where_nothing_finer_lies_in_its_time(parts, stored):
    new = dict(zip(*(column.tolist() for column in merge(parts, stored)[1:]), strict=True))
    for part in parts:
        finer = {time for other in parts if other.step < part.step for time in other.times.tolist() if time in new}
        for time in part.times.tolist():
            inside = [other for other in (*stored.tolist(), *finer) if time - part.step < other <= time]
            if inside:
                assert time not in new or time in finer
            else:
                assert time in new


@given(parts=PARTS, stored=STORED)
def test_every_value_is_that_of_the_finest_point_of_its_time(parts, stored):
    new = merge(parts, stored)
    for time, value in zip(new.times.tolist(), new.values.tolist(), strict=True):
        steps = [part.step for part in parts if time in part.times.tolist()]
        assert value == min(steps) + time / min(steps)
