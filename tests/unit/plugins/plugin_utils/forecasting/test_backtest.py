# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classical
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.backtest import (
    FIT_EVERY,
    MAX_ORIGINS,
    backtest,
    figures,
    mixed,
    origins,
    relative_error,
    tables,
    unit,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.members import Block, Label

Floats = NDArray[np.float64]
NAN = float("nan")
LAST, DRIFT, OWN = Label("last", 1), Label("drift", 1), Label("empirical", 1)
THETA, ETS = Label("theta", 1), Label("ets", 1)


def block(values: Floats, season: int = 1) -> Block:
    return Block(values, season, 3600.0, 0)


def walks(rows: int = 3, length: int = 60, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=(rows, length)).cumsum(axis=1)


def no_fits(rows: int) -> NDArray[np.bool_]:
    return np.zeros(rows, dtype=bool)


@given(length=st.integers(0, 3000), horizon=st.integers(1, 500), season=st.sampled_from([1, 7, 24, 168]))
def test_origins_lie_in_the_later_half_and_leave_two_seasons_before(length: int, horizon: int, season: int) -> None:
    reach, stride, found = origins(length, horizon, season)
    assert len(found) <= MAX_ORIGINS
    assert found == sorted(found)
    assert stride >= 1
    for offset in found:
        assert reach <= offset <= length // 2, "its future is known, and lies in the later half"
        assert length - offset >= 2 * season
    assert reach <= horizon
    if length >= 14 and season == 1:
        assert found


def test_the_unit_is_the_usual_change_over_a_season() -> None:
    values = np.array([[1.0, 5.0, 2.0, 7.0, 1.0, 6.0], [NAN, 3.0, NAN, 3.0, 3.0, 3.0]])
    np.testing.assert_allclose(unit(values, 2), [(1 + 2 + 1 + 1) / 4, 1e-12])
    np.testing.assert_allclose(unit(values, 9), 1e-12)


class TestWhatCame:
    def test_nothing_of_the_future_is_seen(self) -> None:
        values = walks()
        for offset in origins(60, 6, 1)[2]:
            spoilt = values.copy()
            spoilt[:, -offset:] = 1e9
            one, other = (backtest(block(item), [OWN, DRIFT], length=60, horizon=6, fits=no_fits(3)) for item in (values, spoilt))
            number = origins(60, 6, 1)[2].index(offset)
            for part, same in zip(one.origins[number].parts, other.origins[number].parts, strict=True):
                np.testing.assert_array_equal(part.values, same.values)

    def test_the_last_value_and_what_came_after_it(self) -> None:
        values = walks()
        values[1, -4] = NAN
        found = backtest(block(values), [LAST], length=60, horizon=6, fits=no_fits(3))
        for offset, origin in zip(origins(60, 6, 1)[2], found.origins, strict=True):
            steps = origin.parts[0].steps
            assert steps.tolist() == [1, 2, 4, 6]
            np.testing.assert_array_equal(origin.parts[0].values[0, :, 0], values[0, -offset - 1])
            future = values[:, 60 - offset :][:, :6]
            np.testing.assert_array_equal(origin.values, future[:, steps - 1])
            np.testing.assert_array_equal(origin.highest[0], np.maximum.accumulate(future[0])[steps - 1])

    def test_where_an_origin_falls_into_a_gap_the_value_before_it_stands_in(self) -> None:
        values = walks(1)
        offset = origins(60, 6, 1)[2][0]
        values[0, 60 - offset - 3 : 60 - offset] = NAN
        found = backtest(block(values), [LAST], length=60, horizon=6, fits=no_fits(1))
        np.testing.assert_array_equal(found.origins[0].parts[0].values, values[0, 60 - offset - 4])

    def test_a_short_history_has_no_origin_and_no_figures(self) -> None:
        found = backtest(block(walks(2, 3)), [OWN, DRIFT], length=3, horizon=6, fits=no_fits(2))
        assert found.origins == []
        seen, has = tables(found, no_fits(2))
        assert seen.wrong.shape == (2, 2)
        assert seen.origins.tolist() == [0.0, 0.0]
        assert has.shape == (2, 2)
        assert not has.any()
        assert np.isnan(figures(found, []).mase).all()


def test_figures_against_a_slow_computation() -> None:
    values = walks(2)
    values[1, -3:-1] = NAN
    past = backtest(block(values), [OWN, DRIFT], length=60, horizon=6, fits=no_fits(2))
    weights = np.array([[0.7, 0.3], [0.0, 1.0]])
    said = mixed(past, weights)
    found = figures(past, said)
    for row in range(2):
        errors, losses, inside = [], [], []
        for origin, one in zip(past.origins, said, strict=True):
            known = ~np.isnan(origin.values[row])
            low, middle, high = (one.values[row, LEVELS.index(level)][known] for level in (0.1, 0.5, 0.9))
            came = origin.values[row][known]
            errors.append(np.mean(np.abs(came - middle)))
            inside.append(np.mean((came >= low) & (came <= high)))
            pinball = [
                2 * max(level * (y - q), (level - 1) * (y - q))
                for level, line in ((0.1, low), (0.5, middle), (0.9, high))
                for y, q in zip(came, line, strict=True)
            ]
            losses.append(np.mean(pinball))
        usual = np.nanmean(np.abs(np.diff(values[row])))
        assert found.mase[row] == pytest.approx(np.mean(errors) / usual)
        assert found.pinball[row] == pytest.approx(np.mean(losses) / usual)
        assert found.coverage80[row] == pytest.approx(np.mean(inside))
        assert found.origins[row] == len(past.origins)


def test_the_relative_error_is_drawn_to_one_and_bounded() -> None:
    values = np.arange(80.0)[None] + 0.01 * walks(1, 80)
    past = backtest(block(values), [OWN, LAST, DRIFT], length=80, horizon=6, fits=no_fits(1))
    assert relative_error(past, DRIFT, LAST)[0] == 0.5
    assert relative_error(past, LAST, DRIFT)[0] == 1.5
    assert relative_error(past, LAST, LAST)[0] == 1.0


class TestFits:
    def test_only_the_chosen_series_at_every_second_origin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = []

        def fit(method: str, values: Floats, *, season: int, horizon: int) -> Floats:
            asked.append(method)
            return np.full(horizon, float(values[~np.isnan(values)][-1]))

        monkeypatch.setattr(classical, "forecast", fit)
        chosen = np.array([True, False, False])
        past = backtest(block(walks()), [OWN, THETA, ETS], length=60, horizon=6, fits=chosen)
        assert asked.count("theta") == len(past.origins[::FIT_EVERY])
        has = tables(past, chosen)[1]
        np.testing.assert_array_equal(has[:, 1], chosen)
        assert has[:, 0].all()

    def test_all_methods_of_a_series_are_measured_at_the_same_origins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(classical, "forecast", lambda *_given, **_options: None)
        chosen = np.array([True, False, False])
        past = backtest(block(walks()), [OWN, THETA], length=60, horizon=6, fits=chosen)
        found, has = tables(past, chosen)
        assert found.origins.tolist() == [len(past.origins[::FIT_EVERY]), len(past.origins), len(past.origins)]
        assert not has[:, 1].any(), "it had no answer"

    def test_ets_is_not_tried_on_where_theta_was_far_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fit(method: str, values: Floats, *, season: int, horizon: int) -> Floats:
            last = float(values[~np.isnan(values)][-1])
            return np.full(horizon, last + (100.0 if method == "theta" and last < 0 else 0.0))

        monkeypatch.setattr(classical, "forecast", fit)
        values = np.stack([50.0 + walks(1)[0], -50.0 + walks(1)[0]])
        chosen = np.ones(2, dtype=bool)
        past = backtest(block(values), [OWN, THETA, ETS], length=60, horizon=6, fits=chosen)
        assert [origin.has[2].tolist() for origin in past.origins[::FIT_EVERY]] == [[True, False]] * len(past.origins[::FIT_EVERY])
        assert tables(past, chosen)[1][:, 2].tolist() == [True, False]


def test_a_gap_of_a_whole_future_is_not_measured() -> None:
    values = walks(2)
    offset = origins(60, 6, 1)[2][0]
    values[0, 60 - offset : 59] = NAN
    past = backtest(block(values), [OWN, DRIFT], length=60, horizon=6, fits=no_fits(2))
    counted = tables(past, no_fits(2))[0]
    assert counted.origins[1] == len(past.origins)
    assert np.isfinite(counted.wrong).all()
    assert np.isfinite(counted.apart).all()
