# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rolling-origin backtest: what each method would have said of a block of series at earlier moments, and what came."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classical
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import Distribution
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.members import BASE, Block, Label, View
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.mixture import mixture
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.stacking import Tables, measure
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats, Ints

MAX_ORIGINS, LEAST_ORIGINS, LEAST_STEPS, FIT_EVERY, DENSE_STARTS = 6, 3, 24, 2, 48
PLACES = 5
# ETS costs several times what theta does, and is not much better where theta is far off.
_WORTH_ETS = 1.05
_LOW, _MIDDLE, _HIGH = 0.1, 0.5, 0.9


class Origin(t.NamedTuple):
    """One past moment, and PLACES steps after it.

    parts, has: of each method what it said, and for which series [bool n] it had an answer of its own; values, highest [n, s]: what came,
    and the highest until then, NaN = not known.
    """

    parts: list[Distribution]
    has: list[Bools]
    values: Floats
    highest: Floats


class Backtest(t.NamedTuple):
    """Origins, latest first; unit [n]: the usual change of each series; reach, stride: steps that are judged, and between two origins."""

    labels: list[Label]
    origins: list[Origin]
    unit: Floats
    reach: int
    stride: int

    @property
    def independent(self) -> float:
        """How many origins without a common future these count for."""
        return len(self.origins) * min(1.0, self.stride / max(self.reach, 1))


class Figures(t.NamedTuple):
    """Of each series [n], NaN = not measured: mean absolute error of the median and mean of 2 × pinball loss over three quantiles, in units
    of its usual change; share of the values within the 80 % band; number of origins."""

    mase: Floats
    pinball: Floats
    coverage80: Floats
    origins: Ints


