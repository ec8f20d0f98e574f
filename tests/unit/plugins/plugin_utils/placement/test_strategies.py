# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every strategy keeps to, whatever else it is: one suite for all of them."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import STRATEGIES as KNOWN
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies import STRATEGIES
from support.random_clusters import GIB, random_cluster
from support.strategy_runs import moved, placed, settled, size, spread, terms, wrongs

EXAMPLES = {"exact": 60, "foresight": 60}
# Fewer steps than usual, for more examples.
STEPS = {"genetic": {"POPULATION": 4, "CHILDREN": 6}, "annealing": {"STEPS": 600}}
BOTH = {"cpu": 1.0, "memory": 1.0}
# Nodes and guests; for those that search for long, fewer.
LARGER = {"exact": (4, 60), "annealing": (8, 100), "genetic": (8, 100)}


def document(nodes, guests, **more):
    """Return a cluster of equal nodes of 100 GiB; guests: GiB of memory by node."""
    return {
        "nodes": [{"name": name, "cpu": 100.0, "memory": 100 * GIB, **more.get(name, {})} for name in nodes],
        "guests": [
            {"id": f"{node}-{number}", "node": node, "cpu": 0.0, "memory": round(amount * GIB)}
            for node, amounts in guests.items()
            for number, amount in enumerate(amounts)
        ],
        "rules": more.get("rules", []),
    }


@pytest.fixture(params=STRATEGIES)
def name(request):
    return request.param


def test_every_strategy_that_a_policy_may_name_is_there():
    assert set(STRATEGIES) == set(KNOWN)


@pytest.mark.parametrize("name", STRATEGIES)
def test_nothing_is_lost_overloaded_or_broken(name, monkeypatch):
    for key, value in STEPS.get(name, {}).items():
        monkeypatch.setattr(importlib.import_module(STRATEGIES[name].__module__), key, value)

    @settings(max_examples=EXAMPLES.get(name, 200), deadline=None)
    @given(
        seed=st.integers(0, 2**32),
        nodes=st.integers(1, 6),
        guests=st.integers(0, 18),
        full=st.sampled_from([0.3, 0.6, 0.9]),
        resources=st.sampled_from([{"memory": 1.0}, BOTH, {"cpu": 3.0, "memory": 1.0}]),
        overcommit=st.sampled_from([None, 1.0]),
        max_moves=st.sampled_from([None, 0, 1, 3]),
        max_bytes=st.sampled_from([None, 0, 20 * GIB]),
    )
    def holds(seed, nodes, guests, full, resources, overcommit, max_moves, max_bytes):
        cluster = random_cluster(seed, nodes, guests, full=full)
        state = settled(cluster, resources=resources, overcommit=overcommit)
        before, over, had_to_move = placed(state), state.load.copy(), set(state.moved)
        repaired = moved(cluster, before)
        free = np.random.default_rng(seed).random(len(state.at)) < 0.9
        STRATEGIES[name](state, terms(state, free=free & state.problem.movable, max_moves=max_moves, max_bytes=max_bytes, seed=seed))
        after = placed(state)
        assert wrongs(cluster, before, after) == []
        # Limits of guests, where overcommitting is bounded, are a column as well.
        assert (state.load <= np.maximum(state.problem.capacity, over) * (1 + 1e-8) + 1e-6).all()
        now = moved(cluster, after)
        assert len(now) <= len(repaired) + (math.inf if max_moves is None else max_moves)
        repairs = sum(size(guest, cluster) for guest in repaired)
        assert sum(size(guest, cluster) for guest in now) <= repairs + (math.inf if max_bytes is None else max_bytes) + 1
        ids = state.problem.cluster.guests
        kept = np.flatnonzero(~free).tolist()
        if name in ("exact", "foresight"):  # which may find a better place for what had to move
            kept = [item for item in kept if item not in had_to_move]
        assert all(after[ids[guest]] == before[ids[guest]] for item in kept for guest in state.problem.members[item])

    holds()


