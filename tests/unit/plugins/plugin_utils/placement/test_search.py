# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search for few moves: windows, groups of nodes side by side, what changes places, and what a plan of groups leaves alone."""

from __future__ import annotations

import random

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.anew import Anew
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.regions import Board, boards, tied
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.search import Search
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.window import REACHED, Window
from support.random_clusters import random_cluster
from support.small_clusters import cluster, guest, item, problem_of, rule


def search_of(document, low, **limits):
    """Return a search in a window of memory that begins at a share."""
    problem = problem_of(document, target_spread=0.1)
    return Search(State(problem), Window(problem, np.array([low])), problem.movable, np.random.default_rng(1), **limits)


def at(search):
    cluster_ = search.state.problem.cluster
    return {
        cluster_.guests[group[0]]: cluster_.nodes[node] for group, node in zip(search.state.problem.members, search.state.at, strict=True)
    }


def test_window_follows_the_nodes():
    document = cluster(["a", "b"], [guest("g1", "a", 33), guest("g2", "b", 41)])
    search = search_of(document, 0.3)
    assert search.window.total(search.state, np.arange(2)) > 0
    nearer = search.window.nearer(search.state)
    assert nearer.total(search.state, np.arange(2)) <= REACHED
    assert nearer.low[0] == pytest.approx(0.31)


def test_guests_that_move_anyway_change_places_for_nothing():
    # g1 moved though g2 fits: with g1 at home again and g2 instead, both nodes are inside, and one guest moves as before.
    document = cluster(["a", "b"], [guest("g1", "a", 40), guest("g2", "a", 20), guest("g3", "a", 5), guest("g4", "b", 30)])
    search = search_of(document, 0.45)
    search.state.move(item(search.state.problem, "g1"), 1)
    search.trade()
    assert at(search) == {"g1": "a", "g2": "b", "g3": "a", "g4": "b"}
    assert search.reached()


def test_no_guest_changes_places_that_had_not_to_move():
    document = cluster(["a", "b"], [guest("g1", "a", 70), guest("g2", "b", 40)])
    search = search_of(document, 0.35)
    before = at(search)
    search.trade()
    assert at(search) == before


@pytest.mark.parametrize("copies", [1, 4])
def test_few_large_guests_move_rather_than_many_small_ones(copies):
    document = cluster(["a", "b"], [guest(f"s{number}", "a", 5) for number in range(8)] + [guest("l", "a", 40)])
    search = search_of(document, 0.35)
    search.improve(6, 1.0, 0.01, copies)
    assert [name for name, node in at(search).items() if node == "b"] == ["l"]


def test_the_last_sweeps_make_no_more_moves():
    document = cluster(["a", "b", "c"], [guest(f"g{number}", "a", 10) for number in range(6)])
    search = search_of(document, 0.15)
    search.improve(8, 0.01, 0.01, 2, last=True)
    assert not search.state.moved


@pytest.mark.parametrize("limits", [{"moves": 2}, {"size": 20.0}])
def test_limits_hold_while_groups_are_planned_anew(limits):
    document = cluster(["a", "b", "c"], [guest(f"g{number}", "a", 10) for number in range(6)])
    search = search_of(document, 0.15, **limits)
    search.approach()
    search.improve(8, 0.01, 0.01, 2)
    assert len(search.state.moved) == 2


def test_groups_share_no_node_and_each_has_moves_or_is_outside():
    problem = problem_of(random_cluster(3, 30, 200, plain=True))
    state = State(problem)
    window = Window(problem, np.array([0.5]))
    for number in range(0, 40, 2):
        state.move(number, (int(state.at[number]) + 1) % 30)
    groups = tied(state, window, 5, random.Random(1))
    assert groups.shape[1] == 5
    assert len(np.unique(groups)) == groups.size
    outside = window.outside(window.scaled(state, np.arange(30)), np.arange(30)) > REACHED
    ends = {int(state.at[one]) for one in state.moved} | {int(problem.home[one]) for one in state.moved}
    assert all(any(outside[node] or node in ends for node in group) for group in groups.tolist())


def test_boards_in_parts_hold_every_group_once(monkeypatch):
    problem = problem_of(random_cluster(3, 12, 100, plain=True))
    state, groups = State(problem), np.arange(12).reshape(4, 3)
    monkeypatch.setattr("ansible_collections.foresight.capacity.plugins.plugin_utils.placement.regions.CELLS", 100)
    parts = list(boards(state, problem.movable, groups))
    assert len(parts) > 1
    assert sorted(board.nodes[row].tolist() for board in parts for row in range(len(board.nodes))) == groups.tolist()
    assert sorted(int(one) for board in parts for one in board.items[board.real]) == list(range(len(problem.members)))


@pytest.mark.parametrize("seed", range(6))
def test_what_is_planned_in_arrays_is_what_the_state_says(seed):
    problem = problem_of(random_cluster(seed, 6, 60, full=0.7), resources={"cpu": 1.0, "memory": 1.0})
    state, generator = State(problem), np.random.default_rng(seed)
    window = Window(problem, np.array([0.4, 0.4]))
    open_ = np.flatnonzero(problem.open)
    board = Board(state, problem.movable, open_[None, :])
    anew = Anew(state, window, board, np.zeros(board.real.shape, dtype=bool), 0.001, 3, generator)
    before = state.overloaded().sum()
    assert anew.outside_before[0] == pytest.approx(window.total(state, open_))
    anew.plan()
    for copy in range(3):
        then = State(problem)
        for one, node in board.changes(anew.at[copy : copy + 1], 0):
            then.move(one, node)
        assert then.sound(open_)
        assert then.overloaded().sum() <= before
        assert window.total(then, open_) == pytest.approx(anew.outside[copy])
        assert anew.outside[copy] <= anew.outside_before[0]
        assert board.cost(anew.at[copy : copy + 1])[0][0] == then.cost(list(then.moved))[0]


def test_what_must_be_apart_stays_so_when_groups_are_planned_anew():
    guests = [guest(f"g{number}", "a", 10) for number in range(2)] + [guest("x", "b", 1), guest("y", "c", 1)]
    document = cluster(["a", "b", "c"], guests, rule("apart", "g0 x"), rule("apart", "g1 y"))
    search = search_of(document, 0.02)
    search.improve(6, 0.5, 0.01, 4)
    where = at(search)
    assert where["g0"] != where["x"]
    assert where["g1"] != where["y"]
