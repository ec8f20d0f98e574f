# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.hygiene import Cleaned, clean, past_weight

Floats = NDArray[np.float64]
GIB, HOUR = 2.0**30, 3600
DEFAULTS: dict[str, t.Any] = {"step_seconds": 86400, "metric": "used_bytes", "lower": 0.0, "upper": np.inf}


def cleaned(values: Floats, **options: t.Any) -> Cleaned:
    return clean(values, **{**DEFAULTS, **options})


def growing(length: int = 200) -> Floats:
    return GIB * (100 + 0.2 * np.arange(length) + 0.02 * np.random.default_rng(5).normal(size=length))


def test_a_series_without_faults_is_given_back_as_it_is() -> None:
    values = growing()
    found = cleaned(values)
    assert found.values is values
    assert found.breaks == []
    assert found.notes == []


@pytest.mark.parametrize("values", [np.empty(0), np.full(20, np.nan), np.array([5.0]), np.zeros(50)])
def test_nothing_to_say(values: Floats) -> None:
    found = cleaned(values)
    assert found.values is values
    assert found[1:] == ([], [])


class TestBounds:
    def test_impossible_values_are_left_out(self) -> None:
        values = np.full(50, 0.4)
        values[[3, 9, 20]], values[30], values[40] = 1.5, -0.1, np.inf
        found = cleaned(values, metric="data_fraction", upper=1.0)
        assert np.flatnonzero(np.isnan(found.values)).tolist() == [3, 9, 20, 30, 40]
        assert found.notes == ["1 value below 0 was left out", "3 values above 1 were left out", "1 value without an end was left out"]
        assert values[3] == 1.5

    def test_bounds_are_told_in_their_unit(self) -> None:
        values = growing()
        values[7] *= 1.8
        assert cleaned(values, upper=150 * GIB).notes == ["1 value above 150 GiB was left out"]

    def test_no_bounds(self) -> None:
        values = -growing()
        assert cleaned(values, metric=None, lower=float("nan"), upper=float("nan")).values is values


class TestUnits:
    @pytest.mark.parametrize(
        ("factor", "told"),
        [
            (1024.0, "1024 times"),
            (1000.0, "1000 times"),
            (1 / 1024, "1/1024 of"),
            (1e-6, "1/1000^2 of"),
            (2.0**30, "1024^3 times"),
        ],
    )
    def test_short_runs_are_left_out(self, factor: float, told: str) -> None:
        values = growing()
        values[[50, 120, 121, 122]] *= factor
        found = cleaned(values)
        assert np.flatnonzero(np.isnan(found.values)).tolist() == [50, 120, 121, 122]
        assert found.notes == [f"4 values {told} their neighbours were left out, as a mistake of the unit"]
        assert found.breaks == []

    def test_what_lasts_to_the_end_is_told_and_left_in(self) -> None:
        values = growing()
        values[-10:] *= 1000
        found = cleaned(values)
        assert found.values is values
        assert (
            found.notes[0] == "The values of the last 10d are 1000 times those before: perhaps a mistake of the unit, nothing was left out"
        )
        values = growing()
        values[-1] /= 1024
        found = cleaned(values)
        assert found.values is values
        assert found.notes == ["The last value is 1/1024 of those before: perhaps a mistake of the unit, nothing was left out"]

    def test_a_long_run_is_left_in(self) -> None:
        values = growing()
        values[50:90] *= 1024
        found = cleaned(values)
        assert found.values is values
        assert "nothing was left out" in found.notes[0]

    def test_bursts_of_any_size_are_no_mistakes(self) -> None:
        values = np.full(200, 0.001)
        values[[20, 60, 100]] = 1.0, 0.4, 0.15
        assert cleaned(values, metric="cpu_cores").values is values

    def test_what_ranges_over_orders_of_magnitude_meets_a_thousand_by_chance(self) -> None:
        values = 10 ** np.random.default_rng(8).normal(size=300)
        values[50] = 1000 * values[49]
        values[51] = values[49]
        assert cleaned(values, metric=None).values is values

    def test_a_volume_that_was_emptied_is_no_mistake(self) -> None:
        values = growing()
        values[100:110] = 0.0
        assert cleaned(values).values is values


class TestGaps:
    def test_few_missing_steps_are_not_told(self) -> None:
        values = growing()
        values[::20] = np.nan
        assert cleaned(values).notes == []

    def test_many_missing_steps(self) -> None:
        values = growing()
        values[10:190:6] = np.nan
        assert cleaned(values).notes == ["30 of 200 steps are missing"]

    def test_a_long_gap(self) -> None:
        values = growing()
        values[50:65] = np.nan
        values[:5] = values[-3:] = np.nan
        found = cleaned(values)
        assert found.values is values
        assert found.notes == ["15 of 192 steps are missing, 15 of them in a row"]


