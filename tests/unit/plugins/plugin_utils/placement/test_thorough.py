# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking through all placements, against all there are, counted one by one."""

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.repair import Limits, repair
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies import STRATEGIES
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.thorough import FEW, LARGEST, MANY, Aims, Thorough, is_small
from support.every_placement import every_placement
from support.placement_aims import aims
from support.random_clusters import random_cluster
from support.small_clusters import cluster, guest, node, problem_of, rule
from support.strategy_runs import moved, placed, settled, size, terms, wrongs

BOTH = {"cpu": 1.0, "memory": 1.0}


def looked_through(state, **more):
    """Return the best placement as a state, and whether it is proven."""
    at, proven = Thorough(state, state.problem.movable, **more).best(MANY, state.at.copy())
    found = State(state.problem)
    found.adopt(at)
    return found, proven


@pytest.mark.parametrize("seed", range(60))
def test_no_placement_is_better(seed):
    document = random_cluster(seed, 3, 5, plain=seed % 4 == 0, full=0.5 + 0.1 * (seed % 5))
    state = settled(document, resources=BOTH if seed % 2 else {"memory": 1.0}, overcommit=1.0 if seed % 3 == 0 else None)
    best = min(every_placement(state))
    found, proven = looked_through(state)
    assert proven
    assert aims(found) == best


@pytest.mark.parametrize("seed", range(30))
def test_repair_leaves_the_fewest_violations_with_the_fewest_moves(seed):
    document = random_cluster(seed, 3, 6, full=0.5 + 0.1 * (seed % 5))
    problem = problem_of(document)
    best = min((violations, moves, size) for violations, _excess, moves, size in every_placement(State(problem)))
    found = repair(problem, Limits(problem.movable, None, None, 0))
    violations, _excess, moves, mebibytes = aims(found.search.state)
    assert (violations, moves, mebibytes) == best
    assert all(found.search.state.breaches_of(item) for item in found.left)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("limit", ["moves", "size"])
def test_no_placement_within_the_limits_is_better(seed, limit):
    state = settled(random_cluster(seed, 3, 5, plain=seed % 2 == 0))
    moves, size = state.cost(list(state.moved))
    allowed = {"moves": moves + 1} if limit == "moves" else {"size": size + float(np.median(state.problem.bytes))}
    found, proven = looked_through(state, **allowed)
    most = allowed.get("moves", np.inf), allowed.get("size", np.inf) / 2**20 + 1
    best = min(one for one in every_placement(state) if one[2] <= most[0] and one[3] <= most[1])
    assert proven
    assert aims(found) == best


def test_many_guests_that_are_alike_are_few_placements():
    guests = [guest(str(number), "ab"[number % 2], 2) for number in range(40)]
    state = settled(cluster(["a", "b", "c", "d"], guests), target_spread=0.02)
    found, proven = looked_through(state)
    assert proven
    assert aims(found)[:3] == (0, 0, 20)


def test_what_is_cut_off_proves_nothing_and_is_no_worse():
    document = random_cluster(3, 4, 40, full=0.5)
    state = settled(document, resources=BOTH)
    thorough = Thorough(state, state.problem.movable)
    at, proven = thorough.best(FEW // 100, state.at.copy())
    assert not proven
    assert not thorough.better(state.at, at)
    found = State(state.problem)
    found.adopt(at)
    assert wrongs(document, {one["id"]: one["node"] for one in document["guests"]}, placed(found)) == []


def test_large_problems_are_left_to_the_search():
    guests = [guest(str(number), "a", 1) for number in range(LARGEST // 2 + 1)]
    state = settled(cluster(["a", "b"], guests))
    assert not is_small(state, state.problem.movable)
    assert is_small(state, np.arange(len(guests)) < LARGEST // 2)


def test_placement_that_breaks_something_is_none():
    state = settled(cluster(["a", "b"], [guest("g", "a", 60), guest("h", "b", 60)]))
    thorough = Thorough(state, state.problem.movable)
    assert thorough.aims(np.array([1, 1])) is None
    assert thorough.aims(np.array([0, 1])) == Aims(0, 0.0, 0, 0.0)
    # Anything is better than nothing.
    assert thorough.best(MANY, np.array([1, 1]))[0].tolist() == [0, 1]


def test_strategy_brings_down_what_repair_has_moved_without_need():
    document = cluster(
        [node("a"), node("b"), node("c")], [guest("g", "a", 30), guest("h", "b", 30), guest("i", "c", 30)], rule("apart", "g h i")
    )
    state = settled(document)
    for number in range(3):
        state.move(number, (number + 1) % 3)
    STRATEGIES["foresight"](state, terms(state))
    assert moved(document, placed(state)) == []


def test_bytes_are_what_the_document_says():
    document = random_cluster(8, 3, 8, full=0.5)
    state = settled(document)
    STRATEGIES["foresight"](state, terms(state))
    there = moved(document, placed(state))
    found = Thorough(settled(document), state.problem.movable).aims(state.at)
    assert there
    assert found is not None
    assert (found.moves, found.bytes) == (len(there), pytest.approx(sum(size(one, document) for one in there)))
