# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`exact` against all placements there are, where these can be counted."""

from __future__ import annotations

import importlib

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies import STRATEGIES
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.exact import LARGEST, solve
from support.every_placement import every_placement
from support.placement_aims import aims
from support.random_clusters import random_cluster
from support.strategy_runs import placed, settled, terms

BOTH = {"cpu": 1.0, "memory": 1.0}


@pytest.mark.parametrize("seed", range(60))
def test_no_placement_is_better(seed):
    cluster = random_cluster(seed, 3, 5, plain=seed % 4 == 0, full=0.5 + 0.1 * (seed % 5))
    state = settled(cluster, resources=BOTH if seed % 2 else {"memory": 1.0}, overcommit=1.0 if seed % 3 == 0 else None)
    best = min(every_placement(state))
    assert solve(state, terms(state))
    assert aims(state) == best


@pytest.mark.parametrize("seed", range(6))
def test_no_strategy_is_better(seed):
    cluster = random_cluster(seed, 4, 12, plain=True, full=0.5)
    found = {}
    for name, strategy in STRATEGIES.items():
        state = settled(cluster)
        strategy(state, terms(state))
        found[name] = aims(state)
    assert found["exact"] == min(found.values())


def test_guests_that_are_alike_are_placed_one_by_one():
    cluster = random_cluster(0, 3, 24, plain=True, full=0.5)
    for number, guest in enumerate(cluster["guests"]):
        guest.update(cpu=0.0, memory=8 * 2**30, node="n0" if number < 20 else "n1")
    state = settled(cluster)
    assert solve(state, terms(state))
    assert aims(state)[:2] == (0, 0)
    assert len(placed(state)) == 24


def test_search_that_is_cut_off_says_so_and_makes_nothing_worse(monkeypatch):
    module = importlib.import_module(STRATEGIES["exact"].__module__)
    monkeypatch.setattr(module, "BRANCHES", 1)
    state = settled(random_cluster(2, 5, 20, plain=True), resources=BOTH)
    before = aims(state)
    assert not solve(state, terms(state))
    assert aims(state) <= before


def test_cluster_that_is_too_large_is_refused():
    state = settled(random_cluster(0, 8, 60, plain=True))
    with pytest.raises(InputError, match=rf"60 guests on 8 nodes; it takes up to {LARGEST} .*O\(policy\.strategy\)"):
        STRATEGIES["exact"](state, terms(state))
