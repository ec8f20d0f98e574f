# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One suite of checks that every model passes, then what holds for the panel as a whole."""

from __future__ import annotations

import collections.abc
import sys
import typing as t

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine as engines
from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import MODELS, PanelForecast, classical, forecast_panel
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import panel as module
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import LazyModule, MissingPackage

HORIZON = 6
CHEAP = ("auto", "naive", "drift", "snaive")
ONE_WORKER = Engine(workers=1)


def awkward_series() -> dict[str, list[float]]:
    random = np.random.default_rng(3)
    growth = np.cumsum(random.exponential(1.0, 120))
    daily = 50 + 10 * np.sin(np.arange(24 * 8) * 2 * np.pi / 24) + random.normal(size=24 * 8)
    gaps = growth.copy()
    gaps[[3, 4, 50, 51, 52, 90]] = np.nan
    nan = float("nan")
    return {
        "growth": growth.tolist(),
        "daily": daily.tolist(),
        "gaps": gaps.tolist(),
        "gap at the end": [*growth.tolist(), nan, nan, nan],
        "constant": [7.0] * 60,
        "one value": [5.0],
        "one value between gaps": [nan, 5.0, nan],
        "two values": [1.0, 2.0],
        "thirteen": growth[:13].tolist(),
        "fourteen": growth[:14].tolist(),
        "huge": (growth * 1e15).tolist(),
        "tiny": (growth * 1e-300).tolist(),
        "close to overflow": [1.7e308, -1.7e308] * 20,
        "negative": (-growth).tolist(),
        "step": [10.0] * 50 + [1000.0] * 20,
        "purge": [*growth.tolist(), *growth[:40].tolist()],
        "infinite counts as missing": [*growth[:60].tolist(), float("inf"), *growth[61:].tolist()],
        "nothing": [],
        "only gaps": [nan, nan],
    }


def panel(histories: t.Any, **options: t.Any) -> PanelForecast:
    return forecast_panel(histories, **{"step_seconds": 3600, "horizon": HORIZON, "engine": ONE_WORKER, **options})


