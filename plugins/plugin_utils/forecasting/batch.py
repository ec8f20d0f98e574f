# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One batch of series: how much each method counts for each of them, and the forecast. This is what runs in workers."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import backtest as tests
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import calibration, classical, stacking
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import family as families
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import Distribution, over_steps, reached, runway
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.members import BASE, Block, Label, View
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.mixture import mixture
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats

DENSE_STARTS = 96
NAN = float("nan")
_SHOWN = 0.05


class Choice(t.NamedTuple):
    """How much each method counts for a series, why, and how the mixture did in the backtest.

    weights: (method, season, weight), the weights sum to one; spread: errors of a fitted method relative to the own past's; scores: (method,
    season, score) of what was tried, the smaller the better.
    """

    weights: tuple[tuple[str, int, float], ...]
    season: int
    reason: str
    mase: float = NAN
    pinball: float = NAN
    coverage80: float = NAN
    origins: int = 0
    spread: float = 1.0
    scores: tuple[tuple[str, int, float], ...] = ()

    @property
    def method(self) -> str:
        """The methods that count, the most important one first."""
        shares: dict[str, float] = {}
        for method, _season, weight in self.weights:
            shares[method] = shares.get(method, 0.0) + weight
        ordered = sorted(shares, key=lambda name: (-shares[name], name))
        return "+".join(name for name in ordered if shares[name] >= _SHOWN or name == ordered[0])


class Batch(t.NamedTuple):
    """Series of like length, with one season and one gap since their last value.

    wanted: "" = a mixture, or a method; given: earlier choices, None = none; fits: bool [n], which series may try theta and ETS; family: what
    is known of series like these, None = nothing; limits [n, L] (inf = none), lower, upper [n].
    """

    block: Block
    length: int
    gap: int
    horizon: int
    quantiles: tuple[float, ...]
    limits: Floats
    lower: Floats
    upper: Floats
    wanted: str
    given: list[Choice | None]
    fits: Bools
    family: families.Family | None

    def rows(self, chosen: Bools) -> Batch:
        """Return the chosen series [bool n]."""
        return self._replace(
            block=self.block.rows(chosen),
            limits=self.limits[chosen],
            lower=self.lower[chosen],
            upper=self.upper[chosen],
            fits=self.fits[chosen],
            given=[choice for choice, wanted in zip(self.given, chosen, strict=True) if wanted],
        )


class Answer(t.NamedTuple):
    """quantiles [n, q, h], peak [n, q], runway [n, L, q] seconds, reach [n, L], choices [n]."""

    quantiles: Floats
    peak: Floats
    runway: Floats
    reach: Floats
    choices: list[Choice]


def forecast_batch(batch: Batch) -> Answer:
    """Choose where that is asked for, forecast, and return plain arrays."""
    choices = _choices(batch)
    block = batch.block._replace(spread=np.array([choice.spread for choice in choices]))
    view = View(block, horizon=batch.horizon, dense=DENSE_STARTS, gap=batch.gap)
    labels, weights = _weights(choices)
    for column, label in enumerate(labels):
        _part, answered = view.of(label, weights[:, column] > 0)
        for row in np.flatnonzero((weights[:, column] > 0) & ~answered).tolist():
            choices[row] = _without(choices[row], label)
    labels, weights = _weights(choices)
    found = mixture([view.of(label)[0] for label in labels], weights)
    if batch.family is not None and batch.family.calibration is not None and not batch.wanted:
        found = _calibrated(batch.family.calibration, found, np.array([choice.origins > 0 for choice in choices]))
    return Answer(*_finish(batch, found), choices)


def _calibrated(how: calibration.Calibration, said: Distribution, rows: Bools) -> Distribution:
    moved = calibration.applied(how, said)
    return said._replace(
        values=np.where(rows[:, None, None], moved.values, said.values), highest=np.where(rows[:, None, None], moved.highest, said.highest)
    )


def _weights(choices: Sequence[Choice]) -> tuple[list[Label], Floats]:
    """Return the methods that count for any of the series, and the weights [n, M]."""
    labels = sorted({Label(method, season) for choice in choices for method, season, _weight in choice.weights})
    weights = np.zeros((len(choices), len(labels)))
    for row, choice in enumerate(choices):
        for method, season, weight in choice.weights:
            weights[row, labels.index(Label(method, season))] = weight
    return labels, weights


def _without(choice: Choice, label: Label) -> Choice:
    """Return a choice that says that a method had no answer; the own past stands in for it."""
    shares: dict[tuple[str, int], float] = {}
    for method, season, weight in choice.weights:
        used = (BASE, season) if (method, season) == label else (method, season)
        shares[used] = shares.get(used, 0.0) + weight
    weights = tuple((method, season, weight) for (method, season), weight in shares.items())
    return choice._replace(weights=weights, reason=f"{label.method} has no answer for this history, so its own past serves")


def _finish(batch: Batch, found: Distribution) -> tuple[Floats, Floats, Floats, Floats]:
    bounds = batch.lower[:, None, None], batch.upper[:, None, None]
    values = np.clip(over_steps(found.values, found.steps, batch.horizon), *bounds)
    highest = np.clip(over_steps(found.highest, found.steps, batch.horizon), *bounds)
    wanted = np.array(batch.quantiles)
    probability = reached(highest, found.levels, batch.limits)
    reach, times = probability[:, :, -1], runway(probability, wanted, batch.block.step_seconds)
    already = batch.block.values[:, -1, None] >= batch.limits
    peak = _at_levels(highest[:, :, -1:], found.levels, wanted)[:, :, 0]
    return (
        _at_levels(values, found.levels, wanted), peak,
        np.where(already[:, :, None], 0.0, times), np.where(already, 1.0, reach),
    )  # fmt: skip


