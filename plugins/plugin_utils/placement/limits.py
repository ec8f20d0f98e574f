# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much may be migrated at once, and when: the limits of a migration."""

from __future__ import annotations

import dataclasses
import math
import re
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_parts import MODES

_KNOWN = ("global", "per_node_in", "per_node_out", "bandwidth_bytes_per_second", "now", "windows", "overcommit")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DAY = 86400
# No window is used for longer: sums of such times still count every second.
_YEAR = 366 * _DAY


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """A span of each day, in seconds since midnight UTC, for migrations of some modes; it ends on the next day where `end` is not after `start`."""

    start: int
    end: int
    modes: tuple[str, ...]

    @property
    def seconds(self) -> int:
        """Return how long it is: a day, where it ends when it begins."""
        return (self.end - self.start) % _DAY or _DAY

    def rest(self, moment: float) -> float:
        """Return how long it is still open, 0 = it is closed."""
        return max(0.0, self.seconds - (moment - self.start) % _DAY)


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """at_once, into, out_of: moves of a wave in the cluster, into a node, out of a node; bandwidth: bytes a second of each node's link that
    migrations may use, None = all of it; now: UTC seconds, None = not told and not needed; windows: none = always;
    overcommit: by which factor cpu_max and memory_max of the guests of a
    node may exceed its usable capacity, None = by any.
    """

    at_once: int
    into: int
    out_of: int
    bandwidth: float | None
    now: int | None
    windows: tuple[Window, ...]
    overcommit: float | None = None

    def closes(self, mode: str, moment: float) -> float | None:
        """Return when a migration that begins at this moment must have ended; None = it must not begin."""
        if not self.windows:
            return math.inf
        windows, end = self._of(mode), moment
        # Windows that touch or overlap are one; what is still open after two days never closes.
        while end <= moment + 2 * _DAY:
            rest = max((window.rest(end) for window in windows), default=0.0)
            if not rest:
                return end if end > moment else None
            end += rest
        return math.inf

    def opens(self, modes: t.Collection[str], moment: float) -> int:
        """Return when a window for one of these modes begins next."""
        return min(int(moment // 1) + ((window.start - int(moment // 1)) % _DAY or _DAY) for mode in modes for window in self._of(mode))

    def longest(self, mode: str) -> float:
        """Return the longest time that a migration can have; 0 = it can never begin."""
        if not self.windows:
            return math.inf
        return min(_YEAR, max(((self.closes(mode, window.start) or 0.0) - window.start for window in self._of(mode)), default=0.0))

    def _of(self, mode: str) -> list[Window]:
        return [window for window in self.windows if mode in window.modes]


def read_limits(document: t.Any, nodes: int) -> Limits:
    """Return the limits, with defaults for what they do not say.

    :param nodes: how many nodes the cluster has.
    :raises InputError: for keys or values that mean nothing; windows need `now`.
    """
    fields = Fields({} if document is None else document, "The limits document", "limits")
    fields.only(_KNOWN)
    windows = tuple(_window(item, number) for number, item in enumerate(fields.items("windows")))
    if windows and not fields.has("now"):
        raise fields.wrong("now", None, "the time in UTC seconds, as there are windows")
    return Limits(
        at_once=fields.count("global", max(4, nodes // 4), least=1),
        into=fields.count("per_node_in", 2, least=1),
        out_of=fields.count("per_node_out", 2, least=1),
        bandwidth=fields.number("bandwidth_bytes_per_second", above=0) if fields.has("bandwidth_bytes_per_second") else None,
        now=int(fields.moment("now")) if fields.has("now") else None,
        windows=windows,
        overcommit=fields.number("overcommit", above=0) if fields.has("overcommit") else None,
    )


def _window(document: t.Any, number: int) -> Window:
    fields = Fields(document, f"Window {number}", f"limits.windows[{number}]")
    fields.only(["from", "to", "kinds"])
    kinds = fields.items("kinds") if fields.has("kinds") else list(MODES)
    for kind in kinds:
        if kind not in MODES:
            raise fields.wrong("kinds", kind, f"a list of {', '.join(MODES)}")
    return Window(_clock(fields, "from"), _clock(fields, "to"), tuple(kinds))


def _clock(fields: Fields, key: str) -> int:
    # YAML reads 22:30 without quotes as a number.
    value = fields.document.get(key)
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise fields.wrong(key, value, 'a time of day in UTC, quoted, such as "22:30"')
    return int(match[1]) * 3600 + int(match[2]) * 60
