# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import render_yaml
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.approve import approve


def load(store, plan_id):
    with open_store(store) as opened:
        return opened.load_plan(plan_id)


def test_a_plan_is_stored_and_written_for_its_owner_alone(store, gates, tmp_path):
    made = gates.make(
        store, path=str(tmp_path / "plans" / "mine.yml"), proposals=[{"kind": "vg_extend", "target": "vg:web1/vg0", "bytes": 1}]
    )
    path = tmp_path / "plans" / "mine.yml"
    assert made["written"] == {"plans": 1, "superseded": [], "expired": [], "file": str(path)}
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert yaml.safe_load(path.read_text()) == made["document"] == load(store, made["plan"]["id"]).document
    assert (made["plan"]["actions"], made["plan"]["proposals"], made["plan"]["state"], made["plan"]["check"]) == (2, 1, "proposed", False)
    assert made["plan"]["expires_at"] == gates.NOW + 3600
    assert made["summary"][-2:] == [f"Plan id: {made['plan']['id']}", f"Plan file: {path}"]
    assert os.listdir(tmp_path / "plans") == ["mine.yml"]


def test_in_a_folder_the_file_is_named_by_time_and_id(store, gates, tmp_path):
    made = gates.make(store, path=f"{tmp_path}/new/")
    assert made["plan"]["path"] == f"{tmp_path}/new/foresight-plan-20251121T044000Z-{made['plan']['id'][:12]}.yml"


def test_what_the_store_knows_enters_the_plan(store, gates):
    document = gates.make(store)["document"]
    assert document["observed_at"] == gates.NOW - 90
    assert document["before"]["vg:web1/vg0"] == {"size_bytes": 50 * gates.GIB, "free_bytes": 20 * gates.GIB}
    assert document["after"]["vg:web1/vg0"] == {"size_bytes": 50 * gates.GIB, "free_bytes": 18 * gates.GIB}


def test_without_actions_the_newest_host_counts(store, gates):
    document = gates.make(store, actions=[])["document"]
    assert (document["actions"], document["observed_at"]) == ([], gates.NOW - 60)


def test_a_file_that_cannot_be_written_leaves_the_plan_in_the_store(store, gates, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PlanError, match=r"Cannot write the plan to .*The plan is in the store as ([0-9a-f]{64}).*O\(path\)"):
        gates.make(store, path=str(tmp_path / "file" / "plan.yml"))
    with open_store(store) as opened:
        assert [row.state for row in opened.find_plans()] == ["proposed"]


def test_a_failed_write_leaves_the_old_file(store, gates, tmp_path, monkeypatch):
    path = tmp_path / "plan.yml"
    path.write_text("old")

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PlanError, match="No space left on device"):
        gates.make(store, path=str(path))
    assert path.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == sorted({"plan.yml", *(name for name in os.listdir(tmp_path) if name.startswith("store.db"))})


def test_a_newer_plan_supersedes_the_proposals_it_covers(store, gates):
    old = gates.make(store)["plan"]["id"]
    narrow = gates.make(store, gates.volume("web1", to=13 * gates.GIB), hosts=["web1"])
    assert narrow["written"]["superseded"] == []
    wide = gates.make(store, gates.volume("web1", to=14 * gates.GIB))
    assert sorted(wide["written"]["superseded"]) == sorted([old, narrow["plan"]["id"]])
    assert load(store, old).state == "superseded"


def test_an_approved_plan_stays_when_a_newer_one_is_proposed(store, gates):
    first = gates.make(store)["plan"]["id"]
    approve(store=store, now=gates.NOW + 1, plan=first, approved_by="alice")
    second = gates.make(store, gates.volume("web1", to=13 * gates.GIB))
    assert second["written"]["superseded"] == []
    assert load(store, first).state == "approved"


@pytest.mark.parametrize("more", [{"inventory": ["web1", "web2", "web3"]}, {"check": True}])
def test_other_inventories_and_check_plans_supersede_nothing(store, gates, more):
    gates.make(store)
    assert gates.make(store, gates.volume(), **more)["written"]["superseded"] == []


def test_plans_expire(store, gates):
    first = gates.make(store)["plan"]["id"]
    later = gates.make(store, gates.volume(), now=gates.NOW + 3600)
    assert later["written"]["expired"] == [first]
    assert load(store, first).state == "expired"


def test_the_same_plan_again_is_the_same_plan_with_new_dates(store, gates):
    first = gates.make(store)
    again = gates.make(store, now=gates.NOW + 100)
    assert again["plan"]["id"] == first["plan"]["id"]
    assert again["plan"]["expires_at"] == first["plan"]["expires_at"] + 100
    assert again["written"]["superseded"] == []
    assert load(store, first["plan"]["id"]).document == again["document"]


def test_an_approval_holds_for_the_dates_it_was_given_for(store, gates):
    first = gates.make(store)
    approve(store=store, now=gates.NOW + 1, plan=first["plan"]["id"], approved_by="alice")
    again = gates.make(store, now=gates.NOW + 100)
    assert again["document"] == first["document"]
    assert again["plan"]["state"] == "approved"
    anew = gates.make(store, now=gates.NOW + 5000)
    assert anew["plan"]["state"] == "proposed"
    row = load(store, first["plan"]["id"])
    assert (row.approved_by, row.approved_at, row.expires_at) == (None, None, gates.NOW + 8600)


def test_the_policy_counts_but_not_when_it_was_looked_at(store, gates):
    first, second = (gates.make(store, policy={"headroom": 0.1, "now": now})["plan"]["id"] for now in (1, 2))
    assert first == second
    assert gates.make(store, policy={"headroom": 0.2})["plan"]["id"] != first


def test_no_hosts_is_an_error_that_shows_how(store, gates):
    with pytest.raises(PlanError, match="ansible-playbook -i INVENTORY"):
        gates.make(store, hosts=[])


def test_a_malformed_action_is_told_and_nothing_is_stored(store, gates):
    with pytest.raises(PlanError, match=r"actions\[0\]: unknown key 'shell'"):
        gates.make(store, gates.volume(shell="x"))
    with open_store(store) as opened:
        assert opened.find_plans() == []


def test_the_file_is_the_rendered_plan(store, gates, tmp_path):
    made = gates.make(store, path=str(tmp_path / "plan.yml"))
    assert (tmp_path / "plan.yml").read_text() == render_yaml(made["document"])
