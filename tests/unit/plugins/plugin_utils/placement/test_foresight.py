# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`foresight` against what is proven to be the best, and what only it does."""

from __future__ import annotations

import random

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies import STRATEGIES
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.exact import solve
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from support.placement_aims import aims as counted
from support.random_clusters import random_cluster
from support.small_clusters import cluster, guest
from support.strategy_runs import placed, settled, terms


def aims(state):
    """Return spread above the target, moves, and bytes."""
    shares = Shares(state)
    moves, size = state.cost(list(state.moved))
    return round(shares.excess(shares.of(state)), 6), moves, size


@pytest.mark.parametrize("seed", range(24))
def test_as_good_as_what_is_proven_to_be_the_best(seed):
    document = random_cluster(seed, 2 + seed % 3, 8 + seed % 5, plain=seed % 2 == 0, full=0.5)
    policy = {"resources": {"cpu": 1.0, "memory": 1.0}} if seed % 4 > 1 else {}
    best, ours = settled(document, **policy), settled(document, **policy)
    proven = solve(best, terms(best))
    STRATEGIES["foresight"](ours, terms(ours))
    wanted, found = counted(best), counted(ours)
    assert found[0] <= wanted[0]
    if proven:
        assert found[:3] == pytest.approx(wanted[:3], abs=1e-4)
        assert found[3] <= 1.05 * wanted[3]


def test_a_node_that_cannot_be_relieved_does_not_keep_the_others_apart():
    hot = guest("fixed", "a", 90, movable=False)
    document = cluster(["a", "b", "c"], [hot, *(guest(f"g{number}", "b", 10) for number in range(4))])
    state = settled(document)
    STRATEGIES["foresight"](state, terms(state))
    at = placed(state)
    assert at["fixed"] == "a"
    assert sorted(list(at.values()).count(node) for node in "bc") == [2, 2]


def test_what_has_to_move_goes_where_balance_wants_it():
    document = cluster(
        [{"name": "a", "cpu": 100, "memory": 100, "maintenance": True}, "b", "c", "d"],
        [guest("g", "a", 20), guest("h", "b", 20), guest("i", "c", 20)],
    )
    state = settled(document)
    STRATEGIES["foresight"](state, terms(state))
    assert placed(state) == {"g": "d", "h": "b", "i": "c"}


@pytest.mark.parametrize("seed", [5, 6])
def test_nothing_moves_in_a_second_run(seed):
    document = random_cluster(seed, 12, 200, plain=True, full=0.5)
    state = settled(document)
    STRATEGIES["foresight"](state, terms(state))
    at = placed(state)
    assert aims(state)[0] == 0
    again = settled({**document, "guests": [{**one, "node": at[one["id"]]} for one in document["guests"]]})
    STRATEGIES["foresight"](again, terms(again))
    assert placed(again) == at


@pytest.mark.parametrize(("nodes", "stuck"), [(20, 54.0), (30, 53.2)])
def test_the_others_come_to_a_node_that_nothing_can_relieve(nodes, stuck):
    # All nodes together are half full, so a window around the mean ends at 52.5: the guest that must stay is above it, but not above every window.
    chance, names = random.Random(0), [f"n{number:02}" for number in range(nodes)]
    guests, load = [guest("fixed", names[0], stuck, movable=False)], dict.fromkeys(names, 0.0)
    left = 50.0 * nodes - stuck
    while left >= 1:
        node, size = names[1 + int(chance.random() ** 1.5 * (nodes - 1))], min(chance.choice([1, 2, 4]), left)
        if load[node] + size <= 95:
            guests.append(guest(f"g{len(guests)}", node, size))
            load[node] += size
            left -= size
    state = settled(cluster(names, guests))
    STRATEGIES["foresight"](state, terms(state))
    assert aims(state)[0] == 0
    assert placed(state)["fixed"] == names[0]


def test_no_more_moves_than_the_plainest_way_takes():
    for seed in (7_002, 7_003):
        document = synthetic_cluster(nodes=50, guests_per_node=20, load=[0.4, 0.95], seed=seed)
        plain, ours = (settled(document, resources={"memory": 1.0}) for _strategy in range(2))
        for name, state in (("greedy_batch", plain), ("foresight", ours)):
            STRATEGIES[name](state, terms(state))
        assert aims(ours)[0] == aims(plain)[0] == 0
        assert aims(ours)[1] <= aims(plain)[1]
