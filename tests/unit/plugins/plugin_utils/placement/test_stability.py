# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stability over runs: what was moved rests, noise moves nothing to and fro, and other balancers are not fought."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify
from support.noisy_loads import HOUR, NOW, cycles
from support.small_clusters import cluster, guest, moved, node

DAY = 24 * HOUR


def uneven(*ages, spread=0.2, **more):
    """Return two nodes that differ by a spread, full of guests of 5 %; ages: seconds since the last moves of the first of them."""
    count = round(spread / 0.05)
    guests = [guest(f"a{number}", "a", 5) for number in range(count + 4)] + [guest(f"b{number}", "b", 5) for number in range(4)]
    for one, age in zip(guests, ages, strict=False):
        one["last_moved_at"] = NOW - age
    return cluster("ab", guests, observed_at=NOW, **more)


def answered(document, **policy):
    answer = cluster_balance(document, policy)
    assert verify(document, answer, policy) == []
    return answer


def test_balance_holds_after_the_last_move_and_repair_does_not():
    held = answered(uneven(100), hold_seconds=600)
    assert held["verdict"] == "no_beneficial_move"
    assert (
        held["why"]
        == "the spread is memory 20.0%, but the last move was 100 s ago, and balance waits for 600 s after a move (hold_seconds)"
    )
    assert answered(uneven(600), hold_seconds=600)["verdict"] == "improved"
    broken = uneven(100)
    broken["nodes"][1]["maintenance"] = True
    assert {move["kind"] for move in answered(broken, hold_seconds=600)["moves"]} == {"evacuate"}


def test_a_guest_that_was_moved_cools_down():
    document = uneven(*[100] * 7)
    assert [move["guest"] for move in answered(document, cool_down_seconds=600, target_spread=0.1)["moves"]] == ["a7"]
    resting = uneven(*[100] * 8)
    assert answered(resting, cool_down_seconds=600)["verdict"] == "no_beneficial_move"
    assert answered(resting, cool_down_seconds=100)["verdict"] == "improved"


def test_a_group_rests_when_one_of_its_guests_does():
    document = uneven(100, rules=[{"kind": "together", "guests": ["a0", "a1"]}])
    document["rules"] = [{"kind": "together", "guests": [f"a{number}" for number in range(8)]}]
    assert answered(document, cool_down_seconds=600)["moves"] == []


def test_a_gain_that_is_too_small_moves_nothing():
    answer = answered(uneven(spread=0.1), min_gain=0.2)
    assert (answer["verdict"], answer["moves"]) == ("no_beneficial_move", [])
    assert answer["why"] == "the spread is memory 10.0%, but no move that is allowed brings the nodes closer by 20.0% or more"
    assert answered(uneven(spread=0.1), min_gain=0.1)["verdict"] == "improved"


@pytest.mark.parametrize(
    ("ages", "begins_above"),
    [
        ((), 0.05),
        # Moves of one run are one, whatever it takes them.
        ((4000,), 0.075),
        ((4000, 4100, 5000), 0.075),
        ((4000, 9000), 0.1),
        ((4000, 9000, 90_000), 0.15),
        ((4000, 9000, 90_000, 200_000), 0.25),
        ((4000, 9000, 90_000, 200_000, 300_000), 0.25),
        # What is longer ago than a week is forgotten.
        ((8 * DAY,), 0.05),
        ((4000, 8 * DAY), 0.075),
    ],
)
def test_balance_begins_again_above_a_margin_that_grows_with_every_run_that_is_remembered(ages, begins_above):
    below, above = (uneven(*ages, spread=0.05), uneven(*ages, spread=0.3))
    for document in (below, above):
        # One node is a bit smaller, so that the spread is just at the margin, or just above it.
        document["nodes"][1] = node("b", memory=2000)
        document["guests"] = [one for one in document["guests"] if one["node"] == "a"]
    size = 100.0 * begins_above / len(below["guests"])
    for document, factor, verdict in ((below, 0.999, "quiet"), (below, 1.001, "moves")):
        guests = [{**one, "memory": size * factor} for one in document["guests"]]
        answer = answered({**document, "guests": guests}, now=NOW)
        assert bool(answer["moves"]) == (verdict == "moves"), answer["why"]
        if ages and verdict == "quiet" and begins_above > 0.0751:
            assert answer["verdict"] == "no_beneficial_move"
            assert f"guests were moved lately, and balance begins again above memory {begins_above:.1%} (hysteresis)" in answer["why"]