def same(one: PanelForecast, other: PanelForecast, order: list[int] | None = None) -> None:
    order = order if order is not None else list(range(len(one.method)))
    for name in ("quantiles", "peak", "runway", "reach_probability"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_array_equal(mine[order], theirs, err_msg=name)
    for name in ("method", "status", "reason", "models"):
        assert [getattr(one, name)[row] for row in order] == getattr(other, name), name


@pytest.fixture(scope="module", autouse=True)
def _without_pools() -> collections.abc.Iterator[None]:
    """Compute all batches here: 30 pools would each import statsforecast anew. That pools give the same is shown in test_engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "run", lambda function, batches, **_options: [function(batch) for batch in batches])
        yield


@pytest.fixture(scope="module")
def forecasts() -> dict[str, PanelForecast]:
    histories = list(awkward_series().values())
    return {model: panel(histories, model=model, limits=[[1e3, 2e3]] * len(histories)) for model in MODELS}


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
        assert {len(found.method), len(found.status), len(found.reason), len(found.backtest), len(found.models)} == {count}

    def test_finite_and_ordered_unless_invalid(self, forecasts: dict[str, PanelForecast], model: str) -> None:
        found = forecasts[model]
        for name, row in zip(awkward_series(), range(len(found.status)), strict=True):
            if found.status[row] == "invalid":
                assert np.isnan(found.quantiles[row]).all(), name
                assert np.isnan(found.peak[row]).all(), name
                continue
            assert np.isfinite(found.quantiles[row]).all(), name
            assert (found.quantiles[row][1:] >= found.quantiles[row][:-1]).all(), name
            assert (found.peak[row][1:] >= found.peak[row][:-1]).all(), name
            assert (found.peak[row] >= found.quantiles[row].max(axis=1)).all(), name
            assert found.runway is not None
            assert (found.runway[row] >= 0).all(), name

    def test_status_by_number_of_values(self, forecasts: dict[str, PanelForecast], model: str) -> None:
        seen = dict(zip(awkward_series(), forecasts[model].status, strict=True))
        cold = {"one value", "one value between gaps", "two values", "thirteen"}
        assert {name for name, status in seen.items() if status == "cold_start"} == cold
        assert {name for name, status in seen.items() if status == "invalid"} == {"nothing", "only gaps"}

    def test_constant_stays_constant(self, forecasts: dict[str, PanelForecast], model: str) -> None:
        row = list(awkward_series()).index("constant")
        np.testing.assert_allclose(forecasts[model].quantiles[row], 7.0)

    def test_units_scale_exactly(self, model: str) -> None:
        history = awkward_series()["growth"]
        one, other = (panel([[value * factor for value in history]], model=model) for factor in (1.0, 2.0**30))
        np.testing.assert_array_equal(one.quantiles * 2.0**30, other.quantiles)

    def test_clipped(self, model: str) -> None:
        history = awkward_series()["growth"]
        low, high = history[-1] - 0.25, history[-1] + 0.5
        found = panel([history], model=model, lower=[low], upper=high, limits=[high + 1])
        assert found.quantiles.min() >= low
        assert found.peak.max() <= high
        assert found.reach_probability is not None
        assert found.reach_probability[0] == 0
        assert found.runway is not None
        assert np.isinf(found.runway).all()

    def test_same_again_and_in_any_order(self, forecasts: dict[str, PanelForecast], model: str) -> None:
        histories = list(awkward_series().values())
        order = np.random.default_rng(5).permutation(len(histories)).tolist()
        again = panel([histories[row] for row in order], model=model, limits=[[1e3, 2e3]] * len(histories))
        same(forecasts[model], again, order)

    def test_nothing_asked_nothing_given(self, model: str) -> None:
        found = panel([], model=model)
        assert found.quantiles.shape == (0, 3, HORIZON)
        assert found.method == []


@pytest.mark.parametrize("model", CHEAP)
def test_ten_thousand_series(model: str) -> None:
    random = np.random.default_rng(1)
    histories = np.cumsum(random.exponential(1.0, (10_000, 20)), axis=1)
    found = forecast_panel(list(histories), step_seconds=600, horizon=3, model=model)
    assert np.isfinite(found.quantiles).all()
    assert set(found.status) == {"ok"}


def test_earlier_choices_are_kept_and_give_the_same() -> None:
    histories = list(awkward_series().values())
    first = panel(histories)
    again = panel(histories, models=first.models)
    np.testing.assert_array_equal(first.quantiles, again.quantiles)
    assert first.models == again.models
    assert first.backtest == again.backtest


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
    one, again, other = (panel([history], model="naive", season=None, seed=seed).quantiles for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_missing_statsforecast_is_told_and_auto_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classical, "available", lambda: False)
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    history = awkward_series()["growth"]
    found = panel([history])
    assert "statsforecast is not installed" in found.reason[0]
    assert panel([history], models=found.models).reason == found.reason
    monkeypatch.setattr(module, "statsforecast_models", LazyModule("statsforecast.models", "statsforecast", "requirements-ml.txt"))
    with pytest.raises(MissingPackage, match="pip install 'statsforecast'"):
        panel([history], model="theta")


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
    model=st.sampled_from(["naive", "drift", "snaive"]),
)
@settings(max_examples=60, deadline=None)
def test_any_history_gives_finite_ordered_quantiles(histories: list[t.Any], horizon: int, season: t.Any, model: str) -> None:
    found = forecast_panel(histories, step_seconds=600, horizon=horizon, season=season, model=model)
    for row, history in enumerate(histories):
        if not np.isfinite(history).any():
            assert found.status[row] == "invalid"
            continue
        assert np.isfinite(found.quantiles[row]).all()
        assert (np.diff(found.quantiles[row], axis=0) >= 0).all()
        assert (found.peak[row] >= found.quantiles[row].max(axis=1)).all()


@given(
    history=hnp.arrays(np.float64, st.integers(14, 80), elements=st.floats(0, 1e6)),
    levels=st.lists(st.floats(0, 2e6), min_size=2, max_size=5),
    horizon=st.integers(1, 20),
)
@settings(max_examples=60, deadline=None)
def test_runway(history: t.Any, levels: list[float], horizon: int) -> None:
    limits = sorted(levels)
    found = forecast_panel([history], step_seconds=600, horizon=horizon, limits=[limits], season=None, model="naive")
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
