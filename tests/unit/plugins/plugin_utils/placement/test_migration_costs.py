# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What migrations are predicted to cost, to one node or to any, counts wherever moves are chosen, paid for, ordered and told."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies import STRATEGIES
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify, verify_waves
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves
from support.small_clusters import cluster, guest, item, node, problem_of
from support.strategy_runs import placed, settled, terms


def predicted(size, seconds, downtime, **targets):
    """Return the document of a prediction; targets: their own bytes, seconds and downtime."""
    costs = {
        name: {"0.5": value, "0.9": 2 * value} for name, value in (("bytes", size), ("seconds", seconds), ("downtime_seconds", downtime))
    }
    return {**costs, **({"targets": {name: predicted(*one) for name, one in targets.items()}} if targets else {})}


NEAR_C = predicted(50, 5, 0.5, c=(8, 1, 0.1))


def test_the_cost_of_a_move_is_that_to_its_target():
    read = read_cluster(cluster("abc", [guest("g", "a", migration=NEAR_C)]))
    assert read.cost_to(0, 1) == {"bytes": 50, "seconds": 5, "downtime_seconds": 0.5}
    assert read.cost_to(0, 2) == {"bytes": 8, "seconds": 1, "downtime_seconds": 0.1}


def test_what_is_not_told_for_a_target_is_that_for_any():
    migration = {**predicted(50, 5, 0.5), "targets": {"c": {"seconds": {"0.5": 1}}}}
    assert read_cluster(cluster("abc", [guest("g", "a", migration=migration)])).cost_to(0, 2) == {
        "bytes": 50,
        "seconds": 1,
        "downtime_seconds": 0.5,
    }


def test_a_wave_takes_as_long_as_moves_to_their_targets():
    document = cluster("abc", [guest("g", "a", migration=NEAR_C), guest("h", "a", migration=NEAR_C)])
    for target, seconds in (("b", 5), ("c", 1)):
        moves = [{"guest": name, "from": "a", "to": target, "kind": "balance"} for name in "gh"]
        assert [wave["seconds"] for wave in migration_waves(moves, document)] == [seconds]


def test_bytes_to_the_target_share_the_links():
    guests = [guest(name, "a", migration={"bytes": {"0.5": 50}, "targets": {"c": {"bytes": {"0.5": 8}}}}) for name in "gh"]
    document = cluster("abc", guests)
    moves = [{"guest": name, "from": "a", "to": "c", "kind": "balance"} for name in "gh"]
    assert [wave["seconds"] for wave in migration_waves(moves, document, {"bandwidth_bytes_per_second": 4})] == [4]


def test_a_stop_costs_what_its_own_target_costs():
    nodes = [node("a", 10), node("b", 10), node("c", 10)]
    document = cluster(nodes, [guest("g", "a", 8, migration=NEAR_C), guest("h", "b", 9, migration=predicted(90, 9, 0.9))])
    moves = [{"guest": "g", "from": "a", "to": "b", "kind": "repair"}, {"guest": "h", "from": "b", "to": "a", "kind": "repair"}]
    waves = migration_waves(moves, document)
    stop = waves[0]["moves"][0]
    assert (stop["guest"], stop["to"], stop["kind"]) == ("g", "c", "park")
    assert stop["cost"] == {"bytes": 8, "seconds": 1, "downtime_seconds": 0.1}
    assert [wave["seconds"] for wave in waves] == [1, 9, 5]


def test_an_answer_tells_and_pays_the_cost_to_the_target():
    dear = predicted(50, 5, 0.5, c=(8, 1, 0.1))
    document = cluster(["a", node("b", maintenance=True), "c"], [guest(f"g{number}", "a", 20, migration=dear) for number in range(2)])
    policy = {"max_bytes": 8}
    answer = cluster_balance(document, policy)
    assert verify(document, answer, policy) == []
    assert verify_waves(document, answer["moves"], migration_waves(answer["moves"], document), {}) == []
    for move in answer["moves"]:
        assert move["cost"] == {"bytes": 8, "seconds": 1, "downtime_seconds": 0.1}


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_strategies_pay_the_cost_to_the_target(name):
    dear = {"bytes": {"0.5": 50}, "targets": {"c": {"bytes": {"0.5": 8}}}}
    document = cluster("abc", [guest(f"g{number}", "a", 10, migration=dear) for number in range(6)])
    state = settled(document)
    STRATEGIES[name](state, terms(state, max_bytes=16))
    at = placed(state)
    assert "b" not in at.values()
    assert list(at.values()).count("c") <= 2
    assert state.cost(list(state.moved))[1] <= 16


def test_exact_takes_the_guest_to_which_the_way_is_shorter():
    dear, cheap = ({"bytes": {"0.5": 10}, "targets": {"b": {"bytes": {"0.5": size}}}} for size in (50, 4))
    guests = [guest("g1", "a", 10, migration=dear), guest("g2", "a", 10, migration=cheap)]
    state = settled(cluster("ab", guests))
    STRATEGIES["exact"](state, terms(state))
    assert placed(state) == {"g1": "a", "g2": "b"}


def test_bytes_of_a_group_are_those_of_each_member_to_the_target():
    dear = {"bytes": {"0.5": 50}, "targets": {"c": {"bytes": {"0.5": 8}}}}
    guests = [guest("g1", "a", migration=dear), guest("g2", "a", 7)]
    problem = problem_of(cluster("abc", guests, {"kind": "together", "guests": ["g1", "g2"]}))
    assert [problem.cost(item(problem, "g1"), place) for place in range(3)] == [(0, 0.0), (2, 57.0), (2, 15.0)]
