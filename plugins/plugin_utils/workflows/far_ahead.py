# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How high series may rise far beyond the planning window, on a coarse grid: for dates to be told, never for a change.

Nothing of this is stored as a forecast of the series: the newest one there is that of the planning window.
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import forecast_panel
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.histories import MIN_SAMPLES
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import ROUND_STEPS, Grid, known_extent

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store

QUANTILES = (0.1, 0.5, 0.9)
NAMES = tuple(str(level) for level in QUANTILES)
# Of the step in which a limit is reached nobody knows the moment: the early date is its start, the median its middle, the late one its end.
PASSED = dict(zip(NAMES, (0.0, 0.5, 1.0), strict=True))
# A history bears a look ahead of a quarter of its length. With half of it, 49 of 100 futures of random walks ended within the 10 %
# and 90 % quantiles, with a quarter 72, with a seventh 82 (80 is right); half of them above the median with all (test_far_ahead.py).
HISTORY_PER_HORIZON = 4
_STEPS, _LEAST_STEPS, _MOST_DAYS = 30, 5, 90
_DAY = 86400
_ROUND_HORIZONS = (
    *(hours * 3600 for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY for days in (1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 365)),
)


class Extent(t.NamedTuple):
    """What is known of a series: sample times, their number, and its usual step in seconds."""

    first: int
    last: int
    samples: int
    typical: int

    @property
    def span(self) -> int:
        """Seconds between the first and the last sample."""
        return self.last - self.first if self.samples else 0


class Far(t.NamedTuple):
    """How high one series may rise: per quantile its highest value so far at each step [h], and when it reaches its limit.

    runway: seconds from now by quantile, the early one first ("0.1"); None = not within the horizon.
    start: seconds from now to the begin of the first step, 0 or less: steps follow the newest sample, and that lies in the past.
    """

    step: int
    highest: Mapping[str, t.Any]
    last: float
    runway: Mapping[str, float | None]
    horizon: int
    start: int = 0


def extents(store: Store, series_ids: Sequence[int], now: int) -> dict[int, Extent]:
    """Return what is known of each series."""
    if not series_ids:
        return {}
    ids = [int(number) for number in series_ids]
    typical = store.typical_step(ids)
    return {
        number: Extent(int(first), int(last), int(count), int(step))
        for number, first, last, count, _replay, step in zip(ids, *known_extent(store, ids, now), typical, strict=True)
    }


def horizon_borne(spans: Sequence[int], *, window: int, most: int) -> int:
    """Return how far ahead histories of these lengths bear to look: by the longest, in round numbers, never less than the window.

    :param window: the planning window; most: what the user asks for at most.
    """
    borne = max(spans, default=0) // HISTORY_PER_HORIZON
    rounded = max((seconds for seconds in _ROUND_HORIZONS if seconds <= borne), default=0)
    return max(window, min(most, rounded if borne < most else most))


def look_far(
    store: Store,
    wanted: Mapping[int, tuple[Extent, int, float | None]],
    now: int,
    engine: Engine | None = None,
) -> dict[int, Far]:
    """Return how high each series may rise; one whose history is shorter than its horizon, too thin or too old is left out.

    :param wanted: by series id: its extent, the horizon in seconds, and its limit (None = none).
    """
    found: dict[int, Far] = {}
    batches: dict[tuple[int, int], list[int]] = {}
    for number, (extent, horizon, _limit) in wanted.items():
        step = _step(horizon, extent)
        if extent.samples and extent.span >= horizon and now - extent.last <= step:
            batches.setdefault((horizon, step), []).append(number)
    for (horizon, step), numbers in sorted(batches.items()):
        known = [wanted[number][0] for number in numbers]
        # Whole steps only, up to the newest sample: the highest value of a part of a day is not that of the day.
        end = max(extent.last for extent in known) + 1
        steps = min((end - min(extent.first for extent in known)) // step, 2 * HISTORY_PER_HORIZON * horizon // step)
        values = Grid(end - steps * step, end, step, "max").read(store, numbers)
        start = min(0, end - now)
        limits = [wanted[number][2] for number in numbers]
        # The changes of the past over as many steps. Choosing among candidates costs twice as much and gains nothing on storage
        # growth this far ahead (docs/benchmarks.md).
        panel = forecast_panel(
            list(values),
            step_seconds=step,
            horizon=max(1, math.ceil((horizon - start) / step)),
            lower=0.0,
            quantiles=QUANTILES,
            limits=[math.nan if limit is None else limit for limit in limits],
            model="empirical",
            engine=engine,
        )
        for row, number in enumerate(numbers):
            if panel.status[row] == "ok" and panel.runway is not None:
                highest = _highest(panel.quantiles[row], panel.peak[row])
                runway = {
                    name: None if math.isinf(seconds) else told(start + seconds - (1.0 - PASSED[name]) * step, horizon)
                    for name, seconds in zip(NAMES, panel.runway[row], strict=True)
                }
                last = float(values[row][~np.isnan(values[row])][-1])
                found[number] = Far(step, dict(zip(NAMES, highest, strict=True)), last, runway, horizon, start)
    return found


def told(moment: float, horizon: int) -> float:
    """Return the date to tell of something, in seconds from now: not before now, nor beyond the horizon where its step reaches beyond."""
    return float(min(max(moment, 0.0), horizon))


def _step(horizon: int, extent: Extent) -> int:
    """Return the seconds of a step: days where that is fine enough, so that only the peak of each day counts, whatever its course."""
    fine = max(horizon / _STEPS, extent.typical)
    if _DAY * _LEAST_STEPS <= horizon <= _DAY * _MOST_DAYS and extent.typical <= _DAY and extent.span >= MIN_SAMPLES * _DAY:
        return _DAY
    return next((step for step in ROUND_STEPS if step >= fine), ROUND_STEPS[-1])


def _highest(values: t.Any, peak: t.Any) -> t.Any:
    """Return quantiles of the running maximum [q, h], of those of the values and of the maximum at the end.

    What the maximum at the end is above the values, it is taken to be above them from the first step on: a saw-tooth has its first
    tip soon. That errs to an earlier date.
    """
    rising = np.maximum.accumulate(values, axis=1)
    return np.maximum.accumulate(rising + np.maximum(peak - rising[:, -1], 0.0)[:, None], axis=0)
