# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human, parse_margin, parse_reserve, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("42949672960", 42949672960),
        ("40 GiB", 40 * 2**30),
        ("40G", 40 * 2**30),
        ("40g", 40 * 2**30),
        (" 1.5 TiB ", 3 * 2**39),
        ("512B", 512),
        ("0.1K", 103),
        ("7 MiB", 7 * 2**20),
    ],
)
def test_parse_size(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["40 GB", "40GB", "-1", "", "GiB", "1e9", "4 BiB", "10%", "+5G", "1,5G"])
def test_ambiguous_or_wrong_size(text):
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (2**30, "1 GiB"), (5 * 2**29, "2.5 GiB"), (10 * 2**30, "10 GiB"), (2**70, "1024 EiB")]
)
def test_human(size, text):
    assert human(size) == text


@pytest.mark.parametrize(
    ("text", "extents"),
    [("0", 0), ("5%", 50), ("0.15 %", 2), ("20 extents", 20), ("1 extent", 1), ("10 MiB", 3), ("4194305", 2), ("100%", 1000)],
)
def test_reserve_counts_whole_extents(text, extents):
    assert parse_reserve(text).in_extents(1000, 4 * 1024**2) == extents


@pytest.mark.parametrize("text", ["", "-1", "5 %%", "101%", "1.5 extents", "5 GB", "some"])
def test_reserve_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_reserve(text)


@pytest.mark.parametrize(("text", "size"), [("0", 0), ("10%", 101), ("0.5 %", 6), ("1 MiB", 2**20), ("150%", 1502)])
def test_margin_is_rounded_up(text, size):
    assert parse_margin(text).in_bytes(1001) == size


@pytest.mark.parametrize("text", ["", "-1%", "%", "ten %", "5 GB"])
def test_margin_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="is not a"):
        parse_margin(text)
