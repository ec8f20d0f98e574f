# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Past trajectories of a block of series: the changes that each went through from earlier starts, recent ones counting more.

A block is a matrix [n, T] of n series, right-aligned: the last column is the present, NaN is missing. All of it is
computed column by column, so a series gets the same numbers in every block it is part of.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

HALF_LIFE_STEPS = 104
HALF_LIFE_HORIZONS = 8
HALF_LIFE_SEASONS = 7
MIN_STARTS = 4


@dataclasses.dataclass(frozen=True)
class Past:
    """The known part of a block, seen from its last column, and the starts whose trajectories count.

    :param values: [n, T] right-aligned, NaN = missing; the last column has a value.
    :param ages: [S] steps from each start to the present, ascending, from 1.
    :param decay: [S] recency weight of each start, or [n, S] where the series differ in what of their past counts.
    :param stand_for: [S] number of starts that each stands for.
    :param season: steps of the season whose phase the starts share, 1 = none.
    """

    values: Floats
    ages: Ints
    decay: Floats
    stand_for: Floats
    season: int

    @property
    def last(self) -> Floats:
        """The present value of each series [n]."""
        return self.values[:, -1]

    def together(self, k: int) -> float:
        """Return how many starts lie within k steps (before thinning)."""
        if self.season == 1:
            return float(k)
        near = 2 * phase_width(self.season) + 1
        return max(min(k, near), k * near / self.season)

    def at(self, offset: int) -> Floats:
        """Return the values `offset` steps after each start [n, S]; NaN where that is not known yet."""
        return self.column(offset - self.ages)

    def column(self, steps: Ints) -> Floats:
        """Return the values at the given steps from the present (0 = now, negative = past) [n, len(steps)], NaN outside."""
        length = self.values.shape[1]
        found = self.values[:, np.clip(length - 1 + steps, 0, length - 1)]
        return np.where((steps > 0) | (steps < 1 - length), np.nan, found)


def look_back(values: Floats, *, season: int, horizon: int, seed: int, dense: int, counts: Floats | None = None) -> Past:
    """Return the past of a block with its starts: those of the present phase where there is a season.

    :param values: [n, T] as in Past.
    :param season: steps of one season, 1 = none.
    :param dense: how many of the most recent starts are all taken; of the older ones ever fewer stand for the others,
        drawn with `seed`.
    :param counts: [n, T] how much each step of the past counts, 0 … 1 (less before a break of the series); None = all alike.
    """
    ages = np.arange(1, values.shape[1])
    if season > 1:
        phase = ages % season
        ages = ages[np.minimum(phase, season - phase) <= phase_width(season)]
    picked, stand_for = _thinned(len(ages), dense, seed)
    ages = ages[picked]
    decay = 0.5 ** (ages / half_life(season, horizon))
    if counts is not None:
        decay = decay * counts[:, counts.shape[1] - 1 - ages]
    return Past(values=values, ages=ages, decay=decay, stand_for=stand_for, season=season)


def phase_width(season: int) -> int:
    """Return by how many steps a start may be away from the present phase."""
    return max(1, season // 24)


def half_life(season: int, horizon: int) -> float:
    """Return the steps after which a past change counts half: long enough to have seen the horizon several times."""
    return float(max(HALF_LIFE_SEASONS * season if season > 1 else HALF_LIFE_STEPS, HALF_LIFE_HORIZONS * horizon))


def _thinned(count: int, dense: int, seed: int) -> tuple[Ints, Floats]:
    """Return positions out of 0 … count-1 and how many each stands for: all up to `dense`, then one of 2, of 4, of 8 …

    The draw of a position does not depend on count, so more history never changes which of the recent starts are used.
    """
    generator = np.random.default_rng(seed)
    positions, stand_for = [np.arange(min(dense, count))], [np.ones(min(dense, count))]
    begin, stride = dense, 2
    while begin < count:
        first = begin + stride * np.arange(dense)
        drawn = first + generator.integers(0, stride, dense)
        kept = drawn[drawn < count]
        positions.append(kept)
        stand_for.append(np.full(len(kept), float(stride)))
        begin, stride = begin + stride * dense, stride * 2
    return np.concatenate(positions).astype(np.int64), np.concatenate(stand_for)


class Weighted:
    """The values of each row in order, under the weights of the starts: their number, their effective number, their quantiles.

    :param values: [n, S], NaN = absent.

    `counts` [n]; `effective` [n] is Kish's (Σw)² / Σw² over all starts, those included that others stand for.
    """

    def __init__(self, values: Floats, past: Past) -> None:
        order = np.argsort(values, axis=1, kind="stable")
        self._ordered = np.take_along_axis(values, order, axis=1)
        absent = np.isnan(self._ordered)
        weight = np.where(absent, 0.0, _in_order(past.stand_for * past.decay, order))
        self.counts: Ints = np.count_nonzero(~absent, axis=1)
        total, square = _row_sums(weight), _row_sums(np.where(absent, 0.0, _in_order(past.stand_for * past.decay**2, order)))
        self.effective: Floats = np.where(square > 0, total * total / np.where(square > 0, square, 1.0), 0.0)
        position = (np.cumsum(weight, axis=1) - weight / 2) / np.where(total > 0, total, 1.0)[:, None]
        # Absent values stand behind every level, and row i lives in 2 i … 2 i + 1.5, so that one search serves all rows.
        self._position = np.where(absent, 1.5, position)
        self._shift = 2.0 * np.arange(len(values))[:, None]
        self._flat = (self._position + self._shift).ravel()

    def quantiles(self, levels: Floats) -> Floats:
        """Return the quantiles [n, q] at levels [q] or, one set per row, [n, q]; NaN for a row without values.

        Positions are (cumulated weight − own weight / 2) / total, linear between, constant beyond.
        """
        rows, size = self._ordered.shape
        wanted = np.broadcast_to(levels, (rows, levels.shape[-1]))
        right = np.searchsorted(self._flat, (wanted + self._shift).ravel()).reshape(wanted.shape) - size * np.arange(rows)[:, None]
        last = np.maximum(self.counts - 1, 0)[:, None]
        high, low = np.clip(right, 0, last), np.clip(right - 1, 0, last)
        below, above = (np.take_along_axis(self._ordered, index, axis=1) for index in (low, high))
        start, end = (np.take_along_axis(self._position, index, axis=1) for index in (low, high))
        gap = end - start
        share = np.where(gap > 0, (wanted - start) / np.where(gap > 0, gap, 1.0), 0.0)
        return np.where(self.counts[:, None] > 0, below + np.clip(share, 0.0, 1.0) * (above - below), np.nan)


def _in_order(weights: Floats, order: Ints) -> Floats:
    return weights[order] if weights.ndim == 1 else np.take_along_axis(weights, order, axis=1)


def _row_sums(values: Floats) -> Floats:
    """Return the sum of each row, added one after the other: trailing zeros must not change the rounding."""
    return np.cumsum(values, axis=1)[:, -1]
