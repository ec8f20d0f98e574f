# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One suite of checks that every model passes, then what holds for the panel as a whole."""

from __future__ import annotations

import typing as t

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytest.importorskip("torch")
pytest.importorskip("statsforecast")

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import MODELS, PanelForecast, fleet, forecast_panel
from support.panels import HORIZON, awkward_series, panel, same

pytestmark = pytest.mark.usefixtures("in_this_process")

LIMITS = [1e3, 2e3]


@pytest.fixture(scope="module")
def forecasts(in_this_process: None) -> dict[str, PanelForecast]:
    histories = list(awkward_series().values())
    return {model: panel(histories, model=model, limits=[LIMITS] * len(histories)) for model in MODELS}


@pytest.mark.parametrize("model", MODELS)
class TestEveryModel:
    def test_shapes_and_types(self, forecasts: dict[str, PanelForecast], model: str) -> None:
        found, count = forecasts[model], len(awkward_series())
        assert found.quantiles.shape == (count, 3, HORIZON)
        assert found.quantiles.dtype == np.float64
        assert found.peak.shape == (count, 3)
        assert found.runway is not None
        assert found.runway.shape == (count, 2, 3)
        assert found.reach_probability is not None
        assert found.reach_probability.shape == (count, 2)
        lists = (found.method, found.status, found.reason, found.notes, found.backtest, found.models)
        assert {len(item) for item in lists} == {count}

    def test_finite_and_ordered_unless_invalid(self, forecasts: dict[str, PanelForecast], model: str) -> None:
        found = forecasts[model]
        assert found.runway is not None
        assert found.reach_probability is not None
        for name, row in zip(awkward_series(), range(len(found.status)), strict=True):
            if found.status[row] == "invalid":
                for item in (found.quantiles, found.peak, found.runway, found.reach_probability):
                    assert np.isnan(item[row]).all(), name
                continue
            assert np.isfinite(found.quantiles[row]).all(), name
            assert (found.quantiles[row][1:] >= found.quantiles[row][:-1]).all(), name
            assert (found.peak[row][1:] >= found.peak[row][:-1]).all(), name
            assert (found.peak[row] >= found.quantiles[row].max(axis=1)).all(), name
            assert (found.runway[row] >= 0).all(), name
            assert ((found.reach_probability[row] >= 0) & (found.reach_probability[row] <= 1)).all(), name

    def test_status_by_number_of_values(self, forecasts: dict[str, PanelForecast], model: str) -> None:
        seen = dict(zip(awkward_series(), forecasts[model].status, strict=True))
        cold = {"one value", "one value between gaps", "two values", "thirteen"}
        assert {name for name, status in seen.items() if status == "cold_start"} == cold
        assert {name for name, status in seen.items() if status == "invalid"} == {"nothing", "only gaps"}

    def test_a_cold_start_is_answered_by_its_own_past_whatever_is_asked_for(self, forecasts: dict[str, PanelForecast], model: str) -> None:
        rows = [row for row, status in enumerate(forecasts[model].status) if status == "cold_start"]
        np.testing.assert_array_equal(forecasts[model].quantiles[rows], forecasts["empirical"].quantiles[rows])
        assert {forecasts[model].method[row] for row in rows} == {"empirical"}

    @pytest.mark.parametrize(("name", "value"), [("constant", 7.0), ("nothing at all", 0.0)])
    def test_constant_stays_constant(self, forecasts: dict[str, PanelForecast], model: str, name: str, value: float) -> None:
        row = list(awkward_series()).index(name)
        np.testing.assert_allclose(forecasts[model].quantiles[row], value)
        np.testing.assert_allclose(forecasts[model].peak[row], value)

    def test_the_same_series_twice_gets_the_same_answer(self, forecasts: dict[str, PanelForecast], model: str) -> None:
        names, found = list(awkward_series()), forecasts[model]
        for name in ("growth", "daily"):
            one, other = names.index(name), names.index(f"{name} again")
            np.testing.assert_array_equal(found.quantiles[one], found.quantiles[other])
            np.testing.assert_array_equal(found.peak[one], found.peak[other])
            assert found.reason[one] == found.reason[other]

    def test_same_again_and_in_any_order(self, forecasts: dict[str, PanelForecast], model: str) -> None:
        histories = list(awkward_series().values())
        order = np.random.default_rng(5).permutation(len(histories)).tolist()
        again = panel([histories[row] for row in order], model=model, limits=[LIMITS] * len(histories))
        same(forecasts[model], again, order)

    @pytest.mark.parametrize("exponent", [30, -900])
    def test_units_scale_exactly(self, model: str, exponent: int) -> None:
        history = np.array(awkward_series()["growth"])
        one, other = (panel([history * factor], model=model) for factor in (1.0, 2.0**exponent))
        np.testing.assert_array_equal(np.ldexp(one.quantiles, exponent), other.quantiles)
        np.testing.assert_array_equal(np.ldexp(one.peak, exponent), other.peak)

    def test_clipped(self, model: str) -> None:
        history = awkward_series()["growth"]
        low, high = history[-1] - 0.25, history[-1] + 0.5
        found = panel([history], model=model, lower=[min(history)], upper=high, limits=[high + 1])
        assert found.peak.max() <= high
        assert found.reach_probability is not None
        assert found.reach_probability[0] == 0
        assert found.runway is not None
        assert np.isinf(found.runway).all()
        falling = [-value for value in history]
        below = panel([falling], model=model, lower=-low - 0.75, upper=[0.0])
        assert below.quantiles.min() >= -low - 0.75

    def test_nothing_asked_nothing_given(self, model: str) -> None:
        found = panel([], model=model)
        assert found.quantiles.shape == (0, 3, HORIZON)
        assert found.method == []

    def test_another_seed(self, forecasts: dict[str, PanelForecast], model: str) -> None:
        history = awkward_series()["growth"]
        one, again, other = (panel([history], model=model, seed=seed) for seed in (1, 1, 2))
        same(one, again)
        assert np.isfinite(other.quantiles).all()
        if model in ("lstm", "classic_lstm"):
            assert not np.array_equal(one.quantiles, other.quantiles)


