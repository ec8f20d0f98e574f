# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.calibration import Calibration, applied, calibrate, intervals
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS, Distribution

Floats = NDArray[np.float64]
LEVEL = np.array(LEVELS)
NAN = float("nan")
NORMAL = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


def said(values: Floats, highest: Floats | None = None) -> Distribution:
    return Distribution(np.arange(1, values.shape[2] + 1), LEVEL, values, values if highest is None else highest)


def interval(quantiles: Floats, came: float) -> list[float]:
    found = intervals(said(quantiles[None, :, None]), np.array([[came]]), np.array([[came]]))
    np.testing.assert_array_equal(found[0, 0], found[0, 1])
    return [float(item) for item in found[0, 0, 0]]


class TestIntervals:
    def test_between_two_quantiles_it_is_one_level(self) -> None:
        quantiles = np.arange(17.0)
        assert interval(quantiles, 8.0) == [0.5, 0.5]
        assert interval(quantiles, 8.5) == pytest.approx([0.55, 0.55])

    def test_beyond_the_outermost_quantiles_it_is_all_that_is_there(self) -> None:
        quantiles = np.arange(17.0)
        assert interval(quantiles, -5.0) == [0.0, 0.01]
        assert interval(quantiles, 99.0) == [0.99, 1.0]

    def test_where_quantiles_coincide_it_is_all_of_their_levels(self) -> None:
        quantiles = np.array([0.0] * 3 + [5.0] * 10 + [9.0, 10.0, 11.0, 12.0])
        assert interval(quantiles, 5.0) == pytest.approx([LEVELS[3], LEVELS[12]])
        assert interval(np.full(17, 5.0), 5.0) == [0.0, 1.0]
        assert interval(np.full(17, 5.0), 4.0) == [0.0, 0.01]
        assert interval(np.full(17, 5.0), 6.0) == [0.99, 1.0]

    def test_what_did_not_come_is_not_known(self) -> None:
        assert np.isnan(interval(np.arange(17.0), NAN)).all()

    @given(
        quantiles=hnp.arrays(np.float64, 17, elements=st.integers(-3, 3).map(float)).map(np.sort),
        came=st.one_of(st.integers(-4, 4).map(float), st.floats(-4, 4)),
    )
    def test_it_is_an_interval_that_rises_with_what_came(self, quantiles: Floats, came: float) -> None:
        low, high = interval(quantiles, came)
        assert 0.0 <= low <= high <= 1.0
        assert interval(quantiles, came + 0.5)[0] >= low
        assert interval(quantiles, came + 0.5)[1] >= high


def normal_past(deviation: float, *, moments: int = 6, series: int = 400, shock: float = 0.0, seed: int = 0) -> list[Floats]:
    """Return what came of standard normal forecasts when the truth was this wide, each moment moved by a shock that all series share."""
    random = np.random.default_rng(seed)
    forecast = said(np.tile(NORMAL[None, :, None], (series, 1, 3)))
    found = []
    for _moment in range(moments):
        came = deviation * random.normal(size=(series, 3)) + shock * random.normal()
        found.append(intervals(forecast, came, came))
    return found


def outside(calibration: Calibration, deviation: float) -> float:
    """Return how much of a normal truth lies outside the calibrated 80 % band of a standard normal forecast."""
    moved = applied(calibration, said(np.tile(NORMAL[None, :, None], (1, 1, 3)))).values[0, :, 0]
    truth = NormalDist(0.0, deviation)
    low, high = (moved[LEVELS.index(level)] for level in (0.1, 0.9))
    return truth.cdf(low) + 1.0 - truth.cdf(high)


