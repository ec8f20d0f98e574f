# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import stacking
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.family import (
    Examined,
    Family,
    Lesson,
    aligned,
    examine,
    labels_of,
    learned,
    prior_of,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.members import Block, Label

Floats = NDArray[np.float64]
OWN, DRIFT = Label("empirical", 1), Label("drift", 1)


def lesson(values: Floats, labels: list[Label], season: int = 1, horizon: int = 6) -> Examined:
    block = Block(values, season, 3600.0, 0)
    return examine(Lesson(block, values.shape[1], horizon, labels, np.zeros(len(values), dtype=bool)))


def walks(rows: int = 30, length: int = 100, drift: float = 0.0, seed: int = 0) -> Floats:
    return (drift + np.random.default_rng(seed).normal(size=(rows, length))).cumsum(axis=1)


class TestLabels:
    def test_the_base_comes_first_and_each_once(self) -> None:
        for season in (1, 24):
            for fits in (False, True):
                for networks in (False, True):
                    found = labels_of(season, fits=fits, networks=networks, own_networks=networks)
                    assert found[0] == Label("empirical", season)
                    assert len(set(found)) == len(found)

    def test_what_a_season_adds(self) -> None:
        plain = labels_of(1, fits=True, networks=True, own_networks=True)
        assert [label.method for label in plain] == ["empirical", "drift", "theta", "ets", "global", "lstm"]
        seasonal = labels_of(24, fits=True, networks=False, own_networks=False)
        assert seasonal == [Label("empirical", 24), OWN, DRIFT, Label("snaive", 24), Label("theta", 24)]

    @pytest.mark.parametrize("count", range(1, 9))
    def test_the_prior_is_mostly_the_base(self, count: int) -> None:
        prior = prior_of([Label(str(number), 1) for number in range(count)])
        assert prior.sum() == pytest.approx(1.0)
        assert prior[0] >= 0.6 - 1e-12
        assert (prior[1:] <= 0.1).all()
        assert (prior > 0).all()


class TestLearned:
    def test_the_method_that_serves_the_fleet_is_trusted(self) -> None:
        steady = learned(1, 6, [], [], [lesson(walks(drift=3.0), [OWN, DRIFT])])
        still = learned(1, 6, [], [], [lesson(np.random.default_rng(1).normal(size=(30, 100)).cumsum(axis=1), [OWN, DRIFT])])
        assert steady.weights[1] > still.weights[1]
        assert steady.series == 30

    def test_a_season_is_found_to_serve(self) -> None:
        wave = 10 * np.sin(np.arange(240) * 2 * np.pi / 24) + 0.1 * np.random.default_rng(2).normal(size=(8, 240))
        family = learned(24, 12, [], [], [lesson(wave, labels_of(24, fits=False, networks=False, own_networks=False), 24, 12)])
        seasonal = sum(weight for label, weight in zip(family.labels, family.weights, strict=True) if label.season == 24)
        assert seasonal > 0.95

    def test_several_lessons_are_one(self) -> None:
        values = walks()
        whole, parts = (
            learned(1, 6, [], [], [lesson(item, [OWN, DRIFT]) for item in items]) for items in ([values], [values[:10], values[10:]])
        )
        np.testing.assert_allclose(whole.weights, parts.weights)
        assert whole.calibration is not None
        assert parts.calibration is not None
        np.testing.assert_allclose(whole.calibration.levels, parts.calibration.levels)

    def test_lessons_of_other_lengths_have_fewer_origins(self) -> None:
        found = learned(1, 6, [], [], [lesson(walks(), [OWN, DRIFT]), lesson(walks(5, 14), [OWN, DRIFT])])
        assert found.series == 35
        assert found.calibration is not None
        assert np.isfinite(found.calibration.levels).all()

    def test_without_a_series_the_base_is_all_there_is(self) -> None:
        found = learned(1, 6, [], [], [])
        assert found.series == 0
        assert found.calibration is None
        np.testing.assert_array_equal(found.weights, prior_of(found.labels))

    def test_a_fleet_that_goes_on_as_it_was_needs_no_calibration(self) -> None:
        found = learned(1, 6, [], [], [lesson(walks(60, 400), [OWN, DRIFT])])
        assert found.calibration is not None
        assert np.abs(found.calibration.levels - np.array(LEVELS)).max() < 0.06

    def test_levels_are_moved_where_the_past_was_calmer_at_every_origin(self) -> None:
        random = np.random.default_rng(3)
        growing = np.exp(np.linspace(0.0, 5.0, 160)) * random.normal(size=(60, 160))
        found = learned(1, 6, [], [], [lesson(growing.cumsum(axis=1), [OWN, DRIFT])])
        assert found.calibration is not None
        assert found.calibration.levels[0, 0, LEVELS.index(0.9)] > 0.92
        assert found.calibration.levels[0, 0, LEVELS.index(0.1)] < 0.08


class TestAligned:
    def family(self) -> Family:
        wrong, apart = np.array([1.0, 2.0, 3.0]), np.arange(9.0).reshape(3, 3)
        return Family(1, 6, [], [], [OWN, DRIFT, Label("global", 1)], np.array([0.5, 0.3, 0.2]), wrong, apart, None, 9)

    def test_in_another_order_and_without_one(self) -> None:
        weights, wrong, apart = aligned(self.family(), [OWN, Label("global", 1)])
        np.testing.assert_allclose(weights, [0.5 / 0.7, 0.2 / 0.7])
        assert wrong.tolist() == [1.0, 3.0]
        assert apart.tolist() == [[0.0, 2.0], [6.0, 8.0]]

    def test_a_method_that_the_family_has_not_seen_counts_for_nothing_there_and_is_taken_for_the_base(self) -> None:
        weights, wrong, apart = aligned(self.family(), [OWN, Label("lstm", 1), DRIFT])
        np.testing.assert_allclose(weights, [0.5 / 0.8, 0.0, 0.3 / 0.8])
        assert wrong.tolist() == [1.0, 1.0, 2.0]
        np.testing.assert_array_equal(apart[0], apart[1])

    def test_its_weights_are_the_best_of_its_tables(self) -> None:
        found = learned(1, 6, [], [], [lesson(walks(drift=1.0), [OWN, DRIFT])])
        again = stacking.best(found.wrong[None], found.apart[None], np.ones((1, 2), dtype=bool))[0]
        np.testing.assert_allclose(found.weights, again)
