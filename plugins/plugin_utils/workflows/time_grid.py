# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time grid on which series are read: one step, one end, the newest sample in the middle of its bucket."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Iterable, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store

ROUND_STEPS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400, 604800)
_NEAR = 0.2
FALLBACK_STEP = 600
MAX_STEPS = 1500
LATE_STEPS = 3
# Samples carry the clock of their host, which may be this much ahead (the default of max_skew of record).
CLOCK_SECONDS = 300
_DEFAULT_SECONDS, _LEAST_STEPS, _MOST_STEPS = 14 * 86400, 400, 2016


class Grid(t.NamedTuple):
    """Buckets [start + i·step, start + (i + 1)·step) up to `end`; `how` several samples in one bucket become one value."""

    start: int
    end: int
    step: int
    how: t.Literal["last", "max"]

    def read(self, store: Store, series_ids: Sequence[int]) -> t.Any:
        """Return the good samples of the series, float64 [n, t], NaN = missing."""
        return store.read_samples(series_ids, start=self.start, end=self.end, step=self.step, how=self.how)


def steps_of(typical: Iterable[int]) -> list[int]:
    """Return the step of each series from the typical distance of its samples: the round number it means, if there is one near.

    A series of unknown distance (0) gets the most frequent step of the others.
    """
    found = [_rounded(int(seconds)) for seconds in typical]
    known = sorted(step for step in found if step)
    common = max(dict.fromkeys(known), key=known.count) if known else FALLBACK_STEP
    return [step or common for step in found]


def coarsened(step: int, horizon: int) -> int:
    """Return a step that makes at most 1,500 of the horizon."""
    return max(step, math.ceil(horizon / MAX_STEPS))


def grid(
    *, step: int, typical: int, newest: int, oldest: int, now: int, replay: bool, history_seconds: int | None, horizon: int = LATE_STEPS
) -> Grid:
    """Return the grid for series of one step.

    It ends at the bucket of `now`, at most one horizon (or three steps) after the newest sample of all.

    :param typical: usual distance of the samples; of several in a longer step the greatest counts, for plans need peaks.
    :param newest, oldest: times of the newest and the oldest sample that count.
    :param replay: there are samples after `now`, which must not be seen: then the last bucket ends with `now`.
    :param history_seconds: how far back; by default two weeks, at least 400 and at most 2,016 steps.
    :param horizon: steps of the forecast that begins at `now`.
    """
    half = step // 2
    passed = min((now - newest + half) // step, max(LATE_STEPS, horizon))
    end = newest + passed * step + step - half
    if replay:
        end = min(end, now + 1)
    steps = max(1, min(most_steps(step, history_seconds), math.ceil((end - oldest) / step)))
    return Grid(end - steps * step, end, step, "max" if 2 * step > 3 * typical > 0 else "last")


def most_steps(step: int, history_seconds: int | None) -> int:
    """Return how many steps of history are looked at, however long it is.

    :param history_seconds: as of `grid`.
    """
    return math.ceil(history_seconds / step) if history_seconds else min(max(_DEFAULT_SECONDS // step, _LEAST_STEPS), _MOST_STEPS)


def known_extent(store: Store, series_ids: Sequence[int], now: int) -> tuple[t.Any, t.Any, t.Any, t.Any]:
    """Return of each series the first and last sample time [n] (-1 = none), their number, and whether this is a replay.

    Where samples lie after `now`, the last time is `now` itself: what lies before it is only known after reading. It is a replay
    when they lie further ahead than a clock may be.
    """
    first, last, count = (np.asarray(item, dtype=np.int64) for item in store.sample_extent(series_ids))
    none = (count == 0) | (first > now)
    return (
        np.where(none, -1, first),
        np.where(none, -1, np.minimum(last, now)),
        np.where(none, 0, count),
        ~none & (last > now + CLOCK_SECONDS),
    )


def _rounded(seconds: int) -> int:
    near = [step for step in ROUND_STEPS if abs(step - seconds) <= _NEAR * step]
    return min(near, key=lambda step: abs(step - seconds)) if near and seconds > 0 else max(seconds, 0)
