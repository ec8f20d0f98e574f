# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS, Distribution
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.stacking import (
    Tables,
    best,
    measure,
    pooled,
    sharpened,
    shrunk,
    towards,
)

Floats = NDArray[np.float64]
LEVEL = np.array(LEVELS)
NAN = float("nan")


def said(quantiles: Floats) -> Distribution:
    """Quantiles [n, l, g] of the values; the running maximum is one higher."""
    return Distribution(np.arange(1, quantiles.shape[2] + 1), LEVEL, quantiles, quantiles + 1.0)


def normals(means: Floats, deviation: float) -> Distribution:
    """Normal forecasts around means [n, g]."""
    shape = np.array([NormalDist().inv_cdf(level) for level in LEVELS])
    return said(means[:, None, :] + deviation * shape[None, :, None])


def masses() -> Floats:
    return np.array(
        [(LEVELS[min(i + 1, 16)] + LEVELS[i]) / 2 * (i < 16) + (i == 16) - (LEVELS[i] + LEVELS[i - 1]) / 2 * (i > 0) for i in range(17)]
    )


def score(parts: list[Distribution], weights: Floats, came: Floats, unit: float) -> float:
    """Return the continuous ranked probability score of a mixture for one series: ∫ (F − 1[y ≤ x])² dx of the step functions."""
    total = 0.0
    for name, shift in (("values", 0.0), ("highest", 1.0)):
        for step, y in enumerate(came):
            if np.isnan(y):
                continue
            points = np.concatenate([getattr(part, name)[0, :, step] for part in parts])
            share = np.concatenate([weight * masses() for weight in weights])
            edges = np.sort(np.append(points, y + shift))
            for low, high in itertools.pairwise(edges):
                below = share[points <= low].sum()
                total += (below - (y + shift <= low)) ** 2 * (high - low)
    return total / 2.0 / np.count_nonzero(~np.isnan(came)) / unit


