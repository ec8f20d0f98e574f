# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lengths of time as people write them: `6h`, `2d 12h`, `90` (seconds)."""

from __future__ import annotations

import re

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NAMES = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "hour": "h", "hours": "h", "day": "d", "days": "d", "week": "w", "weeks": "w",
}  # fmt: skip
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE)


def parse_duration(value: str | int | float, *, option: str | None = None) -> int:
    """Return a length of time in whole seconds.

    :param value: a number of seconds, or a text such as `6h`, `2d 12h`, `1.5 hours`, `90`.
    :param option: name of the option the value came from, for the message.
    :raises InputError: for anything else, a negative length included.
    """
    if isinstance(value, bool):
        raise _wrong(value, option)
    if isinstance(value, (int, float)):
        return _checked(float(value), value, option)
    text = str(value).strip()
    try:
        return _checked(float(text), value, option)
    except ValueError:
        pass
    seconds, position = 0.0, 0
    while position < len(text):
        part = _PART.match(text, position)
        unit = part and _unit(part.group(2))
        if not part or not unit:
            raise _wrong(value, option)
        seconds += float(part.group(1)) * SECONDS[unit]
        position = part.end()
    if not text:
        raise _wrong(value, option)
    return _checked(seconds, value, option)


def format_duration(seconds: float) -> str:
    """Return at most the two largest units of a length of time: `2d 12h`, `45m`, `10s`."""
    rest, parts = abs(round(seconds)), []
    for unit in ("w", "d", "h", "m", "s") if rest >= 2 * SECONDS["w"] else ("d", "h", "m", "s"):
        count, rest = divmod(rest, SECONDS[unit])
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    text = " ".join(parts[:2]) or "0s"
    return f"-{text}" if seconds < 0 and text != "0s" else text


def _unit(name: str) -> str | None:
    lower = name.lower()
    return lower if lower in SECONDS else _NAMES.get(lower)


def _checked(seconds: float, value: object, option: str | None) -> int:
    if not 0 <= seconds < float("inf"):
        raise _wrong(value, option)
    return round(seconds)


def _wrong(value: object, option: str | None) -> InputError:
    where = f" (O({option}))" if option else ""
    return InputError(f"{value!r} is not a length of time; needed are seconds or a text such as 10m, 6h, '2d 12h', 1w{where}.")
