# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import FREED, LEAVING, MAINTENANCE, OFFLINE, OPEN
from support.placement_views import GIB, balanced_view, by_hand, hand_view


def load_of(document, at, resource):
    """Overhead and running guests by node, counted anew."""
    found = {node["name"]: (node.get("overhead") or {}).get(resource, 0.0) for node in document["nodes"]}
    for guest in document["guests"]:
        found[at[guest["id"]]] += guest[resource] if guest.get("running", True) else 0.0
    return found


@pytest.mark.parametrize("resource", ["cpu", "memory"])
@pytest.mark.parametrize("side", ["before", "after"])
def test_figures_are_what_numpy_makes_of_the_document(resource, side):
    view, document, answer = balanced_view({"resources": {"cpu": 1, "memory": 1}})
    at = {guest["id"]: guest["node"] for guest in document["guests"]}
    if side == "after":
        at.update({move["guest"]: move["to"] for move in answer["moves"]})
    load = load_of(document, at, resource)
    nodes = [node for node in document["nodes"] if node["online"] and not node["maintenance"]]
    loads = np.array([load[node["name"]] for node in nodes])
    ratios = loads / np.array([node[resource] - node["reserve"][resource] for node in nodes])
    figures = getattr(view, side).figures[resource]
    assert figures.std == pytest.approx(loads.std())
    assert (figures.std_ratio, figures.spread, figures.highest) == pytest.approx((ratios.std(), np.ptp(ratios), ratios.max()))
    assert getattr(view, side).load[resource] == pytest.approx(load)


def test_improvement_is_the_share_by_which_the_deviation_falls():
    assert hand_view().improvement("memory") == pytest.approx(1 - 0.05 / 0.3)
    told = {"spread": {"cpu": 0, "memory": 0}, "std": {"cpu": 0, "memory": 0}, "max": {"cpu": 0, "memory": 0}, "violations": 0}
    assert hand_view(before=told).improvement("memory") is None


def test_moves_waves_and_what_they_take():
    view = hand_view()
    assert [(move.guest, move.wave, move.size) for move in view.moves] == [("g4", 1, 10 * GIB), ("g2", 2, 30 * GIB)]
    assert (view.size, view.wall_seconds, view.moved) == (40 * GIB, 32.0, {"g2", "g4"})
    assert view.names["g1"] == "first"
    assert view.demand["g5"] == {"cpu": 0.0, "memory": 0.0}, "it does not run"
    a = view.nodes[0]
    assert (a.usable("memory"), view.share(view.before, a, "memory"), view.share(view.after, a, "memory")) == (100 * GIB, 0.8, 0.5)


def test_what_is_balanced_comes_first_and_every_breach_is_in_words():
    view = hand_view()
    assert [(one.name, one.unit, one.balanced) for one in view.resources] == [("memory", "GiB", True), ("cpu", "cores", False)]
    assert [one.what for one in view.before.breaches] == [
        "g4 is on c: c is closed (offline, in maintenance or to be emptied)",
        "cpu of a is at 110%",
    ]
    assert view.before.violations == len(view.before.breaches)
    assert view.after.breaches == []


@pytest.mark.parametrize("seed", range(4))
def test_there_is_a_breach_for_each_violation(seed):
    view, _document, answer = balanced_view({"max_moves": 3}, seed=seed)
    assert answer["before"]["violations"] > 3
    assert len(view.before.breaches) == answer["before"]["violations"]
    assert len(view.after.breaches) == answer["after"]["violations"]


def test_the_state_of_nodes():
    view, document, _answer = balanced_view({"goal": "evacuate", "goal_options": {"nodes": ["node01"]}}, maintenance=1, offline=1)
    states = {node.name: node.state for node in view.nodes}
    for node in document["nodes"]:
        expected = MAINTENANCE if node["maintenance"] else OPEN if node["online"] else OFFLINE
        assert states[node["name"]] == (LEAVING if node["name"] == "node01" else expected)
    freed, _document, answer = balanced_view({"goal": "consolidate"}, pinned=0, grouped=0, load=[0.05, 0.2])
    assert answer["freed"]
    assert {node.name for node in freed.nodes if node.state == FREED} == set(answer["freed"])
    assert freed.after.counted == freed.before.counted - set(answer["freed"])
    assert freed.improvement("memory") is None, "nobody asked for balance"
    assert freed.found[0] == f"Free of guests then: {', '.join(answer['freed'])}"


def test_goals_without_moves_tell_what_they_found():
    view, _document, answer = balanced_view(
        {"goal": "place", "goal_options": {"guest": {"cpu": 1.0, "memory": 80 * GIB}}}, document=by_hand()
    )
    assert [one.partition(":")[0] for one in view.found] == [
        *(one["node"] for one in answer["candidates"]),
        *(f"{one['node']} cannot take it" for one in answer["unfit"]),
    ]
    view, _document, answer = balanced_view({"goal": "headroom"}, document=by_hand())
    unplaced = answer["survives"]["worst"]["unplaced"]
    assert view.found == [
        f"Worst loss of 1: {answer['survives']['worst']['nodes'][0]}; {len(unplaced)} guests find no place: {', '.join(unplaced)}"
    ]
