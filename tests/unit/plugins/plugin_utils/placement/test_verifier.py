# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verifier finds what is wrong: each answer here breaks one thing."""

from __future__ import annotations

import ast
import pathlib

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement import verifier
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify
from support.placements import NOW, POLICY, right_answer, small_cluster


@pytest.fixture
def cluster():
    return small_cluster()


@pytest.fixture
def answer():
    return right_answer()


def test_a_right_answer_has_nothing_wrong(cluster, answer):
    assert verify(cluster, answer, POLICY) == []
    assert verify(cluster, answer, {**POLICY, "max_moves": 3, "max_bytes": 48, "cool_down_seconds": 3600, "hold_seconds": 60}) == []


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda a: a["moves"][1].update(guest="g9"), "no such guest or node"),
        (lambda a: a["moves"][1].update(to="e"), "no such guest or node"),
        (lambda a: a["moves"][1].update({"from": "d"}), "the guest is then on a"),
        (lambda a: a["moves"][1].update(to="a"), "it goes nowhere"),
        (lambda a: a["moves"][1].update(kind="swap"), "its kind is 'swap'"),
        (lambda a: a["moves"][1]["cost"].update(bytes=25), "its cost is 25 bytes, but it is 24"),
        (lambda a: a["moves"][1].pop("cost"), "its cost is None bytes"),
        (lambda a: a["moves"].append({**a["moves"][1], "from": "b", "to": "d"}), "was moved before, and not to park it"),
        (lambda a: a["moves"][1].update(kind="park"), "g2 is left where it was parked"),
        (lambda a: a["moves"][2].update(to="b"), "rule 3 (not_on_nodes) forbids it"),
        (lambda a: a["moves"][2].update(guest="g3", cost={"bytes": 16}), "rule 2 (on_nodes) forbids it"),
        (lambda a: a["moves"][2].update(to="c"), "c is closed"),
        (lambda a: a["moves"].append({**a["moves"][2], "guest": "g6", "from": "d", "to": "b"}), "it is pinned to d"),
        (lambda a: a["moves"].append({**a["moves"][2], "guest": "g7", "from": "b", "to": "d"}), "the guest must not move"),
        (lambda a: a["moves"].append({**a["moves"][2], "guest": "g4", "from": "b", "to": "d"}), "Rule 1 (together) ends with 1 guests"),
        (lambda a: a["moves"].pop(0), "g5 stays on c (c is closed (offline, in maintenance or to be emptied)) and is not listed"),
        (lambda a: a["moves"].pop(1), "Rule 0 (apart) stays broken and is not listed"),
        (lambda a: a["moves"][2].update(kind="evacuate"), "it is called evacuate, but a is not closed"),
        (lambda a: a["moves"][2].update(kind="consolidate"), "consolidate moves although the goal is balance"),
        (lambda a: a["before"].update(violations=3), "before.violations is 3, but it is 2"),
        (lambda a: a["after"]["spread"].update(memory=0.05), "after.spread.memory is 0.05, but it is 0.1"),
        (lambda a: a["after"]["spread"].clear(), "after.spread does not tell memory"),
        (lambda a: a["before"]["std"].update(cpu=0.2), "before.std.cpu is 0.2, but it is 0.141421"),
        (lambda a: a["before"]["max"].update(memory=None), "before.max.memory is None, but it is 0.9"),
        (lambda a: a["before"]["max"].update(gpu=0.1), "tells gpu, which the cluster does not have"),
        (lambda a: a["nodes"][1]["after"].update(memory=0.1), "memory of b is 0.1 after, but it is 0.4"),
        (lambda a: a["nodes"].pop(1), "nodes: b is missing"),
        (lambda a: a["nodes"].append(a["nodes"][0]), "nodes: a is no node, or there twice"),
        (lambda a: a["refused"].append({"guest": "g1"}), "has no reason"),
        (lambda a: a["refused"].append({"guest": "gx", "reason": "pinned"}), "What is refused is no guest: 'gx'"),
        (lambda a: a.update(verdict="fine"), "The verdict is 'fine'"),
        (lambda a: a.update(verdict="infeasible"), "The verdict infeasible has no why"),
        (lambda a: a.update(verdict="no_beneficial_move", why="none"), "but there are 3 moves"),
    ],
)
def test_a_wrong_answer_is_noticed(cluster, answer, break_it, told):
    break_it(answer)
    wrong = verify(cluster, answer, POLICY)
    assert any(told in line for line in wrong), wrong


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"max_moves": 2}, "There are 3 moves; max_moves is 2"),
        ({"max_bytes": 47}, "The moves carry 48 bytes; max_bytes is 47"),
        ({"goal": "repair_only"}, "balance moves although the goal is repair_only"),
        ({"goal": "headroom"}, "There are moves although the goal is headroom"),
        ({"target_spread": 0.05}, "The verdict is balanced, but the spread of memory is 0.1"),
        ({"target_spread": {"memory": 0.05}}, "The verdict is balanced, but the spread of memory is 0.1"),
        ({"resources": {"cpu": 1}}, "after.spread does not tell cpu"),
        ({"goal": "evacuate", "goal_options": {"nodes": ["d"]}}, "it must not arrive there: d is closed"),
    ],
)
def test_the_policy_is_kept(cluster, answer, policy, told):
    wrong = verify(cluster, answer, {**POLICY, **policy})
    assert any(told in line for line in wrong), wrong