def origins(length: int, horizon: int, season: int) -> tuple[int, int, list[int]]:
    """Return how many steps are judged, how many lie between two origins, and how many before the present each lies, latest first.

    The last sixth of a history of `length` steps is judged (24 steps, and three origins, in any case), never more than its later half; two
    seasons of context remain. More would keep too much from what learns before it is judged. No origin for a short history.
    """
    reach = min(horizon, length // 4)
    if reach < 1:
        return 0, 1, []
    stride = max(1, reach // 2)
    found = [reach + index * stride for index in range(MAX_ORIGINS)]
    most = min(max(length // 6, LEAST_STEPS, found[LEAST_ORIGINS - 1]), length // 2, length - 2 * season)
    return reach, stride, [offset for offset in found if offset <= most]


def unit(values: Floats, season: int) -> Floats:
    """Return the mean absolute change of each series over one season [n], or over one step where that is nothing; at least a tiny number."""
    found = _mean(np.abs(values[:, season:] - values[:, :-season]), 1) if values.shape[1] > season else np.zeros(len(values))
    return np.maximum(np.nan_to_num(found), 1e-12)


def backtest(block: Block, labels: Sequence[Label], *, length: int, horizon: int, fits: Bools) -> Backtest:
    """Return what the methods would have said at past origins.

    :param length: a length that every series of the block has.
    :param fits: bool [n], the series that theta, ETS and MSTL are fitted to; at every second origin only, for it takes long.
    """
    reach, stride, offsets = origins(length, horizon, block.season)
    places = np.unique(np.round(np.geomspace(1, max(reach, 1), PLACES))).astype(np.int64)
    found = []
    worth = fits
    for number, offset in enumerate(offsets):
        view = View(block.before(offset), horizon=reach, dense=DENSE_STARTS)
        future = block.values[:, block.values.shape[1] - offset :][:, :reach]
        values, highest = future[:, places - 1], np.fmax.accumulate(future, axis=1)[:, places - 1]
        parts, has = [], []
        for label in labels:
            rows = np.zeros(len(fits), dtype=bool)
            if label.method not in classical.METHODS:
                rows = ~rows
            elif number % FIT_EVERY == 0:
                rows = worth if label.method == "ets" else fits
            part, answered = view.of(label, rows)
            parts.append(_at(part, places))
            has.append(answered & rows)
        found.append(Origin(parts, has, values, highest))
        if number == 0 and worth.any():
            worth = worth & _worth_ets(labels, found[0], block)
            # Measured at one origin out of three, and the own past at the others, it is not to be trusted: it is left out.
            has[:] = [item & worth if label.method == "ets" else item for label, item in zip(labels, has, strict=True)]
    return Backtest(list(labels), found, unit(block.values, block.season), reach, stride)


def tables(past: Backtest, fits: Bools) -> tuple[Tables, Bools]:
    """Return the tables of a backtest, and which methods each series has [bool n, M].

    Series that models were fitted to are measured at the origins that have these, so that all their methods are compared at the same.
    """
    count = len(past.labels)
    has = np.zeros((len(past.unit), count), dtype=bool)
    wrong, apart = np.zeros(has.shape), np.zeros((*has.shape, count))
    seen = np.zeros(len(past.unit))
    for number, origin in enumerate(past.origins):
        one_wrong, one_apart, known = measure(origin.parts, origin.values, origin.highest, past.unit)
        has |= np.stack(origin.has, axis=1)
        counts = known & (~fits | (number % FIT_EVERY == 0))
        wrong += np.where(counts[:, None], one_wrong, 0.0)
        apart += np.where(counts[:, None, None], one_apart, 0.0)
        seen += counts
    share = 1.0 / np.maximum(seen, 1.0)
    return Tables(wrong * share[:, None], apart * share[:, None, None], seen), has


def mixed(past: Backtest, weights: Floats) -> list[Distribution]:
    """Return what mixtures with weights [n, M] would have said at each origin."""
    return [mixture(origin.parts, weights) for origin in past.origins]


def figures(past: Backtest, said: Sequence[Distribution]) -> Figures:
    """Return how well forecasts did at the origins of a backtest."""
    level = np.array([_LOW, _MIDDLE, _HIGH])[None, :, None]
    errors, losses, inside = [], [], []
    for origin, one in zip(past.origins, said, strict=True):
        columns = np.searchsorted(one.levels, [_LOW, _MIDDLE, _HIGH])
        wrong = origin.values[:, None, :] - one.values[:, columns]
        losses.append(_mean(2.0 * np.maximum(level * wrong, (level - 1.0) * wrong), (1, 2)) / past.unit)
        errors.append(_mean(np.abs(wrong[:, 1]), 1) / past.unit)
        within = (wrong[:, 0] >= 0) & (wrong[:, 2] <= 0)
        inside.append(_mean(np.where(np.isnan(origin.values), np.nan, within), 1))
    if not losses:
        nothing = np.full(len(past.unit), np.nan)
        return Figures(nothing, nothing, nothing, np.zeros(len(nothing), dtype=np.int64))
    mase, pinball, cover = (_mean(np.stack(item, axis=1), 1) for item in (errors, losses, inside))
    return Figures(mase, pinball, cover, np.count_nonzero(~np.isnan(np.stack(losses, axis=1)), axis=1))


def relative_error(past: Backtest, label: Label, base: Label) -> Floats:
    """Return the absolute error of a method's medians in units of another's [n], drawn to 1 and within 0.5 … 1.5."""
    sums = np.zeros((2, len(past.unit)))
    seen = np.zeros(len(past.unit))
    one, other = past.labels.index(label), past.labels.index(base)
    for origin in past.origins:
        middle = int(np.searchsorted(origin.parts[one].levels, _MIDDLE))
        wrong = np.abs(np.stack([origin.values - origin.parts[column].values[:, middle] for column in (one, other)]))
        known = origin.has[one] & ~np.isnan(wrong).any(axis=(0, 2))
        sums += np.where(known, np.nan_to_num(wrong).mean(axis=2) / past.unit, 0.0)
        seen += known
    prior = 0.25 * seen + 1e-12
    return np.asarray(np.clip((sums[0] + prior) / (sums[1] + prior), 0.5, 1.5))


def _worth_ets(labels: Sequence[Label], origin: Origin, block: Block) -> Bools:
    theta = [number for number, label in enumerate(labels) if label.method == "theta"]
    base = [number for number, label in enumerate(labels) if label == Label(BASE, block.season)]
    if not theta or not base or block.season > 1:
        return np.zeros(len(block.values), dtype=bool)
    parts = [origin.parts[theta[0]], origin.parts[base[0]]]
    wrong, _apart, known = measure(parts, origin.values, origin.highest, np.ones(len(block.values)))
    return np.asarray(known & (wrong[:, 0] <= _WORTH_ETS * wrong[:, 1]))


def _at(said: Distribution, places: Ints) -> Distribution:
    """Return a distribution at some steps only; those that were not computed are the nearest ones that were."""
    columns = np.abs(said.steps[:, None] - places[None, :]).argmin(axis=0)
    return said._replace(steps=places, values=said.values[:, :, columns], highest=said.highest[:, :, columns])


def _mean(values: Floats, axis: int | tuple[int, ...]) -> Floats:
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=axis) / np.maximum(count, 1), np.nan)
