# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Spread is one thing everywhere: max − min of load / usable capacity over open nodes that have something of the resource."""

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.measure import measure
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.window import Window
from support.small_clusters import cluster, guest, node, problem_of
from support.strategy_runs import spread

# c has no gpu, d is closed, and the reserve of e leaves it none.
NODES = [
    node("a", more={"gpu": 4}),
    node("b", more={"gpu": 8}),
    node("c"),
    node("d", more={"gpu": 4}, maintenance=True),
    node("e", more={"gpu": 2}, reserve={"gpu": 2}),
]
GUESTS = [guest("g1", "a", more={"gpu": 2}), guest("g2", "b", more={"gpu": 3}), guest("g3", "c")]
RIGHT = 2 / 4 - 3 / 8


@pytest.mark.parametrize("nodes", [NODES, NODES[::-1]])
def test_a_node_without_a_resource_has_no_share_of_it(nodes):
    document = cluster(nodes, GUESTS)
    policy = {"resources": {"gpu": 1}, "goal": "repair_only"}
    read, problem = read_cluster(document), problem_of(document, resources={"gpu": 1})
    answer = cluster_balance(document, policy)
    column = read.resources.index("gpu")
    assert answer["before"]["spread"]["gpu"] == pytest.approx(RIGHT)
    assert verify(document, answer, policy) == []
    assert measure(read, read.home, None).spread[column] == pytest.approx(RIGHT)
    assert spread(document, {one["id"]: one["node"] for one in GUESTS}, "gpu") == pytest.approx(RIGHT)
    assert {one["name"]: one["after"]["gpu"] for one in answer["nodes"]} == {"a": 0.5, "b": 0.375, "c": None, "d": 0.0, "e": None}
    state = State(problem)
    shares = Shares(state)
    assert shares.spread(shares.of(state))[0] == pytest.approx(RIGHT)


def test_a_node_without_a_resource_is_not_outside_of_its_window():
    problem = problem_of(cluster([node("a", more={"gpu": 4}), node("b", overhead={"gpu": 1})], GUESTS[:1]), resources={"gpu": 1})
    state = State(problem)
    # What is over on b is told by its overload: of the window it is no part.
    free = Window(problem, np.array([0.5]))
    assert free.over_and_under(state, np.array([0, 1]))[1].tolist() == [0, 0]
    narrow = Window(problem, np.array([0.6]))
    assert narrow.over_and_under(state, np.array([0]))[1][0] > 0
    assert narrow.over_and_under(state, np.array([1]))[1][0] == 0


def test_spread_is_nothing_where_no_node_has_any():
    document = cluster([node("a", more={"gpu": 0}), node("b")], [guest("g3", "b")])
    answer = cluster_balance(document, {"resources": {"gpu": 1}})
    assert (answer["before"]["spread"]["gpu"], answer["verdict"]) == (0.0, "balanced")