def test_an_answer_for_no_resource_but_memory_needs_no_more(cluster, answer):
    for moment in ("before", "after"):
        answer[moment]["spread"].pop("cpu", None)
    assert verify(cluster, answer, {"target_spread": 0.1}) == []


def test_balance_waits_for_the_cool_down_of_a_guest_and_repair_does_not(cluster, answer):
    policy = {**POLICY, "cool_down_seconds": 3600}
    for moved in cluster["guests"]:
        moved["last_moved_at"] = NOW - 3600
    assert verify(cluster, answer, policy) == []
    for moved in cluster["guests"]:
        moved["last_moved_at"] = NOW - 3599
    assert verify(cluster, answer, policy) == ["Move 2 (g8): it was moved 3599 s ago, its cool-down is 3600 s."]


def test_balance_waits_until_the_last_move_of_any_guest_is_long_ago(cluster, answer):
    cluster["guests"][3]["last_moved_at"] = NOW - 59
    assert verify(cluster, answer, {**POLICY, "hold_seconds": 60}) == [
        "Move 2 (g8): the last move was 59 s ago, the policy holds for 60 s."
    ]
    assert verify(cluster, answer, {**POLICY, "hold_seconds": 59}) == []


def test_what_is_called_repair_repairs_something_or_makes_room(cluster, answer):
    answer["moves"][2]["kind"] = "repair"
    assert any("nothing was broken there" in line for line in verify({**cluster, "rules": cluster["rules"][3:4]}, answer, POLICY))
    # On a node that is too full, and one where a guest arrives that has to: both may be called so.
    cluster["nodes"][0]["reserve"]["memory"] = 40
    assert not any("nothing was broken" in line for line in verify(cluster, answer, POLICY))
    cluster["nodes"][0]["reserve"]["memory"] = 20
    cluster["guests"][4]["node"], cluster["nodes"][2]["maintenance"] = "b", False
    answer["moves"] = [{**answer["moves"][2], "guest": "g4", "from": "b", "to": "d"}, answer["moves"][1]]
    assert not any("nothing was broken" in line for line in verify(cluster, answer, POLICY))


def test_parking_ends_with_a_move_to_somewhere(cluster, answer):
    park = {"guest": "g2", "from": "a", "to": "d", "kind": "park", "cost": {"bytes": 24}}
    answer["moves"][1:2] = [park, {**answer["moves"][1], "from": "d"}]
    assert verify(cluster, answer, POLICY) == []