@pytest.mark.parametrize("seed", [1, 2])
def test_same_input_and_seed_give_the_same_moves(name, seed):
    cluster = random_cluster(seed, *((4, 16) if name == "exact" else (5, 40)), plain=True)

    def answer():
        state = settled(cluster, resources=BOTH)
        STRATEGIES[name](state, terms(state, seed=seed))
        return placed(state)

    assert answer() == answer()


@pytest.mark.parametrize("seed", [3, 4])
def test_spread_shrinks(name, seed):
    cluster = random_cluster(seed, *LARGER.get(name, (20, 400)), plain=True, full=0.5)
    state = settled(cluster)
    before = spread(cluster, placed(state))
    STRATEGIES[name](state, terms(state, seed=seed))
    after = spread(cluster, placed(state))
    assert after < before * 0.9
    assert wrongs(cluster, {guest["id"]: guest["node"] for guest in cluster["guests"]}, placed(state)) == []


def test_cluster_that_is_balanced_stays_as_it_is(name):
    cluster = document("abc", {"a": [20, 30], "b": [25, 24], "c": [10, 41]})
    state = settled(cluster)
    STRATEGIES[name](state, terms(state))
    assert moved(cluster, placed(state)) == []


def test_two_nodes_are_evened_out(name):
    cluster = document("ab", {"a": [10] * 6, "b": []})
    state = settled(cluster)
    STRATEGIES[name](state, terms(state))
    assert spread(cluster, placed(state)) == pytest.approx(
        0.4 if name == "greedy_loose" else 0.0, abs=0.21 if name == "greedy_loose" else 1e-9
    )
    assert len(moved(cluster, placed(state))) <= 3


def test_cluster_without_guests(name):
    state = settled(document("abc", {}))
    STRATEGIES[name](state, terms(state))
    assert placed(state) == {}


def test_one_node(name):
    cluster = document("a", {"a": [30, 40]})
    state = settled(cluster)
    STRATEGIES[name](state, terms(state))
    assert moved(cluster, placed(state)) == []


def test_no_guest_that_may_move(name):
    cluster = document("abc", {"a": [30, 40]})
    for guest in cluster["guests"]:
        guest["movable"] = False
    state = settled(cluster)
    STRATEGIES[name](state, terms(state))
    assert moved(cluster, placed(state)) == []


def test_no_guest_that_is_free(name):
    cluster = document("abc", {"a": [30, 40]})
    state = settled(cluster)
    STRATEGIES[name](state, terms(state, free=np.zeros(2, dtype=bool)))
    assert moved(cluster, placed(state)) == []


def test_all_nodes_closed_but_one(name):
    cluster = document("abc", {"a": [30, 40], "b": [5]}, b={"maintenance": True}, c={"online": False})
    state = settled(cluster)
    before = placed(state)
    STRATEGIES[name](state, terms(state))
    assert placed(state) == before == {"a-0": "a", "a-1": "a", "b-0": "a"}


def test_all_nodes_closed(name):
    cluster = document("ab", {"a": [30, 40], "b": [5]}, a={"maintenance": True}, b={"online": False})
    state = settled(cluster)
    STRATEGIES[name](state, terms(state))
    assert moved(cluster, placed(state)) == []


def test_node_that_has_none_of_a_resource(name):
    cluster = document("abc", {"a": [10] * 4}, a={"more": {"gpu": 4}}, b={"more": {"gpu": 4}})
    for guest in cluster["guests"]:
        guest["more"] = {"gpu": 1}
    state = settled(cluster, resources={"gpu": 1.0})
    STRATEGIES[name](state, terms(state))
    at = placed(state)
    assert wrongs(cluster, {guest["id"]: "a" for guest in cluster["guests"]}, at) == []
    assert spread(cluster, at, "gpu") <= 0.5


def test_group_that_must_be_together_moves_as_one(name):
    cluster = document("ab", {"a": [10] * 6, "b": []}, rules=[{"kind": "together", "guests": ["a-0", "a-1"]}])
    state = settled(cluster)
    STRATEGIES[name](state, terms(state))
    at = placed(state)
    assert at["a-0"] == at["a-1"]
    assert spread(cluster, at) < 0.6
