# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a new user hands to cluster_balance: each mistake is named with what is needed and where; what is odd but clear gets a sensible answer."""

from __future__ import annotations

import math

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify
from support.small_clusters import cluster, guest, node, rule


def small(*rules, **more):
    return cluster("ab", [guest("g1", "a", 30, **more), guest("g2", "a", 30)], *rules)


def with_node(**more):
    return cluster([node("a", **more), "b"], [guest("g1", "a", 30), guest("g2", "a", 30)])


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (None, "The cluster document is missing; needed is a mapping (O(cluster))."),
        ([], "The cluster document is [] (list); needed is a mapping (O(cluster))."),
        ({}, "The cluster document has no nodes; needed is at least one (O(cluster.nodes))."),
        ({"nodes": ["a"]}, "Node 0 is 'a' (str); needed is a mapping (O(cluster.nodes[0]))."),
        ({"nodes": [{"name": "a", "memory": 1}]}, "Node a has no cpu (O(cluster.nodes[0].cpu))."),
        (with_node(memory="8 GiB"), "Node a: memory is '8 GiB' (str); needed is a number of 0 or more (O(cluster.nodes[0].memory))."),
        (with_node(memory=math.nan), "Node a: memory is nan (float); needed is a number of 0 or more"),
        (with_node(memory=-1), "Node a: memory is -1 (int); needed is a number of 0 or more"),
        (with_node(online="yes"), "Node a: online is 'yes' (str); needed is true or false (O(cluster.nodes[0].online))."),
        (
            with_node(reserve={"ram": 1}),
            "reserve of Node a has the unknown key 'ram'; known are cpu, memory. (O(cluster.nodes[0].reserve))",
        ),
        (with_node(overhead={"gpu": 1}), "overhead of Node a has the unknown key 'gpu'; did you mean cpu? (O(cluster.nodes[0].overhead))"),
        (cluster("aa"), "The name 'a' appears twice among the nodes; each must be its own (O(cluster.nodes[].name))."),
        (cluster("a", [guest("g", "a")] * 2), "The id 'g' appears twice among the guests; each must be its own (O(cluster.guests[].id))."),
        (cluster("a", [{"id": 101, "node": "a"}]), "Guest 0: id is 101 (int); needed is a text (O(cluster.guests[0].id))."),
        (
            cluster("a", [guest("g", "z")]),
            "Guest g: node is 'z' (str); needed is the name of a node of the document (O(cluster.guests[0].node)).",
        ),
        (small(cpu="2"), "Guest g1: cpu is '2' (str); needed is a number of 0 or more (O(cluster.guests[0].cpu))."),
        (small(pinned_to="b"), "Guest g1: pinned_to is 'b' (str); needed is a list (O(cluster.guests[0].pinned_to))."),
        (small(more={"gpu": 1}), "Guest g1: more is 'gpu' (str); needed is a resource that a node has (more: none is told)"),
        (small(last_moved_at="yesterday"), "Guest g1: last_moved_at is 'yesterday' (str); needed is a time in UTC seconds since 1970"),
        (small(last_moved_at=1763700000000), "Guest g1: last_moved_at is 1763700000000 (int); needed is a time in UTC seconds since 1970"),
        (small(memory_max=1e25), "Guest g1: memory_max is 1e+25 (float); needed is a number of 0 or more and at most 1e+24"),
        (with_node(memory=10**400), "needed is a number of 0 or more and at most 1e+24 (O(cluster.nodes[0].memory))."),
        (with_node(more={1: 2}), "Node a: more is 1 (int); needed is a text that names another resource than cpu and memory"),
        (with_node(more={"cpu": 2}), "Node a: more is 'cpu' (str); needed is a text that names another resource than cpu and memory"),
        (small(migration={"mode": "teleport"}), "migration of Guest g1: mode is 'teleport' (str); needed is one of live, restart, offline"),
        (small(migration={"bytes": 5}), "bytes of migration of Guest g1 is 5 (int); needed is a mapping"),
        (
            small({"kind": "near", "guests": ["g1"]}),
            "Rule 0: kind is 'near' (str); needed is one of together, apart, on_nodes, not_on_nodes",
        ),
        (small({"kind": "apart", "guests": "g1"}), "Rule 0: guests is 'g1' (str); needed is a list (O(cluster.rules[0].guests))."),
        (
            small({"kind": "apart", "guest": ["g1", "g2"]}),
            "Rule 0 has the unknown key 'guest'; did you mean guests? (O(cluster.rules[0]))",
        ),
        (small({"kind": "apart"}), "Rule 0: guests is missing; needed is a list of ids of guests (O(cluster.rules[0].guests))."),
        (
            small({"kind": "on_nodes", "guests": ["g1"]}),
            "Rule 0: nodes is missing; needed is a list of names of nodes (O(cluster.rules[0].nodes)).",
        ),
        (small(rule("apart", "g1", strict="no")), "Rule 0: strict is 'no' (str); needed is true or false (O(cluster.rules[0].strict))."),
    ],
)
def test_what_is_wrong_with_a_document_is_told(document, told):
    with pytest.raises(InputError) as caught:
        cluster_balance(document)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ([], "The policy is [] (list); needed is a mapping (O(policy))."),
        ({"target": 0.1}, "The policy has the unknown key 'target'; did you mean target_spread? (O(policy))"),
        (
            {"goal": "even"},
            "The policy: goal is 'even' (str); needed is one of balance, repair_only, consolidate, evacuate, place, headroom",
        ),
        ({"strategy": "best"}, "The policy: strategy is 'best' (str); needed is one of foresight, greedy,"),
        ({"resources": ["memory"]}, "resources of The policy is ['memory'] (list); needed is a mapping (O(policy.resources))."),
        ({"resources": {"gpu": 1}}, "resources of The policy has the unknown key 'gpu'"),
        ({"target_spread": "5%"}, "The policy: target_spread is '5%' (str); needed is a number of 0 or more and at most 1"),
        ({"target_spread": 5}, "The policy: target_spread is 5 (int); needed is a number of 0 or more and at most 1"),
        ({"max_bytes": "10 GiB"}, "The policy: max_bytes is '10 GiB' (str); needed is a number of 0 or more (O(policy.max_bytes))."),
        ({"hysteresis": 2}, "The policy: hysteresis is 2 (int); needed is a number of 0 or more and at most 1 (O(policy.hysteresis))."),
        ({"memory_seconds": [7]}, "The policy: memory_seconds is [7] (list); needed is a number of 0 or more"),
        ({"cool_down_seconds": "soon"}, "policy.cool_down_seconds"),
        ({"limits": {"parallel": 3}}, "The limits document has the unknown key 'parallel'; known are bandwidth_bytes_per_second, global,"),
        (
            {"goal": "evacuate"},
            "nodes is missing; needed is a list of the nodes to empty, for the goal evacuate (O(policy.goal_options.nodes)).",
        ),
        (
            {"goal": "evacuate", "goal_options": {"nodes": ["z"]}},
            "There is no node 'z' to evacuate; nodes are a, b (O(policy.goal_options.nodes)).",
        ),
        (
            {"goal": "place"},
            "guest is missing; needed is a mapping with cpu and memory, for the goal place (O(policy.goal_options.guest)).",
        ),
        (
            {"goal": "place", "goal_options": {"guest": {"cpu": 1}}},
            "The guest to place has no memory (O(policy.goal_options.guest.memory)).",
        ),
        (
            {"goal": "place", "goal_options": {"guest": {"cpu": 1, "memory": 1, "more": {"gpu": 1}}}},
            "The guest to place: more is 'gpu' (str); needed is a resource that a node has (more: none is told) (O(policy.goal_options.guest.more)).",
        ),
        ({"now": 1763700000000}, "The policy: now is 1763700000000 (int); needed is a time in UTC seconds since 1970, such as 1763700000"),
        ({"max_moves": math.inf}, "The policy: max_moves is inf (float); needed is a whole number of 0 or more (O(policy.max_moves))."),
        ({"hold_seconds": 60}, "now is missing; needed is the time in UTC seconds, as hold_seconds or cool_down_seconds is given"),
    ],
)
def test_what_is_wrong_with_a_policy_is_told(policy, told):
    with pytest.raises(InputError) as caught:
        cluster_balance(small(), policy)
    assert told in str(caught.value)


