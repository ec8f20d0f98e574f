# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration, parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        (90, 90),
        (0, 0),
        ("6h", 21600),
        ("2d 12h", 216000),
        ("2d12h", 216000),
        ("1.5 hours", 5400),
        ("10 min", 600),
        ("1W", 604800),
        (" 5 s ", 5),
    ],
)
def test_parse(text: str | int, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "6x", "-1", -1, "6h and more", True, "nan", "inf", float("nan"), "6h -2m"])
def test_parse_refuses(text: str | int) -> None:
    with pytest.raises(InputError, match=r"is not a length of time.*O\(horizon\)"):
        parse_duration(text, option="horizon")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (3661, "1h 1m"), (3601, "1h"), (216000, "2d 12h"), (1209600, "2w"), (-60, "-1m")],
)
def test_format(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(0, 10**9))
def test_formatted_text_parses_to_nearly_the_same(seconds: int) -> None:
    assert abs(parse_duration(format_duration(seconds)) - seconds) <= max(59, seconds * 0.2)
