# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the strategies are given to solve: items, limits as columns, and who may be where."""

from __future__ import annotations

import math

import pytest

from support.small_clusters import cluster, guest, item, node, problem_of, rule


def may(problem, name):
    """Return the nodes that the item of a guest may go to."""
    return [node for node, allowed in zip(problem.cluster.nodes, problem.may[item(problem, name)], strict=True) if allowed]


def test_what_is_together_is_one_item_with_the_sum_of_all():
    document = cluster("ab", [guest("g1", "a", 10), guest("g2", "a", 20), guest("g3", "b", 30)], rule("together", "g1 g2"))
    problem = problem_of(document)
    assert problem.members == ((0, 1), (2,))
    assert problem.demand[:, 1].tolist() == problem.bytes.tolist() == [30, 30]
    assert problem.home.tolist() == [0, 1]
    assert not problem.astray.any()


def test_rules_with_a_common_guest_make_one_item():
    guests = [guest(name, "a") for name in ("g1", "g2", "g3", "g4")]
    problem = problem_of(cluster("ab", guests, rule("together", "g1 g2"), rule("together", "g2 g3")))
    assert problem.members == ((0, 1, 2), (3,))


def test_a_torn_group_is_nowhere_and_counts_the_moves_and_bytes_to_each_node():
    guests = [guest("g1", "a", 10), guest("g2", "a", 20), guest("g3", "b", 40)]
    problem = problem_of(cluster("abc", guests, rule("together", "g1 g2 g3")))
    assert (problem.home[0], problem.astray[0]) == (-1, True)
    assert [problem.moves(0, at) for at in range(3)] == [1, 2, 3]
    assert [problem.size(0, at) for at in range(3)] == [40, 30, 70]


def test_a_single_guest_costs_nothing_at_home():
    problem = problem_of(cluster("ab", [guest("g", "a", 10)]))
    assert [problem.moves(0, at) for at in range(2)] == [0, 1]
    assert [problem.size(0, at) for at in range(2)] == [0, 10]


def test_a_predicted_cost_counts():
    migration = {"bytes": {"0.5": 3}, "targets": {"c": {"bytes": {"0.5": 5}}}}
    problem = problem_of(cluster("abc", [guest("g", "a", 10, migration=migration)]))
    assert [problem.size(0, at) for at in range(3)] == [0, 3, 5]


