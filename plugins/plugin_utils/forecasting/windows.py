# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the network sees: a window of a series, described without its size, one row for each step ahead.

A window ends at a present moment: the real one when something is forecast, an earlier one when something is learned. All that
is computed of it is known at its end.
"""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import Distribution
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats, Ints

    Floats32 = NDArray[np.float32]

_DAY, _WEEK = 86400.0, 604800.0
_VALUE_LEVELS, _PEAK_LEVELS = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.975), (0.1, 0.5, 0.9)
_SEASONS = 7
_RECENT = 104


class Rows(t.NamedTuple):
    """Windows as the network sees them.

    features [w, g, f]; own [w, 2, g, l]: quantiles of the changes that the series itself has gone through (value, running
    maximum), in units of `scale`; last, scale [w]: the present value and the size of the series' usual changes; moved bool [w]:
    whether there were any.
    """

    features: Floats32
    own: Floats
    last: Floats
    scale: Floats
    moved: Bools


def describe(values: Floats, own: Distribution, *, season: int, ends: Floats | None, step_seconds: float) -> Rows:
    """Return windows described for the network.

    :param values: [w, T] right-aligned, NaN = missing, the last column known.
    :param own: the forecast of the series' own past changes, for these windows.
    :param season: steps, 1 = none.
    :param ends: UTC seconds of the last column [w]; None = unknown, then the hour of the day does not count.
    """
    last = values[:, -1]
    changes = np.abs(np.diff(values, axis=1))
    scale = _scale(values, changes, season)
    steps = own.steps
    rows = [_own_features(own, last, scale), _step_features(steps, len(values))]
    if season > 1:
        rows += [_season_features(values, last, scale, steps, season), _clock_features(ends, steps, step_seconds, len(values))]
    window = np.concatenate([_shape(values, last, scale, season), _activity(values, changes, last, scale, season)], axis=1)
    rows.append(np.broadcast_to(window[:, None, :], (len(values), len(steps), window.shape[1])))
    quantiles = np.stack([np.moveaxis(item, 1, 2) for item in (own.values, own.highest)], axis=1)
    return Rows(
        np.nan_to_num(np.concatenate(rows, axis=2), posinf=0.0, neginf=0.0).astype(np.float32),
        (quantiles - last[:, None, None, None]) / scale[:, None, None, None],
        last,
        scale,
        np.nanmax(values, axis=1) > np.nanmin(values, axis=1),
    )


def squash(values: Floats) -> Floats:
    """Return values with their order and sign kept and their size on a logarithmic scale."""
    return np.sign(values) * np.log1p(np.abs(values))


def _scale(values: Floats, changes: Floats, season: int) -> Floats:
    """Return the mean absolute change over one step and over one season, the recent past counting twice [w]; never nothing."""
    near = changes[:, -max(_SEASONS * season, _RECENT) :]
    far = np.abs(values[:, season:] - values[:, :-season])[:, -_SEASONS * season :] if 1 < season < values.shape[1] else changes
    level = np.maximum(1.0, _mean(np.abs(values)))
    return np.maximum(0.5 * (_mean(near) + _mean(far)), 1e-9 * level)


def _own_features(own: Distribution, last: Floats, scale: Floats) -> Floats:
    """Return quantiles of the series' own past changes at each step [w, g, 10]."""
    found = []
    for quantiles, levels in ((own.values, _VALUE_LEVELS), (own.highest, _PEAK_LEVELS)):
        columns = np.clip(np.searchsorted(own.levels, levels), 0, len(own.levels) - 1)
        found.append(squash((np.moveaxis(quantiles[:, columns], 1, 2) - last[:, None, None]) / scale[:, None, None]))
    return np.concatenate(found, axis=2)


def _step_features(steps: Ints, count: int) -> Floats:
    ahead = np.stack([np.log(steps) / 3.0, np.sqrt(steps / steps[-1])], axis=1)
    return np.broadcast_to(ahead, (count, *ahead.shape))


def _season_features(values: Floats, last: Floats, scale: Floats, steps: Ints, season: int) -> Floats:
    """Return what the series was at the phase of each step, up to seven seasons ago [w, g, 11]."""
    back = np.ceil(steps / season).astype(np.int64)[:, None] + np.arange(_SEASONS)[None, :]
    index = values.shape[1] - 1 + steps[:, None] - season * back
    seen = (values[:, np.maximum(index, 0)] - last[:, None, None]) / scale[:, None, None]
    seen = np.where(index >= 0, seen, np.nan)
    known = ~np.isnan(seen)
    mean = np.where(known, seen, 0.0).sum(axis=2, keepdims=True) / np.maximum(known.sum(axis=2, keepdims=True), 1)
    seen = np.where(known, seen, mean)
    middle, high = np.median(seen, axis=2, keepdims=True), seen.max(axis=2, keepdims=True)
    parts = [seen[:, :, :3], seen[:, :, -1:], mean, middle, seen.min(axis=2, keepdims=True), high, seen.std(axis=2, keepdims=True)]
    parts += [np.maximum.accumulate(middle, axis=1), np.maximum.accumulate(high, axis=1)]
    return squash(np.concatenate(parts, axis=2))


def _clock_features(ends: Floats | None, steps: Ints, step_seconds: float, count: int) -> Floats:
    """Return hour of the day as a point on a circle, and whether it is weekend [w, g, 3]."""
    if ends is None:
        return np.zeros((count, len(steps), 3))
    moment = ends[:, None] + steps[None, :] * step_seconds
    angle = 2.0 * np.pi * (moment % _DAY) / _DAY
    # The first of January 1970 was a Thursday.
    weekend = ((moment / _DAY + 3.0) % 7.0 >= 5.0).astype(np.float64)
    return np.stack([np.sin(angle), np.cos(angle), weekend], axis=2)


def _shape(values: Floats, last: Floats, scale: Floats, season: int) -> Floats:
    """Return highest, lowest and mean value of some last parts of the series [w, 12]; single earlier values are noise to learn from."""
    parts = []
    for size in _spans(season):
        part = values[:, -size - 1 :]
        parts += [np.fmax.reduce(part, axis=1), np.fmin.reduce(part, axis=1), _mean(part)]
    return squash((np.stack(parts, axis=1) - last[:, None]) / scale[:, None])


def _activity(values: Floats, changes: Floats, last: Floats, scale: Floats, season: int) -> Floats:
    """Return how much moves now against usually, how much stays, and how large the series is against its changes [w, ·]."""
    parts = [np.log(_mean(changes[:, -size:]) / scale + 0.02) for size in (3, *_spans(season))]
    parts += [_mean(np.where(np.isnan(changes), np.nan, changes == 0)[:, -size:]) for size in (*_spans(season)[:1], _spans(season)[-1])]
    size = _mean(np.abs(values))
    known = np.count_nonzero(~np.isnan(values), axis=1)
    parts += [np.log(scale / (size + scale)) / 3.0, np.log1p(np.abs(last) / scale) / 3.0, np.log(np.maximum(known, 2)) / 3.0]
    return np.stack(parts, axis=1)


def _spans(season: int) -> tuple[int, ...]:
    return (6, 13, 26, 52) if season == 1 else (6, max(7, season // 4), season, _SEASONS * season)


def _mean(values: Floats) -> Floats:
    """Return the mean of what is known in each row [w], 0 where nothing is."""
    known = ~np.isnan(values)
    return np.where(known, values, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
