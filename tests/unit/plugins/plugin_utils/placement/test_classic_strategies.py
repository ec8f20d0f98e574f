# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The habits that the classic strategies are kept for."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies import STRATEGIES
from support.random_clusters import GIB
from support.strategy_runs import moved, placed, settled, spread, terms


def cluster_of(guests, size=100, cpu=None):
    """Return a cluster of equal nodes; guests: GiB of memory by node; cpu: cores of the same guests, of 100."""
    return {
        "nodes": [{"name": name, "cpu": 100.0, "memory": size * GIB} for name in guests],
        "guests": [
            {"id": f"{name}-{number}", "node": name, "cpu": float(cpu[name][number]) if cpu else 0.0, "memory": amount * GIB}
            for name, amounts in guests.items()
            for number, amount in enumerate(amounts)
        ],
        "rules": [],
    }


def answer(name, cluster, **policy):
    """Return the guests that a strategy moves, by id, and where all are then."""
    state = settled(cluster, **policy)
    STRATEGIES[name](state, terms(state))
    at = placed(state)
    return {guest["id"]: at[guest["id"]] for guest in moved(cluster, at)}, at


def test_greedy_halts_above_80_percent():
    full = cluster_of({"a": [20] * 5, "b": [20] * 4, "c": [20, 20, 20, 5]})
    assert answer("greedy", full)[0] == {}
    assert answer("greedy_batch", full)[0] != {}
    less = cluster_of({"a": [20] * 5, "b": [20] * 4, "c": [20, 15]})
    assert answer("greedy", less)[0] != {}


def test_greedy_takes_the_smallest_first():
    cluster = cluster_of({"a": [30, 10, 10, 10], "b": []})
    assert answer("greedy", cluster)[0] == {"a-1": "b", "a-2": "b", "a-3": "b"}
    assert answer("greedy_tight", cluster)[0] == {"a-0": "b"}


def test_greedy_sees_the_fullest_and_the_emptiest_node_only():
    # a has one guest that is larger than the gap; b could help c.
    cluster = cluster_of({"a": [60], "b": [25, 25], "c": []})
    assert answer("greedy", cluster)[0] == {}
    assert list(answer("exact", cluster)[0].values()) == ["c"]


def test_greedy_stops_after_its_steps(monkeypatch):
    monkeypatch.setitem(STRATEGIES["greedy"].__globals__, "STEPS", 2)
    assert len(answer("greedy", cluster_of({"a": [10] * 6, "b": []}))[0]) == 2


def test_greedy_takes_several_resources_for_one():
    # Full of memory, empty of CPU, and the other way round: on average both are the same.
    cluster = cluster_of({"a": [20, 20, 20], "b": [1, 1, 1]}, cpu={"a": [1, 1, 1], "b": [20, 20, 20]})
    both = {"cpu": 1.0, "memory": 1.0}
    assert answer("greedy", cluster, resources=both)[0] == {}
    assert spread(cluster, answer("annealing", cluster, resources=both)[1]) < 0.25


def test_tight_moves_more_than_loose():
    cluster = cluster_of({"a": [8] * 8, "b": [4] * 4, "c": [4] * 4})
    loose, tight = answer("greedy_loose", cluster), answer("greedy_tight", cluster, target_spread=0.1)
    assert len(loose[0]) < len(tight[0])
    assert 0.05 < spread(cluster, loose[1]) <= 0.2
    assert spread(cluster, tight[1]) <= 0.05


def test_packing_leaves_guests_below_the_lid_where_they_are():
    assert set(answer("bin_pack", cluster_of({"a": [25, 20, 10], "b": [5], "c": [25]}))[0]) == {"a-0"}
    # Best fit: c has just the room that is needed, b much more.
    assert answer("bin_pack", cluster_of({"a": [30, 7], "b": [5], "c": [22]}), target_spread=0.2)[0] == {"a-1": "c"}


def test_packing_does_not_mind_what_stays_empty():
    cluster = cluster_of({"a": [21] * 2, "b": [20] * 2, "c": [20] * 2, "d": [20] * 2, "e": [20]})
    assert answer("bin_pack", cluster, target_spread=0.2)[0] == {}
    assert spread(cluster, {guest["id"]: guest["node"] for guest in cluster["guests"]}) > 0.2


@pytest.mark.parametrize("name", ["genetic", "annealing"])
def test_strategies_of_chance_depend_on_the_seed(name):
    cluster = cluster_of({"a": [3, 4, 5, 6, 7, 8, 9, 10, 11], "b": [2, 3], "c": [1], "d": [6]})

    def placement(seed):
        state = settled(cluster)
        STRATEGIES[name](state, terms(state, seed=seed))
        return placed(state)

    assert placement(1) == placement(1)
    assert len({tuple(placement(seed).values()) for seed in range(4)}) > 1


def test_flow_goes_from_each_node_with_too_much_to_one_with_as_much_too_little():
    cluster = cluster_of({"a": [10] * 6, "b": [10] * 5, "c": [10] * 2, "d": [10] * 3})
    found = answer("min_cost_flow", cluster)[0]
    assert sorted((guest[0], node) for guest, node in found.items()) == [("a", "c"), ("a", "c"), ("b", "d")]


def test_flow_is_rounded_to_whole_guests():
    # What should flow is 20; a guest of 30 is nearer to it than none, one of 50 is not.
    assert answer("min_cost_flow", cluster_of({"a": [50, 30], "b": [40]}))[0] == {"a-1": "b"}
    assert answer("min_cost_flow", cluster_of({"a": [80], "b": [40]}))[0] == {}