@given(
    weight=st.floats(0, 1),
    means=hnp.arrays(np.float64, (2, 1, 3), elements=st.floats(-5, 5)),
    came=hnp.arrays(np.float64, (1, 3), elements=st.floats(-9, 9)),
    gap=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_the_score_of_a_mixture_is_the_integral(weight: float, means: Floats, came: Floats, gap: bool) -> None:
    if gap:
        came[0, 1] = NAN
    parts = [normals(means[0], 1.0), normals(means[1], 3.0)]
    wrong, apart, known = measure(parts, came, came + 1.0, np.array([2.0]))
    weights = np.array([weight, 1.0 - weight])
    assert known.all()
    assert Tables(wrong, apart, np.ones(1)).score(weights)[0] == pytest.approx(score(parts, weights, came[0], 2.0), abs=1e-9)


def test_the_score_of_a_normal_forecast_is_near_the_exact_one() -> None:
    # σ (z (2Φ(z) − 1) + 2φ(z) − 1/√π), Gneiting & Raftery 2007.
    for z in (-1.5, 0.0, 0.7):
        parts = [normals(np.zeros((1, 1)), 1.0)]
        wrong, apart, _known = measure(parts, np.array([[z]]), np.array([[z + 1.0]]), np.ones(1))
        normal = NormalDist()
        exact = z * (2 * normal.cdf(z) - 1) + 2 * normal.pdf(z) - 1 / np.sqrt(np.pi)
        assert Tables(wrong, apart, np.ones(1)).score(np.ones(1))[0] == pytest.approx(exact, rel=0.05)


def test_nothing_is_known_of_a_series_without_a_future() -> None:
    came = np.array([[NAN, NAN], [1.0, NAN]])
    wrong, apart, known = measure([normals(np.zeros((2, 2)), 1.0)] * 2, came, came, np.ones(2))
    assert known.tolist() == [False, True]
    assert (wrong[0] == 0).all()
    assert np.isfinite(wrong).all()
    assert np.isfinite(apart).all()


def random_tables(seed: int, rows: int = 6, parts: int = 3) -> Tables:
    random = np.random.default_rng(seed)
    came = random.normal(size=(rows, 2))
    found = [normals(came + random.normal(size=came.shape) * 1.5, float(random.uniform(0.3, 3.0))) for _part in range(parts)]
    wrong, apart, _known = measure(found, came, came + 1.0, np.ones(rows))
    return Tables(wrong, apart, np.full(rows, 4.0))


@pytest.mark.parametrize("seed", range(6))
def test_the_best_weights_are_those_of_a_fine_grid(seed: int) -> None:
    tables = random_tables(seed)
    found = best(tables.wrong, tables.apart, np.ones(tables.wrong.shape, dtype=bool))
    grid = np.array([(a, b, 50 - a - b) for a in range(51) for b in range(51 - a)]) / 50.0
    least = np.min([tables.score(weights) for weights in grid], axis=0)
    # Weights below 3 % are left out, which costs next to nothing.
    assert (tables.score(found) <= least + 0.01 * (np.abs(least) + 0.1)).all()


tables_ = st.integers(0, 10_000).map(random_tables)


@given(tables=tables_, has=hnp.arrays(bool, (6, 3)), worth=st.floats(0.1, 50))
@settings(max_examples=40, deadline=None)
def test_weights_are_weights_and_none_for_what_is_not_there(tables: Tables, has: NDArray[np.bool_], worth: float) -> None:
    has[:, 0] = True
    weights, wrong, apart = pooled(tables, np.array([0.8, 0.1, 0.1]), 5.0)
    found = shrunk(tables, wrong, apart, weights, has, worth)
    for item in (weights[None], found):
        assert (item >= 0).all()
        np.testing.assert_allclose(item.sum(axis=1), 1.0)
    assert (found[found > 0] >= 0.02 - 1e-9).all()
    assert (found[~has] == 0).all()


def test_a_method_that_is_always_perfect_gets_it_all() -> None:
    came = np.random.default_rng(1).normal(size=(20, 3))
    parts = [normals(np.zeros((20, 3)), 1.0), normals(came, 0.01)]
    wrong, apart, _known = measure(parts, came, came + 1.0, np.ones(20))
    tables = Tables(wrong, apart, np.full(20, 5.0))
    weights, *pool = pooled(tables, np.array([0.9, 0.1]), 5.0)
    assert weights[1] > 0.97
    assert (shrunk(tables, pool[0], pool[1], weights, np.ones((20, 2), dtype=bool), 12.0)[:, 1] > 0.97).all()


def test_without_any_series_the_prior_is_what_there_is() -> None:
    nothing = Tables(np.zeros((0, 3)), np.zeros((0, 3, 3)), np.zeros(0))
    prior = np.array([0.6, 0.3, 0.1])
    np.testing.assert_allclose(pooled(nothing, prior, 5.0)[0], prior, atol=0.01)


@given(st.lists(st.floats(0.05, 1.0), min_size=1, max_size=5))
def test_the_tables_towards_a_prior_are_least_there(prior: list[float]) -> None:
    share = np.array(prior) / sum(prior)
    wrong, apart = towards(np.array(prior))
    tables = Tables(wrong[None], apart[None], np.ones(1))
    for moved in (np.roll(share, 1), np.full(len(share), 1 / len(share))):
        assert tables.score(share)[0] <= tables.score(moved)[0] + 1e-12
        # The distance is what the score grows by.
        assert tables.score(moved)[0] - tables.score(share)[0] == pytest.approx(0.5 * ((moved - share) ** 2).sum(), abs=1e-12)


def test_own_evidence_wins_with_many_origins_and_the_pool_with_none() -> None:
    came = np.random.default_rng(2).normal(size=(2, 3))
    # The first method is right for the series, the second for the pool.
    parts = [normals(came, 0.3), normals(came + 2.0, 0.3)]
    wrong, apart, _known = measure(parts, came, came + 1.0, np.ones(2))
    pool_wrong, pool_apart = np.array([2.0, 0.5]), np.array([[0.3, 1.8], [1.8, 0.3]])
    weights = np.array([0.0, 1.0])
    has = np.ones((2, 2), dtype=bool)
    shares = [
        shrunk(Tables(wrong, apart, np.full(2, float(origins))), pool_wrong, pool_apart, weights, has, 12.0)[:, 0].min()
        for origins in (0, 3, 12, 1000)
    ]
    assert shares[0] == 0.0
    assert shares == sorted(shares)
    assert shares[-1] > 0.9
    none = shrunk(Tables(wrong, apart, np.zeros(2)), pool_wrong, pool_apart, weights, has, 12.0)
    np.testing.assert_array_equal(none, np.repeat(sharpened(best(pool_wrong[None], pool_apart[None], has[:1]), 1.0), 2, axis=0))


def test_the_size_of_a_series_does_not_matter() -> None:
    tables = random_tables(3)
    scale = np.array([1.0, 10.0, 1.0, 100.0, 1.0, 1.0])
    larger = Tables(tables.wrong * scale[:, None], tables.apart * scale[:, None, None], tables.origins)
    one, other = (pooled(item, np.array([0.8, 0.1, 0.1]), 5.0)[0] for item in (tables, larger))
    np.testing.assert_allclose(one, other, atol=0.1)


def test_sharpened_weights_trust_the_leading_method_more_and_drop_dust() -> None:
    weights = np.array([[0.6, 0.3, 0.1], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(sharpened(weights, 2.0), [[0.8, 0.2, 0.0], [1.0, 0.0, 0.0]], atol=0.03)
    assert sharpened(weights, 2.0)[0, 2] > 0
    np.testing.assert_array_equal(sharpened(np.array([[0.99, 0.01]]), 1.0), [[1.0, 0.0]])