ALL_CLOSED = [node("a", online=False), node("b", maintenance=True)]


@pytest.mark.parametrize(
    ("document", "policy", "verdict", "why", "refused"),
    [
        (cluster("ab"), {}, "balanced", "nothing is broken, and the nodes are as even as asked for", []),
        (cluster("a", [guest("g", "a", 30)]), {}, "balanced", "nothing is broken, and the nodes are as even as asked for", []),
        (
            cluster(ALL_CLOSED, [guest("g1", "a"), guest("g2", "b")]),
            {},
            "infeasible",
            "2 limits are broken, and no move that is allowed helps",
            ["stays on a: nothing can leave a node that is offline", "stays on b: no open node may take it"],
        ),
        (
            cluster([node("a", 0), node("b", 0)], [guest("g", "a", 10)]),
            {},
            "infeasible",
            "1 limit is broken (over capacity: memory of a), and no move that is allowed helps",
            [],
        ),
        (small(rule("apart", "g1 gone")), {}, "improved", "1 move", []),
        (small(rule("on_nodes", "g1", ["gone"])), {}, "improved", "1 move; 1 limit stays broken", ["stays on a: no open node may take it"]),
        (
            small(),
            {"goal": "evacuate", "goal_options": {"nodes": ["a", "b"]}},
            "infeasible",
            "2 guests stay on a, b: g1, g2",
            ["stays on a: no open node may take it"] * 2,
        ),
        (small(), {"goal": "headroom", "goal_options": {"k": 9}}, "infeasible", "without a, b, 2 of the guests find no place", []),
        (
            small(),
            {"goal": "consolidate", "goal_options": {"spare_nodes": 9}},
            "no_beneficial_move",
            "no node can be emptied so that the others survive the loss of 9",
            [],
        ),
        (
            small(),
            {"goal": "place", "goal_options": {"guest": {"cpu": 1, "memory": 1e9}}},
            "infeasible",
            "no node may take it, or has room",
            [],
        ),
    ],
)
def test_what_is_odd_gets_a_sensible_answer(document, policy, verdict, why, refused):
    answer = cluster_balance(document, policy)
    assert verify(document, answer, policy) == []
    assert (answer["verdict"], answer["why"]) == (verdict, why)
    assert [entry["reason"] for entry in answer["refused"]] == refused


