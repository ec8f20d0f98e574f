# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of clusters in a real store: recorded, balanced and planned as the playbooks do."""

from __future__ import annotations

import os
import shutil
import zlib

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_facts import Facts
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import PictureRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report import report
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report_content import read_content
from support import generated_clusters as clusters

NOW, HOSTS = clusters.NOW, ["prod-api", "lab-api"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A store with two clusters and no plan."""
    store = str(tmp_path_factory.mktemp("clusters") / "store.db")
    clusters.fill(store, clusters.document(maintenance=1), clusters.document("lab", seed=3))
    return store


@pytest.fixture(scope="module")
def planned(recorded, tmp_path_factory):
    """A store with a plan for one of them, and what `plan` returned."""
    store = str(tmp_path_factory.mktemp("planned") / "store.db")
    shutil.copy(recorded, store)
    return store, clusters.make_plan(store, ["prod-api"])


@pytest.fixture
def own(planned, tmp_path):
    """A copy of that store for one test."""
    store = str(tmp_path / "store.db")
    shutil.copy(planned[0], store)
    return store


def content(store, hosts=None, plan=None):
    with open_store(store, create=False) as opened:
        return read_content(opened, NOW, hosts or HOSTS, plan)


def by_name(shown):
    return {cluster.name: cluster for cluster in shown.clusters}


def write(store, path, **options):
    return report(**{"store": store, "now": NOW, "hosts": HOSTS, "path": str(path), "images": 1, **options})


def test_before_the_first_plan_the_nodes_are_shown_as_they_were_seen(recorded):
    shown = content(recorded)
    prod = by_name(shown)["prod"]
    facts = Facts(clusters.document(maintenance=1))
    for node, ratios in facts.ratios(facts.home).items():
        (row,) = (one for one in prod.view.nodes if one.name == node)
        assert {name: prod.view.share(prod.view.before, row, name) for name in ratios} == pytest.approx(ratios)
    assert prod.view.before.violations == facts.violations(facts.home) > 0
    assert (prod.view.is_answer, prod.missing, prod.guests) == (False, "", len(facts.guests))
    assert shown.headline == f"2 clusters: no plan yet; {facts.violations(facts.home)} limits broken."
    assert not [note for note in shown.notes if "logical volumes" in note]


def test_the_clusters_of_other_hosts_are_not_shown(recorded):
    assert [cluster.name for cluster in content(recorded, hosts=["lab-api", "unknown"]).clusters] == ["lab"]
    assert content(recorded, hosts=["unknown"]).clusters == []


def test_the_plan_is_shown_before_and_after_with_the_state_of_each_move(planned):
    store, made = planned
    shown = content(store)
    prod, lab = (by_name(shown)[name] for name in ("prod", "lab"))
    assert {state.state for state in prod.states} == {"planned"}
    moves = [(one["target"].rpartition("prod/")[2], one["from"]["node"], one["to"]["node"]) for one in made["document"]["actions"]]
    assert sorted((move.guest, move.source, move.target) for move in prod.view.moves) == sorted(moves)
    assert prod.view.after.violations == made["document"]["after"]["cluster:prod"]["violations"] == 0
    assert prod.view.balanced == prod.view.resources, "by the policy that decided"
    assert (lab.view.is_answer, lab.missing) == (False, ""), "the plan is not about it"
    assert shown.actions == [], "they stand with the picture"
    assert shown.has_changes


def test_what_was_done_is_told_of_each_move(own, planned):
    actions = planned[1]["document"]["actions"]
    with open_store(own) as opened:
        states = [(actions[0]["id"], "applied", {}), (actions[1]["id"], "failed", {"message": "No quorum."})]
        opened.set_actions(planned[1]["plan"]["id"], states, at=NOW, run_id=None)
    prod = by_name(content(own))["prod"]
    assert (prod.done, prod.failed, prod.planned) == (1, 1, len(actions))
    assert ("failed", "No quorum.") in prod.states
    assert f"1 of {len(actions)} planned moves is done; 1 failed or was refused" in content(own, hosts=["prod-api"]).headline


def test_moves_of_guests_that_are_not_managed_are_proposals(recorded, tmp_path):
    store = str(tmp_path / "store.db")
    shutil.copy(recorded, store)
    clusters.make_plan(store, ["prod-api"], manage=())
    shown = content(store)
    prod = by_name(shown)["prod"]
    assert {state.state for state in prod.states} == {"proposed"}
    assert (prod.planned, shown.proposals, shown.has_changes) == (0, [], False)


def test_check_mode_and_expired_plans_are_told_as_not_applied(recorded, tmp_path):
    store = str(tmp_path / "store.db")
    shutil.copy(recorded, store)
    clusters.make_plan(store, ["prod-api"], check=True)
    assert {state.state for state in by_name(content(store))["prod"].states} == {"not applied"}


def test_a_replaced_plan_loses_its_picture_and_the_report_says_so(own, planned):
    old = planned[1]["plan"]["id"]
    new = clusters.make_plan(own, ["prod-api"], policy={**clusters.POLICY, "max_moves": 3})
    assert new["written"]["superseded"] == [old]
    with open_store(own) as opened:
        assert (list(opened.load_pictures(old)), list(opened.load_pictures(new["plan"]["id"]))) == ([], ["prod"])
    shown = content(own, plan=old)
    prod = by_name(shown)["prod"]
    assert not prod.view.is_answer
    assert prod.missing.startswith("The plan's picture of it went when a newer plan took its place")
    assert len(shown.actions) == planned[1]["plan"]["actions"], "its moves stand in the plan"


@pytest.mark.parametrize("picture", [b"", b"no zlib", zlib.compress(b"{"), zlib.compress(b'{"schema": "foresight.picture/9"}')])
def test_a_picture_that_cannot_be_read_is_a_missing_one(own, planned, picture):
    with open_store(own) as opened:
        opened.save_pictures(planned[1]["plan"]["id"], [PictureRow("prod", "prod-api", picture)])
    assert by_name(content(own))["prod"].missing.startswith("The store has no picture of it from the plan: it is too old")


def test_the_same_plan_again_keeps_one_picture_and_no_two_ids(own, planned):
    again = clusters.make_plan(own, ["prod-api"], now=NOW + 100, policy={**clusters.POLICY, "now": NOW + 100})
    assert again["plan"]["id"] == planned[1]["plan"]["id"]
    other = clusters.make_plan(own, ["prod-api"], policy={**clusters.POLICY, "target_spread": 0.06})
    assert other["plan"]["id"] != again["plan"]["id"], "another policy is another plan"


def test_a_plan_of_documents_that_tell_too_little_is_made_without_a_picture(tmp_path):
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan import plan

    little = {"document": {"cluster": "prod", "host": "prod-api"}, "balance": {"moves": []}, "waves": []}
    made = plan(store=str(tmp_path / "store.db"), now=NOW, inventory=["prod-api"], hosts=["prod-api"], clusters=[little])
    (told,) = (line for line in made["summary"] if "picture" in line)
    assert told.startswith("The report will have no picture of the cluster prod. ")
    assert made["plan"]["state"] == "proposed"


def test_a_figure_of_each_cluster_and_none_of_former_ones(own, tmp_path):
    folder = tmp_path / "report"
    answer = write(own, folder, images=2)
    assert [os.path.basename(path) for path in answer["files"]] == ["index.html", "cluster-prod.png", "cluster-lab.png"]
    (folder / "cluster-mine.png").write_bytes(b"\x89PNG made by somebody else")
    answer = write(own, folder, images=1, charts=1)
    assert answer["written"] == {"files": 2, "removed": 1}
    assert sorted(os.listdir(folder)) == ["cluster-mine.png", "cluster-prod.png", "index.html"]
    page = (folder / "index.html").read_text()
    assert page.count('class="wide placement"') == 1
    assert "1 more cluster has no picture" in page


def test_the_summary_speaks_of_clusters_and_not_of_volumes(planned, tmp_path):
    lines = write(planned[0], tmp_path)["summary"]
    count = planned[1]["plan"]["actions"]
    assert lines[0].startswith(f"2 clusters: {count} moves are planned; limits broken ")
    assert lines[1].startswith(f"  prod: 3 nodes, {by_name(content(planned[0]))['prod'].guests} guests; {count} moves are planned (")
    assert lines[2].startswith("  lab: 3 nodes, ")
    assert not [line for line in lines if "volume" in line]
    with pytest.raises(InputError, match=r"charts is -1"):
        write(planned[0], tmp_path, charts=-1)


def test_moves_of_clusters_without_a_picture_stand_in_the_plan(planned, tmp_path):
    page = (write(planned[0], tmp_path, charts=0), (tmp_path / "index.html").read_text())[1]
    first = planned[1]["document"]["actions"][0]
    assert f'<td class="name">{first["target"].partition(":")[2]}</td>' in page
    assert "told above" not in page
    assert 'id="placements"' not in page
