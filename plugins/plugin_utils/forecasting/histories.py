# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The histories of a panel made ready: checked, trimmed, brought to a common size, and put into batches."""

from __future__ import annotations

import hashlib
import math
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import season as seasons
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.hygiene import clean, past_weight
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.members import Block
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats

MIN_SAMPLES = 14
_LENGTHS_PER_DOUBLING = 2


class History(t.NamedTuple):
    """One series made ready.

    values [T] from the first to the last finite value, divided by 2 ** exponent (exactly: no rounding); gap = steps since the
    last one; known = finite values; length = a lower bound of T that all series of like length share; last = position of the last finite
    value in what was given; counts [T] = how much each step of the past counts, None = all alike; notes = what was done to the series.
    """

    values: Floats
    exponent: int
    gap: int
    known: int
    length: int
    last: int
    counts: Floats | None
    notes: tuple[str, ...]

    @property
    def status(self) -> str:
        """Return ok, cold_start (less than 14 values) or invalid (none)."""
        return "ok" if self.known >= MIN_SAMPLES else "cold_start" if self.known else "invalid"


def prepare(
    history: t.Any, horizon: int, *, step_seconds: float, metric: str | None = None, lower: float = -math.inf, upper: float = math.inf
) -> History:
    """Return one history made ready. Infinite values count as missing; a gap at the end counts up to one horizon.

    :param lower, upper: bounds of the values; what lies outside of them cannot be and is left out.
    :raises InputError: for what is not a flat list of numbers.
    """
    try:
        given = np.asarray(history, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"A history must be a flat list of numbers with NaN for what is missing; seen: {history!r:.80}") from error
    if given.ndim != 1:
        raise InputError(f"A history must be a flat list of numbers; seen: {given.ndim} dimensions.")
    values, breaks, notes = clean(given, step_seconds=step_seconds, metric=metric, lower=lower, upper=upper)
    known = np.isfinite(values)
    count = int(known.sum())
    if not count:
        return History(np.empty(0), 0, 0, 0, 0, -1, None, tuple(notes))
    first, last = int(np.argmax(known)), len(values) - 1 - int(np.argmax(known[::-1]))
    part = np.where(known[first : last + 1], values[first : last + 1], np.nan)
    exponent = int(np.frexp(float(np.nanmax(np.abs(part))))[1])
    counts = past_weight([item - first for item in breaks], len(part), worth=max(MIN_SAMPLES, horizon)) if breaks else None
    return History(
        np.ldexp(part, -exponent), exponent, min(len(values) - 1 - last, horizon), count, _shared_length(count, len(part)), last, counts, tuple(notes)
    )


def season_of(history: History, season: int | str | None, step_seconds: float) -> int:
    """Return the season of one series in steps, 1 = none, where two of it have been seen."""
    if season is None or history.known < MIN_SAMPLES:
        return 1
    found = seasons.detect(history.values, step_seconds) if season == "auto" else int(season)
    return found if len(history.values) >= 2 * found else 1


def promise(history: History) -> float:
    """Return how much there may be to gain from a fitted model, 0..1: changes that depend on the change before.

    After smoothing noise (changes that take each other back) or along a local trend (changes that go on) theta and ETS can be
    better than the last value; on independent changes they cannot.
    """
    changes = np.diff(history.values)
    changes = changes[~np.isnan(changes)]
    if len(changes) < MIN_SAMPLES:
        return 0.0
    centred = changes - changes.mean()
    power = float((centred * centred).sum())
    return abs(float((centred[1:] * centred[:-1]).sum())) / power if power > 0 else 0.0


def tie_break(history: History) -> str:
    """Return a text that orders series by nothing but their values, so that their order in the panel does not matter."""
    return hashlib.sha256(history.values.tobytes()).hexdigest()


def block_of(histories: Sequence[History]) -> Block:
    """Return some histories as a block (its season and step are still to be set): right-aligned, at least two columns wide."""
    width = max(2, *(len(history.values) for history in histories))
    values = np.full((len(histories), width), np.nan)
    counts = np.ones(values.shape) if any(history.counts is not None for history in histories) else None
    for row, history in enumerate(histories):
        values[row, width - len(history.values) :] = history.values
        if counts is not None and history.counts is not None:
            counts[row, width - len(history.values) :] = history.counts
    return Block(values, 1, 1.0, 0, counts)


def _shared_length(count: int, length: int) -> int:
    if count < MIN_SAMPLES:
        return 0
    steps = math.floor(_LENGTHS_PER_DOUBLING * math.log2(length / MIN_SAMPLES))
    return max(MIN_SAMPLES, math.floor(MIN_SAMPLES * 2.0 ** (steps / _LENGTHS_PER_DOUBLING)))
