# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A placement that is changed: loads, what fits, what changes places, and what is broken."""

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import NOWHERE, State
from support.small_clusters import cluster, guest, item, node, problem_of, rule


def state_of(*arguments, **policy):
    return State(problem_of(cluster(*arguments), **policy))


def fits(state, name):
    """Return the nodes that the item of a guest could move to now."""
    names = state.problem.cluster.nodes
    found = state.fits(np.array([item(state.problem, name)]), np.arange(len(names)))[0]
    return [node for node, possible in zip(names, found, strict=True) if possible]


def test_moves_there_and_back_leave_everything_as_it_was():
    state = state_of(["a", "b"], [guest("g1", "a", 10), guest("g2", "b", 20)], rule("apart", "g1 g2"))
    load = state.load.copy()
    state.move(0, 1)
    assert state.load[:, 1].tolist() == [0, 30]
    assert (list(state.moved), state.on, state.gone) == ([0], [[], [1, 0]], [[0], []])
    assert state.cost([0]) == (1, 10)
    assert state.breaches_of(0)
    assert state.breaches_of(1)
    state.move(0, 0)
    assert state.load.tolist() == load.tolist()
    assert (list(state.moved), state.on, state.gone) == ([], [[0], [1]], [[], []])
    assert state.cost([0]) == (0, 0)
    assert not state.breaches_of(0)


def test_a_torn_group_weighs_where_its_members_are_until_it_is_put_together():
    state = state_of(["a", "b", "c"], [guest("g1", "a", 10), guest("g2", "b", 20)], rule("together", "g1 g2"))
    assert state.at.tolist() == [NOWHERE]
    assert state.load[:, 1].tolist() == [10, 20, 0]
    assert state.breaches_of(0)
    state.move(0, 1)
    assert state.load[:, 1].tolist() == [0, 30, 0]
    assert state.cost([0]) == (1, 10)
    state.move(0, 2)
    assert state.cost([0]) == (2, 30)
    assert not state.breaches_of(0)


def test_a_guest_fits_where_there_is_room_for_all_that_it_takes():
    nodes = [
        "a",
        node("memory", 9),
        node("cpu", cpu=3),
        node("reserve", 12, reserve={"memory": 5}),
        node("exact", 10, 4),
        node("disk", storages={"local": {"bytes": 9, "used": 2}}),
        node("closed", maintenance=True),
    ]
    state = state_of(nodes, [guest("g", "a", 10, 4, disks=[{"storage": "local", "bytes": 8}])])
    assert fits(state, "g") == ["exact"]


def test_what_takes_nothing_of_a_thing_fits_where_too_much_of_it_is_used():
    state = state_of(["a", node("b", 100, 5)], [guest("g1", "a", 10, 0), guest("g2", "b", 10, 9), guest("g3", "a", 10, 1)])
    assert fits(state, "g1") == ["b"]
    assert fits(state, "g3") == []


def test_what_is_apart_does_not_fit_beside_each_other():
    state = state_of(["a", "b", "c"], [guest("g1", "a"), guest("g2", "b"), guest("g3", "b")], rule("apart", "g1 g2"))
    assert fits(state, "g1") == ["c"]
    assert fits(state, "g3") == ["a", "c"]
    state.move(1, 2)
    assert fits(state, "g1") == ["b"]


def exchanged(state, mine, theirs):
    problem = state.problem
    first, second = item(problem, mine), item(problem, theirs)
    return bool(state.can_exchange(np.array([first]), np.array([second]), int(state.at[first]))[0, 0])


@pytest.mark.parametrize(
    ("theirs", "more", "possible"),
    [(50, {}, True), (30, {}, False), (80, {}, False), (50, {"pinned_to": ["b"]}, False), (50, {"cpu": 90}, False)],
)
def test_two_change_places_if_both_have_room_then(theirs, more, possible):
    guests = [
        guest("g1", "a", 60),
        guest("g2", "a", 30, 20),
        guest("g3", "b", theirs, **more),
        guest("g4", "b", 60 - theirs if theirs == 50 else 50),
    ]
    assert exchanged(state_of(["a", "b"], guests), "g1", "g3") is possible


def test_what_a_node_has_too_much_of_may_become_less_by_an_exchange():
    state = state_of([node("a", 50), "b"], [guest("g1", "a", 60), guest("g2", "b", 55)])
    assert exchanged(state, "g1", "g2")


def test_two_do_not_change_places_beside_what_they_are_apart_from():
    guests = [guest("g1", "a"), guest("g2", "b"), guest("g3", "b")]
    assert not exchanged(state_of(["a", "b"], guests, rule("apart", "g1 g3")), "g1", "g2")


def test_a_limit_that_is_broken_is_no_worse_than_at_the_last_keep():
    state = state_of([node("a", 50), "b"], [guest("g1", "a", 40), guest("g2", "a", 20), guest("g3", "b", 10)])
    nodes = np.arange(2)
    assert state.overloaded().tolist() == [[False, True], [False, False]]
    assert state.sound(nodes)
    state.move(2, 0)
    assert not state.sound(nodes)
    state.move(2, 1)
    state.move(1, 1)
    state.keep()
    assert not state.overloaded().any()
    state.move(1, 0)
    assert not state.sound(nodes)


def test_sums_of_what_guests_may_use_are_overloads_too():
    guests = [guest("g1", "a", 10, memory_max=90), guest("g2", "a", 10, memory_max=60)]
    assert not state_of(["a", "b"], guests).overloaded().any()
    assert state_of(["a", "b"], guests, overcommit=1).overloaded()[0].tolist() == [False, False, False, True]


def test_soft_rules_are_no_breach():
    state = state_of(["a", "b"], [guest("g1", "a"), guest("g2", "a")], rule("apart", "g1 g2", strict=False))
    assert not state.breaches_of(0)
