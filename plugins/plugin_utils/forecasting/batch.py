# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forecast of one batch of series of like length and season: what a worker of the engine computes."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classical
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.backtest import (
    Backtest,
    Label,
    Score,
    clearly_better,
    make,
    not_much_worse,
    relative_error,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.candidates import Candidate, Fitted, Naive
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import (
    Distribution,
    distribution,
    over_steps,
    reached,
    runway,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import look_back
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats

DENSE_STARTS = 96
NAN = float("nan")


class Choice(t.NamedTuple):
    """Which candidate serves a series, why, and how it did in the backtest. `spread`: errors of a fitted one relative to the last value's."""

    method: str
    season: int
    reason: str
    mase: float = NAN
    pinball: float = NAN
    coverage80: float = NAN
    origins: int = 0
    spread: float = 1.0


class Batch(t.NamedTuple):
    """Series of like length, with one season and one gap since their last value.

    values [n, T] right-aligned, the last column known; wanted: "" = choose, or a method; given: earlier choices, None = none;
    classical: bool [n], which series may try theta and ETS; limits [n, L] (inf = none), lower, upper [n].
    """

    values: Floats
    length: int
    season: int
    gap: int
    horizon: int
    step_seconds: float
    quantiles: tuple[float, ...]
    limits: Floats
    lower: Floats
    upper: Floats
    wanted: str
    given: list[Choice | None]
    classical: Bools
    seed: int


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
    rows, levels = len(batch.values), len(batch.quantiles)
    answer = Answer(
        np.empty((rows, levels, batch.horizon)),
        np.empty((rows, levels)),
        np.empty((rows, batch.limits.shape[1], levels)),
        np.empty(batch.limits.shape),
        choices,
    )
    for label in sorted({Label(choice.method, choice.season) for choice in choices}):
        chosen = np.array([(choice.method, choice.season) == label for choice in choices])
        part = _part(batch, chosen)
        candidate, failed = _candidate(part, label, np.array([choice.spread for choice in choices])[chosen])
        for row in np.flatnonzero(chosen)[failed]:
            choices[row] = choices[row]._replace(
                method="naive", reason=f"{label.method} has no answer for this history, so the last value serves"
            )
        found = distribution(candidate, horizon=batch.horizon, quantiles=batch.quantiles, gap=batch.gap)
        for whole, piece in zip(answer[:4], _finish(part, found), strict=True):
            whole[chosen] = piece
    return answer


def _finish(batch: Batch, found: Distribution) -> tuple[Floats, Floats, Floats, Floats]:
    bounds = batch.lower[:, None, None], batch.upper[:, None, None]
    values = np.clip(over_steps(found.values, found.steps, batch.horizon), *bounds)
    highest = np.clip(over_steps(found.highest, found.steps, batch.horizon), *bounds)
    columns = np.searchsorted(found.levels, batch.quantiles)
    probability = reached(highest, found.levels, batch.limits)
    reach, times = probability[:, :, -1], runway(probability, np.array(batch.quantiles), batch.step_seconds)
    already = batch.values[:, -1, None] >= batch.limits
    return values[:, columns], highest[:, columns, -1], np.where(already[:, :, None], 0.0, times), np.where(already, 1.0, reach)


def _candidate(batch: Batch, label: Label, spread: Floats) -> tuple[Candidate, Bools]:
    """Return the candidate of a label for the whole of a batch, and where [bool n] a fit had no answer and the last value stands in."""
    total = batch.gap + batch.horizon
    past = look_back(batch.values, season=label.season, horizon=total, seed=batch.seed, dense=DENSE_STARTS)
    none = np.zeros(len(batch.values), dtype=bool)
    if label.method not in classical.METHODS:
        return make(label, past), none
    naive = distribution(Naive(past), horizon=total, quantiles=())
    medians = over_steps(naive.values[:, int(np.searchsorted(naive.levels, 0.5))], naive.steps, total) - past.last[:, None]
    centres = past.last[:, None] + medians
    for row in range(len(centres)):
        fitted = classical.forecast(label.method, batch.values[row], season=label.season, horizon=total)
        none[row] = fitted is None
        if fitted is not None:
            centres[row] = fitted
    return Fitted(past, centres, np.where(none, 1.0, spread), medians), none


def _choices(batch: Batch) -> list[Choice]:
    """Return the given choices, and where there is none, one out of a backtest."""
    open_rows = np.array([choice is None for choice in batch.given])
    made = iter(_backtested(_part(batch, open_rows)) if open_rows.any() else [])
    return [next(made) if choice is None else choice for choice in batch.given]


def _backtested(batch: Batch) -> list[Choice]:
    test = Backtest(batch.values, length=batch.length, horizon=batch.gap + batch.horizon, season=batch.season, seed=batch.seed)
    base = Label("naive", batch.season)
    if batch.wanted:
        wanted = Label(batch.wanted, batch.season)
        scores = {label: test.score(label, np.ones(len(batch.values), dtype=bool)) for label in (wanted, base)} if test.offsets else {}
        return [_choice(wanted, row, scores, base, "asked for") for row in range(len(batch.values))]
    if not test.offsets:
        known = np.count_nonzero(~np.isnan(batch.values), axis=1)
        return [Choice("naive", batch.season, f"{count} values are too few for a backtest, so the last value serves") for count in known]
    scores = {label: test.score(label) for label in _without_fit(batch.season)}
    if batch.classical.any():
        theta = Label("theta", batch.season)
        scores[theta] = test.score(theta, batch.classical)
        worth = batch.classical & not_much_worse(scores[theta], scores[base]) & (batch.season == 1)
        if worth.any():
            scores[Label("ets", 1)] = test.score(Label("ets", 1), worth)
    return [_choice(label, row, scores, base, "") for row, label in enumerate(_winners(scores, base))]


def _without_fit(season: int) -> list[Label]:
    found = [Label("naive", season), Label("drift", 1)]
    return [*found, Label("naive", 1), Label("snaive", season)] if season > 1 else found


def _winners(scores: dict[Label, Score], base: Label) -> list[Label]:
    winners = [base] * len(scores[base].loss)
    least = np.full(len(winners), np.inf)
    for label, score in scores.items():
        if label == base:
            continue
        better, loss = clearly_better(score, scores[base])
        for row in np.flatnonzero(better & (loss < least)):
            winners[row], least[row] = label, loss[row]
    return winners


def _choice(label: Label, row: int, scores: dict[Label, Score], base: Label, reason: str) -> Choice:
    if label not in scores or np.isnan(scores[label].loss[row]).all():
        return Choice(label.method, label.season, reason or "the last value serves, for nothing could be measured")
    losses = {other: float(np.nanmean(score.loss[row])) for other, score in scores.items() if not np.isnan(score.loss[row]).all()}
    score = scores[label]
    count = int((~np.isnan(score.loss[row])).sum())
    others = ", ".join(
        f"{_name(other, base)} {loss:.2f}" for other, loss in sorted(losses.items(), key=lambda item: item[1]) if other != label
    )
    spread = float(relative_error(score, scores[base])[row]) if label.method in classical.METHODS else 1.0
    return Choice(
        method=label.method,
        season=label.season,
        reason=reason
        or f"{_name(label, base)} was chosen with a loss of {losses[label]:.2f} over {count} past origins"
        + (f" ({others})" if others else ""),
        mase=float(np.nanmean(score.error[row])),
        pinball=losses[label],
        coverage80=float(np.nanmean(score.cover[row])),
        origins=count,
        spread=spread,
    )


def _name(label: Label, base: Label) -> str:
    return f"{label.method} without season" if label.method == "naive" and label.season != base.season else label.method


def _part(batch: Batch, rows: Bools) -> Batch:
    return batch._replace(
        values=batch.values[rows],
        limits=batch.limits[rows],
        lower=batch.lower[rows],
        upper=batch.upper[rows],
        classical=batch.classical[rows],
        given=[choice for choice, chosen in zip(batch.given, rows, strict=True) if chosen],
    )