def _at_levels(quantiles: Floats, levels: Floats, wanted: Floats) -> Floats:
    """Return quantiles [n, l, h] at other levels [n, q, h], linear between."""
    right = np.clip(np.searchsorted(levels, wanted), 1, len(levels) - 1)
    left = right - 1
    share = np.clip((wanted - levels[left]) / (levels[right] - levels[left]), 0.0, 1.0)[None, :, None]
    # At a level itself its quantile is given, bit for bit, and beside it none beyond it.
    between = np.minimum(quantiles[:, left] + share * (quantiles[:, right] - quantiles[:, left]), quantiles[:, right])
    return np.where(share == 1.0, quantiles[:, right], between)


def _choices(batch: Batch) -> list[Choice]:
    """Return the given choices, and where there is none, one out of a backtest."""
    open_rows = np.array([choice is None for choice in batch.given])
    made = iter(_made(batch.rows(open_rows)) if open_rows.any() else [])
    return [next(made) if choice is None else choice for choice in batch.given]


def _made(batch: Batch) -> list[Choice]:
    block = batch.block._replace(networks=batch.family.judges if batch.family else [])
    season, count = block.season, len(block.values)
    base = Label(BASE, season)
    if batch.wanted:
        wanted = Label(batch.wanted, season)
        labels = [base] if wanted == base else [base, wanted]
        if wanted.method == "classic_lstm":
            # Training at every origin takes minutes: it is there to be compared by others.
            return [Choice(((wanted.method, season, 1.0),), season, "asked for") for _row in range(count)]
        fits = np.ones(count, dtype=bool)
    else:
        labels = families.labels_of(
            season,
            fits=bool(batch.fits.any()),
            networks=bool(block.networks),
            own_networks=any(item is not None for item in block.own_networks),
        )
        fits = batch.fits
    past = tests.backtest(block, labels, length=batch.length, horizon=batch.gap + batch.horizon, fits=fits)
    if batch.wanted:
        weights = np.zeros((count, len(labels)))
        weights[:, labels.index(wanted)] = 1.0
        return _told(past, weights, tests.tables(past, fits)[0] if past.origins else None, "asked for")
    if not past.origins:
        known = np.count_nonzero(~np.isnan(block.values), axis=1)
        return [
            Choice(((BASE, season, 1.0),), season, f"{number} values are too few for a backtest, so its own past changes serve")
            for number in known
        ]
    tables, has = tests.tables(past, fits)
    family = batch.family or families.learned(season, batch.horizon, [], [], [])
    pool = families.aligned(family, labels)
    weights = stacking.shrunk(tables, pool[1], pool[2], pool[0], has, families.POOL_WORTH, families.sharpness(labels))
    return _told(past, weights, tables, "")


def _told(past: tests.Backtest, weights: Floats, tables: stacking.Tables | None, reason: str) -> list[Choice]:
    """Return the choices with these weights [n, M], and how they did."""
    seen = tests.figures(past, tests.mixed(past, weights))
    spreads = np.ones(len(weights))
    for column, label in enumerate(past.labels):
        if label.method in classical.METHODS and past.origins:
            spreads = np.where(weights[:, column] > 0, tests.relative_error(past, label, past.labels[0]), spreads)
    found = []
    for row in range(len(weights)):
        shares = tuple(
            (label.method, label.season, float(weight)) for label, weight in zip(past.labels, weights[row], strict=True) if weight > 0
        )
        why = reason or _why(past.labels, weights[row], tables, row)
        mase, pinball, coverage80 = (float(item[row]) for item in (seen.mase, seen.pinball, seen.coverage80))
        scores = tuple((label.method, label.season, float(score)) for label, score in _scores(past.labels, tables, row))
        found.append(
            Choice(shares, past.labels[0].season, why, mase, pinball, coverage80, int(seen.origins[row]), float(spreads[row]), scores)
        )
    return found


def _why(labels: list[Label], weights: Floats, tables: stacking.Tables | None, row: int) -> str:
    order = np.argsort(-weights, kind="stable")
    used = ", ".join(f"{100 * weights[number]:.0f} % {labels[number].text}" for number in order if weights[number] > 0)
    if tables is None or not tables.origins[row]:
        return f"{used}: as for series like this one, for nothing could be measured of this one"
    scores = ", ".join(f"{label.text} {score:.2f}" for label, score in _scores(labels, tables, row))
    return f"{used}; scores over {int(tables.origins[row])} past origins and those of series like this one decided ({scores})"


def _scores(labels: list[Label], tables: stacking.Tables | None, row: int) -> list[tuple[Label, float]]:
    """Return what each method scores alone at the past origins of a series, the best first."""
    if tables is None or not tables.origins[row]:
        return []
    alone = tables.wrong[row] - 0.5 * np.diagonal(tables.apart[row])
    return [(labels[number], float(alone[number])) for number in np.argsort(alone, kind="stable")]
