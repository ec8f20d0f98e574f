# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Past, Weighted, look_back


def past(values: np.ndarray, weights: np.ndarray) -> Past:
    size = values.shape[1]
    return Past(values=values, ages=np.arange(1, size + 1), decay=weights, stand_for=np.ones(size), season=1)


@given(values=hnp.arrays(np.float64, (3, 12), elements=st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")))), seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_quantiles_are_those_of_the_definition(values: np.ndarray, seed: int) -> None:
    weights = np.random.default_rng(seed).uniform(0.1, 1.0, 12)
    levels = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    sample = Weighted(values, past(values, weights))
    found = sample.quantiles(levels)
    for row in range(3):
        known = ~np.isnan(values[row])
        assert sample.counts[row] == known.sum()
        if not known.any():
            assert np.isnan(found[row]).all()
            continue
        order = np.argsort(values[row][known], kind="stable")
        x, w = values[row][known][order], weights[known][order]
        np.testing.assert_allclose(found[row], np.interp(levels, (np.cumsum(w) - w / 2) / w.sum(), x), rtol=1e-9, atol=1e-6)
        assert sample.effective[row] == pytest.approx(w.sum() ** 2 / (w**2).sum())


def test_more_history_keeps_the_recent_starts() -> None:
    random = np.random.default_rng(0)
    long = random.normal(size=(1, 900))
    one, other = (look_back(values, season=1, horizon=6, seed=7, dense=32) for values in (long[:, -500:], long))
    assert one.ages.tolist() == other.ages[: len(one.ages)].tolist()
    assert one.ages[:32].tolist() == list(range(1, 33))
    assert len(other.ages) < 32 * 6
    assert other.stand_for.sum() == pytest.approx(899, rel=0.1)


def test_starts_share_the_phase() -> None:
    found = look_back(np.zeros((1, 24 * 10)), season=24, horizon=6, seed=0, dense=96)
    assert set(found.ages % 24) == {23, 0, 1}


def test_values_outside_are_not_known() -> None:
    found = look_back(np.array([[1.0, 2.0, 3.0]]), season=1, horizon=1, seed=0, dense=9)
    assert found.ages.tolist() == [1, 2]
    np.testing.assert_array_equal(found.at(1), [[3.0, 2.0]])
    np.testing.assert_array_equal(found.at(2), [[np.nan, 3.0]])
    np.testing.assert_array_equal(found.column(np.array([0, -2, -3, 1])), [[3.0, 1.0, np.nan, np.nan]])
