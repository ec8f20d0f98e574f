# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import observe
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.limits import Limit, LimitRule, bounds, capacity
from support import facts_documents as documents

VOLUME = {"size_bytes": 100, "fs": {"size": 80, "inodes": 10}}


@pytest.mark.parametrize(
    ("metric", "attributes", "expected"),
    [
        ("used_bytes", VOLUME, 80.0),
        ("used_bytes", {"size_bytes": 100, "fs": None}, 100.0),
        ("used_bytes", {}, None),
        ("data_used_bytes", {"size_bytes": 100, "metadata_size": 7}, 100.0),
        ("metadata_used_bytes", {"size_bytes": 100, "metadata_size": 7}, 7.0),
        ("snapshot_used_bytes", {"size_bytes": 100}, 100.0),
        ("inodes_used", VOLUME, 10.0),
        ("data_fraction", {}, 1.0),
        ("cpu_pressure", {}, 1.0),
        ("cpu_cores", {"cpu_cores_limit": 2.5}, 2.5),
        ("memory_bytes", {"memory_limit_bytes": 5, "memory_total_bytes": 9}, 5.0),
        ("load_1", {}, None),
    ],
)
def test_capacity(metric: str, attributes: dict[str, t.Any], expected: float | None) -> None:
    assert capacity(metric, attributes) == expected


def test_the_capacity_of_what_was_really_observed() -> None:
    facts = {
        "foresight_node": documents.node(),
        "foresight_lvm": documents.lvm(lvs=[documents.lv(), documents.lv("raw", filesystem=None)]),
        "foresight_lxc": documents.lxc(containers=[documents.container(pids_limit=100)]),
        "foresight_cluster": documents.cluster(),
    }
    seen = {one.key: one.attributes for one in observe("box", facts, recorded_at=documents.NOW).entities}
    gib = documents.GIB
    for key, expected in {
        "host:box": {"memory_bytes": 8 * gib, "swap_bytes": gib, "cpu_cores": 4},
        "lv:box/vg0/data": {"used_bytes": 9 * gib, "inodes_used": 1000},
        "lv:box/vg0/raw": {"used_bytes": 10 * gib},
        "guest:box/lxc/web": {
            "memory_bytes": 2 * gib, "swap_bytes": gib, "cpu_cores": 2, "filesystem_used_bytes": 4 * gib, "pids": 100,
        },
        "guest:prod/lxc/101": {"memory_bytes": 8 * gib, "cpu_cores": 4},
        "node:prod/pve1": {"memory_bytes": 256 * gib, "cpu_cores": 32},
    }.items():  # fmt: skip
        assert {metric: capacity(metric, seen[key]) for metric in expected} == expected


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


def test_users_can_fill_what_is_not_kept_for_root() -> None:
    """As df counts it: 9 GiB, 5 of them used, and 3.5 left for users."""
    volume = documents.lv()
    volume["filesystem"]["avail"] = 7 * documents.GIB // 2
    seen = {
        one.key: one.attributes
        for one in observe("box", {"foresight_lvm": documents.lvm(lvs=[volume])}, recorded_at=documents.NOW).entities
    }
    assert capacity("used_bytes", seen["lv:box/vg0/data"]) == 8.5 * documents.GIB


def test_bounds() -> None:
    assert bounds("data_fraction") == (0.0, 1.0)
    assert bounds("used_bytes") == (0.0, None)
