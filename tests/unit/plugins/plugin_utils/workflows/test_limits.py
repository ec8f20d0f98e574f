# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.limits import Limit, LimitRule, bounds, capacity

VOLUME = {"size_bytes": 100, "fs": {"size": 80, "inodes": 10}}


@pytest.mark.parametrize(
    ("metric", "attributes", "expected"),
    [
        ("used_bytes", VOLUME, 80.0),
        ("used_bytes", {"size_bytes": 100, "fs": None}, 100.0),
        ("used_bytes", {}, None),
        ("inodes_used", VOLUME, 10.0),
        ("data_fraction", {}, 1.0),
        ("cpu_pressure", {}, 1.0),
        ("cpu_cores", {"cpu_cores_limit": 2.5}, 2.5),
        ("load_1", {}, None),
    ],
)
def test_capacity(metric: str, attributes: dict[str, t.Any], expected: float | None) -> None:
    assert capacity(metric, attributes) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("capacity", Limit(80.0, "capacity")), ("80%", Limit(64.0, "policy")), ("40 KiB", Limit(40960.0, "policy")), (0.5, Limit(0.5, "policy")),
        ("70", Limit(70.0, "policy")), ("none", None), (None, None),
    ],
)  # fmt: skip
def test_rules(rule: t.Any, expected: Limit | None) -> None:
    assert LimitRule(rule).of("used_bytes", VOLUME) == expected


@pytest.mark.parametrize("rule", ["half", "-1", 0, "%", True, float("nan"), "-5%"])
def test_wrong_rules(rule: t.Any) -> None:
    with pytest.raises(InputError, match=r"is no limit.*O\(limit\)"):
        LimitRule(rule)


def test_a_share_of_an_unknown_capacity_is_no_limit() -> None:
    assert LimitRule("80%").of("used_bytes", {}) is None


def test_bounds() -> None:
    assert bounds("data_fraction") == (0.0, 1.0)
    assert bounds("used_bytes") == (0.0, None)
