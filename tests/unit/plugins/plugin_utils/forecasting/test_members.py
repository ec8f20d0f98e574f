# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classical, global_model, lstm
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS, Distribution
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.members import METHODS, Block, Label, View, heavy_of

Floats = NDArray[np.float64]
NAN = float("nan")
MIDDLE = LEVELS.index(0.5)


def view(values: Floats, season: int = 1, gap: int = 0, horizon: int = 5, **options: object) -> View:
    return View(Block(values, season, 3600.0, 0)._replace(**options), horizon=horizon, dense=48, gap=gap)


def walks(rows: int = 3, length: int = 80) -> Floats:
    return np.random.default_rng(0).normal(size=(rows, length)).cumsum(axis=1)


@pytest.mark.parametrize("method", ["last", "naive", "drift", "snaive", "empirical"])
def test_a_series_gets_the_same_numbers_in_every_block(method: str) -> None:
    values = walks()
    values[1, :30] = NAN
    label = Label(method, 7 if method in ("snaive", "empirical") else 1)
    together = view(values, season=7).of(label)[0]
    for row, part in enumerate((values[0], values[1, 30:], values[2])):
        alone = view(part[None], season=7).of(label)[0]
        np.testing.assert_array_equal(alone.values[0], together.values[row])
        np.testing.assert_array_equal(alone.highest[0], together.highest[row])


def test_the_last_value_is_said_without_any_spread() -> None:
    values = walks()
    found, answered = view(values).of(Label("last", 1))
    assert answered.all()
    for item in (found.values, found.highest):
        np.testing.assert_array_equal(item, np.broadcast_to(values[:, -1, None, None], item.shape))


def test_naive_is_the_walk_with_independent_steps() -> None:
    values = walks(1, 400)
    found = view(values, gap=2, horizon=9).of(Label("naive", 1))[0]
    size = np.sqrt(np.mean(np.diff(values[0]) ** 2))
    for column, step in enumerate(found.steps):
        wide = NormalDist(values[0, -1], size * np.sqrt(step + 2))
        np.testing.assert_allclose(found.values[0, :, column], [wide.inv_cdf(level) for level in LEVELS])
    # The running maximum of a random walk, by drawing many: the reflection principle is that of the walk in continuous time.
    far = view(values, horizon=100).of(Label("naive", 1))[0]
    drawn = values[0, -1] + size * np.random.default_rng(1).normal(size=(20_000, 100)).cumsum(axis=1).max(axis=1)
    np.testing.assert_allclose(far.highest[0, MIDDLE:, -1], np.quantile(drawn, LEVELS[MIDDLE:]), atol=0.9 * size)


def test_naive_of_a_series_with_gaps_and_of_one_that_never_moves() -> None:
    values = np.full((2, 30), NAN)
    values[0] = 5.0
    values[1, ::2], values[1, -1] = np.arange(15.0), 15.0
    found = view(values).of(Label("naive", 1))[0]
    assert (found.values[0] == 5.0).all()
    assert np.isfinite(found.values).all()


def test_what_is_asked_for_again_is_not_computed_again() -> None:
    one = view(walks())
    assert one.of(Label("empirical", 1)) is one.of(Label("empirical", 1))


