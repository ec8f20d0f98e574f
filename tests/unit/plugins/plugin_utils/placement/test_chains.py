# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chains of moves that make room, on clusters that are nearly full."""

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement import chains as module
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.chains import Chains
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import NOWHERE, State
from support.small_clusters import cluster, guest, item, moved, node, problem_of, rule
from support.strategy_runs import loads, placed, wrongs


def chained(document, name, **more):
    """Return whether a chain found a place for a guest, and the state."""
    problem = problem_of(document)
    state = State(problem)
    return Chains(state, problem.movable, **more).place(item(problem, name)), state


FULL = (
    node("a", maintenance=True),
    "b",
    "c",
    "d",
)


def test_another_makes_room():
    document = cluster(FULL[:3], [guest("g", "a", 30), guest("h", "b", 70), guest("i", "b", 20), guest("j", "c", 80)])
    found, state = chained(document, "g")
    assert found
    assert placed(state) == {"g": "b", "h": "b", "i": "c", "j": "c"}


def test_others_make_room_for_the_one_that_makes_room():
    # Only b takes g; what leaves it is too large for what c has left, before something goes on to d.
    rules = [rule("on_nodes", "g", ["a", "b"]), rule("on_nodes", "h", ["b", "c"]), rule("not_on_nodes", "k", ["b"])]
    guests = [guest("g", "a", 60), guest("h", "b", 60), guest("i", "b", 40, movable=False), guest("j", "c", 40, movable=False)]
    document = cluster(FULL, [*guests, guest("k", "c", 30), guest("l", "d", 60, movable=False)], *rules)
    found, state = chained(document, "g")
    assert found
    assert placed(state) == {"g": "b", "h": "c", "i": "b", "j": "c", "k": "d", "l": "d"}


def test_several_make_room_for_one():
    rest = [guest("x", "b", 40, movable=False), guest("y", "c", 80, movable=False), guest("z", "d", 80, movable=False)]
    document = cluster(FULL, [guest("g", "a", 50), guest("h", "b", 20), guest("i", "b", 20), *rest])
    found, state = chained(document, "g")
    assert found
    at = placed(state)
    assert at["g"] == "b"
    assert sorted((at["h"], at["i"])) == ["c", "d"]


def test_the_one_that_must_be_apart_makes_way():
    pins = [rule("on_nodes", "g", ["b"]), rule("apart", "g h")]
    document = cluster(FULL[:3], [guest("g", "a"), guest("h", "b"), guest("i", "b")], *pins)
    found, state = chained(document, "g")
    assert found
    assert placed(state) == {"g": "b", "h": "c", "i": "b"}


def test_a_group_that_is_torn_apart_comes_together():
    rest = [guest("x", "b", 60), guest("y", "c", 50), guest("z", "d", 70)]
    document = cluster(FULL, [guest("g", "b", 20), guest("h", "c", 30), *rest], rule("together", "g h"))
    assert State(problem_of(document)).at.min() == NOWHERE
    found, state = chained(document, "g")
    assert found
    at = placed(state)
    assert at["g"] == at["h"]
    assert not state.overloaded().any()


@pytest.mark.parametrize("more", [{"moves": 1}, {"size": 30}])
def test_chain_that_costs_too_much_is_taken_back(more):
    document = cluster(FULL[:3], [guest("g", "a", 30), guest("h", "b", 70), guest("i", "b", 20), guest("j", "c", 80)])
    found, state = chained(document, "g", **more)
    assert not found
    assert not state.moved


def test_where_there_is_no_chain_nothing_moves():
    # Torn apart, and no node has room for both.
    document = cluster(["b", "c"], [guest("g", "b", 60), guest("h", "c", 60), guest("x", "b", 20)], rule("together", "g h"))
    found, state = chained(document, "g")
    assert not found
    assert not state.moved
    assert state.load == pytest.approx(State(state.problem).load)
    assert sorted(state.on[0]) == sorted(State(state.problem).on[0])


def test_the_number_of_tries_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "TRIES", 1)
    document = cluster(FULL[:3], [guest("g", "a", 30), guest("h", "b", 70), guest("i", "b", 20), guest("j", "c", 80)])
    found, state = chained(document, "g")
    assert not found
    assert not state.moved


def test_node_over_its_capacity_is_relieved_by_a_chain():
    # Neither node takes h as it is, and nothing is small enough to change places with it.
    guests = [guest("g", "a", 50, movable=False), guest("h", "a", 55), guest("i", "b", 30), guest("j", "b", 60), guest("k", "c", 40)]
    state = State(problem_of(cluster(["a", "b", "c"], guests, rule("not_on_nodes", "h", ["c"]), rule("on_nodes", "i", ["b"]))))
    chains = Chains(state, state.problem.movable)
    assert chains.relieve(0)
    assert placed(state) == {"g": "a", "h": "b", "i": "b", "j": "c", "k": "c"}


@pytest.mark.parametrize("seed", range(4))
def test_a_nearly_full_cluster_is_evacuated(seed):
    """Ten nodes of 256, the nine that stay are 99 % full in the end."""
    random, nodes, guests = np.random.default_rng(seed), [f"n{number}" for number in range(10)], []
    for name in nodes:
        left = 256 * 0.99 * 0.9
        while (size := float(random.choice([16, 32, 48, 80]))) <= left:
            left -= size
            guests.append(guest(f"g{len(guests)}", name, size))
    document = cluster([node(name, 256, 1000) for name in nodes], guests)
    answer = cluster_balance(document, {"goal": "evacuate", "goal_options": {"nodes": ["n0"]}})
    after = {one["id"]: one["node"] for one in moved(document, answer)["guests"]}
    assert "n0" not in after.values()
    assert wrongs(document, {one["id"]: one["node"] for one in guests}, after) == []
    assert max(load for (_node, name), (load, _room) in loads(document, after).items() if name == "memory") <= 256
