# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.candidates import Empirical
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import (
    distribution,
    over_steps,
    reached,
    runway,
    step_grid,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import look_back


def test_step_grid_begins_dense_and_ends_with_the_horizon() -> None:
    assert step_grid(5).tolist() == [1, 2, 3, 4, 5]
    grid = step_grid(288)
    assert grid[:12].tolist() == list(range(1, 13))
    assert grid[-1] == 288
    assert len(grid) <= 24


def test_over_steps_is_linear_between() -> None:
    grid = np.array([1, 2, 6])
    np.testing.assert_allclose(over_steps(np.array([1.0, 2.0, 10.0]), grid, 6), [1, 2, 4, 6, 8, 10])


def test_reached_and_runway() -> None:
    levels = np.array([0.1, 0.5, 0.9])
    highest = np.array([[[1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [3.0, 4.0, 5.0]]])  # one series, three levels, three steps
    probability = reached(highest, levels, np.array([[3.0, 0.5, 9.0, np.inf]]))
    np.testing.assert_allclose(probability[0, 0], [0.1, 0.5, 1.0])  # constant beyond the lowest level
    assert probability[0, 1].tolist() == [1.0, 1.0, 1.0]
    assert probability[0, 2].tolist() == [0.0, 0.0, 0.0]
    times = runway(probability, np.array([0.1, 0.5, 0.95]), 60.0)
    assert times[0, 0].tolist() == [60.0, 120.0, 180.0]
    assert times[0, 1].tolist() == [60.0, 60.0, 60.0]
    assert np.isinf(times[0, 2:]).all()


@pytest.mark.parametrize("limit", [2.0, 2.5, 3.0])
def test_quantiles_that_coincide(limit: float) -> None:
    highest = np.full((1, 3, 2), 2.5)
    expected = 1.0 if limit <= 2.5 else 0.0
    assert reached(highest, np.array([0.1, 0.5, 0.9]), np.array([[limit]])).tolist() == [[[expected, expected]]]


def test_without_the_outward_move_the_upper_levels_are_what_was_seen() -> None:
    values = np.random.default_rng(0).normal(size=(1, 12)).cumsum(axis=1)
    candidate = Empirical(look_back(values, season=1, horizon=1, seed=0, dense=48))
    moved, plain = (distribution(candidate, horizon=1, outward=outward) for outward in (True, False))
    upper = plain.levels > 0.5
    assert np.array_equal(moved.values[:, ~upper], plain.values[:, ~upper])
    assert (moved.values[:, upper] >= plain.values[:, upper]).all()
    assert moved.values[0, 13, 0] > plain.values[0, 13, 0]
