# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a candidate to quantiles, peak, runway and the probability to reach a limit."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.candidates import Candidate
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import MIN_STARTS, Past, Weighted
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats, Ints

LEVELS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99)
_NEAR_STEPS, _FAR_STEPS = 12, 12
# A week holds seven days, and a straight line over a quarter of a day has lost its shape.
_STEPS_PER_SEASON = 48


class Distribution(t.NamedTuple):
    """Quantile functions of the values and of the running maximum, at some steps of the horizon.

    `steps` [g] ascending from 1 to the horizon; `levels` [l]; `values` and `highest` [n, l, g], non-decreasing in l,
    `highest` non-decreasing in g too and never below `values`.
    """

    steps: Ints
    levels: Floats
    values: Floats
    highest: Floats


def step_grid(horizon: int, season: int = 1) -> Ints:
    """Return the steps that are computed; those between are interpolated: all of the first twelve, then twelve more.

    :param season: steps of one season, 1 = none; where there is one, at least 48 of it are computed.
    """
    near = np.arange(1, min(horizon, _NEAR_STEPS) + 1)
    far = max(_FAR_STEPS, min(horizon, math.ceil(horizon * _STEPS_PER_SEASON / season))) if season > 1 else _FAR_STEPS
    return np.unique(np.concatenate([near, np.linspace(1, horizon, far).round().astype(np.int64)])).astype(np.int64)


def distribution(
    candidate: Candidate, *, horizon: int, gap: int = 0, steps: Ints | None = None, outward: bool = True
) -> Distribution:
    """Return the forecast distribution of a block, computed from the paths it took after each past start.

    :param gap: steps that have passed since the last known value; the horizon begins after them.
    :param steps: the steps that are computed, ascending from 1 to the horizon; None = those of step_grid for the season of the starts.
    :param outward: move the upper levels outward where there are few starts; without it the quantiles are those that were seen.
    """
    levels = np.array(LEVELS)
    past = candidate.past
    grid = step_grid(horizon, past.season) if steps is None else steps
    rows = len(past.values)
    values, highest = np.empty((rows, len(levels), len(grid))), np.empty((rows, len(levels), len(grid)))
    running = np.full((rows, len(past.ages)), np.nan)
    tail = Tail(past, levels, outward=outward)
    column = 0
    for step in range(1, horizon + 1):
        k = gap + step
        errors, centre = candidate.errors(k), candidate.centre(k)[:, None]
        running = np.fmax(running, centre + errors)
        if step != grid[column]:
            continue
        values[:, :, column] = centre + tail.of_errors(errors, k)
        seen = tail.of_highest(np.where(np.isnan(errors), np.nan, running), k)
        floor = values[:, :, column] if column == 0 else np.maximum(values[:, :, column], highest[:, :, column - 1])
        highest[:, :, column] = np.fmax(seen, floor)
        column += 1
    return Distribution(grid, levels, values, highest)


class Tail:
    """Weighted quantiles of one step after the other, which stay honest when there are few starts.

    The upper levels are moved outward as a sample of that many independent errors asks for (level · (1 + 1 / n), as in split
    conformal prediction: Lei et al., JASA 2018). Windows of k steps that overlap are not independent: m starts within one
    window count as 3 / 2 (the sum of their squared overlaps is 2 m / 3). The lower levels stay, for past falls are mostly purges.
    Where less than MIN_STARTS starts are left, the last step that had enough is stretched: its median in proportion to the
    steps, its spread to their root.
    """

    def __init__(self, past: Past, levels: Floats, *, outward: bool = True) -> None:
        self._past, self._levels, self._moved = past, levels, outward
        self._middle = int(np.searchsorted(levels, 0.5))
        self._errors = np.zeros((len(past.values), len(levels)))
        self._step = np.zeros(len(past.values))

    def of_errors(self, errors: Floats, k: int) -> Floats:
        """Return the quantiles [n, l] of the errors k steps ahead, of errors [n, S]."""
        sample = Weighted(errors, self._past)
        found = sample.quantiles(self._outward(sample, k))
        enough = (sample.counts >= MIN_STARTS) | ((sample.counts > 0) & (self._step == 0))
        stretch = k / np.maximum(self._step, 1.0)
        middle = self._errors[:, self._middle, None]
        stretched = middle * stretch[:, None] + (self._errors - middle) * np.sqrt(stretch)[:, None]
        self._errors = np.where(enough[:, None], found, self._errors)
        self._step = np.where(enough, float(k), self._step)
        return np.where(enough[:, None], found, stretched)

    def of_highest(self, highest: Floats, k: int) -> Floats:
        """Return the quantiles [n, l] of the running maximum [n, S], NaN where there are too few starts."""
        sample = Weighted(highest, self._past)
        return np.where((sample.counts >= MIN_STARTS)[:, None], sample.quantiles(self._outward(sample, k)), np.nan)

    def _outward(self, sample: Weighted, k: int) -> Floats:
        if not self._moved:
            return self._levels
        independent = np.maximum(sample.effective / max(1.0, 2.0 / 3.0 * self._past.together(k)), 1.0)[:, None]
        levels = self._levels[None, :]
        return np.where(levels > 0.5, np.minimum(levels * (1.0 + 1.0 / independent), 1.0), levels)


def over_steps(at_grid: Floats, grid: Ints, horizon: int) -> Floats:
    """Return values given at the steps of the grid [..., g] for every step 1 … horizon [..., h], linear between."""
    steps = np.arange(1, horizon + 1)
    right = np.clip(np.searchsorted(grid, steps), 0, len(grid) - 1)
    left = np.maximum(right - (grid[right] > steps), 0)
    span = grid[right] - grid[left]
    share = np.where(span > 0, (steps - grid[left]) / np.maximum(span, 1), 0.0)
    return at_grid[..., left] + share * (at_grid[..., right] - at_grid[..., left])


def reached(highest: Floats, levels: Floats, limits: Floats) -> Floats:
    """Return the probability that the running maximum is at or above a limit.

    :param highest: [n, l, h] quantiles of the running maximum.
    :param limits: [n, L].
    :returns: [n, L, h] in 0..1, non-decreasing in h, non-increasing in the limit.
    """
    rows, _levels, horizon = highest.shape
    found = np.empty((rows, limits.shape[1], horizon))
    for column in range(limits.shape[1]):
        limit = limits[:, column, None, None]
        below = highest < limit  # per level: the quantile does not reach the limit
        count = below.sum(axis=1)
        high = np.clip(count, 0, len(levels) - 1)
        low = np.clip(count - 1, 0, len(levels) - 1)
        upper, lower = (np.take_along_axis(highest, index[:, None, :], axis=1)[:, 0, :] for index in (high, low))
        gap = upper - lower
        share = np.where(gap > 0, (limit[:, 0, :] - lower) / np.where(gap > 0, gap, 1.0), 0.0)
        level = levels[low] + np.clip(share, 0.0, 1.0) * (levels[high] - levels[low])
        level = np.where(count == 0, 0.0, np.where(count == len(levels), 1.0, level))
        found[:, column, :] = 1.0 - level
    return np.maximum.accumulate(found, axis=2)


def runway(probability: Floats, quantiles: Floats, step_seconds: float) -> Floats:
    """Return the seconds until a limit is reached with each probability; inf = not within the horizon.

    :param probability: [n, L, h] of `reached`.
    :returns: [n, L, q], non-decreasing in q.
    """
    hit = probability[:, :, None, :] >= quantiles[None, None, :, None] - 1e-12
    return np.where(hit.any(axis=3), (hit.argmax(axis=3) + 1.0) * step_seconds, np.inf)