def test_runs_that_share_the_work_do_not_raise_the_margin():
    document = uneven(4000, 9000, 90_000, 200_000, spread=0.1)
    assert answered(document)["moves"] == []
    for budget in ({"max_moves": 5}, {"max_bytes": 1000}):
        assert answered(document, **budget)["verdict"] == "improved"


def test_balance_that_begins_goes_for_the_target():
    assert answered(uneven(4000, spread=0.2))["after"]["spread"]["memory"] <= 0.05


def test_memory_can_be_switched_off():
    for off in ({"hysteresis": 0}, {"memory_seconds": 0}, {"memory_seconds": 4000}):
        assert answered(uneven(4000, spread=0.1), target_spread=0.09, **off)["moves"] != []
    assert answered(uneven(4000, spread=0.1), target_spread=0.09)["moves"] == []


def test_an_overload_does_not_wait_for_the_margin():
    document = uneven(4000, 9000, 90_000, 200_000)
    document["nodes"][0]["memory"] = 39
    document["nodes"][1]["memory"] = 26
    answer = answered(document)
    assert [move["kind"] for move in answer["moves"]] == ["repair"]
    assert answer["after"]["violations"] == 0


def test_without_a_time_there_is_no_memory():
    document = uneven(4000, spread=0.1)
    del document["observed_at"]
    assert answered(document)["verdict"] == "improved"


def test_other_balancers_are_not_fought():
    for goal in ("balance", "repair_only", "consolidate"):
        answer = answered(uneven(balancers=["crs", "prox"]), goal=goal)
        assert (answer["moves"], answer["verdict"]) == ([], "no_beneficial_move")
        assert answer["why"].startswith("crs, prox already moves guests of this cluster")


@pytest.mark.parametrize(("noise", "persistence"), [(0.05, 0.0), (0.1, 0.0), (0.1, 0.9)])
def test_a_fixed_point_is_reached_and_kept_under_noisy_loads(noise, persistence):
    policy = {"resources": {"memory": 1}, "hold_seconds": HOUR // 2, "cool_down_seconds": DAY, "min_gain": 0.01}
    document = synthetic_cluster(seed=3, nodes=5, guests_per_node=8)
    counts = []
    for cycle in cycles(document, policy, noise=noise, persistence=persistence, count=100, seed=1):
        counts.append(len(cycle.answer["moves"]))
        urgent = {move["guest"] for move in cycle.answer["moves"] if move["kind"] == "repair"}
        assert all(since >= DAY for name, since in cycle.since.items() if name not in urgent)
        if cycle.answer["moves"]:
            assert verify(cycle.document, cycle.answer, {**policy, "now": cycle.now}) == []
    assert counts[0] > 0
    assert sum(count > 0 for count in counts[50:]) <= 3


def test_without_memory_noise_moves_guests_again_and_again():
    document = synthetic_cluster(seed=3, nodes=5, guests_per_node=8)
    with_memory, without = (
        [len(cycle.answer["moves"]) for cycle in cycles(document, policy, noise=0.1, count=60, seed=1)]
        for policy in ({}, {"memory_seconds": 0})
    )
    assert with_memory[0] == without[0]
    assert sum(with_memory[1:]) * 4 < sum(without[1:])


def test_a_second_run_on_the_result_moves_nothing():
    for seed in range(4):
        document = synthetic_cluster(seed=seed, nodes=6, guests_per_node=8, grouped=0.2, pinned=0.1)
        policy = {"resources": {"memory": 1, "cpu": 1}}
        first = answered(document, **policy)
        assert first["moves"] != []
        assert answered(moved(document, first), **policy)["moves"] == []
