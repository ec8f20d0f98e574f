# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.clusters import (
    PROPOSED,
    ClusterView,
    clusters_headline,
    move_states,
    moves_told,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.observed_placement import observed_view
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import Breach
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.verdicts import Progress
from support.placement_views import by_hand, hand_view


def cluster(*states, **more):
    """The cluster by hand with its two moves in these states."""
    return ClusterView(hand_view(), 5, False, states=[Progress(state, "") for state in states], **more)


def seen(*breaches):
    return ClusterView(observed_view(by_hand(), breaches), 5, False)


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (("planned", "planned"), "2 moves are planned"),
        (("applied", "started"), "1 of 2 planned moves is done"),
        (("applied", "applied"), "all 2 planned moves are done"),
        (("applied", "failed"), "1 of 2 planned moves is done; 1 failed or was refused"),
        (("refused", "unknown"), "2 moves are planned; 2 failed or were refused"),
        (("not applied", "not applied"), "2 moves were planned and not applied"),
        ((PROPOSED, PROPOSED), "2 moves would help, but not all of the guests are managed (balance_manage)"),
    ],
)
def test_how_far_the_moves_have_come(states, told):
    assert moves_told([cluster(*states)]) == told


def test_what_a_cluster_without_moves_is_told_of():
    assert moves_told([seen()]) == "no plan yet"
    still = dataclasses.replace(hand_view(), moves=[], waves=[])
    verdicts = ("balanced", "no_beneficial_move", "infeasible", "something else")
    told = [moves_told([ClusterView(still, 5, False)], verdict) for verdict in verdicts]
    assert told == ["nothing needs to move", "no move is worth it", "no move that is allowed helps", "no moves"]


def test_the_headline_of_one_cluster_and_of_many():
    one = cluster("planned", "planned")
    assert clusters_headline([one]) == (
        "Cluster hand (3 nodes, 5 guests): 2 moves are planned; limits broken 2 → 0; spread of memory 60.0 % → 10.0 %."
    )
    assert (
        clusters_headline([one, seen(), cluster("applied", "applied")]) == "3 clusters: 2 of 4 planned moves are done; limits broken 4 → 0."
    )
    assert clusters_headline([seen(), seen()]) == "2 clusters: no plan yet; no limit broken."
    assert clusters_headline([seen(), seen(Breach("rule 0", (), ()))]) == "2 clusters: no plan yet; 1 limit broken."
    assert clusters_headline([seen(Breach("rule 0", (), ()))]).startswith(
        "Cluster hand (3 nodes, 5 guests): no plan yet; 1 limit broken; spread of "
    )


def test_limits_count_as_broken_until_all_moves_are_done_and_sort_to_the_front():
    waiting, done, fine = cluster("applied", "planned"), cluster("applied", "applied"), seen()
    assert [one.broken for one in (waiting, done, fine)] == [2, 0, 0]
    assert sorted([fine, done, waiting], key=lambda one: one.urgency)[0] is waiting


def test_each_move_finds_its_action_its_proposal_or_its_refusal():
    def entry(guest, source, target, **more):
        key = "entity" if "reason" in more else "target"
        return {key: f"guest:hand/{guest}", "kind": "guest_migrate", "from": {"node": source}, "to": {"node": target}, **more}

    view = hand_view()
    assert [(move.guest, move.source, move.target) for move in view.moves] == [("g4", "c", "b"), ("g2", "a", "b")]
    plan = {"actions": [entry("g4", "c", "b", id="one")], "refused": [entry("g2", "a", "b", reason="budget", message="Too much.")]}
    assert move_states(view, plan, {"one": Progress("applied", "Moved.")}, "planned") == [("applied", "Moved."), ("refused", "Too much.")]
    assert move_states(view, plan, {}, "not applied")[0] == ("not applied", "")
    proposed = move_states(view, {"proposals": [entry("g4", "c", "b"), entry("g2", "a", "b")]}, {}, "planned")
    assert {one.state for one in proposed} == {PROPOSED}
    assert "balance_manage" in proposed[0].message
    other = {"actions": [{**entry("g4", "c", "a", id="one")}]}
    assert move_states(view, other, {"one": Progress("applied", "")}, "planned")[0].state == PROPOSED


def test_a_cluster_as_it_was_seen_has_figures_of_its_open_nodes():
    view = observed_view(by_hand(), [])
    memory = view.before.figures["memory"]
    assert (memory.highest, memory.spread) == pytest.approx((0.8, 0.6))
    assert memory.std_ratio == pytest.approx(0.3)
    assert view.before.figures["cpu"].highest == pytest.approx(1.1)
    assert (view.before, view.moves) == (view.after, [])
    nothing = observed_view({"nodes": [{"name": "a", "cpu": 1, "memory": 0, "online": False}], "guests": []}, [])
    assert nothing.before.figures["memory"] == (0.0, 0.0, 0.0, 0.0)
