# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `auto` chooses, and what it makes of choices, families and networks of an earlier call."""

from __future__ import annotations

import sys
import typing as t
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")
pytest.importorskip("statsforecast")

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine as engines
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import (
    backtest,
    classic_lstm,
    classical,
    global_model,
    lstm,
    lstm_network,
    training,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import panel as module
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import LazyModule, MissingPackage
from support.panels import HORIZON, PanelForecast, awkward_series, loss, panel, same

pytestmark = pytest.mark.usefixtures("in_this_process")

Floats = NDArray[np.float64]
LEVELS = (0.1, 0.5, 0.9)
# Fourteen values tell little: what a choice out of them may cost over what a cold start says, which does not choose.
TOLERANCE = 1.02


def shares(found: PanelForecast, row: int) -> dict[str, float]:
    """Return how much each method counts."""
    entry = found.models[row]
    assert entry is not None
    total: dict[str, float] = {}
    for method, _season, weight in entry["weights"]:
        total[method] = total.get(method, 0.0) + weight
    assert sum(total.values()) == pytest.approx(1.0)
    return total


@pytest.fixture(scope="module")
def first(in_this_process: None) -> PanelForecast:
    return panel(list(awkward_series().values()))


class TestHandedBack:
    def test_choices_and_families_give_the_same_to_the_last_bit(self, first: PanelForecast) -> None:
        again = panel(list(awkward_series().values()), models=first.models, families=first.families)
        same(first, again)

    def test_and_so_they_do_for_each_series_alone(self, first: PanelForecast) -> None:
        for row, history in enumerate(awkward_series().values()):
            alone = panel([history], models=[first.models[row]], families=first.families)
            np.testing.assert_allclose(alone.quantiles[0], first.quantiles[row], rtol=1e-6, atol=1e-300)
            assert alone.method[0] == first.method[row]

    def test_nothing_is_trained_or_judged_anew(self, first: PanelForecast, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_given: t.Any, **_options: t.Any) -> t.Any:
            raise AssertionError

        monkeypatch.setattr(global_model, "train", refuse)
        monkeypatch.setattr(backtest, "backtest", refuse)
        panel(list(awkward_series().values()), models=first.models, families=first.families)

    def test_entries_are_built_in_types(self, first: PanelForecast) -> None:
        def plain(item: t.Any) -> bool:
            if isinstance(item, dict):
                return all(name.__class__ is str and plain(value) for name, value in item.items())
            return all(plain(value) for value in item) if type(item) in (list, tuple) else type(item) in (str, int, float, bool)

        assert all(entry is None or plain(entry) for entry in first.models)
        assert [entry is not None for entry in first.models] == [status == "ok" for status in first.status]

    def test_a_choice_that_counts_on_networks_which_are_not_there_is_made_anew(self, first: PanelForecast) -> None:
        histories = list(awkward_series().values())
        row = next(row for row in range(len(histories)) if first.models[row] and "global" in shares(first, row))
        without = {season: family._replace(networks=[], judges=[]) for season, family in first.families.items()}
        found = panel([histories[row]], models=[first.models[row]], families=without)
        assert "global" not in shares(found, 0)
        assert "has no answer" not in found.reason[0]

    def test_families_of_another_horizon_do_not_serve(self, first: PanelForecast) -> None:
        found = panel([awkward_series()["growth"]], families=first.families, horizon=HORIZON + 1)
        assert {family.horizon for family in found.families.values()} == {HORIZON + 1}

    def test_a_new_series_is_judged_with_what_is_known_of_its_like(self, first: PanelForecast) -> None:
        new = np.random.default_rng(8).exponential(1.0, 90).cumsum()
        found = panel([new], families=first.families)
        assert found.families.keys() == first.families.keys()
        assert found.families[1] is first.families[1]
        assert found.status == ["ok"]
        assert np.isfinite(found.quantiles).all()


def there_and_back(length: int = 160) -> Floats:
    """Return a series whose network foresees what its past distribution does not: each change is mostly the last one, taken back."""
    changes = np.random.default_rng(0).normal(size=length)
    for column in range(1, length):
        changes[column] -= 0.9 * changes[column - 1]
    return 1e12 + 1e9 * np.cumsum(changes)


@pytest.fixture(scope="module")
def own_network(in_this_process: None) -> dict[str, t.Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lstm_network, "EPOCHS", 80)
        trained = lstm.train(there_and_back()[None], season=1, seed=0)
    return {"parameters": lstm.one_of(trained.parameters, 0), "season": 1}


class TestOwnNetwork:
    def test_the_stored_one_serves_and_none_is_trained(self, own_network: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(training, "train_batch", None)
        values = there_and_back()
        found = panel([values], model="lstm", models=[{"lstm": own_network}])
        wanted = lstm.forecast(lstm.stacked([own_network["parameters"]]), values[None], horizon=HORIZON, season=1, seed=0)
        np.testing.assert_allclose(found.quantiles[0, 1], wanted.values[0, len(wanted.levels) // 2], rtol=1e-9)
        assert found.method == ["lstm"]

    def test_one_of_other_units_serves_values_in_those_units(self, own_network: dict[str, t.Any]) -> None:
        larger = {**own_network, "parameters": lstm.rescaled(own_network["parameters"], 7)}
        one = panel([there_and_back()], model="lstm", models=[{"lstm": own_network}])
        other = panel([there_and_back() * 2.0**7], model="lstm", models=[{"lstm": larger}])
        np.testing.assert_array_equal(np.ldexp(one.quantiles, 7), other.quantiles)

    def test_auto_trusts_it_where_it_foresees_and_hands_the_choice_back(self, own_network: dict[str, t.Any]) -> None:
        values = [there_and_back(), awkward_series()["growth"]]
        found = panel(values, models=[{"lstm": own_network}, None])
        trusted = shares(found, 0)
        assert trusted["lstm"] == max(share for name, share in trusted.items() if name != "empirical")
        assert "lstm" not in shares(found, 1)
        again = panel(values, models=[{**(found.models[0] or {}), "lstm": own_network}, found.models[1]], families=found.families)
        np.testing.assert_array_equal(found.quantiles, again.quantiles)

    def test_auto_chooses_anew_where_it_is_gone(self, own_network: dict[str, t.Any]) -> None:
        found = panel([there_and_back()], models=[{"lstm": own_network}])
        again = panel([there_and_back()], models=found.models, families=found.families)
        assert "lstm" not in shares(again, 0)
        assert "has no answer" not in again.reason[0]

    def test_damaged_parameters_are_as_good_as_none(self, own_network: dict[str, t.Any]) -> None:
        damaged = {**own_network, "parameters": {**own_network["parameters"], "scale": np.array(np.nan)}}
        found = panel([there_and_back()], models=[{"lstm": damaged}])
        assert "lstm" not in shares(found, 0)

    def test_a_series_too_short_for_one_is_told_so(self) -> None:
        found = panel([awkward_series()["growth"][:30]], model="lstm")
        assert found.method == ["empirical"]
        assert found.reason == ["lstm has no answer for this history, so its own past serves"]


NETWORKS = {"lstm": training, "classic_lstm": classic_lstm}
DAMAGED: dict[str, dict[str, t.Any]] = {
    "lstm": {"parameters": {"scale": np.array(np.nan)}, "season": 1},
    "classic_lstm": {"weights": np.zeros(3), "low": 0.0, "high": 1.0},
}


def trained_rows(monkeypatch: pytest.MonkeyPatch, model: str) -> list[int]:
    """Return a list to which each training of networks for a model adds how many it trains."""
    train, found = NETWORKS[model].train_batch, []  # type: ignore[attr-defined]

    def counted(work: t.Any) -> t.Any:
        found.append(len(work.values))
        return train(work)

    monkeypatch.setattr(NETWORKS[model], "train_batch", counted)
    return found


@pytest.mark.parametrize("model", NETWORKS)
class TestTrainedNetworksHandedOver:
    def test_they_serve_the_next_call_and_none_is_trained(self, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
        values = [there_and_back(), 3.0 * there_and_back(200)]
        trained = trained_rows(monkeypatch, model)
        first = panel(values, model=model)
        assert sum(trained) == 2
        again = panel(values, model=model, models=first.models)
        assert sum(trained) == 2
        same(first, again)

    def test_only_what_has_none_or_a_damaged_one_is_trained(self, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
        values = [there_and_back() * size for size in (1.0, 2.5, 7.0)]
        first = panel(values, model=model)
        trained = trained_rows(monkeypatch, model)
        again = panel(values, model=model, models=[first.models[0], {model: DAMAGED[model]}, None])
        assert sum(trained) == 2
        np.testing.assert_allclose(again.quantiles, first.quantiles, rtol=1e-6)

    def test_they_are_in_units_of_the_values_and_serve_what_comes_later(self, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
        values = there_and_back()
        first = panel([values], model=model)
        trained = trained_rows(monkeypatch, model)
        later = np.append(values, 9.0 * values[-1])  # histories are divided by a power of two above their largest value
        found = panel([later], model=model, models=first.models)
        assert not trained
        network = (first.models[0] or {})[model]
        if model == "classic_lstm":
            assert (network["low"], network["high"]) == (values.min(), values.max())
            wanted = classic_lstm.predict(classic_lstm.model_of(**network), later[None], horizon=HORIZON)[0]  # type: ignore[arg-type]
        else:
            own = lstm.forecast(lstm.stacked([network["parameters"]]), later[None], horizon=HORIZON, season=1, seed=0)
            wanted = own.values[0, len(own.levels) // 2]
        np.testing.assert_allclose(found.quantiles[0, 1], wanted, rtol=1e-6)

    def test_what_has_learned_nothing_is_not_handed_over(self, model: str) -> None:
        assert panel([np.arange(10.0), [np.nan]], model=model).models == [None, None]


def test_the_classic_network_is_no_choice_of_auto() -> None:
    values = [there_and_back()]
    same(panel(values), panel(values, models=panel(values, model="classic_lstm").models))


class TestMissingPackages:
    def test_statsforecast(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(classical, "available", lambda: False)
        monkeypatch.setitem(sys.modules, "statsforecast.models", None)
        monkeypatch.setattr(module, "statsforecast_models", LazyModule("statsforecast.models", "statsforecast", "requirements-ml.txt"))
        history = there_and_back()
        found = panel([history])
        assert found.reason[0].endswith("; theta and ets were not tried, for statsforecast is not installed")
        assert panel([history], models=found.models, families=found.families).reason == found.reason
        for model in classical.METHODS:
            with pytest.raises(MissingPackage, match="pip install 'statsforecast'"):
                panel([history], model=model)

    def test_torch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(global_model, "available", lambda: False)
        monkeypatch.setitem(sys.modules, "torch", None)
        monkeypatch.setattr(module, "torch", LazyModule("torch", "torch", "requirements-ml.txt"))
        history = there_and_back()
        found = panel([history])
        assert found.reason[0].endswith("; global was not tried, for torch is not installed")
        assert "global" not in shares(found, 0)
        for model in ("global", "lstm", "classic_lstm"):
            with pytest.raises(MissingPackage, match="pip install 'torch'"):
                panel([history], model=model)


def generated(kind: str, count: int = 120, length: int = 14 + HORIZON) -> Floats:
    random = np.random.default_rng(17)
    if kind == "growth":
        return random.exponential(1.0, (count, length)).cumsum(axis=1) * random.lognormal(0, 2, (count, 1))
    if kind == "walk":
        return 1e6 + random.standard_t(3, (count, length)).cumsum(axis=1) * random.lognormal(0, 2, (count, 1))
    if kind == "noise":
        return 50.0 + random.normal(size=(count, length))
    bursts = np.where(random.random((count, length)) < 0.15, random.exponential(20.0, (count, length)), 0.0)
    return bursts.cumsum(axis=1)


def usual(series: Floats) -> Floats:
    return np.maximum(np.abs(np.diff(series, axis=1)).mean(axis=1), 1e-3)


@pytest.mark.parametrize("kind", ["growth", "walk", "noise", "bursts"])
@pytest.mark.parametrize("model", ["auto", "global", "lstm", "empirical"])
def test_fourteen_values_are_never_worse_than_a_cold_start(kind: str, model: str) -> None:
    series = generated(kind)
    came = series[:, 14:]
    enough, cold = (panel(list(series[:, begin:14]), model=model) for begin in (0, 1))
    assert set(enough.status) == {"ok"}
    assert set(cold.status) == {"cold_start"}
    one, other = (float((loss(found.quantiles, LEVELS, came) / usual(series)).mean()) for found in (enough, cold))
    assert one <= TOLERANCE * other, one / other


@pytest.mark.parametrize("kind", ["walk", "noise"])
def test_fourteen_values_of_a_lonely_series_are_not_either(kind: str) -> None:
    series = generated(kind, count=40)
    losses = []
    for begin in (0, 1):
        found = [panel([row[begin:14]]) for row in series]
        losses.append(float((loss(np.concatenate([one.quantiles for one in found]), LEVELS, series[:, 14:]) / usual(series)).mean()))
    assert losses[0] <= TOLERANCE * losses[1], losses[0] / losses[1]


class TestTheRightOne:
    """A fleet in which one method is right by construction."""

    def test_season(self) -> None:
        random = np.random.default_rng(2)
        shape = random.normal(size=(3, 1, 24)) * 10
        values = 100 + np.tile(shape, (1, 14, 1)).reshape(3, -1) + 0.3 * random.normal(size=(3, 24 * 14))
        found = panel(list(values), horizon=24)
        for row in range(3):
            assert found.models[row]["season"] == 24  # type: ignore[index]
            seasonal = sum(weight for _method, season, weight in found.models[row]["weights"] if season == 24)  # type: ignore[index]
            assert seasonal > 0.9

    def test_random_walk(self) -> None:
        walks = np.random.default_rng(3).normal(size=(12, 150)).cumsum(axis=1)
        found = panel(list(walks))
        assert np.mean([shares(found, row)["empirical"] for row in range(12)]) > 0.5

    def test_noise_around_a_level(self) -> None:
        noise = 1000 + np.random.default_rng(4).normal(size=(8, 150))
        found = panel(list(noise))
        smoothed = [sum(weight for name, weight in shares(found, row).items() if name in ("theta", "ets", "global")) for row in range(8)]
        assert np.mean(smoothed) > 0.6
        came = np.random.default_rng(5).normal(size=(8, HORIZON)) + 1000
        own = panel(list(noise), model="empirical")
        assert loss(found.quantiles, LEVELS, came).mean() < 0.9 * loss(own.quantiles, LEVELS, came).mean()

    def test_a_network_of_others_helps_where_they_are_alike(self) -> None:
        fleet = np.stack([there_and_back(200) * scale for scale in np.linspace(1, 3, 6)])
        found = panel(list(fleet + np.random.default_rng(6).normal(size=fleet.shape) * 1e8))
        assert np.mean([shares(found, row).get("global", 0.0) for row in range(6)]) > 0.2


def test_work_that_needs_torch_or_statsforecast_goes_to_workers(own_network: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool, tuple[str, ...]]] = []

    def run_each(
        function: t.Any, batches: t.Any, *, light: bool = False, needs: tuple[str, ...] = (), **_options: t.Any
    ) -> Iterator[t.Any]:
        for number, batch in enumerate(batches):
            if not number:
                seen.append((function.__name__, light, needs))
            yield function(batch)

    monkeypatch.setattr(engines, "run_each", run_each)
    panel([range(20)])
    # No worker is started to find out that twenty values are too few for a network.
    assert seen == [("examine", True, ()), ("forecast_batch", True, ())]
    seen.clear()
    panel([there_and_back()], models=[{"lstm": own_network}])
    assert ("examine", False, ("torch",)) in seen
    assert ("forecast_batch", False, ("torch",)) in seen
