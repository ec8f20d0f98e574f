# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several forecasts of the same series made one: the linear opinion pool (Stone, Ann. Math. Statist. 1961).

The distribution functions are averaged, not the quantiles: a volume that most likely stays as it is then has quantiles that are
exactly its last value, whatever one of the parts thinks of its tail.
"""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import Distribution
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats, Ints


def mixture(parts: Sequence[Distribution], weights: Floats) -> Distribution:
    """Return the mixture of some forecasts of the same series at the same steps and levels.

    :param weights: [n, len(parts)], of each series not negative and with a sum above 0.
    """
    used = [part for part, weight in zip(parts, weights.T, strict=True) if weight.any()]
    weights = weights[:, weights.any(axis=0)]
    if len(used) == 1:
        return used[0]
    levels = used[0].levels
    values, highest = (_mixed(_counted([getattr(part, name) for part in used], weights), weights, levels) for name in ("values", "highest"))
    # Each is exact up to a rounding, but the running maximum must never be below the value, nor below itself a step before.
    return Distribution(used[0].steps, levels, values, np.maximum.accumulate(np.maximum(highest, values), axis=2))


def _counted(parts: Sequence[Floats], weights: Floats) -> list[Floats]:
    """Return the parts, of each series its weightiest in place of those without weight: what does not count must not even change a rounding."""
    counts = weights > 0
    heaviest = np.stack(parts, axis=1)[np.arange(len(weights)), weights.argmax(axis=1)]
    return [np.where(counts[:, column, None, None], part, heaviest) for column, part in enumerate(parts)]


def _mixed(parts: Sequence[Floats], weights: Floats, levels: Floats) -> Floats:
    """Return the quantiles [n, l, g] of the mixture of quantile functions [n, l, g], each a straight line between two levels.

    The mixture's distribution function is a straight line between two neighbours of all the parts' quantiles, and may jump at each.
    """
    rows, count, steps = parts[0].shape
    lines = [np.moveaxis(part, 1, 2).reshape(rows * steps, count) for part in parts]
    share = np.repeat(weights / weights.sum(axis=1, keepdims=True), steps, axis=0)
    knots = np.sort(np.concatenate(lines, axis=1), axis=1)
    before, at = np.zeros(knots.shape), np.zeros(knots.shape)
    for column, line in enumerate(lines):
        for total, side in ((before, _before(line, knots, levels)), (at, _at(line, knots, levels))):
            total += share[:, column, None] * side
    found = np.empty((rows * steps, count))
    row = np.arange(rows * steps)
    for column, level in enumerate(levels):
        right = np.minimum(np.count_nonzero(at < level, axis=1), knots.shape[1] - 1)
        left = np.maximum(right - 1, 0)
        gap = before[row, right] - at[row, left]
        part = np.where(gap > 0, (level - at[row, left]) / np.where(gap > 0, gap, 1.0), 1.0)
        part = np.where(right > 0, np.clip(part, 0.0, 1.0), 1.0)
        found[:, column] = knots[row, left] + part * (knots[row, right] - knots[row, left])
    mixed = np.moveaxis(np.maximum.accumulate(found, axis=1).reshape(rows, steps, count), 2, 1)
    alone = np.count_nonzero(weights, axis=1) == 1
    return np.where(alone[:, None, None], parts[0], mixed)


def _before(line: Floats, knots: Floats, levels: Floats) -> Floats:
    """Return P(X < x) at the knots [m, k] for quantile functions [m, l]; nothing lies below the lowest quantile."""
    smaller = np.count_nonzero(line[:, None, :] < knots[:, :, None], axis=2)
    return np.where(smaller == 0, 0.0, _level(line, knots, levels, np.maximum(smaller - 1, 0)))


def _at(line: Floats, knots: Floats, levels: Floats) -> Floats:
    """Return P(X <= x) at the knots [m, k] for quantile functions [m, l]; nothing lies above the highest quantile."""
    up_to = np.count_nonzero(line[:, None, :] <= knots[:, :, None], axis=2)
    return np.where(up_to == 0, 0.0, _level(line, knots, levels, np.maximum(up_to - 1, 0)))


def _level(line: Floats, knots: Floats, levels: Floats, left: Ints) -> Floats:
    """Return the level at each knot on the straight line from the quantile at `left` to the next; 1 from the last one on."""
    last = len(levels) - 1
    right = np.minimum(left + 1, last)
    start, end = np.take_along_axis(line, left, axis=1), np.take_along_axis(line, right, axis=1)
    gap = end - start
    share = np.where(gap > 0, (knots - start) / np.where(gap > 0, gap, 1.0), 0.0)
    return np.where(left == last, 1.0, levels[left] + np.clip(share, 0.0, 1.0) * (levels[right] - levels[left]))