@pytest.mark.parametrize("key", ["cpu", "cpu_max", "memory_max"])
def test_numbers_beyond_those_of_the_processor_count_like_others(key):
    document = small(**{key: 2**70})
    answer = cluster_balance(document, {"overcommit": 2.0})
    assert verify(document, answer, {"overcommit": 2.0}) == []
    assert answer["before"]["violations"] == (2 if key == "cpu" else 1), "the demand of a guest is the least of what it may use"


def test_a_last_move_that_is_yet_to_come_holds_only_who_waits():
    document, waiting = small(last_moved_at=1763700500), {"now": 1763700000, "hysteresis": 0}
    answer = cluster_balance(document, waiting)
    assert (answer["verdict"], verify(document, answer, waiting)) == ("improved", [])
    held = cluster_balance(document, {**waiting, "hold_seconds": 60})
    assert (held["verdict"], held["moves"]) == ("no_beneficial_move", [])
    assert "the last move was 0 s ago, and balance waits for 60 s after a move (hold_seconds)" in held["why"]


@pytest.mark.filterwarnings("error")
def test_nodes_that_have_nothing_are_no_news_for_the_terminal():
    document = cluster([node("a", 0, 0), node("b", 0, 0)], [guest("g", "a", 2**33)])
    assert cluster_balance(document)["verdict"] == "infeasible"


@pytest.mark.parametrize("budget", ["max_moves", "max_bytes"])
def test_a_budget_of_nothing_is_the_reason(budget):
    answer = cluster_balance(small(), {budget: 0})
    assert (answer["verdict"], answer["why"]) == (
        "no_beneficial_move",
        f"the spread is memory 60.0%, but {budget} is 0, which allows no move",
    )
