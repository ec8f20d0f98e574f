# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much each method counts in the forecast of a series: weights of a mixture, learned from what the methods would have said before.

The measure is the continuous ranked probability score. Of a mixture of distributions X_m with weights w it is
Σ w_m E|X_m − y| − ½ ΣΣ w_m w_k E|X_m − X_k| (Gneiting & Raftery, JASA 2007), a convex function of the weights, so two small tables
per series are all that has to be kept of a backtest. A series' own tables are a handful of origins: they are drawn to those of all
series (stacking with shrinkage), so that a method is trusted where it serves the fleet, and more where it serves this series.
"""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS, Distribution
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats

# Below this share of a usual change a score is as good as perfect, and no ratio of scores means anything.
FLOOR = 0.05
_ROUNDS, _ITERATIONS, _RATE = 4, 200, 1.5
_LEAST_WEIGHT = 0.02


class Tables(t.NamedTuple):
    """Scores of M methods on some series.

    wrong [n, M]: mean E|X_m − y|; apart [n, M, M]: mean E|X_m − X_k|, both in units of each series' usual change; origins [n]: how many
    past moments they were measured at.
    """

    wrong: Floats
    apart: Floats
    origins: Floats

    def score(self, weights: Floats) -> Floats:
        """Return the continuous ranked probability score [n] of mixtures with weights [n, M] or [M]."""
        weights = np.broadcast_to(weights, self.wrong.shape)
        return (weights * self.wrong).sum(axis=1) - 0.5 * np.einsum("nm,nmk,nk->n", weights, self.apart, weights)


def measure(parts: Sequence[Distribution], values: Floats, highest: Floats, unit: Floats) -> tuple[Floats, Floats, Bools]:
    """Return the tables of one past moment, wrong [n, M] and apart [n, M, M], and where [bool n] anything was known of what came.

    :param parts: what the methods said, at the same steps.
    :param values, highest: [n, g] what came at these steps, and the highest until then; NaN = not known.
    :param unit: [n] the series' usual change.
    """
    mass = _masses()
    count = len(parts)
    known = ~np.isnan(values)
    seen = np.maximum(known.sum(axis=1), 1)
    wrong, apart = np.zeros((len(values), count)), np.zeros((len(values), count, count))
    for name, came in (("values", values), ("highest", highest)):
        said = [getattr(part, name) for part in parts]
        for one in range(count):
            away = np.einsum("l,nlg->ng", mass, np.abs(said[one] - np.where(known, came, 0.0)[:, None, :]))
            wrong[:, one] += np.where(known, away, 0.0).sum(axis=1) / seen / unit
            for other in range(one + 1):
                found = np.where(known, _between(said[one], said[other], mass), 0.0).sum(axis=1) / seen / unit
                apart[:, one, other] += found
                if other != one:
                    apart[:, other, one] += found
    return 0.5 * wrong, 0.5 * apart, np.asarray(known.any(axis=1))


def pooled(tables: Tables, prior: Floats, strength: float) -> tuple[Floats, Floats, Floats]:
    """Return the weights [M] that serve all series best, and the tables (wrong [M], apart [M, M]) that say so.

    Series count by the ratio of their scores, not by their size: what is minimised is the geometric mean.

    :param prior: [M] weights that are right where there is nothing to learn from.
    :param strength: how many series' worth of evidence the prior is.
    """
    weights = prior / prior.sum()
    prior_wrong, prior_apart = towards(prior)
    for _round in range(_ROUNDS):
        size = np.maximum(tables.score(weights), 0.0) + FLOOR
        share = 1.0 / size / (len(size) + strength)
        wrong = (share[:, None] * tables.wrong).sum(axis=0) + strength / (len(size) + strength) * prior_wrong
        apart = (share[:, None, None] * tables.apart).sum(axis=0) + strength / (len(size) + strength) * prior_apart
        weights = best(wrong[None], apart[None], (prior > 0)[None])[0]
    return weights, wrong, apart


def shrunk(tables: Tables, wrong: Floats, apart: Floats, weights: Floats, has: Bools, worth: float, sharpness: float = 1.0) -> Floats:
    """Return the weights of each series [n, M]: from its own tables and those of its like.

    :param wrong, apart: [n, M], [n, M, M] (or without n) tables of the pool that each series belongs to.
    :param weights: [n, M] (or [M]) the pool's weights: the scale of the series' own scores.
    :param has: bool [n, M], which methods have a forecast of the series.
    :param worth: how many origins the pool counts for; sharpness: see `sharpened`.
    """
    size = np.maximum(tables.score(weights), 0.0) + FLOOR
    own = (tables.origins / (tables.origins + worth))[:, None]
    mixed_wrong = own * tables.wrong / size[:, None] + (1.0 - own) * wrong
    mixed_apart = own[:, :, None] * tables.apart / size[:, None, None] + (1.0 - own)[:, :, None] * apart
    return sharpened(best(mixed_wrong, mixed_apart, has), sharpness)


def sharpened(weights: Floats, sharpness: float) -> Floats:
    """Return weights that trust the leading methods more, by this power of them; small ones are left out."""
    found = weights**sharpness
    found /= found.sum(axis=1, keepdims=True)
    found = np.where(found < np.minimum(_LEAST_WEIGHT, found.max(axis=1, keepdims=True)), 0.0, found)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def best(wrong: Floats, apart: Floats, has: Bools) -> Floats:
    """Return the weights [n, M] with the least score, none for what a series does not have.

    Exponentiated gradient (Kivinen & Warmuth, Information and Computation 1997): weights stay positive and sum to one.
    """
    weights = has / has.sum(axis=1, keepdims=True)
    for _iteration in range(_ITERATIONS):
        slope = wrong - np.einsum("nmk,nk->nm", apart, weights)
        slope = np.where(has, slope, np.inf)
        weights = weights * np.exp(-_RATE * (slope - slope.min(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(weights)


def towards(prior: Floats) -> tuple[Floats, Floats]:
    """Return tables whose least score is at the prior: ½ |w − prior|², as a score of that form."""
    share = prior / prior.sum()
    return -share, -np.eye(len(prior))


def _masses() -> Floats:
    """Return the probability that each quantile stands for: half the way to its neighbours."""
    edges = np.concatenate([[0.0], (np.array(LEVELS)[1:] + np.array(LEVELS)[:-1]) / 2.0, [1.0]])
    return np.diff(edges)


def _between(one: Floats, other: Floats, mass: Floats) -> Floats:
    """Return E|X − Y| [n, g] of independent X and Y, by their quantiles [n, l, g]."""
    found = np.zeros((one.shape[0], one.shape[2]))
    for level, share in enumerate(mass):
        found += share * np.einsum("l,nlg->ng", mass, np.abs(other - one[:, level, None, :]))
    return found