@pytest.mark.parametrize(
    ("guests", "rules", "told"),
    [
        ([guest("g1", "a", movable=False), guest("g2", "b", movable=False)], [rule("together", "g1 g2")], "guests that must not move are on different nodes"),
        (
            [guest("g1", "a", pinned_to=["a"]), guest("g2", "b", pinned_to=["b"])], [rule("together", "g1 g2")],
            "there is no open node that all of them may be on",
        ),
        ([guest("g1", "a"), guest("g2", "a")], [rule("together", "g1 g2"), rule("apart", "g1 g2")], "a together rule wants some of its guests on one node"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_met_are_told(guests, rules, told):
    problem = problem_of(cluster("ab", guests, *rules))
    assert [why for _number, why in problem.unmet] == [told]
    assert problem.unmet[0][0] == len(rules) - 1


def test_a_group_whose_rule_cannot_be_met_stays_as_it_is():
    guests = [guest("g1", "a", pinned_to=["a"]), guest("g2", "b", pinned_to=["b"]), guest("g3", "b")]
    problem = problem_of(cluster("ab", guests, rule("together", "g1 g2")))
    assert [len(members) for members in problem.members] == [1, 1, 1]
    assert problem.movable.tolist() == [False, False, True]


def test_a_torn_group_goes_to_its_member_that_must_not_move():
    problem = problem_of(cluster("abc", [guest("g1", "a"), guest("g2", "b", movable=False)], rule("together", "g1 g2")))
    assert may(problem, "g1") == ["b"]
    assert problem.movable[0]


def test_what_is_apart_is_a_group_for_strict_rules_first():
    guests = [guest(name, "a") for name in ("g1", "g2", "g3")]
    problem = problem_of(cluster("abc", guests, rule("apart", "g1 g3", strict=False), rule("apart", "g1 g2")))
    assert problem.groups.tolist() == [[0, 1], [0, -1], [1, -1]]
    assert (problem.group_count, problem.strict_groups) == (2, 1)


def test_rules_pins_storages_and_open_nodes_say_where_a_guest_may_go():
    nodes = ["a", "b", "c", node("d", maintenance=True), node("e", storages={"nfs": {"shared": True}})]
    guests = [
        guest("g1", "a"),
        guest("g2", "a", pinned_to=["b", "d"]),
        guest("g3", "a", disks=[{"storage": "other", "bytes": 1}]),
        guest("g4", "a"),
        guest("g5", "a"),
    ]
    rules = [rule("on_nodes", "g4", ["b", "c"]), rule("not_on_nodes", "g5", ["a", "e"])]
    nodes[0] = node("a", storages={"other": {"shared": True}, "nfs": {"shared": True}})
    problem = problem_of(cluster(nodes, guests, *rules))
    assert may(problem, "g1") == ["a", "b", "c", "e"]
    assert may(problem, "g2") == ["b"]
    assert may(problem, "g3") == ["a", "b", "c"]
    assert may(problem, "g4") == ["b", "c"]
    assert may(problem, "g5") == ["b", "c"]
    assert problem.astray.tolist() == [False, True, False, True, True]


def test_a_closed_node_keeps_nobody():
    problem = problem_of(cluster("ab", [guest("g1", "a"), guest("g2", "b")]), closed=["a"])
    assert problem.open.tolist() == [False, True]
    assert problem.astray.tolist() == [True, False]


def test_what_is_offline_or_must_not_move_stays():
    nodes = [node("a", online=False), "b"]
    problem = problem_of(cluster(nodes, [guest("g1", "a"), guest("g2", "b", movable=False), guest("g3", "b")]))
    assert problem.movable.tolist() == [False, False, True]


def test_soft_rules_keep_what_moves_and_call_nothing_astray():
    soft = {"strict": False}
    guests = [guest("g1", "a"), guest("g2", "a"), guest("g3", "a")]
    rules = [
        rule("not_on_nodes", "g1", ["a"], **soft),
        rule("not_on_nodes", "g2", ["b"], weight=0, **soft),
        rule("together", "g1 g3", **soft),
    ]
    problem = problem_of(cluster("ab", guests, *rules))
    assert may(problem, "g1") == ["b"]
    assert may(problem, "g2") == ["a", "b"]
    assert not problem.astray.any()
    assert [len(members) for members in problem.members] == [2, 1]


def test_sums_of_what_guests_may_use_are_limited_where_overcommitting_is():
    nodes = [node("a", 100, 10, reserve={"memory": 20}, overhead={"memory": 5}), "b"]
    document = cluster(nodes, [guest("g", "a", 10, 1, memory_max=30)])
    assert problem_of(document).demand.shape == (1, 2)
    problem = problem_of(document, overcommit=1.5)
    assert problem.demand.tolist() == [[1, 10, 1, 30]]
    assert problem.capacity[0].tolist() == [10, 80, 15, 120]
    assert problem.other[0].tolist() == [0, 5, 0, 0]
    assert problem.counted == 4


def test_storages_that_are_not_shared_are_limits_that_no_one_balances():
    nodes = [node("a", storages={"local": {"bytes": 50, "used": 40}}), node("b", storages={"local": {}})]
    problem = problem_of(cluster(nodes, [guest("g", "a", disks=[{"storage": "local", "bytes": 15}])]))
    assert problem.demand.tolist() == [[1, 10, 15]]
    assert problem.capacity[:, 2].tolist() == [25, math.inf]
    assert problem.counted == 2


def test_weights_and_targets_are_those_of_the_policy():
    problem = problem_of(cluster("ab"), resources={"memory": 3, "cpu": 1}, target_spread={"cpu": 0.2})
    assert problem.resources.tolist() == [0, 1]
    assert problem.weights.tolist() == [1, 3]
    assert problem.target.tolist() == [0.2, 0.05]
