# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rolling-origin backtest: what each candidate would have said at earlier times, and which one to trust for a series."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classical
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.candidates import (
    Candidate,
    Drift,
    Fitted,
    Naive,
    SeasonalNaive,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import Tail, over_steps
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Past, look_back
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats, Ints

LEVELS = (0.1, 0.5, 0.9)
MAX_ORIGINS, MAX_CLASSICAL_ORIGINS, DENSE_STARTS = 6, 3, 48
CLEARLY, NOT_MUCH_WORSE = 0.98, 1.05


class Label(t.NamedTuple):
    """A candidate: its method and the season it uses, 1 = none."""

    method: str
    season: int


class Score(t.NamedTuple):
    """Measures of one candidate per series and origin [n, o], NaN where nothing could be measured.

    `loss` is the mean of 2 × pinball loss over three quantiles, `error` the mean absolute error of the median, both in units of
    the series' mean absolute change (over one season, if there is one); `cover` the share of values within the 80 % band.
    """

    loss: Floats
    error: Floats
    cover: Floats


def origins(length: int, horizon: int, season: int) -> tuple[int, list[int]]:
    """Return how many steps are judged and, latest first, how many steps before the present each origin lies.

    The later half of a history of `length` steps is judged; two seasons of context remain. No origin for a short history.
    """
    reach = min(horizon, length // 4)
    if reach < 1:
        return 0, []
    stride = max(1, reach // 2)
    found = [reach + index * stride for index in range(MAX_ORIGINS)]
    return reach, [offset for offset in found if offset <= length // 2 and length - offset >= 2 * season]


def scale(values: Floats, season: int) -> Floats:
    """Return the mean absolute change of each series over one season [n], or over one step where that is nothing; at least a tiny number."""
    found = _mean(np.abs(values[:, season:] - values[:, :-season]), axis=1) if values.shape[1] > season else np.zeros(len(values))
    return np.maximum(np.nan_to_num(found), 1e-12)


class Backtest:
    """Scores of candidates over the rolling origins of one block.

    :param values: [n, T] right-aligned block.
    :param length: a length that every series of the block has.
    """

    def __init__(self, values: Floats, *, length: int, horizon: int, season: int, seed: int) -> None:
        self._values, self._season, self._seed = values, season, seed
        self.reach, self.offsets = origins(length, horizon, season)
        self._scale = scale(values, season)
        self._steps: Ints = np.unique(np.round(np.geomspace(1, max(self.reach, 1), 5))).astype(np.int64)
        self._pasts: dict[tuple[int, int], Past] = {}
        self._medians: dict[int, Floats] = {}

    def score(self, label: Label, rows: Bools | None = None) -> Score:
        """Return the scores of a candidate; of a fitted one for the chosen rows only (bool [n]), and at fewer origins."""
        chosen = np.ones(len(self._values), dtype=bool) if rows is None else rows
        found = Score(*(np.full((len(self._values), len(self.offsets)), np.nan) for _measure in range(3)))
        fitted = label.method in classical.METHODS
        every = -(-len(self.offsets) // MAX_CLASSICAL_ORIGINS) if fitted else 1
        for column in range(0, len(self.offsets), max(1, every)):
            offset = self.offsets[column]
            candidate = self._fitted(label, offset, chosen) if fitted else make(label, self._past(offset, label.season))
            for measure, seen in zip(found, self._measure(candidate, offset), strict=True):
                measure[:, column] = np.where(chosen, seen, np.nan)
        return found

    def _past(self, offset: int, season: int) -> Past:
        if (offset, season) not in self._pasts:
            known = self._values[:, : self._values.shape[1] - offset].copy()
            known[:, -1] = _last_known(known)
            self._pasts[offset, season] = look_back(known, season=season, horizon=self.reach, seed=self._seed, dense=DENSE_STARTS)
        return self._pasts[offset, season]

    def _measure(self, candidate: Candidate, offset: int) -> tuple[Floats, Floats, Floats]:
        quantiles = self._quantiles(candidate)
        actual = self._values[:, self._values.shape[1] - 1 - offset + self._steps]
        wrong = actual[:, None, :] - quantiles
        level = np.array(LEVELS)[None, :, None]
        loss = _mean(2.0 * np.maximum(level * wrong, (level - 1.0) * wrong), axis=(1, 2)) / self._scale
        error = _mean(np.abs(wrong[:, 1]), axis=1) / self._scale
        inside = np.where(np.isnan(actual), np.nan, (actual >= quantiles[:, 0]) & (actual <= quantiles[:, 2]))
        return loss, error, _mean(inside, axis=1)

    def _quantiles(self, candidate: Candidate) -> Floats:
        tail = Tail(candidate.past, np.array(LEVELS))
        return np.stack([candidate.centre(k)[:, None] + tail.of_errors(candidate.errors(k), k) for k in map(int, self._steps)], axis=2)

    def _fitted(self, label: Label, offset: int, rows: Bools) -> Fitted:
        past = self._past(offset, label.season)
        if offset not in self._medians:
            median = self._quantiles(Naive(past))[:, 1] - past.last[:, None]
            self._medians[offset] = over_steps(median, self._steps, self.reach)
        centres = np.full((len(past.values), self.reach), np.nan)
        for row in np.flatnonzero(rows):
            found = classical.forecast(label.method, past.values[row], season=label.season, horizon=self.reach)
            if found is not None:
                centres[row] = found
        return Fitted(past, centres, np.ones(len(centres)), self._medians[offset])


def make(label: Label, past: Past) -> Candidate:
    """Return the candidate of a label that needs no fit."""
    if label.method == "drift":
        return Drift(past)
    return SeasonalNaive(past, label.season) if label.method == "snaive" else Naive(past)


def clearly_better(score: Score, than: Score) -> tuple[Bools, Floats]:
    """Return where one candidate beats another beyond chance, and its mean loss [n].

    Beyond chance: its mean loss is less than 98 % of the other's, and their mean difference larger than its standard error.
    Only origins that both have count.
    """
    both = ~np.isnan(score.loss) & ~np.isnan(than.loss)
    mine, other = (np.where(both, item.loss, np.nan) for item in (score, than))
    count = both.sum(axis=1)
    difference = mine - other
    mean = _mean(difference, axis=1)
    deviation = np.sqrt(_mean((difference - mean[:, None]) ** 2, axis=1) / np.maximum(count - 1, 1))
    better = (_mean(mine, axis=1) < CLEARLY * _mean(other, axis=1)) & (mean + deviation < 0) & (count >= 2)
    return better, _mean(mine, axis=1)


def not_much_worse(score: Score, than: Score) -> Bools:
    """Return where the mean loss of one candidate is at most 5 % above another's (a sibling of it may then be worth a try)."""
    both = ~np.isnan(score.loss) & ~np.isnan(than.loss)
    mine, other = (_mean(np.where(both, item.loss, np.nan), axis=1) for item in (score, than))
    return np.asarray(mine <= NOT_MUCH_WORSE * other)


def relative_error(score: Score, than: Score) -> Floats:
    """Return the absolute error of one candidate in units of another's [n], drawn to 1 and within 0.5 … 1.5."""
    both = ~np.isnan(score.error) & ~np.isnan(than.error)
    mine, other = (np.where(both, item.error, 0.0).sum(axis=1) for item in (score, than))
    prior = 0.25 * both.sum(axis=1) + 1e-12
    return np.clip((mine + prior) / (other + prior), 0.5, 1.5)


def _mean(values: Floats, axis: int | tuple[int, ...]) -> Floats:
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    return np.where(count > 0, np.where(known, values, 0.0).sum(axis=axis) / np.maximum(count, 1), np.nan)


def _last_known(values: Floats) -> Floats:
    known = ~np.isnan(values)
    position = values.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    return values[np.arange(len(values)), position]
