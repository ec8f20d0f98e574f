# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Histories out, trained per-volume networks back: what goes to the workers of the engine, and what comes from them.

Parameters outside of here are in units of the values. Networks are trained on values divided by the power of two that
`histories.prepare` divides by, so the two numbers of the scaler are multiplied by it, and divided by whatever power a later
history has: powers of two round nothing.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import lstm
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.histories import History, block_of, prepare, season_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.lstm_inputs import MIN_KNOWN
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.version import code_version
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.lstm import Parameters
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats, Ints

__all__ = ["MIN_KNOWN", "Batch", "Hindsight", "Lesson", "Outcome", "batches", "hindsight_of", "lesson_of", "lstm_version", "outcomes"]

BATCH_SERIES = 125
_CODE = ("lstm.py", "lstm_inputs.py", "lstm_network.py")


def lstm_version() -> str:
    """Return the digest of the code that says what the parameters of a per-volume network mean."""
    return code_version(*_CODE)


class Lesson(t.NamedTuple):
    """One series to learn from: its history made ready, and its season in steps."""

    history: History
    season: int

    @property
    def offset(self) -> int:
        """Where the history begins in what was given."""
        return self.history.last + 1 - len(self.history.values)


class Batch(t.NamedTuple):
    """Series of like length and one season. values [n, T] right-aligned; start: parameters in units of these values, None = begin anew."""

    values: Floats
    season: int
    seed: int
    start: list[Parameters | None]


class Hindsight(t.NamedTuple):
    """predicted [T]: what was said of each value one step before; part [T]: 1 = training, 2 = validation, 3 = test, 0 = no value."""

    predicted: Floats
    part: Ints


class Outcome(t.NamedTuple):
    """One trained network. parameters, error, last_error and predicted are in units of the values; curve [e, 2]; see `lstm.Trained`."""

    parameters: Parameters
    curve: Floats
    kept: int
    error: float
    last_error: float
    hindsight: Hindsight


def lesson_of(values: Floats, *, step_seconds: int, metric: str, lower: float, upper: float | None) -> Lesson:
    """Return what can be learned from one series.

    :param values: [T] as they were read, NaN = missing; a season is looked for in them.
    """
    history = prepare(values, 1, step_seconds=step_seconds, metric=metric, lower=lower, upper=np.inf if upper is None else upper)
    return Lesson(history, season_of(history, "auto", step_seconds))


def batches(lessons: Sequence[Lesson], start: Sequence[Parameters | None], seed: int) -> Iterator[tuple[list[int], Batch]]:
    """Yield the rows of each batch and the batch: lessons of like length and one season.

    :param start: of each lesson parameters that go on being trained, in units of the values, or None.
    """
    groups: dict[tuple[int, int], list[int]] = {}
    for row, lesson in enumerate(lessons):
        groups.setdefault((lesson.season, lesson.history.length), []).append(row)
    for (season, _length), rows in sorted(groups.items()):
        for begin in range(0, len(rows), BATCH_SERIES):
            part = rows[begin : begin + BATCH_SERIES]
            begun = [None if (one := start[row]) is None else lstm.rescaled(one, -lessons[row].history.exponent) for row in part]
            yield part, Batch(block_of([lessons[row].history for row in part]).values, season, seed, begun)


def train_batch(batch: Batch) -> lstm.Trained:
    """Train the networks of a batch: what a worker of the engine computes."""
    return lstm.train(batch.values, season=batch.season, seed=batch.seed, start=batch.start)


def predict_batch(batch: Batch) -> tuple[Floats, Ints]:
    """Return what the networks of a batch, which all have parameters, say in hindsight: what a worker of the engine computes."""
    return lstm.hindsight(lstm.stacked([one for one in batch.start if one is not None]), batch.values, season=batch.season)


def outcomes(lessons: Sequence[Lesson], trained: lstm.Trained) -> Iterator[Outcome]:
    """Yield the outcome of each lesson of a batch.

    :param lessons: those of the batch.
    """
    for row, lesson in enumerate(lessons):
        exponent = lesson.history.exponent
        error, last_error = (float(np.ldexp(value[row], exponent)) for value in (trained.error, trained.last_error))
        epochs = int(np.count_nonzero(~np.isnan(trained.curve[row]).all(axis=1)))
        yield Outcome(
            lstm.rescaled(lstm.one_of(trained.parameters, row), exponent),
            trained.curve[row, :epochs],
            int(trained.kept[row]),
            error,
            last_error,
            hindsight_of(lesson, trained.predicted[row], trained.part[row]),
        )


def hindsight_of(lesson: Lesson, predicted: Floats, part: Ints) -> Hindsight:
    """Return the hindsight of one lesson from its row of a batch."""
    length = len(lesson.history.values)
    return Hindsight(np.ldexp(predicted[-length:], lesson.history.exponent), part[-length:])
