# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times as files hold them → UTC seconds, time zones and the hour that occurs twice included."""

from __future__ import annotations

import datetime
import typing as t
import zoneinfo

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError

AMBIGUOUS = ("order", "earlier", "later", "refuse")
EPOCHS = {"epoch": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000, "epoch_ns": 1_000_000_000}

# 1970-01-02 … 2242: what lies outside is a misread number, not a time.
_EARLIEST, _LATEST = 86_400, 2**33
_CACHE_SIZE = 200_000
_UTC = datetime.UTC


class BadTime(ValueError):
    """One time that cannot be read; the row it stands in is counted as bad."""


class TimeReader:
    """Reads the times of one column.

    :param form: C(auto) (decided by the first time that can be read), C(iso8601), C(epoch), C(epoch_ms), C(epoch_us), C(epoch_ns), or a
                 strptime format.
    :param zone: IANA name of the time zone of times that carry no offset, or None if all carry one.
    :param ambiguous: what a time means that occurs twice when clocks are set back. C(order): the earlier of both, unless that is not
                      after the row before of the same series; C(earlier), C(later); C(refuse): the row is bad.
    :raises InputError: for an unknown time zone or format.
    """

    def __init__(self, form: str, zone: str | None, ambiguous: str) -> None:
        self._form = form
        self._ambiguous = ambiguous
        self.ambiguous_times = 0
        self._zone: datetime.tzinfo | None = None
        self._cache: dict[str, tuple[int, int]] = {}
        if form not in ("auto", "iso8601", *EPOCHS) and "%" not in form:
            names = ", ".join(("auto", "iso8601", *EPOCHS))
            raise InputError(
                f"Unknown time format {form!r}; needed is one of {names}, or a strptime format such as '%d.%m.%Y %H:%M' (O(time_format))."
            )
        if zone is not None:
            try:
                self._zone = _UTC if zone == "UTC" else zoneinfo.ZoneInfo(zone)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise InputError(
                    f"Unknown time zone {zone!r}; needed is an IANA name such as Europe/Berlin or UTC, and the system's tzdata (O(time_zone))."
                ) from error

    def read(self, text: str, previous: t.Callable[[], int | None]) -> int:
        """Return UTC seconds.

        :param previous: gives the time of the row before of the same series; called for a time that occurs twice only.
        :raises BadTime: if the text is no time, does not exist (clocks set forward) or is refused as ambiguous.
        :raises InputError: if the time carries no offset and no time zone is known.
        """
        known = self._cache.get(text)
        if known is None:
            known = self._parse(text)
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            self._cache[text] = known
        earlier, later = known
        return earlier if earlier == later else self._decide(text, earlier, later, previous)

    def _decide(self, text: str, earlier: int, later: int, previous: t.Callable[[], int | None]) -> int:
        self.ambiguous_times += 1
        if self._ambiguous == "refuse":
            raise BadTime(f"{text!r} occurs twice in {self._zone} (clocks set back); O(ambiguous_times) says what it means")
        if self._ambiguous == "later":
            return later
        before = previous() if self._ambiguous == "order" else None
        return later if before is not None and earlier <= before else earlier

    def _parse(self, text: str) -> tuple[int, int]:
        form = _guess(text) if self._form == "auto" else self._form
        times = self._parse_as(form, text)
        self._form = form
        return times

    def _parse_as(self, form: str, text: str) -> tuple[int, int]:
        if form in EPOCHS:
            try:
                seconds = int(float(text) // EPOCHS[form]) if not text.strip().isdecimal() else int(text) // EPOCHS[form]
            except (ValueError, OverflowError):
                raise BadTime(f"{text!r} is no number of seconds since 1970") from None
            return _in_range(text, seconds, seconds)
        try:
            plain = text.strip()
            moment = datetime.datetime.fromisoformat(plain) if form == "iso8601" else datetime.datetime.strptime(plain, form)
        except ValueError:
            raise BadTime(f"{text!r} is no time in the format {form}") from None
        if moment.tzinfo is None:
            return self._localised(text, moment)
        seconds = _seconds(text, moment)
        return _in_range(text, seconds, seconds)

    def _localised(self, text: str, moment: datetime.datetime) -> tuple[int, int]:
        if self._zone is None:
            raise InputError(
                f"The time {text!r} carries no offset; name the time zone of the file, such as UTC or Europe/Berlin (O(time_zone))."
            )
        first = moment.replace(tzinfo=self._zone, fold=0)
        second = moment.replace(tzinfo=self._zone, fold=1)
        earlier, later = _seconds(text, first), _seconds(text, second)
        if earlier > later:
            raise BadTime(f"{text!r} does not exist in {self._zone} (clocks set forward)")
        return _in_range(text, earlier, later)


def _guess(text: str) -> str:
    """Return the format the first time of a file has: digits are an epoch whose unit their number tells, all else is ISO 8601."""
    stripped = text.strip()
    digits = stripped.split(".")[0]
    # Eight digits are a date (20260101), fourteen a date with a time.
    if not digits.isdecimal() or len(digits) in (8, 14):
        return "iso8601"
    return "epoch" if len(digits) <= 11 else "epoch_ms" if len(digits) <= 14 else "epoch_us" if len(digits) <= 17 else "epoch_ns"


def _seconds(text: str, moment: datetime.datetime) -> int:
    try:
        return (moment.astimezone(_UTC) - datetime.datetime(1970, 1, 1, tzinfo=_UTC)) // datetime.timedelta(seconds=1)
    except OverflowError:  # "no time yet" of many programs: the year 1, in UTC before it
        raise _out_of_range(text) from None


def _in_range(text: str, earlier: int, later: int) -> tuple[int, int]:
    if not _EARLIEST <= earlier < _LATEST:
        raise _out_of_range(text)
    return earlier, later


def _out_of_range(text: str) -> BadTime:
    return BadTime(f"{text!r} is not a time between 1970 and 2242 (O(time_format))")
