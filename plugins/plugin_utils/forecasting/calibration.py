# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quantiles that are what they say: levels moved by how often the forecasts of all series were exceeded before.

Of each past forecast it is known at which level of its distribution the value lay that came (the probability integral transform;
with ties a whole interval of levels, over which the weight is spread: Czado, Gneiting & Held, Biometrics 2009). If 8 % lay above
the 0.9 quantile and 14 % above the 0.85 quantile, the true 0.9 quantile is in between. So each level is replaced by the one below
which that share of the values really came; each step ahead, values and running maximum, and the two tails on their own.
"""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS, Distribution
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats

_HEADS = ("values", "highest")
_GRID = 401
_TAILS, _ERRORS = 0.6, 2.5
# Far out one level more is many times the width: one shock that all series shared must not double the forecasts of the next months.
_FURTHEST = 0.4
# Where so many series are all there is, half of a deviation is kept. What a handful were wrong by is more about these few, and about the one thing that
# happened to all of them, than about the method: fleets of three to five series were forecast better without any of it.
_SERIES = 20.0


class Calibration(t.NamedTuple):
    """levels [2, s, l]: at s places of the horizon, from its first step to its last, the level to take for each of LEVELS, of the value and of
    the running maximum."""

    levels: Floats


def intervals(said: Distribution, values: Floats, highest: Floats) -> Floats:
    """Return the levels between which what came lies [n, 2, g, 2] (value, running maximum; lower, upper); NaN = not known."""
    return np.stack(
        [_interval(getattr(said, name), said.levels, came) for name, came in zip(_HEADS, (values, highest), strict=True)], axis=1
    )


def calibrate(seen: Sequence[Floats], independent: float) -> Calibration:
    """Return the calibration that the past asks for.

    A share that was wrong in the same way at every past moment is corrected in full; one that comes from a single moment, when many series
    moved at once, hardly: what is kept is d² / (d² + s²) of a deviation d with standard error s over the moments (empirical Bayes). No
    level moves further out than to where 0.4 times as much lies beyond it. Of what n series tell n² / (n² + 20²) is kept.

    :param seen: of each past moment [n, 2, s, 2] of `intervals`; NaN = not known.
    :param independent: how many moments without a common future these count for.
    """
    grid = np.linspace(0.0, 1.0, _GRID)
    places = seen[0].shape[2]
    found = np.empty((len(_HEADS), places, len(LEVELS)))
    for head in range(len(_HEADS)):
        for place in range(places):
            moments = [_below(item[:, head, place], grid) for item in seen]
            counts = np.array([count for _share, count in moments])
            if not counts.any():
                found[head, place] = LEVELS
                continue
            away = np.array([share for share, _count in moments]) - grid
            part = (counts / counts.sum())[:, None]
            mean = (part * away).sum(axis=0)
            # Of the spread between moments, and of that of so few series.
            error = (part * (away - mean) ** 2).sum(axis=0) / max(independent - 1.0, 0.5)
            error += grid * (1.0 - grid) / (counts.mean() * max(independent, 1.0))
            kept = mean * mean**2 / np.maximum(mean**2 + _ERRORS**2 * error, 1e-12) * np.minimum(np.abs(2.0 * grid - 1.0) / _TAILS, 1.0)
            kept *= counts.mean() ** 2 / (counts.mean() ** 2 + _SERIES**2)
            found[head, place] = _bounded(np.interp(LEVELS, np.maximum.accumulate(grid + kept), grid))
    return Calibration(found)


def _bounded(levels: Floats) -> Floats:
    wanted = np.array(LEVELS)
    return np.where(wanted > 0.5, np.minimum(levels, 1.0 - _FURTHEST * (1.0 - wanted)), np.maximum(levels, _FURTHEST * wanted))


def _below(intervals: Floats, grid: Floats) -> tuple[Floats, int]:
    """Return which share of what came lies below each level [len(grid)], and of how many series, from intervals [n, 2]."""
    known = ~np.isnan(intervals[:, 0])
    low, high = intervals[known].T
    if not len(low):
        return grid, 0
    return np.clip((grid[:, None] - low) / np.maximum(high - low, 1e-9), 0.0, 1.0).mean(axis=1), len(low)


def applied(calibration: Calibration, said: Distribution) -> Distribution:
    """Return the distribution with its levels moved; between the places of the calibration they change with the logarithm of the step."""
    places = calibration.levels.shape[1]
    at = np.log(said.steps) / np.log(said.steps[-1]) * (places - 1) if said.steps[-1] > 1 else np.zeros(len(said.steps))
    left = np.minimum(np.floor(at).astype(np.int64), places - 1)
    right = np.minimum(left + 1, places - 1)
    share = (at - left)[None, :, None]
    levels = calibration.levels[:, left] + share * (calibration.levels[:, right] - calibration.levels[:, left])
    values, highest = (_moved(getattr(said, name), said.levels, levels[head]) for head, name in enumerate(_HEADS))
    return said._replace(values=values, highest=np.maximum.accumulate(np.maximum(highest, values), axis=2))


def _moved(quantiles: Floats, levels: Floats, wanted: Floats) -> Floats:
    """Return the quantiles [n, l, g] at the wanted levels [g, l] of each step, linear between."""
    right = np.clip(np.searchsorted(levels, wanted), 1, len(levels) - 1)
    left = right - 1
    share = np.clip((wanted - levels[left]) / (levels[right] - levels[left]), 0.0, 1.0)
    columns = np.arange(len(wanted))[:, None]
    by_step = np.moveaxis(quantiles, 1, 2)
    lower, upper = by_step[:, columns, left], by_step[:, columns, right]
    # At a level itself its quantile is given, bit for bit, and beside it none beyond it.
    between = np.minimum(lower + share * (upper - lower), upper)
    return np.moveaxis(np.where(share == 1.0, upper, between), 2, 1)


def _interval(quantiles: Floats, levels: Floats, came: Floats) -> Floats:
    """Return P(X < y) and P(X ≤ y) [n, g, 2] for quantiles [n, l, g] and what came [n, g]; beyond the outermost quantiles, all that is there."""
    last = len(levels) - 1
    smaller, up_to = (compare(quantiles, came[:, None, :]).sum(axis=1) for compare in (np.less, np.less_equal))

    def between(count: t.Any) -> Floats:
        left, right = np.clip(count - 1, 0, last), np.clip(count, 0, last)
        low, high = (np.take_along_axis(quantiles, index[:, None, :], axis=1)[:, 0] for index in (left, right))
        gap = high - low
        share = np.where(gap > 0, (came - low) / np.where(gap > 0, gap, 1.0), 0.0)
        return np.asarray(levels[left] + np.clip(share, 0.0, 1.0) * (levels[right] - levels[left]))

    below = np.where(smaller == 0, 0.0, np.where(smaller > last, levels[last], between(smaller)))
    at = np.where(up_to == 0, levels[0], np.where(up_to > last, 1.0, between(up_to)))
    return np.where(np.isnan(came)[:, :, None], np.nan, np.stack([below, np.maximum(at, below)], axis=2))