class TestBreaks:
    def test_purge(self) -> None:
        values = GIB * (100 + 0.25 * np.arange(200))
        values[150:] -= 41.25 * GIB
        found = cleaned(values)
        assert found.values is values
        assert found.breaks == [150]
        assert found.notes == ["It fell by 41 GiB 7w before its end, a purge: what lies before counts less"]

    def test_a_share_falls_when_the_whole_is_extended(self) -> None:
        values = growing() / GIB / 200
        values[150:] /= 2
        (note,) = cleaned(values, metric="data_fraction", upper=1.0).notes
        assert note.startswith("It fell by 0.32")
        assert ", by a purge or because the whole was extended: what lies before counts less" in note

    def test_level(self) -> None:
        values = np.repeat([2.0, 6.0], 100) + 0.1 * np.sin(np.arange(200) * 7.0)
        found = cleaned(values, metric="cpu_cores", step_seconds=HOUR)
        assert found.breaks == [100]
        assert found.notes[0].startswith("Its level rose from 2")
        assert found.notes[0].endswith("4d 3h before its end: what lies before counts less")

    def test_pace(self) -> None:
        values = GIB * np.cumsum(np.repeat([1.0, 3.0], 100))
        found = cleaned(values)
        assert found.breaks == [100]
        assert found.notes == ["Its pace went from 1 GiB to 3 GiB a step 14w 1d before its end: what lies before counts less"]

    def test_a_night_and_a_weekend_are_no_levels(self) -> None:
        values = np.repeat([2.0, 6.0], [100, 60]) + 0.1 * np.sin(np.arange(160) * 7.0)
        assert cleaned(values, metric="cpu_cores", step_seconds=HOUR).breaks == []
        assert cleaned(values, metric="cpu_cores", step_seconds=6 * HOUR).breaks == [100]

    def test_a_mistake_of_the_unit_hides_no_purge(self) -> None:
        values = growing()
        values[150:] -= 41 * GIB
        values[50] *= 1024
        found = cleaned(values)
        assert found.breaks == [150]
        assert len(found.notes) == 2


class TestPastWeight:
    def test_without_breaks_all_counts(self) -> None:
        assert past_weight([], 5).tolist() == [1] * 5

    def test_what_lies_before_counts_like_a_cold_start(self) -> None:
        weight = past_weight([100], 130)
        assert weight[100:].tolist() == [1] * 30
        assert weight[:100].sum() == pytest.approx(14)
        assert past_weight([100], 130, worth=24)[:100].sum() == pytest.approx(24)

    def test_a_short_past_counts_as_it_is(self) -> None:
        assert past_weight([10], 50).tolist() == [1] * 50

    @given(breaks=st.sets(st.integers(1, 199)).map(sorted), length=st.integers(200, 400), worth=st.floats(1, 100))
    def test_never_falling_and_never_nothing(self, breaks: list[int], length: int, worth: float) -> None:
        weight = past_weight(breaks, length, worth=worth)
        assert weight.shape == (length,)
        assert (weight > 0).all()
        assert (weight <= 1).all()
        assert (np.diff(weight) >= 0).all()
        assert (weight[breaks[-1] if breaks else 0 :] == 1).all()
        assert all(weight[:position].sum() <= max(worth, 1) * (1 + 1e-9) for position in breaks if weight[position - 1] < 1)


ANY = hnp.arrays(np.float64, st.integers(0, 80), elements=st.one_of(st.floats(), st.sampled_from([0.0, 1.0, 1000.0, 1024.0, float("nan")])))


@given(values=ANY, metric=st.sampled_from([None, "used_bytes", "data_fraction", "disk_read_bytes_per_second"]), upper=st.floats())
@settings(max_examples=200, deadline=None)
def test_only_values_that_cannot_be_or_are_told_are_left_out(values: Floats, metric: str | None, upper: float) -> None:
    before = values.copy()
    found = cleaned(values, metric=metric, upper=upper)
    np.testing.assert_array_equal(values, before)
    assert found.values.shape == values.shape
    left = ~np.isnan(found.values)
    np.testing.assert_array_equal(found.values[left], values[left])
    assert not (found.values[left] < 0).any()
    assert not (found.values[left] > upper).any()
    assert not np.isinf(found.values).any()
    if (left != ~np.isnan(values)).any():
        assert any("left out" in note for note in found.notes)
    else:
        assert found.values is values
    assert all(note and "nan" not in note and not note.endswith(".") for note in found.notes)
    again = cleaned(found.values, metric=metric, upper=upper)
    assert again.breaks == found.breaks or again.values is not found.values