class TestFitted:
    @pytest.fixture(autouse=True)
    def _far_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A model that says 1,000 more at each step, and has no answer for series that end below zero."""
        monkeypatch.setattr(
            classical,
            "forecast",
            lambda _method, values, *, season, horizon: None if values[-1] < 0 else values[-1] + 1000.0 * np.arange(1, horizon + 1),
        )

    def test_its_centres_with_the_spread_of_the_own_past(self) -> None:
        values = np.abs(walks(2)) + 1.0
        one = view(values, gap=3, spread=np.array([1.0, 0.5]))
        found, answered = one.of(Label("theta", 1))
        own = one.of(Label("empirical", 1))[0]
        assert answered.all()
        np.testing.assert_allclose(found.values[:, MIDDLE], values[:, -1, None] + 1000.0 * (3 + found.steps), atol=1.0)
        wide, narrow = (float((item.values[1, -1] - item.values[1, 0]).mean()) for item in (own, found))
        assert narrow == pytest.approx(0.5 * wide, rel=0.05)

    def test_the_own_past_stands_in_where_it_has_no_answer_or_is_not_asked_for(self) -> None:
        values = np.abs(walks(3)) + 1.0
        values[1] *= -1.0
        one = view(values)
        found, answered = one.of(Label("ets", 1), np.array([True, True, False]))
        assert answered.tolist() == [True, False, False]
        own = one.of(Label("empirical", 1))[0]
        np.testing.assert_allclose(found.values[1:, MIDDLE], own.values[1:, MIDDLE])


class TestNetworks:
    def test_where_there_are_none_the_own_past_stands_in(self) -> None:
        one = view(walks(), own_networks=[None, None, None])
        for method in ("global", "lstm"):
            found, answered = one.of(Label(method, 1))
            assert not answered.any()
            np.testing.assert_array_equal(found.values, one.of(Label("empirical", 1))[0].values)

    def test_an_own_network_answers_for_its_series_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def forecast(parameters: list[str], values: Floats, *, horizon: int, season: int, seed: int, gap: int) -> Distribution:
            assert parameters == ["of the second"]
            assert values.shape == (1, 80)
            shape = (1, len(LEVELS), horizon)
            return Distribution(np.arange(1, horizon + 1), np.array(LEVELS), np.full(shape, 7.0), np.full(shape, 8.0))

        monkeypatch.setattr(lstm, "stacked", lambda given: given)
        monkeypatch.setattr(lstm, "forecast", forecast)
        one = view(walks(), own_networks=[None, "of the second", None])
        found, answered = one.of(Label("lstm", 1))
        own = one.of(Label("empirical", 1))[0]
        assert answered.tolist() == [False, True, False]
        assert (found.values[1] == 7.0).all()
        assert (found.highest[1] == 8.0).all()
        np.testing.assert_array_equal(found.values[[0, 2]], own.values[[0, 2]])

    def test_a_global_network_knows_its_horizon_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def answer(_networks: object, values: Floats, own: Distribution, **_options: object) -> Distribution:
            steps = np.broadcast_to(own.steps.astype(float), own.values.shape)
            return own._replace(values=steps, highest=steps)

        monkeypatch.setattr(global_model, "horizon_of", lambda _networks: 6)
        monkeypatch.setattr(global_model, "answer", answer)
        found, answered = view(walks(), gap=3, horizon=5, networks=["one"]).of(Label("global", 1))
        assert answered.all()
        # Three steps have passed: the answer for step 4 is that for the first one asked for, and beyond the sixth there is none.
        assert found.steps.tolist() == [1, 2, 3, 4, 5]
        assert found.values[0, 0].tolist() == [4.0, 5.0, 6.0, 6.0, 6.0]


class TestBlock:
    def test_before(self) -> None:
        values = walks(2)
        values[0, -6] = NAN
        whole = Block(values, 1, 60.0, 0, counts=np.ones(values.shape), ends=np.array([6000.0, 9000.0]))
        found = whole.before(5)
        assert found.values.shape == (2, 75)
        assert found.values[0, -1] == values[0, -7]
        assert np.isnan(values[0, -6]), "the block itself is left as it is"
        assert found.counts is not None
        assert found.counts.shape == (2, 75)
        assert found.ends is not None
        assert found.ends.tolist() == [5700.0, 8700.0]
        assert whole.before(0) is whole

    def test_rows(self) -> None:
        whole = Block(walks(3), 1, 60.0, 0, own_networks=["a", None, "c"], spread=np.array([1.0, 2.0, 3.0]))
        found = whole.rows(np.array([True, False, True]))
        np.testing.assert_array_equal(found.values, walks(3)[[0, 2]])
        assert found.own_networks == ["a", "c"]
        assert found.spread is not None
        assert found.spread.tolist() == [1.0, 3.0]
        assert found.counts is None


def test_what_needs_a_worker() -> None:
    assert heavy_of(np.zeros(2, dtype=bool), []) == set()
    assert heavy_of(np.array([False, True]), [None, None]) == {"theta", "ets"}
    assert heavy_of(np.zeros(2, dtype=bool), [None, "one"]) == {"lstm"}


def test_labels_are_told_apart_by_their_season() -> None:
    assert Label("empirical", 24).text == "empirical (season 24)"
    assert Label("empirical", 1).text == "empirical"
    assert Label("theta", 24).text == "theta"
    assert len(set(METHODS)) == len(METHODS) == 11
