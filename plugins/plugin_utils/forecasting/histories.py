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
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats

MIN_SAMPLES = 14
_LENGTHS_PER_DOUBLING = 2


class History(t.NamedTuple):
    """One series made ready.

    values [T] from the first to the last finite value, divided by 2 ** exponent (exactly: no rounding); gap = steps since the
    last one; known = finite values; length = a lower bound of T that all series of like length share.
    """

    values: Floats
    exponent: int
    gap: int
    known: int
    length: int

    @property
    def status(self) -> str:
        """Return ok, cold_start (less than 14 values) or invalid (none)."""
        return "ok" if self.known >= MIN_SAMPLES else "cold_start" if self.known else "invalid"


def prepare(history: t.Any, horizon: int) -> History:
    """Return one history made ready. Infinite values count as missing; a gap at the end counts up to one horizon.

    :raises InputError: for what is not a flat list of numbers.
    """
    try:
        values = np.asarray(history, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"A history must be a flat list of numbers with NaN for what is missing; seen: {history!r:.80}") from error
    if values.ndim != 1:
        raise InputError(f"A history must be a flat list of numbers; seen: {values.ndim} dimensions.")
    finite = np.isfinite(values)
    count = int(finite.sum())
    if not count:
        return History(np.empty(0), 0, 0, 0, 0)
    first, last = int(np.argmax(finite)), len(values) - 1 - int(np.argmax(finite[::-1]))
    part = np.where(finite[first : last + 1], values[first : last + 1], np.nan)
    exponent = int(np.frexp(float(np.nanmax(np.abs(part))))[1])
    return History(np.ldexp(part, -exponent), exponent, min(len(values) - 1 - last, horizon), count, _shared_length(count, len(part)))


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


def block(histories: Sequence[History]) -> Floats:
    """Return the values of some histories as a right-aligned matrix [n, T], NaN = missing, at least two columns wide."""
    width = max(2, *(len(history.values) for history in histories))
    values = np.full((len(histories), width), np.nan)
    for row, history in enumerate(histories):
        values[row, width - len(history.values) :] = history.values
    return values


def _shared_length(count: int, length: int) -> int:
    if count < MIN_SAMPLES:
        return 0
    steps = math.floor(_LENGTHS_PER_DOUBLING * math.log2(length / MIN_SAMPLES))
    return max(MIN_SAMPLES, math.floor(MIN_SAMPLES * 2.0 ** (steps / _LENGTHS_PER_DOUBLING)))