def test_what_nothing_can_help_may_stay_if_it_is_listed(cluster):
    cluster["guests"][4]["movable"] = False
    cluster["rules"][0]["guests"] = ["g3", "g4"]
    cluster["nodes"][3]["online"] = False
    figures = {"spread": {"memory": 0.8}, "std": {"memory": 0.4}, "max": {"memory": 0.9}, "violations": 2}
    answer = {
        "moves": [],
        "before": figures,
        "after": figures,
        "nodes": [{"name": name, "before": {}, "after": {}} for name in "abcd"],
        "refused": [{"guest": "g5", "reason": "must not move"}, {"guest": "g6", "reason": "its only node is offline"}],
        "verdict": "no_beneficial_move",
        "why": "nothing may move",
    }
    assert verify(cluster, answer, POLICY) == []
    assert any("g6 stays on d" in line for line in verify(cluster, {**answer, "refused": answer["refused"][:1]}, POLICY))


def told_of(cluster, answer, what, policy=None):
    return [line for line in verify(cluster, answer, policy or POLICY) if what in line]


def test_violations_count_each_breach_once(cluster, answer):
    cluster["rules"].append({"kind": "apart", "guests": ["g1", "g2", "g3", "g8"]})
    cluster["rules"].append({"kind": "on_nodes", "guests": ["g5", "g6"], "nodes": ["b"]})
    cluster["nodes"][0]["cpu"] = 3
    # rules 0 and 5, g5 (closed and not on b), g6, cpu of a
    assert "before.violations is 2, but it is 5." in verify(cluster, answer, POLICY)
    cluster["guests"][0]["memory_max"] = 100
    assert "before.violations is 2, but it is 7." in verify(cluster, answer, {**POLICY, "overcommit": 1.0})


def test_evacuated_nodes_count_as_closed(cluster, answer):
    wrong = verify(cluster, {**answer, "moves": []}, {**POLICY, "goal": "evacuate", "goal_options": {"nodes": ["b"]}})
    assert "before.violations is 2, but it is 4." in wrong
    assert any("g7 stays on b" in line for line in wrong)


def test_a_node_without_a_resource_is_not_in_its_spread(cluster, answer):
    cluster["nodes"][0]["more"], cluster["nodes"][1]["more"] = {"gpu": 4}, {"gpu": 2}
    cluster["guests"][0]["more"], cluster["guests"][3]["more"] = {"gpu": 2}, {"gpu": 1}
    for moment in ("before", "after"):
        answer[moment]["spread"]["gpu"] = 0.0
    answer["nodes"][3]["before"]["gpu"], answer["nodes"][3]["after"]["gpu"] = None, 0.0
    assert verify(cluster, answer, POLICY) == []


def test_freed_nodes_take_nothing_and_only_they_are_left_for_that(cluster, answer):
    policy = {**POLICY, "goal": "consolidate"}
    for move in answer["moves"][1:]:
        move["kind"] = "consolidate"
    sources = {move["from"] for move in answer["moves"][1:]}
    entered = {move["to"] for move in answer["moves"]}
    assert told_of(cluster, {**answer, "freed": sorted(sources)}, "is not freed, nor needs room", policy) == []
    assert len(told_of(cluster, answer, "is not freed, nor needs room", policy)) == sum(
        move["from"] not in entered for move in answer["moves"][1:]
    )
    assert sources - entered
    answer["moves"].append({"guest": "g4", "from": "b", "to": "a", "kind": "consolidate", "cost": {"bytes": 8}})
    assert told_of(cluster, {**answer, "freed": ["a", "b"]}, "being freed", policy) == [
        "Move 1 (g2): it arrives on b, which is being freed.",
        "Move 3 (g4): it arrives on a, which is being freed.",
    ]


def test_nothing_moves_where_others_balance(cluster, answer):
    assert told_of({**cluster, "balancers": ["other"]}, answer, "other balancers: other")
    idle = {**answer, "moves": [], "after": answer["before"], "verdict": "no_beneficial_move", "why": "other balances"}
    for entry in idle["nodes"]:
        entry["after"] = entry["before"]
    assert verify({**cluster, "balancers": ["other"]}, idle, POLICY) == []


