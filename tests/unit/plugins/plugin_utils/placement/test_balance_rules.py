# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Soft rules: nothing moves against them or for them, and the lightest give way where a hard limit could not be kept otherwise."""

from __future__ import annotations

import warnings

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify
from support.small_clusters import cluster, guest, moved, node, rule

SOFT = {"strict": False}


def answered(document, **policy):
    answer = cluster_balance(document, policy)
    assert verify(document, answer, policy) == []
    return answer


def places(document, answer):
    return {one["id"]: one["node"] for one in moved(document, answer)["guests"]}


def test_guests_that_a_soft_rule_wants_together_move_together():
    guests = [guest(f"g{number}", "a", 20) for number in range(4)]
    document = cluster("ab", guests, rule("together", "g0 g1", **SOFT), rule("together", "g2 g3", **SOFT))
    at = places(document, answered(document))
    assert sorted(at.values()) == ["a", "a", "b", "b"]
    assert at["g0"] == at["g1"]
    assert at["g2"] == at["g3"]


def test_guests_that_a_soft_rule_wants_together_are_not_brought_together():
    document = cluster("ab", [guest("g0", "a", 20), guest("g1", "b", 20)], rule("together", "g0 g1", **SOFT))
    assert answered(document)["moves"] == []


def test_who_must_not_move_keeps_the_others_of_its_soft_group():
    guests = [guest("g0", "a", 20, movable=False), guest("g1", "a", 20)]
    free = cluster("ab", guests)
    assert [move["guest"] for move in answered(free)["moves"]] == ["g1"]
    assert answered({**free, "rules": [rule("together", "g0 g1", **SOFT)]})["moves"] == []


def test_soft_group_of_which_one_must_leave_does_not_leave():
    guests = [guest("g0", "a", 10, pinned_to=["b"]), guest("g1", "a", 10), guest("g2", "b", 10)]
    document = cluster("ab", guests, rule("together", "g0 g1", **SOFT))
    answer = answered(document, goal="repair_only")
    assert [move["guest"] for move in answer["moves"]] == ["g0"]
    assert answer["after"]["violations"] == 0


def test_soft_rule_that_forbids_what_another_wants_joins_nobody():
    guests = [guest(f"g{number}", "a", 20) for number in range(4)]
    document = cluster("ab", guests, rule("together", "g0 g1", **SOFT), rule("apart", "g0 g1"))
    answer = answered(document)
    at = places(document, answer)
    assert at["g0"] != at["g1"]
    assert answer["refused"] == []


def test_soft_rule_gives_way_to_an_evacuation():
    nodes = [node("a", maintenance=True), node("b"), node("c", 5)]
    document = cluster(nodes, [guest("g0", "a", 20), guest("g1", "b", 20)], rule("apart", "g0 g1", **SOFT))
    answer = answered(document, goal="repair_only")
    assert places(document, answer)["g0"] == "b"
    assert answer["after"]["violations"] == 0
    assert answer["refused"] == [{"rule": 0, "reason": "it is not strict (weight 1) and gave way so that a hard limit is kept"}]


def test_the_lightest_soft_rule_gives_way():
    nodes = [node("a", maintenance=True), "b", "c"]
    guests = [guest("g0", "a", 20), guest("g1", "b", 20, movable=False), guest("g2", "c", 20, movable=False)]
    for light, target in ((0, "b"), (1, "c")):
        rules = [rule("apart", f"g0 g{number + 1}", weight=0.5 if number == light else 2.0, **SOFT) for number in (0, 1)]
        document = cluster(nodes, guests, *rules)
        answer = answered(document, goal="repair_only")
        assert places(document, answer)["g0"] == target
        assert [entry["rule"] for entry in answer["refused"]] == [light]


def test_soft_group_that_is_too_large_for_any_node_leaves_one_by_one():
    nodes = [node("a", maintenance=True), node("b", 30), node("c", 30)]
    document = cluster(nodes, [guest("g0", "a", 20), guest("g1", "a", 20)], rule("together", "g0 g1", **SOFT))
    answer = answered(document, goal="repair_only")
    assert sorted(places(document, answer).values()) == ["b", "c"]
    assert [entry["rule"] for entry in answer["refused"]] == [0]


def test_soft_rule_of_no_weight_is_switched_off():
    document = cluster("ab", [guest("g0", "a", 20), guest("g1", "a", 20)], rule("together", "g0 g1", weight=0, **SOFT))
    assert sorted(places(document, answered(document)).values()) == ["a", "b"]


def test_a_resource_that_no_node_has_is_no_cause_for_warnings():
    nodes = [node(name, more={"gpu": 0}) for name in "abc"]
    guests = [guest(f"g{number}", "a", 10, more={"gpu": 8}) for number in range(4)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answered(cluster(nodes, guests), resources={"gpu": 1, "memory": 1})


def test_what_has_no_window_is_planned_around():
    guests = [guest(f"{'lxc' if number % 2 else 'qemu'}/{number}", "a", 10) for number in range(8)]
    document = {**cluster("ab", guests), "observed_at": 1_763_700_000}
    windows = [{"from": "00:00", "to": "00:00", "kinds": ["live", "offline"]}]
    answer = answered(document, limits={"windows": windows})
    assert {move["guest"] for move in answer["moves"]} == {f"qemu/{number}" for number in (0, 2, 4, 6)}
    assert answer["refused"] == []
    assert answer["after"]["spread"]["memory"] < 0.01


def test_nobody_makes_room_for_those_that_cannot_come():
    # g would go to b, where h makes room, and i to a, for which it is pinned; but each has room only when the other has left, and there is no third node.
    nodes = [node("a", more={"gpu": 0}), node("b", 100, 80, more={"gpu": 1})]
    guests = [
        guest("g", "a", 0, 80, more={"gpu": 1}),
        guest("h", "b", 0, 10),
        guest("i", "b", 0, 0, pinned_to=["a"], more={"gpu": 1}),
    ]
    answer = answered(cluster(nodes, guests), goal="repair_only")
    assert answer["moves"] == []
    assert [entry["guest"] for entry in answer["refused"]] == ["g", "i"]
    assert answer["verdict"] == "infeasible"


def test_who_belongs_together_with_a_guest_that_must_go_goes_with_it():
    guests = [guest("g", "a", 1, running=False), guest("h", "a", 1, running=False, pinned_to=["b"])]
    answer = answered(cluster("ab", guests, rule("together", "g h")), goal="repair_only")
    assert [(move["guest"], move["kind"]) for move in answer["moves"]] == [("g", "repair"), ("h", "repair")]
    assert {move["reason"] for move in answer["moves"]} == {"it, or a guest that it belongs together with, must not be on a"}
