# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS, Distribution
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.mixture import mixture

LEVEL = np.array(LEVELS)


def _same(quantiles: NDArray[np.float64]) -> Distribution:
    """One series, one step, whose running maximum is its value."""
    values = quantiles[None, :, None]
    return Distribution(np.array([1]), LEVEL, values, values.copy())


def _normal(mean: float, deviation: float) -> NDArray[np.float64]:
    return np.array([NormalDist(mean, deviation).inv_cdf(level) for level in LEVELS])


def test_a_part_of_all_the_weight_is_given_back_as_it_is() -> None:
    first, second = _same(_normal(0, 1)), _same(_normal(5, 1))
    assert mixture([first, second], np.array([[1.0, 0.0]])) is first


def test_the_median_of_two_distant_halves_lies_between_them_and_the_tails_are_theirs() -> None:
    mixed = mixture([_same(_normal(0, 1)), _same(_normal(10, 1))], np.array([[0.5, 0.5]])).values[0, :, 0]
    at = dict(zip(LEVELS, mixed, strict=True))
    assert 2.3 < at[0.5] < 7.7
    # P(X <= q) = 0.9 means P(second half <= q) = 0.8
    assert abs(at[0.9] - NormalDist(10, 1).inv_cdf(0.8)) < 0.05
    assert abs(at[0.1] - NormalDist(0, 1).inv_cdf(0.2)) < 0.05


def test_a_volume_that_most_likely_stays_keeps_its_last_value_exactly() -> None:
    still = _same(np.full(len(LEVELS), 7.0))
    mixed = mixture([still, _same(7.0 + _normal(0, 1))], np.array([[0.9, 0.1]])).values[0, :, 0]
    middle = (LEVEL >= 0.1) & (LEVEL <= 0.9)
    assert (mixed[middle] == 7.0).all()
    assert mixed[0] < 7.0 < mixed[-1]


def test_each_series_has_its_own_weights() -> None:
    zeros, ones = np.zeros((2, len(LEVELS), 1)), np.ones((2, len(LEVELS), 1))
    parts = [Distribution(np.array([1]), LEVEL, part, part.copy()) for part in (zeros, ones)]
    mixed = mixture(parts, np.array([[1.0, 0.0], [0.0, 2.0]])).values[:, :, 0]
    assert (mixed[0] == 0).all()
    assert (mixed[1] == 1).all()


ROW = st.lists(st.floats(-1e6, 1e6), min_size=len(LEVELS), max_size=len(LEVELS)).map(sorted)


@given(first=ROW, second=ROW, weight=st.floats(0.01, 1.0), shift=st.floats(-1e6, 1e6))
def test_a_mixture_lies_between_its_parts_and_does_not_cross(first: list[float], second: list[float], weight: float, shift: float) -> None:
    parts = [np.array(first), np.array(second)]
    mixed = mixture([_same(part) for part in parts], np.array([[weight, 1.0]]))
    found = mixed.values[0, :, 0]
    slack = 1e-9 * (1 + np.abs(np.concatenate(parts)).max())
    assert (np.diff(found) >= 0).all()
    assert (found >= np.minimum(*parts) - slack).all()
    assert (found <= np.maximum(*parts) + slack).all()
    assert (mixed.highest >= mixed.values).all()
    moved = mixture([_same(part + shift) for part in parts], np.array([[weight, 1.0]])).values[0, :, 0]
    np.testing.assert_allclose(moved - shift, found, atol=1e-6 * (1 + abs(shift) + np.abs(found).max()))


@given(rows=st.lists(st.tuples(ROW, ROW, ROW), min_size=3, max_size=3))
def test_what_does_not_count_for_a_series_does_not_even_change_a_rounding(rows: list[tuple[list[float], ...]]) -> None:
    parts = [np.array([row[part] for row in rows])[:, :, None] for part in range(3)]
    weights = np.array([[0.3, 0.7, 0.0], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])
    together = mixture([Distribution(np.array([1]), LEVEL, part, part) for part in parts], weights)
    for row in range(3):
        alone = mixture([Distribution(np.array([1]), LEVEL, part[[row]], part[[row]]) for part in parts], weights[[row]])
        np.testing.assert_array_equal(alone.values[0], together.values[row])
        np.testing.assert_array_equal(alone.highest[0], together.highest[row])