def test_candidates_for_a_guest_have_room_and_may_hold_it(cluster, answer):
    new = {"id": "g9", "cpu": 1, "memory": 40, "pinned_to": ["a", "b", "d"], "disks": [{"storage": "nfs", "bytes": 5}]}
    cluster["nodes"][3]["storages"] = {"local": {}}
    cluster["rules"] += [{"kind": "not_on_nodes", "guests": ["g9"], "nodes": ["b"]}, {"kind": "apart", "guests": ["g9", "g4"]}]
    for key in ("before", "after"):
        answer[key]["violations"] = 2
    answer["candidates"] = [{"node": name, "score": 1, "reasons": []} for name in ("a", "b", "c", "d", "d", "e")]
    assert told_of(cluster, answer, "Candidate", {**POLICY, "goal": "place", "goal_options": {"guest": new}}) == [
        "Candidate a: memory of a would hold 112 of 80.",
        "Candidate b: rule 5 (not_on_nodes) forbids it.",
        "Candidate b: rule 6 (apart) would be broken.",
        "Candidate c: c is closed (offline, in maintenance or to be emptied).",
        "Candidate d: it lacks a storage of the guest's disks.",
        "Candidate d: no such node, or named twice.",
        "Candidate e: no such node, or named twice.",
    ]


def test_every_node_is_a_candidate_or_unfit_and_not_without_a_reason(cluster, answer):
    new = {"id": "g9", "cpu": 1, "memory": 40}
    answer["candidates"] = [{"node": "b", "score": 1, "reasons": []}]
    answer["unfit"] = [{"node": "a", "reasons": ["no room"]}, {"node": "b", "reasons": ["no room"]}, {"node": "d", "reasons": ["no room"]}]
    placing = {**POLICY, "goal": "place", "goal_options": {"guest": new}}
    assert told_of(cluster, answer, "Unfit", placing) == ["Unfit b: no such node, or named twice.", "Unfit d: nothing is against it."]
    assert told_of(cluster, answer, "neither", placing) == ["Candidate c: it is neither offered nor unfit."]


def test_a_guest_that_is_there_already_may_be_asked_for(cluster, answer):
    answer["candidates"] = [{"node": "d", "score": 1, "reasons": []}]
    asked = {"id": "g6", "cpu": 1, "memory": 76}
    placing = {**POLICY, "goal": "place", "goal_options": {"guest": asked}}
    assert told_of(cluster, answer, "Candidate d", placing) == []
    asked["memory"] = 84
    assert told_of(cluster, answer, "Candidate d", placing) == ["Candidate d: memory of d would hold 84 of 80."]


def test_freed_nodes_are_empty_and_not_in_the_figures_afterwards(cluster, answer):
    cluster["guests"] = [one for one in cluster["guests"] if one["node"] != "d"]
    del cluster["rules"][4]
    answer["moves"][0]["to"], answer["moves"][2]["to"] = "b", "b"
    del answer["moves"][2]
    for entry, memory in zip(answer["nodes"], [0.6, 0.6, 0.0, 0.0], strict=True):
        entry["after"] = {"memory": memory}
    answer["nodes"][3]["before"] = {"memory": 0.0}
    answer["before"] = {"spread": {"memory": 0.9}, "std": {"memory": 0.402768}, "max": {"memory": 0.9}, "violations": 2}
    answer["after"] = {"spread": {"memory": 0.0}, "std": {"memory": 0.0}, "max": {"memory": 0.6}, "violations": 0}
    answer["freed"] = ["d"]
    freeing = {**POLICY, "goal": "consolidate"}
    assert verify(cluster, answer, freeing) == []
    assert told_of(cluster, answer, "goal is not consolidate") == ["There are freed nodes although the goal is not consolidate."]
    assert told_of(cluster, {**answer, "freed": ["b", "c", "e"]}, "freed:", freeing) == [
        f"freed: {name} is no open node without guests." for name in "bce"
    ]


def test_the_verifier_shares_no_code_with_the_optimisers():
    folder = pathlib.Path(verifier.__file__).parent
    files = sorted(folder.glob("verifier*.py"))
    own = {f"ansible_collections.foresight.capacity.plugins.plugin_utils.placement.{file.stem}" for file in files}
    found = set()
    for file in files:
        for item in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(item, ast.ImportFrom):
                found.add(item.module)
            elif isinstance(item, ast.Import):
                found.update(alias.name for alias in item.names)
    ours = {name for name in found if name.startswith("ansible_collections")}
    assert len(files) == 4
    assert ours - own == {"ansible_collections.foresight.capacity.plugins.plugin_utils.errors"}
