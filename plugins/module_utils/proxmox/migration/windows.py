# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a move may begin: times of day, each for some ways of migrating, and the window of the action itself."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timezone

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.outcome import MODES, RESTART, Document, Later, Refused

_DAY = 86400
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
# How many days ahead windows are laid out: the next opening of each, and enough to see which never close.
_DAYS = 4


class Window(t.NamedTuple):
    """Seconds of the day; ``end`` may be on the next. ``modes`` may run in it."""

    start: int
    end: int
    modes: t.FrozenSet[str]


def read_windows(told: t.Sequence[t.Mapping[str, t.Any]]) -> t.Tuple[Window, ...]:
    """Check the option.

    :raises ValueError: naming what is wrong.
    """
    found = []
    for number, entry in enumerate(told):
        start, end = (_seconds(entry.get(key), f"windows[{number}].{key}") for key in ("from", "to"))
        modes = MODES if entry.get("kinds") is None else entry["kinds"]
        unknown = sorted(set(modes) - set(MODES))
        if unknown:
            raise ValueError(f"O(limits.windows[{number}].kinds) has {', '.join(unknown)}. Needed are of {', '.join(MODES)}.")
        found.append(Window(start, end if end > start else end + _DAY, frozenset(modes)))
    return tuple(found)


def _seconds(told: t.Any, option: str) -> int:
    match = _TIME.fullmatch(str(told))
    if match is None:
        raise ValueError(f'O(limits.{option}) is {told!r}. Needed is a time of day in UTC as "HH:MM", in quotes.')
    return int(match[1]) * 3600 + int(match[2]) * 60


def check_window(windows: t.Sequence[Window], mode: str, own: Document, *, now: int, seconds: t.Optional[float]) -> None:
    """Let a move begin now or not.

    :param own: window of the action, {not_before, not_after}.
    :param seconds: how long it will take, where that is known: then it begins only if it ends within the window.
    :raises Later: when a window opens. Refused: V(window) when none ever does.
    """
    not_before, not_after = own.get("not_before"), own.get("not_after")
    if not_after is not None and now >= not_after:
        raise Refused("window", f"Its window ended at {utc(not_after)} and it is {utc(now)}. Plan again.")
    earliest = max(now, not_before or now)
    opens = _opening(windows, mode, earliest, seconds)
    if not_after is not None and opens >= not_after:
        raise Refused(
            "window", f"Its window ends at {utc(not_after)}, and it may begin at {utc(opens)} at the earliest (O(limits.windows))."
        )
    if opens > now:
        raise Later(f"It may begin at {utc(opens)}, and it is {utc(now)} (O(limits.windows), O(window_wait)).", at=opens)


def _opening(windows: t.Sequence[Window], mode: str, now: int, seconds: t.Optional[float]) -> int:
    """The first time from now on at which a move of a mode may begin."""
    if not windows and mode != RESTART:
        return now
    spells = list(_spells(windows, mode, now))
    if not spells:
        raise Refused(
            "window",
            "It runs, so moving it is a restart with downtime, and no window allows that. "
            'Needed is one whose kinds hold restart; from "00:00" to "00:00" is the whole day (O(limits.windows)).'
            if mode == RESTART
            else f"No window allows to move a guest {mode}. Needed is one whose kinds hold {mode}, or no windows at all (O(limits.windows)).",
        )
    for opens, closes in spells:
        begin = max(opens, now)
        if begin + (seconds or 0) <= closes and begin < closes:
            return begin
    raise Refused(
        "window",
        f"It will take {seconds:.0f} seconds, longer than any window for {mode} is open. Needed is a longer one (O(limits.windows)).",
    )


def _spells(windows: t.Sequence[Window], mode: str, now: int) -> t.Iterator[t.Tuple[int, float]]:
    """The times in which a mode may run, from now on; windows that touch are one."""
    midnight = now - now % _DAY
    laid = sorted(
        (midnight + day * _DAY + window.start, midnight + day * _DAY + window.end)
        for window in windows
        if mode in window.modes
        for day in range(-1, _DAYS)
    )
    merged: t.List[t.List[int]] = []
    for start, end in laid:
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    for start, end in merged:
        if end > now:
            # They come every day, so one that lasts for days is open for ever.
            yield start, float("inf") if end - start > 2 * _DAY else end


def utc(seconds: float) -> str:
    """A time as messages have it."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
