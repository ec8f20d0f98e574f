# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes, parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0), (4096, 4096), ("4096", 4096), ("1k", 1024), ("40 GiB", 40 * 2**30), ("40G", 40 * 2**30), ("40g", 40 * 2**30),
        ("1GB", 10**9), ("1.5T", 3 * 2**39), ("512 bytes", 512), ("512B", 512), ("1e9", 10**9), ("9007199254740993", 2**53 + 1),
    ],
)  # fmt: skip
def test_parse(text: str | int, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1", -1, "1 X", "1.2.3G", True, "nan", float("inf")])
def test_parse_refuses(text: str | int) -> None:
    with pytest.raises(InputError, match=r"is not an amount of bytes.*O\(min\)"):
        parse_bytes(text, option="min")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (12 * 2**30, "12 GiB"),
        (2**40 - 1, "1 TiB"),
        (-(2**20), "-1 MiB"),
        (123 * 2**20 + 2**19, "123.5 MiB"),
    ],
)
def test_format(size: int, text: str) -> None:
    assert format_bytes(size) == text


@given(st.integers(0, 2**62))
def test_formatted_text_parses_to_nearly_the_same(size: int) -> None:
    assert abs(parse_bytes(format_bytes(size)) - size) <= max(1, size * 0.006)
