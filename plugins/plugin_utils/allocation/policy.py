# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user's limits and preferences for sharing VGs."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin, parse_margin
from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration, parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields

STRATEGIES = ("water_filling", "proportional")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DAY = 86400
MOST_COOL_DOWN = 365 * _DAY
"""What is known of earlier resizes goes back as far."""
_KNOWN = (
    "strategy",
    "headroom",
    "max_step_fraction",
    "min_change_extents",
    "min_growth_fraction",
    "allow_shrink",
    "share_exponent",
    "floor",
    "now",
    "quiet_hours",
    "cool_down_seconds",
    "hysteresis_fraction",
    "shrink_headroom",
    "shrink_margin",
    "min_shrink_fraction",
    "max_shrink_step_fraction",
    "shrink_past_seconds",
    "shrink_cool_down_seconds",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Floor:
    """Grow by `step_fraction` of the volume when less than `free_fraction` of its file system is free and the fact is fresh."""

    free_fraction: float = 0.1
    step_fraction: float = 0.1
    max_age_seconds: int = 3600


@dataclasses.dataclass(frozen=True, slots=True)
class QuietHours:
    """A span of each day, in seconds since midnight UTC; `start` > `end` goes over midnight."""

    start: int
    end: int
    text: str

    def hold(self, now: int) -> bool:
        """Return whether this moment lies inside."""
        second = now % _DAY
        if self.start <= self.end:
            return self.start <= second < self.end
        return second >= self.start or second < self.end


@dataclasses.dataclass(frozen=True, slots=True)
class Shrinking:
    """How far a volume may be made smaller for a neighbour.

    :ivar headroom: what stays on top of the most it needs, as a fraction of that.
    :ivar margin: what stays on top of what it uses now, in the words of lv_resize.
    :ivar min_fraction: it gives at least this part of its size or all it can spare, so that it is not unmounted again for the next need.
    :ivar max_step_fraction: the most by which it shrinks in one run, as a fraction of its size.
    :ivar past_seconds: how much of its past must be known.
    :ivar cool_down_seconds: how long it keeps its size after it was resized, or after that failed.
    """

    headroom: float
    margin: Margin
    min_fraction: float
    max_step_fraction: float
    past_seconds: int
    cool_down_seconds: int


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """Fractions 0..1, seconds, extents; `max_step_fraction` None = a volume may grow by any amount in one run."""

    now: int
    strategy: str
    headroom: float
    max_step_fraction: float | None
    min_change_extents: int
    min_growth_fraction: float
    allow_shrink: bool
    share_exponent: float
    floor: Floor
    quiet_hours: tuple[QuietHours, ...]
    cool_down_seconds: int
    hysteresis_fraction: float
    shrinking: Shrinking

    def quiet(self) -> QuietHours | None:
        """Return the quiet hours that hold now."""
        return next((hours for hours in self.quiet_hours if hours.hold(self.now)), None)


def read_policy(document: t.Any) -> Policy:
    """Return the policy with its defaults filled in.

    :raises InputError: for an unknown key or a value outside its limits; `now` is required.
    """
    fields = Fields(document, "The policy", "policy")
    fields.only(_KNOWN)
    return Policy(
        now=fields.count("now"),
        strategy=fields.choice("strategy", STRATEGIES, "water_filling"),
        headroom=fields.number("headroom", 0.1, most=10),
        max_step_fraction=_step(fields),
        min_change_extents=fields.count("min_change_extents", 1),
        min_growth_fraction=fields.number("min_growth_fraction", 0.2, most=10),
        allow_shrink=fields.flag("allow_shrink", False),
        share_exponent=fields.number("share_exponent", 0.5, most=4),
        floor=_floor(fields.inner("floor")),
        quiet_hours=tuple(_quiet_hours(hours, number) for number, hours in enumerate(fields.items("quiet_hours"), start=1)),
        cool_down_seconds=_cool_down(fields, "cool_down_seconds", 6 * 3600),
        hysteresis_fraction=fields.number("hysteresis_fraction", 0.05, most=1),
        shrinking=_shrinking(fields),
    )


def _duration(fields: Fields, key: str, default: int) -> int:
    return parse_duration(fields.document[key], option=f"policy.{key}") if fields.has(key) else default


def _cool_down(fields: Fields, key: str, default: int) -> int:
    seconds = _duration(fields, key, default)
    if seconds > MOST_COOL_DOWN:
        raise InputError(
            f"The policy: {key} is {format_duration(seconds)}; resizes of up to a year ago are known, so needed is at most 365d (O(policy.{key}))."
        )
    return seconds


def _shrinking(fields: Fields) -> Shrinking:
    text = str(fields.document["shrink_margin"]) if fields.has("shrink_margin") else "10%"
    try:
        margin = parse_margin(text)
    except ValueError as error:
        raise InputError(f"The policy: {error} (O(policy.shrink_margin)).") from error
    return Shrinking(
        headroom=fields.number("shrink_headroom", 0.25, most=10),
        margin=margin,
        min_fraction=fields.number("min_shrink_fraction", 0.1, most=1),
        max_step_fraction=fields.number("max_shrink_step_fraction", 0.25, above=0, most=1),
        past_seconds=_duration(fields, "shrink_past_seconds", 14 * _DAY),
        cool_down_seconds=_cool_down(fields, "shrink_cool_down_seconds", 7 * _DAY),
    )


def _step(fields: Fields) -> float | None:
    if "max_step_fraction" in fields.document and not fields.has("max_step_fraction"):
        return None
    return fields.number("max_step_fraction", 0.5, above=0)


def _floor(fields: Fields | None) -> Floor:
    if fields is None:
        return Floor()
    fields.only([field.name for field in dataclasses.fields(Floor)])
    return Floor(
        free_fraction=fields.number("free_fraction", 0.1, most=1),
        step_fraction=fields.number("step_fraction", 0.1, above=0, most=10),
        max_age_seconds=fields.count("max_age_seconds", 3600),
    )


def _quiet_hours(document: t.Any, number: int) -> QuietHours:
    fields = Fields(document, f"Entry {number} of quiet_hours", "policy.quiet_hours")
    fields.only(["from", "to"])
    return QuietHours(_clock(fields, "from"), _clock(fields, "to"), f"{document['from']} to {document['to']} UTC")


def _clock(fields: Fields, key: str) -> int:
    match = _CLOCK.fullmatch(fields.text(key))
    if not match:
        raise fields.wrong(key, fields.document[key], 'a time of day in UTC, quoted, such as "22:30"')
    return int(match[1]) * 3600 + int(match[2]) * 60
