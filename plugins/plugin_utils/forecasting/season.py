# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Season of a series: which of the natural periods (hour, day, week) repeats in it, if any."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats

_PERIODS = (86400, 604800, 3600)
_MIN_CYCLES, _MIN_STEPS = 3, 4
_CLEARLY = 0.85


def periods(step_seconds: float) -> list[int]:
    """Return the natural periods in steps, the most plausible first; a period that is no whole number of steps is none."""
    found = [period / step_seconds for period in _PERIODS]
    return [round(steps) for steps in found if steps >= _MIN_STEPS and abs(steps - round(steps)) < 1e-9 * steps]


def detect(values: Floats, step_seconds: float) -> int:
    """Return the season of one series in steps, 1 = none.

    A period counts when values one period apart differ clearly less than values a quarter, a half and three quarters of it
    apart, as a trend or a random walk never do, over at least three cycles; and less than an eighth more or less of it apart,
    or the true period is another one.

    :param values: [T], NaN = missing, without leading or trailing NaN.
    """
    best, best_ratio = 1, _CLEARLY
    for period in periods(step_seconds):
        if len(values) < _MIN_CYCLES * period:
            continue
        used = values[-8 * period :]
        between = [_apart(used, lag) for lag in (period // 4, period // 2, 3 * period // 4)]
        reference, apart = float(np.mean(between)), _apart(used, period)
        near = max(1, period // 8)
        if reference > 0 and apart / reference < best_ratio and apart < min(_apart(used, period - near), _apart(used, period + near)):
            best, best_ratio = period, apart / reference
    return best


def _apart(values: Floats, lag: int) -> float:
    differences = np.abs(values[lag:] - values[:-lag])
    known = differences[~np.isnan(differences)]
    return float(known.mean()) if len(known) else float("nan")
