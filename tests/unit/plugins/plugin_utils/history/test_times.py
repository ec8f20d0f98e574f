# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.times import BadTime, TimeReader

BERLIN = "Europe/Berlin"


def read(text, form="auto", zone=None, ambiguous="order", previous=None):
    return TimeReader(form, zone, ambiguous).read(text, lambda: previous)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("1763700000", "auto"),
        ("1763700000.7", "auto"),
        ("1763700000123", "auto"),
        ("1763700000123456", "auto"),
        ("1763700000123456789", "auto"),
        ("1763700000", "epoch"),
        ("1763700000000", "epoch_ms"),
        ("2025-11-21T04:40:00Z", "auto"),
        ("2025-11-21 04:40:00+00:00", "auto"),
        ("2025-11-21T05:40:00.9+01:00", "iso8601"),
        ("20251121T044000Z", "auto"),
        ("21.11.2025 04:40 +0000", "%d.%m.%Y %H:%M %z"),
    ],
)
def test_every_way_to_write_one_time(text, form):
    assert read(text, form) == 1_763_700_000


def test_a_time_without_offset_needs_a_zone():
    assert read("2025-11-21 05:40:00", zone=BERLIN) == 1_763_700_000
    with pytest.raises(InputError, match="name the time zone"):
        read("2025-11-21 05:40:00")


@pytest.mark.parametrize("text", ["", "yesterday", "2025-02-30 00:00:00", "9999-01-01 00:00:00", "1969-12-31 00:00:00", "1e400", "nan"])
def test_what_is_no_time(text):
    with pytest.raises(BadTime):
        read(text, "iso8601", zone="UTC")
    with pytest.raises(BadTime):
        read(text, "epoch")


@pytest.mark.parametrize("text", ["0001-01-01 00:00:00", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_no_time_yet_and_never_again(text):
    with pytest.raises(BadTime, match="not a time between 1970 and 2242"):
        read(text, zone=BERLIN)


def test_the_form_is_decided_by_the_first_time_that_can_be_read():
    """The row below the header may hold units."""
    reader = TimeReader("auto", None, "order")
    with pytest.raises(BadTime):
        reader.read("s", lambda: None)
    assert reader.read("1763700000", lambda: None) == 1_763_700_000
    with pytest.raises(BadTime, match="no number of seconds"):
        reader.read("2025-11-21T04:40:00Z", lambda: None)


def test_the_hour_that_occurs_twice():
    # 2026-10-25 02:30 in Berlin is 00:30 and 01:30 UTC.
    earlier, later = 1_792_888_200, 1_792_891_800
    text = "2026-10-25 02:30:00"
    assert read(text, zone=BERLIN, ambiguous="earlier", previous=earlier) == earlier
    assert read(text, zone=BERLIN, ambiguous="later") == later
    assert read(text, zone=BERLIN) == earlier
    assert read(text, zone=BERLIN, previous=earlier - 300) == earlier
    assert read(text, zone=BERLIN, previous=earlier) == later
    with pytest.raises(BadTime, match="occurs twice"):
        read(text, zone=BERLIN, ambiguous="refuse")


def test_the_hour_that_does_not_exist():
    with pytest.raises(BadTime, match="does not exist"):
        read("2026-03-29 02:30:00", zone=BERLIN)


def test_unknown_zone_and_format():
    with pytest.raises(InputError, match="IANA name"):
        TimeReader("auto", "Middle/Earth", "order")
    with pytest.raises(InputError, match="IANA name"):
        TimeReader("auto", "../etc/passwd", "order")
    with pytest.raises(InputError, match="Unknown time format"):
        TimeReader("iso", None, "order")


@given(st.integers(1_600_000_000, 1_900_000_000), st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC"]))
def test_local_times_in_order_come_back_as_they_were(start, zone):
    """Written as local times every ten minutes for three days, whatever clock change lies in them."""
    times = [start // 600 * 600 + 600 * step for step in range(432)]
    reader = TimeReader("iso8601", zone, "order")
    previous = None
    for time in times:
        text = datetime.datetime.fromtimestamp(time, zoneinfo.ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
        before = previous
        previous = reader.read(text, lambda before=before: before)
        # Begun inside the repeated hour, the first rows may be read one pass too early; nothing tells them apart.
        if time - times[0] > 7200:
            assert previous == time
