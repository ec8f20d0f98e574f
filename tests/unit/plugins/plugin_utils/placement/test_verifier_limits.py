# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verifier and the limits of nodes: resources, what guests may grow to, storage, and what a move costs."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify
from support.placements import POLICY, small_cluster


@pytest.fixture
def cluster():
    return small_cluster()


def told_of(cluster, answer, what, policy=None):
    return [line for line in verify(cluster, answer, policy or POLICY) if what in line]


def full(cluster, used):
    """Return the cluster with node b holding so much, and an answer that moves g8 there."""
    cluster["guests"][3]["memory"] = used
    cluster["rules"] = []
    return {"moves": [{"guest": "g8", "from": "a", "to": "b", "kind": "balance", "cost": {"bytes": 8}}]}


def test_no_node_is_filled_beyond_its_capacity_or_further_beyond_it(cluster):
    assert told_of(cluster, full(cluster, 72), "ends with") == []
    assert told_of(cluster, full(cluster, 73), "ends with") == ["memory of b ends with 81 of 80, after 73."]
    assert told_of(cluster, full(cluster, 100), "ends with") == ["memory of b ends with 108 of 80, after 100."]
    answer = full(cluster, 100)
    answer["moves"].append({"guest": "g4", "from": "b", "to": "a", "kind": "repair", "cost": {"bytes": 100}})
    assert told_of(cluster, answer, "memory of b") == []
    assert told_of(cluster, answer, "memory of a") == ["memory of a ends with 164 of 80, after 72."]
    cluster["nodes"][0]["more"], cluster["guests"][3]["more"] = {"gpu": 1}, {"gpu": 2}
    assert told_of(cluster, answer, "gpu") == ["gpu of a ends with 2 of 1, after 0."]


def test_a_full_node_may_stay_full(cluster):
    answer = full(cluster, 100)
    answer["moves"][0]["to"] = "d"
    assert told_of(cluster, answer, "ends with") == []


def test_what_guests_may_grow_to_is_limited_where_the_policy_says_so(cluster):
    answer = full(cluster, 10)
    cluster["guests"][3]["memory_max"], cluster["guests"][7]["memory_max"] = 70, 20
    assert told_of(cluster, answer, "ends with") == []
    assert told_of(cluster, answer, "ends with", {**POLICY, "overcommit": 1.0}) == ["memory_max of b ends with 90 of 80, after 70."]
    assert told_of(cluster, answer, "ends with", {**POLICY, "overcommit": 1.2}) == []
    cluster["guests"][3]["running"] = False
    assert told_of(cluster, answer, "ends with", {**POLICY, "overcommit": 1.0}) == []


def test_disks_can_be_had_at_the_target_and_fit_there(cluster):
    answer = full(cluster, 10)
    cluster["guests"][7]["disks"] = [{"storage": "local", "bytes": 50}, {"storage": "nfs", "bytes": 1000}]
    local = {"local": {"bytes": 100, "used": 50}, "nfs": {"bytes": 1, "used": 1, "shared": True}}
    for one in cluster["nodes"]:
        one["storages"] = copy.deepcopy(local)
    assert told_of(cluster, answer, "Move 0") == ["Move 0 (g8, a to b): its cost is 8 bytes, but it is 58."]
    answer["moves"][0]["cost"]["bytes"] = 58
    assert told_of(cluster, answer, "local") == []
    cluster["nodes"][1]["storages"]["local"]["used"] = 51
    assert told_of(cluster, answer, "ends with") == ["local of b ends with 50 of 49, after 0."]
    del cluster["nodes"][1]["storages"]["local"]["used"]
    assert told_of(cluster, answer, "ends with") == []
    del cluster["nodes"][1]["storages"]["nfs"]
    assert told_of(cluster, answer, "lacks a storage") == ["Move 0 (g8, a to b): the target lacks a storage of its disks."]
    cluster["nodes"][1]["storages"] = {}
    assert told_of(cluster, answer, "Move 0") == []


@pytest.mark.parametrize(
    ("migration", "size"),
    [
        ({"bytes": {"0.5": 5, "0.9": 6}}, 5),
        ({"bytes": {"0.5": 5}, "targets": {"b": {"bytes": {"0.5": 3}}, "d": {"bytes": {"0.5": 2}}}}, 3),
        ({"seconds": {"0.5": 5}}, 8),
    ],
)
def test_a_predicted_cost_goes_before_the_memory(cluster, migration, size):
    answer = full(cluster, 10)
    cluster["guests"][7]["migration"] = migration
    answer["moves"][0]["cost"]["bytes"] = size
    assert told_of(cluster, answer, "its cost") == []
    answer["moves"][0]["cost"]["bytes"] = size + 2
    assert told_of(cluster, answer, "its cost")


def test_nothing_leaves_a_node_that_is_offline(cluster):
    cluster["nodes"][0]["online"] = False
    assert told_of(cluster, full(cluster, 10), "nothing can leave a node that is offline")
