# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.selection import check_exclude, is_exact, matches, near, select

ITEMS = [
    {"key": "lv:web1/vg0/data", "kind": "lv", "host": "web1", "attributes": {"fs": {"type": "xfs"}, "tags": ["prod"], "size_bytes": 100}},
    {"key": "lv:web1/vg0/swap", "kind": "lv", "host": "web1", "attributes": {"fs": None, "tags": [], "size_bytes": 5}},
    {"key": "lv:db1/vg0/data", "kind": "lv", "host": "db1", "attributes": {"fs": {"type": "ext4"}, "tags": ["prod"], "size_bytes": 50}},
    {"key": "host:web1", "kind": "host", "host": "web1", "attributes": {}},
]


def keys(*expressions: str) -> list[str]:
    return [item["key"] for item in select(ITEMS, expressions)]


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        ([], []),
        (["*"], [0, 1, 2, 3]),
        (["lv:*"], [0, 1, 2]),
        (["web1/vg0/*"], [0, 1]),
        (["lv:web1/vg0/data"], [0]),
        (["web1/vg0/data", "host:*"], [0, 3]),
        (["lv:*", "!*/swap"], [0, 2]),
        (["!lv:*"], [3]),
        (["host == 'web1'"], [0, 1, 3]),
        (["fs.type == 'xfs'"], [0]),
        (["contains(tags || `[]`, 'prod')"], [0, 2]),
        (["size_bytes > `10` && kind == 'lv'", "!host=='db1'"], [0]),
        (["*/[ds]*"], [0, 1, 2]),
        (["LV:*"], []),
    ],
)
def test_select(expressions: list[str], expected: list[int]) -> None:
    assert keys(*expressions) == [ITEMS[i]["key"] for i in expected]


@pytest.mark.parametrize("text", ["host == ", "contains(tags, 'prod'", "size_bytes > 10"])
def test_wrong_query_is_told(text: str) -> None:
    with pytest.raises(InputError, match="no valid JMESPath"):
        keys(text)


def test_query_that_fails_on_an_entity_names_it() -> None:
    with pytest.raises(InputError, match=r"fails on host:web1.*null"):
        keys("contains(tags, 'prod')")


def test_matches() -> None:
    assert matches("web1/*", "lv:web1/vg0/data", {})
    assert not matches("!web1/*", "lv:web1/vg0/data", {})
    assert matches("kind == 'lv' && size == `1`", "lv:web1/vg0/data", {"size": 1})


@pytest.mark.parametrize(
    ("expression", "exact"),
    [
        ("lv:web1/vg0/data", True),
        ("web1/vg0/data", True),
        ("web1/vg0/*", False),
        ("lv:web1/vg0/dat?", False),
        ("key == 'lv:web1/vg0/data'", False),
        ("web1/vg0/other", False),
    ],
)
def test_is_exact(expression: str, exact: bool) -> None:
    assert is_exact(expression, "lv:web1/vg0/data") is exact


def test_near_names_what_is_like_it() -> None:
    found = near(["lv:web1/vg0/date"], [item["key"] for item in ITEMS])
    assert found[0] == "lv:web1/vg0/data"
    assert near(["zzz"], ["lv:a/b/c"]) == []


@pytest.mark.parametrize("expression", ["", " ", "!lv:web1/*", "vg0/a,vg0/b"])
def test_what_would_exclude_nothing_or_the_opposite_is_refused(expression: str) -> None:
    with pytest.raises(InputError, match=r"excludes nothing; needed is a list of globs .* \(O\(exclude\)\)"):
        check_exclude(["vg0/data", expression])


def test_sets_and_queries_may_hold_a_comma() -> None:
    check_exclude(["lv:web[1,2]/vg0/*", "contains(tags, 'keep') && host == 'a,b'"])
