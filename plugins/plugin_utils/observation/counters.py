# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counters that only grow → rates per second, without being fooled by a restart, a gap or a clock that jumped."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import GAP, IMPOSSIBLE, RESET, Attributes

# A rate over more than so many usual intervals says nothing about its end any more.
_GAP_INTERVALS = 3
_SHORTEST_GAP = 60


class Counters:
    """The counters of one entity at one observation, compared with those of the one before.

    :param previous: what attributes() gave at the observation before, or None.
    :param at: the time of the observation, UTC seconds.
    :param boot_id: of the machine; another one means that all counters began anew.
    :param uptime: of the machine at the reading, seconds with their fractions, if known: more exact than whole seconds of the clock.
    """

    def __init__(self, previous: t.Any, *, at: int, boot_id: str | None, uptime: float | None = None) -> None:
        self._previous: Mapping[str, t.Any] = previous if isinstance(previous, Mapping) else {}
        self._at = at
        self._boot_id = boot_id
        self._uptime = uptime
        self._values: dict[str, float | int] = {}
        before = self._previous.get("at")
        self._interval = at - before if isinstance(before, int) and at > before else None
        # Two readings of a clock of whole seconds may be a second nearer to each other than they look.
        self._seconds: float | None = self._interval
        self._slack = 1.0 / (self._interval or 1)
        exact = self._previous.get("uptime")
        if self._interval and uptime is not None and isinstance(exact, (int, float)) and uptime > exact:
            self._seconds, self._slack = uptime - exact, 0.0

    def rate(
        self, name: str, measured: tuple[float | int | None, str | None], *, upper: float | None = None
    ) -> tuple[float | None, str | None]:
        """Return (value per second, flag) since the observation before; (None, None) where there is none to compare with.

        :param measured: the counter's value now, with the flag it got when it was read.
        :param upper: a rate above it is flagged as impossible.
        """
        value, flag = measured
        if value is None or flag is not None:
            return None, flag
        self._values[name] = value
        values = self._previous.get("values")
        before = values.get(name) if isinstance(values, Mapping) else None
        if self._seconds is None or not isinstance(before, (int, float)):
            return None, None
        if self._previous.get("boot_id") != self._boot_id or value < before:
            return None, RESET
        rate = (value - before) / self._seconds
        if upper is not None and rate > upper * (1 + self._slack):
            return rate, IMPOSSIBLE
        interval = self._previous.get("interval")
        if isinstance(interval, int) and self._seconds > max(_SHORTEST_GAP, _GAP_INTERVALS * interval):
            return rate, GAP
        return rate, None

    def attributes(self) -> Attributes:
        """Return what the next observation is compared with, as plain data."""
        return {
            "at": self._at,
            "boot_id": self._boot_id,
            "uptime": self._uptime,
            "interval": self._interval,
            "values": dict(self._values),
        }
