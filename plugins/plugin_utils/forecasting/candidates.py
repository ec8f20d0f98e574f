# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The candidates without a fit: last value, drift and season, each as a path of centres and the errors it made in the past.

Every candidate gives two things for k steps ahead: `centre(k)` [n], what it expects, and `errors(k)` [n, S], by how much it
was wrong from each past start. Its forecast distribution is centre + weighted errors; the median need not be the centre.
"""

from __future__ import annotations

import math
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Past
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats


class Candidate(t.Protocol):
    """What the distribution of a forecast is made from."""

    past: Past

    def centre(self, k: int) -> Floats:
        """Return the expectation k steps ahead [n]."""

    def errors(self, k: int) -> Floats:
        """Return value − expectation k steps after each start [n, S], NaN where unknown."""


class Empirical:
    """The last value; its errors are the series' own past changes."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self._start = past.at(0)

    def centre(self, k: int) -> Floats:
        return self.past.last

    def errors(self, k: int) -> Floats:
        return self.past.at(k) - self._start


class Drift:
    """The last value plus k times the mean change since the first one."""

    MIN_STEPS = 6

    def __init__(self, past: Past) -> None:
        self.past = past
        known = ~np.isnan(past.values)
        first = np.argmax(known, axis=1)
        begin = past.values[np.arange(len(first)), first]
        length = past.values.shape[1]
        self._start = past.at(0)
        steps = (length - 1 - past.ages)[None, :] - first[:, None]
        # A slope out of a few steps says nothing: starts that early are left out.
        least = np.maximum(self.MIN_STEPS, (length - first) // 5)[:, None]
        self._slopes = np.where(steps >= least, (self._start - begin[:, None]) / np.maximum(steps, 1), np.nan)
        self._slope = (past.last - begin) / np.maximum(length - 1 - first, 1)

    def centre(self, k: int) -> Floats:
        return self.past.last + k * self._slope

    def errors(self, k: int) -> Floats:
        return self.past.at(k) - self._start - k * self._slopes


class SeasonalNaive:
    """The value of one season (or as many as are needed) before."""

    def __init__(self, past: Past, season: int) -> None:
        self.past = past
        self._season = season

    def centre(self, k: int) -> Floats:
        value = self.past.column(np.array([k - self._season * math.ceil(k / self._season)]))[:, 0]
        return np.where(np.isnan(value), self.past.last, value)

    def errors(self, k: int) -> Floats:
        return self.past.at(k) - self.past.at(k - self._season * math.ceil(k / self._season))


class Fitted:
    """Centres that a fitted model gave, with the spread of the series' own past changes around their median.

    :param centres: [n, h] of steps 1 … h.
    :param spread: [n] the model's past errors in units of the last value's.
    :param medians: [n, h] the weighted median of the past changes over 1 … h steps.
    """

    def __init__(self, past: Past, centres: Floats, spread: Floats, medians: Floats) -> None:
        self.past = past
        self._centres, self._spread, self._medians = centres, spread, medians
        self._start = past.at(0)

    def centre(self, k: int) -> Floats:
        return self._centres[:, k - 1]

    def errors(self, k: int) -> Floats:
        return (self.past.at(k) - self._start - self._medians[:, k - 1, None]) * self._spread[:, None]
