# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Goals besides balance: single cases."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify
from support.small_clusters import cluster, guest, node, rule

FREEING = {"goal": "consolidate", "goal_options": {"spare_nodes": 0}}


def answered(document, policy):
    answer = cluster_balance(document, policy)
    assert verify(document, answer, policy) == []
    return answer


def test_who_makes_room_for_what_leaves_a_freed_node_is_no_repair():
    guests = [guest("g", "a", 30), guest("fixed", "a", 40, movable=False), guest("other", "b", 60, movable=False), guest("big", "c", 50)]
    answer = answered(cluster("abc", guests), FREEING)
    assert answer["freed"] == ["c"]
    assert [(move["guest"], move["to"], move["kind"]) for move in answer["moves"]] == [
        ("big", "a", "consolidate"),
        ("g", "b", "consolidate"),
    ]


def test_a_node_is_emptied_whole_or_not_at_all():
    # big had room on b if p and q changed places, but there is nowhere to begin with that; small alone would leave for nothing.
    guests = [guest("p", "a", 60), guest("q", "b", 75), guest("big", "c", 50), guest("small", "c", 5)]
    document = cluster([node("a", 100), node("b", 120), node("c", 100)], guests, rule("on_nodes", "p q", ["a", "b"]))
    answer = answered(document, FREEING)
    assert (answer["moves"], answer["freed"], answer["verdict"]) == ([], [], "no_beneficial_move")


def test_a_place_beside_guests_that_a_soft_rule_joins():
    still = {"running": False, "movable": False}
    document = cluster(
        "ab", [guest("x", "a", 0, 0, **still), guest("y", "a", 0, 0, **still)], rule("together", "x y", strict=False, weight=1)
    )
    answer = answered(document, {"goal": "place", "goal_options": {"guest": {"id": "z", "cpu": 1, "memory": 1}}})
    assert [one["node"] for one in answer["candidates"]] == ["a", "b"]


def test_a_guest_that_a_rule_names_twice_counts_once():
    guests = [guest("x", "a", 1), guest("y", "b", 1), guest("z", "a", 1)]
    document = cluster("ab", guests, rule("together", "z x x y"))
    answer = answered(document, {"goal": "place", "goal_options": {"guest": {"id": "z", "cpu": 1, "memory": 1}}})
    assert sorted(one["node"] for one in answer["candidates"]) == ["a", "b"]
