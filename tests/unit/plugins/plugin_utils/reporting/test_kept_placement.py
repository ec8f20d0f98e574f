# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import read_policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.kept_placement import kept_placement, view_of_kept
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_picture import picture_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import placement_view
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.breaches import breaches, facts_of
from support.cluster_documents import questions
from support.placement_views import by_hand, by_hand_answer


def both(document, policy, bars):
    """The view of the whole cluster, and that of what was kept and went through JSON."""
    terms = read_policy(policy, read_cluster(document).resources, document.get("observed_at"))
    answer = cluster_balance(document, policy)
    waves = migration_waves(answer["moves"], document, {**terms.limits, "overcommit": terms.overcommit})
    facts = facts_of(document, terms)
    more = {
        "balanced": list(terms.resources),
        "goal": terms.goal,
        "leaving": terms.nodes if terms.goal == "evacuate" else (),
        "breaches": (breaches(facts), breaches(facts, answer["moves"])),
    }
    kept = json.loads(json.dumps(kept_placement(document, answer, waves, **more, bars=bars)))
    return placement_view(document, answer, waves, **more, seconds=0.0), view_of_kept(kept), kept


@settings(max_examples=150, deadline=None)
@given(questions(), st.integers(1, 4))
def test_every_load_and_figure_is_that_of_the_whole_cluster(question, bars):
    whole, kept, _document = both(*question, bars)
    for side, other in ((whole.before, kept.before), (whole.after, kept.after)):
        for resource, loads in side.load.items():
            assert other.load[resource] == pytest.approx(loads, rel=1e-12, abs=1e-12)
            assert other.figures[resource] == pytest.approx(side.figures[resource], rel=1e-9, abs=1e-9)
        assert (other.violations, other.breaches, other.counted) == (side.violations, side.breaches, side.counted)
    assert (kept.moves, kept.waves, kept.refused, kept.found) == (whole.moves, whole.waves, whole.refused, whole.found)
    for name in ("cluster", "observed_at", "basis", "strategy", "goal", "verdict", "why", "resources"):
        assert getattr(kept, name) == getattr(whole, name)


@settings(max_examples=60, deadline=None)
@given(questions(), st.integers(1, 4))
def test_the_picture_has_the_same_bars_and_arrows(question, bars):
    whole, kept, document = both(*question, bars)
    one, other = picture_of(whole, bars=bars), picture_of(kept, bars=bars)
    assert {node.name for node in other.rows} == {node.name for node in one.rows}
    assert (other.others, other.shown_moves, len(other.arrows)) == (one.others, one.shown_moves, len(one.arrows))
    for panels, others in ((one.before, other.before), (one.after, other.after)):
        for panel, drawn in zip(panels, others, strict=True):
            bars_of = {node.name: stack for node, stack in zip(other.rows, drawn.bars, strict=True)}
            for node, stack in zip(one.rows, panel.bars, strict=True):
                assert [piece.guest for piece in bars_of[node.name].pieces] == [piece.guest for piece in stack.pieces]
    assert document["guests"] == len(whole.demand)


def test_of_a_large_cluster_only_what_is_shown_is_kept():
    document = synthetic_cluster(nodes=70, guests_per_node=4, seed=1)
    for guest in document["guests"]:
        guest |= {"tags": ["secret"], "notes": "the password is 1234", "disks": [{"storage": "local", "bytes": 1}], "pool": "secret"}
    for node in document["nodes"]:
        node |= {"tags": ["secret"], "storages": {"local": {"bytes": 10**12, "used": 0, "shared": True}}}
    whole, kept, told = both({**document, "machine_id": "secret"}, {}, 60)
    assert len(told["detailed"]) == 24
    assert len(told["document"]["guests"]) < len(document["guests"]) == told["guests"]
    assert {guest["id"] for guest in told["document"]["guests"]} >= whole.moved
    assert kept.detailed == told["detailed"]
    assert set(told["document"]) <= {"cluster", "host", "observed_at", "synthetic", "nodes", "guests"}
    text = json.dumps(told)
    assert not [word for word in ("secret", "1234", "local", "tags", "pool") if word in text]


def test_what_cluster_balance_never_said_is_refused():
    answer, waves = by_hand_answer()

    def keep(document=None, **changes):
        return kept_placement(document or by_hand(), {**answer, **changes}, waves, balanced=["memory"], goal="balance")

    assert keep()["detailed"] is None
    lame = {**answer["after"], "std": {"cpu": 0.5}}
    with pytest.raises(InputError, match=r"no after\.std; needed is what cluster_balance returned \(O\(clusters\[\]\.balance\)\)"):
        keep(after=lame)
    with pytest.raises(InputError, match=r"no before\.spread"):
        keep(before={})
    with pytest.raises(InputError, match=r"no after\.violations"):
        keep(after={key: value for key, value in answer["after"].items() if key != "violations"})
    without = copy.deepcopy(by_hand())
    without["guests"] = [guest for guest in without["guests"] if guest["id"] != "g2"]
    with pytest.raises(InputError, match="move of g2 from a to b names a guest or a node that the cluster document does not have"):
        keep(without)
    answer.pop("verdict")
    with pytest.raises(InputError, match="no verdict"):
        keep()
