# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each method says of the future of some series, seen from their present or from an earlier moment."""

from __future__ import annotations

import statistics
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classic_lstm, classical, global_model, lstm
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.candidates import (
    Candidate,
    Drift,
    Empirical,
    Fitted,
    SeasonalNaive,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import (
    LEVELS,
    Distribution,
    distribution,
    over_steps,
    step_grid,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Past, look_back
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats

BASE = "empirical"
METHODS = ("last", "naive", "drift", "snaive", BASE, *classical.METHODS, "lstm", "global", "classic_lstm")
# They compute with torch or statsforecast, whose place is a worker of the engine (the answers of `global` are plain numpy).
TORCH = ("lstm", "classic_lstm")
HEAVY = (*classical.METHODS, *TORCH)
_SQUARE_ROOT_METHODS = ("last", "naive")


class Label(t.NamedTuple):
    """A method and the season it uses, 1 = none."""

    method: str
    season: int

    @property
    def text(self) -> str:
        """What it is called in a reason."""
        return f"{self.method} (season {self.season})" if self.season > 1 and self.method == BASE else self.method


class Block(t.NamedTuple):
    """Some series and what their forecasts are made from.

    values [n, T] right-aligned, NaN = missing, the last column known; counts [n, T]: how much each step of the past counts, None =
    all alike; ends [n]: UTC seconds of the last column, None = unknown; networks: of the global model for this season and horizon;
    own_networks: parameters of each series' LSTM, None = it has none (of classic_lstm its model, which each has); spread [n]: errors of a
    fitted model relative to the own past's.
    """

    values: Floats
    season: int
    step_seconds: float
    seed: int
    counts: Floats | None = None
    ends: Floats | None = None
    networks: Sequence[t.Any] = ()
    own_networks: Sequence[t.Any] = ()
    spread: Floats | None = None

    def rows(self, chosen: Bools) -> Block:
        """Return the chosen series [bool n]."""
        counts, ends, spread = (None if item is None else item[chosen] for item in (self.counts, self.ends, self.spread))
        own = [item for item, wanted in zip(self.own_networks, chosen, strict=True) if wanted] if len(self.own_networks) else ()
        return self._replace(values=self.values[chosen], counts=counts, ends=ends, spread=spread, own_networks=own)

    def before(self, offset: int) -> Block:
        """Return the block as it was known `offset` steps ago; where nothing was known then, the last value before stands in."""
        if not offset:
            return self
        known = self.values[:, :-offset].copy()
        known[:, -1] = _last_known(known)
        return self._replace(
            values=known,
            counts=None if self.counts is None else self.counts[:, :-offset],
            ends=None if self.ends is None else self.ends - offset * self.step_seconds,
        )


def heavy_of(fits: Bools, own_networks: Sequence[t.Any]) -> set[str]:
    """Return the methods out of HEAVY that a mixture for these series may be made of.

    :param fits: bool [n], the series to fit models to; own_networks: as of Block.
    """
    found = {"theta", "ets"} if fits.any() else set()
    return found | ({"lstm"} if any(item is not None for item in own_networks) else set())


class View:
    """The forecasts of a block from its last column, each computed once.

    :param horizon: steps; they begin `gap` steps after the last column.
    :param dense: starts that are all taken, as in `look_back`.
    """

    def __init__(self, block: Block, *, horizon: int, dense: int, gap: int = 0) -> None:
        self._block, self._horizon, self._dense, self._gap = block, horizon, dense, gap
        self._pasts: dict[int, Past] = {}
        self._found: dict[Label, tuple[Distribution, Bools]] = {}
        self._everyone = np.ones(len(block.values), dtype=bool)
        self._steps = step_grid(horizon, block.season)

    def of(self, label: Label, rows: Bools | None = None) -> tuple[Distribution, Bools]:
        """Return the forecast of a method, and for which series [bool n] it has one: for the others the own past stands in.

        :param rows: bool [n], the series that a fitted model is fitted to; None = all.
        """
        if label not in self._found:
            self._found[label] = self._made(label, self._everyone if rows is None else rows)
        return self._found[label]

    def _made(self, label: Label, rows: Bools) -> tuple[Distribution, Bools]:
        if label.method in classical.METHODS:
            return self._fitted(label, rows)
        if label.method == "lstm":
            return self._lstm(label)
        if label.method == "global":
            return self._global(label)
        if label.method == "classic_lstm":
            model = classic_lstm.stacked(self._block.own_networks)
            centres = classic_lstm.predict(model, self._block.values, horizon=self._gap + self._horizon)[:, self._gap :]
            return self._without_spread(centres), self._everyone
        if label.method in _SQUARE_ROOT_METHODS:
            return self._square_root(label), self._everyone
        return self._of_errors(self._candidate(label)), self._everyone

    def _candidate(self, label: Label) -> Candidate:
        past = self._past(label.season)
        if label.method == "drift":
            return Drift(past)
        return SeasonalNaive(past, label.season) if label.method == "snaive" else Empirical(past)

    def _past(self, season: int) -> Past:
        if season not in self._pasts:
            block = self._block
            self._pasts[season] = look_back(
                block.values,
                season=season,
                horizon=self._gap + self._horizon,
                seed=block.seed,
                dense=self._dense,
                counts=block.counts,
            )
        return self._pasts[season]

    def _of_errors(self, candidate: Candidate) -> Distribution:
        # How far the levels are to be moved, the calibration says.
        return distribution(candidate, horizon=self._horizon, gap=self._gap, steps=self._steps, outward=False)

    def _square_root(self, label: Label) -> Distribution:
        """Return the last value, with the Gaussian spread of independent steps (naive) or none; the highest by the reflection principle."""
        values = self._block.values
        size = np.zeros(len(values))
        if label.method == "naive":
            changes = np.diff(values, axis=1)
            size = _root_mean_square(changes, ~np.isnan(changes))
        normal = statistics.NormalDist()
        spread = size[:, None, None] * np.sqrt(self._gap + self._steps)[None, None, :]
        found = [
            values[:, -1, None, None] + np.array([normal.inv_cdf(level) for level in levels])[None, :, None] * spread
            for levels in (LEVELS, [(1.0 + level) / 2.0 for level in LEVELS])
        ]
        return Distribution(self._steps, np.array(LEVELS), *found)

    def _without_spread(self, centres: Floats) -> Distribution:
        steps = self._steps
        shape = (len(centres), len(LEVELS), len(steps))
        highest = np.maximum.accumulate(centres, axis=1)
        found = [np.broadcast_to(item[:, None, steps - 1], shape).copy() for item in (centres, highest)]
        return Distribution(steps, np.array(LEVELS), *found)

    def _fitted(self, label: Label, rows: Bools) -> tuple[Distribution, Bools]:
        total = self._gap + self._horizon
        past = self._past(label.season)
        own = distribution(Empirical(past), horizon=total)
        medians = over_steps(own.values[:, LEVELS.index(0.5)], own.steps, total) - past.last[:, None]
        centres = past.last[:, None] + medians
        answered = np.zeros(len(centres), dtype=bool)
        for row in np.flatnonzero(rows):
            found = classical.forecast(label.method, self._block.values[row], season=label.season, horizon=total)
            if found is not None:
                centres[row], answered[row] = found, True
        spread = np.ones(len(centres)) if self._block.spread is None else np.where(answered, self._block.spread, 1.0)
        return self._of_errors(Fitted(past, centres, spread, medians)), answered

    def _lstm(self, label: Label) -> tuple[Distribution, Bools]:
        own = self.of(Label(BASE, label.season))[0]
        given = np.array([item is not None for item in self._block.own_networks], dtype=bool)
        if not given.any():
            return own, np.zeros(len(self._everyone), dtype=bool)
        found = lstm.forecast(
            lstm.stacked([item for item in self._block.own_networks if item is not None]),
            self._block.values[given],
            horizon=self._horizon,
            season=label.season,
            seed=self._block.seed,
            gap=self._gap,
        )
        whole = own._replace(values=own.values.copy(), highest=own.highest.copy())
        whole.values[given], whole.highest[given] = found.values, found.highest
        return whole, given

    def _global(self, label: Label) -> tuple[Distribution, Bools]:
        block = self._block
        if not block.networks:
            return self.of(Label(BASE, label.season))[0], np.zeros(len(self._everyone), dtype=bool)
        # A network answers for the horizon that it was trained for, and knows no gap.
        trained = global_model.horizon_of(block.networks)
        own = global_model.own_past(block.values, season=label.season, horizon=trained)
        found = global_model.answer(
            block.networks, block.values, own, season=label.season, ends=block.ends, step_seconds=block.step_seconds
        )
        ahead = np.minimum(self._gap + self._steps, trained) - 1
        values, highest = (over_steps(item, found.steps, trained)[:, :, ahead] for item in (found.values, found.highest))
        return Distribution(self._steps, found.levels, values, highest), self._everyone


def _root_mean_square(changes: Floats, known: Bools) -> Floats:
    # Added one after the other: what is missing before a series must not change the rounding.
    return np.sqrt(np.cumsum(np.where(known, changes, 0.0) ** 2, axis=1)[:, -1] / np.maximum(known.sum(axis=1), 1))


def _last_known(values: Floats) -> Floats:
    known = ~np.isnan(values)
    position = values.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    return values[np.arange(len(values)), position]