class TestCalibrate:
    @pytest.mark.parametrize("deviation", [0.6, 1.4])
    def test_too_wide_and_too_narrow_forecasts_are_put_right(self, deviation: float) -> None:
        before = outside(Calibration(np.broadcast_to(LEVEL, (2, 3, 17))), deviation)
        after = outside(calibrate(normal_past(deviation), 6.0), deviation)
        assert abs(before - 0.2) > 0.1
        assert abs(after - 0.2) < 0.03

    def test_a_right_one_is_left_alone(self) -> None:
        found = calibrate(normal_past(1.0), 6.0)
        np.testing.assert_allclose(found.levels, np.broadcast_to(LEVEL, (2, 3, 17)), atol=0.012)

    def test_the_tails_are_moved_on_their_own(self) -> None:
        past = normal_past(1.0)
        past = [np.where(item > 0.5, np.minimum(item + 0.6 * (item - 0.5), 1.0), item) for item in past]
        found = calibrate(past, 6.0).levels[0, 0]
        assert found[LEVELS.index(0.8)] > 0.9
        np.testing.assert_allclose(found[:8], LEVELS[:8], atol=0.012)

    def test_one_shock_that_all_series_share_hardly_moves_the_levels(self) -> None:
        random = np.random.default_rng(4)
        past = normal_past(1.0)
        forecast = said(np.tile(NORMAL[None, :, None], (400, 1, 3)))
        came = 2.5 + random.normal(size=(400, 3))
        past[2] = intervals(forecast, came, came)
        found = calibrate(past, 3.0).levels
        steady = calibrate(normal_past(1.4), 3.0).levels
        moved = np.abs(found - LEVEL).max()
        assert moved < 0.03
        assert moved < 0.5 * np.abs(steady - LEVEL).max()

    def test_no_level_goes_so_far_out_that_the_forecast_doubles(self) -> None:
        for shift in (0.45, -0.45):
            found = calibrate([np.clip(item + shift, 0.0, 1.0) for item in normal_past(1.0)], 6.0).levels
            upper, lower = (found[:, :, LEVELS.index(level)] for level in (0.9, 0.1))
            assert (upper <= 0.96 + 1e-9).all()
            assert (lower >= 0.04 - 1e-9).all()

    def test_moments_that_share_their_future_count_for_less(self) -> None:
        past = normal_past(1.3, series=5)
        far, near = (np.abs(calibrate(past, independent).levels - LEVEL).max() for independent in (6.0, 1.5))
        assert near < far

    def test_few_values_move_little(self) -> None:
        few, many = (np.abs(calibrate(normal_past(1.4, series=series), 6.0).levels - LEVEL).mean() for series in (1, 400))
        assert few < 0.6 * many

    def test_the_median_is_not_moved(self) -> None:
        found = calibrate([np.minimum(item + 0.2, 1.0) for item in normal_past(1.0)], 6.0)
        np.testing.assert_allclose(found.levels[:, :, LEVELS.index(0.5)], 0.5, atol=0.01)

    def test_where_nothing_came_the_levels_stay(self) -> None:
        np.testing.assert_array_equal(calibrate([np.full((4, 2, 3, 2), NAN)] * 2, 2.0).levels, np.broadcast_to(LEVEL, (2, 3, 17)))

    def test_a_series_that_never_moves_asks_for_nothing(self) -> None:
        still = said(np.full((50, 17, 2), 7.0))
        past = [intervals(still, np.full((50, 2), 7.0), np.full((50, 2), 7.0))] * 4
        np.testing.assert_allclose(calibrate(past, 4.0).levels, np.broadcast_to(LEVEL, (2, 2, 17)), atol=1e-9)


levels_ = hnp.arrays(np.float64, (2, 3, 17), elements=st.floats(0, 1)).map(lambda found: np.sort(found, axis=2))
quantiles_ = hnp.arrays(np.float64, (2, 17, 5), elements=st.floats(-1e6, 1e6)).map(lambda found: np.sort(found, axis=1))


class TestApplied:
    @given(levels=levels_, quantiles=quantiles_)
    @settings(max_examples=60, deadline=None)
    def test_whatever_the_levels_quantiles_stay_ordered_and_the_highest_above(self, levels: Floats, quantiles: Floats) -> None:
        found = applied(Calibration(levels), said(quantiles, np.maximum.accumulate(quantiles, axis=2)))
        assert (np.diff(found.values, axis=1) >= 0).all()
        assert (np.diff(found.highest, axis=1) >= 0).all()
        assert (found.highest >= found.values).all()
        assert (np.diff(found.highest, axis=2) >= 0).all()
        assert found.values.min() >= quantiles.min()
        assert found.values.max() <= quantiles.max()

    @given(quantiles=quantiles_)
    @settings(max_examples=20, deadline=None)
    def test_levels_that_stay_change_nothing(self, quantiles: Floats) -> None:
        found = applied(Calibration(np.broadcast_to(LEVEL, (2, 3, 17))), said(quantiles))
        np.testing.assert_array_equal(found.values, quantiles)

    def test_between_its_places_levels_change_with_the_logarithm_of_the_step(self) -> None:
        levels = np.broadcast_to(LEVEL, (2, 2, 17)).copy()
        levels[:, 1] = 0.5
        steps = np.array([1, 4, 16])
        spread = np.tile(LEVEL[None, :, None], (1, 1, 3))
        found = applied(Calibration(levels), Distribution(steps, LEVEL, spread, spread)).values[0, LEVELS.index(0.9)]
        np.testing.assert_allclose(found, [0.9, 0.7, 0.5])

    def test_a_single_step(self) -> None:
        found = applied(Calibration(np.broadcast_to(LEVEL, (2, 1, 17))), said(np.tile(NORMAL[None, :, None], (1, 1, 1))))
        np.testing.assert_allclose(found.values[0, :, 0], NORMAL)