@pytest.mark.parametrize(("model", "count"), [("empirical", 10_000), ("auto", 2_000)])
def test_thousands_of_series(model: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "MAX_FITTED_SERIES", 10)
    random = np.random.default_rng(1)
    histories = np.cumsum(random.exponential(1.0, (count, 20)), axis=1)
    found = forecast_panel(list(histories), step_seconds=600, horizon=3, model=model)
    assert np.isfinite(found.quantiles).all()
    assert set(found.status) == {"ok"}
    assert sum("theta" in reason for reason in found.reason) <= 10


@pytest.mark.parametrize("horizon", [24, 24 * 10])
def test_seasonal_series_follows_its_season(horizon: int) -> None:
    random = np.random.default_rng(0)
    hours = np.arange(24 * 14)
    values = 50 + 20 * np.sin(hours * 2 * np.pi / 24) + random.normal(size=len(hours))
    found = panel([values], horizon=horizon)
    expected = 50 + 20 * np.sin((len(hours) + np.arange(horizon)) * 2 * np.pi / 24)
    assert np.abs(found.quantiles[0, 1] - expected).mean() < 3
    assert found.models[0] is not None
    assert found.models[0]["season"] == 24


def test_steady_growth_is_carried_on_with_few_values() -> None:
    found = panel([np.arange(20.0)], step_seconds=5, horizon=30, limits=39.0)
    np.testing.assert_allclose(found.quantiles[0, 1], np.arange(20.0, 50.0))
    assert found.runway is not None
    assert found.runway[0].tolist() == [100.0, 100.0, 100.0]


def test_reached_limit_has_no_runway_left() -> None:
    found = panel([[5.0] * 20], limits=[5.0])
    assert found.runway is not None
    assert found.reach_probability is not None
    assert found.runway.tolist() == [[0.0, 0.0, 0.0]]
    assert found.reach_probability.tolist() == [1.0]


def test_no_limit_for_one_series() -> None:
    found = panel([np.arange(20.0), np.arange(20.0)], limits=[float("nan"), 21.0])
    assert found.runway is not None
    assert np.isinf(found.runway[0]).all()
    assert np.isfinite(found.runway[1]).all()


