# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the LSTM of a volume sees at each step of its history, and what it has to say there.

All is in units of the volume's own changes: (change − steps · shift) / (scale · √steps), so that its size and its level do not
matter. Everything is computed column by column from the right, so a series gets the same numbers in every block.
"""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import phase_width
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats, Ints

    Floats32 = NDArray[np.float32]

TRAIN, VALIDATION, TEST = 1, 2, 3
MIN_KNOWN = 40
_TRAIN_SHARE, _VALIDATION_SHARE = 0.7, 0.85
_ANCHORS_WITHOUT_SEASON = 16
_LEVEL_STEPS = 26
_DUST = 1e-9


class Scaler(t.NamedTuple):
    """shift [n]: the usual change of one step; scale [n]: how far changes usually are from it, 0 = never."""

    shift: Floats
    scale: Floats

    @property
    def unit(self) -> Floats:
        """The scale, and one where it is nothing [n, 1]: what is divided by it is nothing too."""
        return np.where(self.scale > 0, self.scale, 1.0)[:, None]


def anchors(season: int) -> Ints:
    """Return the steps ahead that the network is asked for: 1, 4, 16 … up to the season (16 without one)."""
    end = season if season > 1 else _ANCHORS_WITHOUT_SEASON
    return np.unique(np.append(4 ** np.arange(int(np.log2(end)) // 2 + 1), end)).astype(np.int64)


def input_count(season: int) -> int:
    """Return how many inputs one step has."""
    return 3 + (len(anchors(season)) if season > 1 else 0)


def parts(values: Floats) -> Ints:
    """Return to which part of its history each value belongs [n, T]: the first 70 % are for training, then 15 % each; 0 = no value.

    Where fewer than 40 values are known there is only a training part.
    """
    known = ~np.isnan(values)
    rank = np.cumsum(known, axis=1)
    share = rank / np.maximum(rank[:, -1:], 1)
    part = np.where(share <= _TRAIN_SHARE, TRAIN, np.where(share <= _VALIDATION_SHARE, VALIDATION, TEST))
    part = np.where(rank[:, -1:] < MIN_KNOWN, TRAIN, part)
    return np.where(known, part, 0)


def scaler_of(values: Floats, part: Ints) -> Scaler:
    """Return median and median distance from it of the changes of the training part, those that are no distance left out."""
    changes = np.diff(values, axis=1)
    changes = np.where(part[:, 1:] == TRAIN, changes, np.nan)
    shift = quantiles_of(changes, (0.5,))[:, 0]
    away = np.abs(changes - shift[:, None])
    # What rounding leaves of a straight line is no movement.
    dust = _DUST * np.fmax.reduce(np.abs(values), axis=1, initial=0.0)
    away = np.where(away > dust[:, None], away, np.nan)
    return Scaler(np.nan_to_num(shift), np.nan_to_num(quantiles_of(away, (0.5,))[:, 0]))


def inputs(values: Floats, scaler: Scaler, season: int) -> Floats32:
    """Return what is seen at each step [n, T, f]: whether there is a value, the change, the distance from the recent mean, and
    where there is a season the distance to what came one season before at each anchor.
    """
    known = ~np.isnan(values)
    filled, started = carried(values)
    before = np.concatenate([filled[:, :1], filled[:, :-1]], axis=1)
    first = started & ~np.concatenate([np.zeros_like(started[:, :1]), started[:, :-1]], axis=1)
    change = np.where(known & ~first, filled - before - scaler.shift[:, None], 0.0) / scaler.unit
    window = season if season > 1 else _LEVEL_STEPS
    away = (filled - _trailing_mean(filled, started, window)) / (scaler.unit * np.sqrt(window))
    found = [known.astype(np.float64), np.arcsinh(change), np.arcsinh(np.where(known, away, 0.0))]
    if season > 1:
        found += [np.arcsinh(_scaled(_shifted(filled, k - season) - filled, scaler, k)) for k in anchors(season)]
    live = started & (scaler.scale > 0)[:, None]
    return np.where(live[:, :, None], np.nan_to_num(np.stack(found, axis=2)), 0.0).astype(np.float32)


def targets(values: Floats, scaler: Scaler, season: int) -> Floats32:
    """Return what came after each step [n, T, a, 2]: change until each anchor, and of the running maximum; NaN = not known."""
    steps = anchors(season)
    found = np.full((*values.shape, len(steps), 2), np.nan, dtype=np.float32)
    running = np.full(values.shape, np.nan)
    for k in range(1, int(steps[-1]) + 1):
        ahead = _shifted(values, k)
        running = np.fmax(running, ahead)
        column = int(np.searchsorted(steps, k))
        if steps[column] != k:
            continue
        found[:, :, column, 0] = _scaled(ahead - values, scaler, k)
        found[:, :, column, 1] = _scaled(np.where(np.isnan(ahead), np.nan, running) - values, scaler, k)
    return found


def usual(wanted: Floats32, seen: Bools, levels: t.Sequence[float], season: int) -> Floats32:
    """Return the quantiles of what came after steps of like phase [n, m, a, 2, l], m = phases counted back from the last column.

    :param wanted: of `targets`.
    :param seen: bool [n, T, a], which of it may be known (the training part).
    """
    rows, length, count, heads = wanted.shape
    ages = length - 1 - np.arange(length)
    found = np.zeros((rows, season, count, heads, len(levels)), dtype=np.float32)
    for phase in range(season):
        away = np.abs(ages - phase) % season
        near = np.minimum(away, season - away) <= phase_width(season) if season > 1 else np.ones(length, dtype=bool)
        sample = np.where(seen[:, near, :, None], wanted[:, near], np.nan)
        flat = np.moveaxis(sample, 1, 3).reshape(rows * count * heads, sample.shape[1])
        found[:, phase] = np.nan_to_num(quantiles_of(flat, levels)).reshape(rows, count, heads, len(levels))
    return found


def quantiles_of(values: Floats, levels: t.Sequence[float]) -> Floats:
    """Return the quantiles of each row [n, l], at positions (i + ½) / count, linear between; NaN for a row without values."""
    if not values.shape[1]:
        return np.full((len(values), len(levels)), np.nan)
    ordered = np.sort(values, axis=1)
    counts = np.count_nonzero(~np.isnan(values), axis=1)[:, None]
    last = np.maximum(counts - 1, 0)
    place = np.clip(np.asarray(levels)[None, :] * counts - 0.5, 0, last)
    low = np.floor(place).astype(np.int64)
    below, above = (np.take_along_axis(ordered, index, axis=1) for index in (low, np.minimum(low + 1, last)))
    return below + (place - low) * (above - below)


def carried(values: Floats) -> tuple[Floats, Bools]:
    """Return the last known value at each step [n, T], 0 before the first, and bool [n, T] where there has been one."""
    known = ~np.isnan(values)
    index = np.maximum.accumulate(np.where(known, np.arange(values.shape[1]), -1), axis=1)
    started = index >= 0
    return np.where(started, np.take_along_axis(values, np.maximum(index, 0), axis=1), 0.0), started


def part_of_targets(part: Ints, season: int) -> Ints:
    """Return to which part the value at each anchor after each step belongs [n, T, a], 0 = none."""
    return np.stack([np.nan_to_num(_shifted(part.astype(np.float64), int(k))).astype(np.int64) for k in anchors(season)], axis=2)


def _scaled(change: Floats, scaler: Scaler, steps: int) -> Floats:
    return (change - steps * scaler.shift[:, None]) / (scaler.unit * np.sqrt(steps))


def _shifted(values: Floats, steps: int) -> Floats:
    """Return the values `steps` later (earlier if negative) [n, T], NaN outside."""
    found = np.full(values.shape, np.nan)
    size = values.shape[1] - abs(steps)
    if size > 0:
        if steps >= 0:
            found[:, :size] = values[:, steps:]
        else:
            found[:, -size:] = values[:, :size]
    return found


def _trailing_mean(filled: Floats, started: Bools, window: int) -> Floats:
    """Return the mean of the last `window` values up to each step [n, T]."""
    # Sums of what is left of the last value: whole levels would leave rounding errors of their own size.
    centre = filled[:, -1:]
    total = np.cumsum(np.where(started, filled - centre, 0.0), axis=1)
    count = np.cumsum(started, axis=1).astype(np.int64)
    total[:, window:] -= total[:, :-window].copy()
    count[:, window:] -= count[:, :-window].copy()
    return total / np.maximum(count, 1) + centre