def test_seed_draws_other_starts() -> None:
    history = np.cumsum(np.random.default_rng(2).normal(size=2000))
    one, again, other = (panel([history], model="empirical", season=None, seed=seed).quantiles for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_what_was_left_out_of_a_series_and_its_breaks_are_told() -> None:
    noise = np.random.default_rng(0).normal(size=200)
    found = panel([noise + np.repeat([10.0, 1000.0], 100), [*([0.5] * 30), 7.0, *([0.5] * 30)]], upper=[np.inf, 1.0])
    assert found.notes[0].startswith("Its level rose from 10")
    assert found.notes[1] == "1 value above 1 was left out"
    assert found.peak[1].max() <= 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "oracle"}, "Unknown forecasting model 'oracle'"),
        ({"horizon": 0}, "Cannot forecast 0 steps"),
        ({"step_seconds": 0}, "step of 0 seconds"),
        ({"quantiles": (0.5, 0.1)}, "not ascending"),
        ({"quantiles": ()}, "not ascending"),
        ({"season": "weekly"}, "Unknown season"),
        ({"limits": [1.0, 2.0, 3.0]}, "`limits` has the shape"),
        ({"models": []}, "0 entries for 1 histories"),
        ({"models": [{"weights": [["empirical", 1, 1.0]]}]}, "An entry of `models`"),
    ],
)
def test_wrong_arguments(options: dict[str, t.Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        panel([[1.0] * 20], **options)


def test_wrong_history() -> None:
    with pytest.raises(InputError, match="flat list of numbers"):
        panel([["full"]])
    with pytest.raises(InputError, match="2 dimensions"):
        panel([[[1.0]]])


histories_ = st.lists(
    hnp.arrays(np.float64, st.integers(0, 60), elements=st.one_of(st.floats(-1e12, 1e12), st.just(float("nan")))), min_size=1, max_size=4
)


@given(
    histories=histories_,
    horizon=st.integers(1, 20),
    season=st.sampled_from([None, "auto", 4]),
    model=st.sampled_from(["last", "naive", "drift", "snaive", "empirical"]),
    levels=st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4, unique=True).map(sorted),
)
@settings(max_examples=100, deadline=None)
def test_any_history_gives_finite_ordered_quantiles(
    histories: list[t.Any], horizon: int, season: t.Any, model: str, levels: list[float]
) -> None:
    found = forecast_panel(histories, step_seconds=600, horizon=horizon, season=season, model=model, quantiles=levels)
    for row, history in enumerate(histories):
        if not np.isfinite(history).any():
            assert found.status[row] == "invalid"
            continue
        assert np.isfinite(found.quantiles[row]).all()
        assert (np.diff(found.quantiles[row], axis=0) >= 0).all()
        assert (np.diff(found.peak[row]) >= 0).all()
        assert (found.peak[row] >= found.quantiles[row].max(axis=1)).all()


@given(
    history=hnp.arrays(np.float64, st.integers(14, 80), elements=st.floats(0, 1e6)),
    levels=st.lists(st.floats(0, 2e6), min_size=2, max_size=5),
    horizon=st.integers(1, 20),
)
@settings(max_examples=60, deadline=None)
def test_runway(history: t.Any, levels: list[float], horizon: int) -> None:
    limits = sorted(levels)
    found = forecast_panel([history], step_seconds=600, horizon=horizon, limits=[limits], season=None, model="empirical")
    assert found.runway is not None
    assert found.reach_probability is not None
    runway, reach = found.runway[0], found.reach_probability[0]
    with np.errstate(invalid="ignore"):
        assert not (np.diff(runway, axis=0) < 0).any(), "a higher limit is reached earlier"
        assert not (np.diff(runway, axis=1) < 0).any(), "the late date lies before the early one"
    assert (np.diff(reach) <= 1e-12).all()
    assert ((reach >= 0) & (reach <= 1)).all()
    for row, level in enumerate((0.1, 0.5, 0.9)):
        assert (np.isfinite(runway[:, row]) == (reach >= level - 1e-12)).all(), "a date without the probability for it"
    assert runway[np.isfinite(runway)].max(initial=0) <= horizon * 600
