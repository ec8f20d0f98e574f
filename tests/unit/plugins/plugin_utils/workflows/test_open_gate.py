# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import playbook_process
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError, PlanError, StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, Holder, LeaseHeld, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.approve import approve
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.open_gate import open_gate


def test_the_lease_is_held_renewed_and_given_back(store, gates, plan):
    opened = gates.enter(store, plan, lease_seconds=60)
    (lease,) = gates.leases(store)
    assert (lease.run_id, tuple(lease.holder)) == (opened["run_id"], tuple(playbook_process()))
    assert lease.expires_at == opened["lease"]["expires_at"] == gates.NOW + 70
    gates.hand(store, "web1")
    assert gates.leases(store)[0].expires_at == gates.NOW + 75
    gates.close(store)
    assert gates.leases(store) == []


def test_a_plan_made_in_check_mode_passes_in_check_mode_only(store, gates):
    plan = gates.make(store, check=True)["plan"]["id"]
    assert len(gates.enter(store, plan, check=True)["hosts"]) == 2
    with pytest.raises(PlanError, match="made in check mode and is never applied"):
        gates.enter(store, plan)


def test_approval(store, gates, plan):
    with pytest.raises(PlanError, match=f"is proposed, not approved.*foresight.capacity.approve -e foresight_plan={plan}"):
        gates.enter(store, plan, require_approval=True)
    approve(store=store, now=gates.NOW + 1, plan=plan, approved_by="alice")
    assert gates.apply(store, plan, require_approval=True)[1]["state"] == "applied"
    assert gates.apply(store, plan, status="ok", at=40, require_approval=True)[1]["state"] == "applied"


def test_expired_and_superseded_plans_do_not_pass(store, gates, plan):
    with pytest.raises(PlanError, match=r"expired at 2025-11-21 05:40:00 UTC; it is 2025-11-21 05:40:00 UTC\. Plan again"):
        gates.enter(store, plan, now=gates.NOW + 3600)
    assert gates.states(store, plan)[0] == "expired"
    old = gates.make(store, gates.volume("web1"))["plan"]["id"]
    gates.make(store, gates.volume("web2"))
    with pytest.raises(PlanError, match="was superseded"):
        gates.enter(store, old)


def test_the_kill_switch_wins_and_is_no_failure(store, gates, plan, tmp_path):
    opened = gates.enter(store, plan, stop=True)
    assert (opened["hosts"], opened["lease"]) == ({}, None)
    assert {entry["reason"] for entry in opened["refused"]} == {"stopped"}
    assert gates.close(store)["state"] == "proposed"
    (tmp_path / "stop").touch()
    assert gates.enter(store, plan, stop_file=str(tmp_path / "stop"))["hosts"] == {}


def test_the_kill_switch_answers_even_while_another_run_works(store, gates, plan):
    scope = gates.enter(store, plan)["lease"]["scope"]
    gates.close(store)
    with open_store(store) as opened:
        run = opened.start_run("apply", at=gates.NOW, check=False, detail={})
        opened.acquire_lease(scope, run_id=run, holder=Holder("other", "b", 1, 1), now=gates.NOW, seconds=900, alive=lambda _holder: None)
    assert gates.enter(store, plan, stop=True)["hosts"] == {}
    with pytest.raises(LeaseHeld, match=f"run {run}, process 1 on controller other.*lock_wait"):
        gates.enter(store, plan)


def test_a_recorded_host_is_refused_without_failure(store, gates):
    gates.observe(store, recorded={"shifted_by": 9})
    plan = gates.make(store)["plan"]["id"]
    opened = gates.enter(store, plan)
    assert {entry["reason"] for entry in opened["refused"]} == {"recorded_host"}
    assert gates.close(store)["state"] == "proposed"


def test_excluded_targets_by_what_the_store_knows(store, gates, plan):
    opened = gates.enter(store, plan, exclude=["contains(tags || `[]`, 'web') && host == 'web1'"])
    assert list(opened["hosts"]) == ["web2"]


def test_an_unreadable_exclude_list_stops_everything(store, gates, plan):
    with pytest.raises(InputError, match=r"O\(exclude\)"):
        gates.enter(store, plan, exclude=["!web1"])
    assert gates.leases(store) == []


def test_a_lease_that_ends_at_once_is_refused(store, gates, plan):
    with pytest.raises(InputError, match=r"needed is at least 1 \(O\(lease_seconds\), foresight_lease_seconds\)"):
        gates.enter(store, plan, lease_seconds=0)


def test_budgets_are_enforced_again_and_the_tighter_one_holds(store, gates, plan):
    opened = gates.enter(store, plan, budgets={"actions": 1})
    assert len(opened["hosts"]) == 1
    assert opened["refused"][0]["reason"] == "budget"
    with pytest.raises(PlanError, match="Unknown budget"):
        gates.enter(store, plan, budgets={"action": 1})


def test_a_lease_of_another_controller_ends_at_its_expiry(store, gates, plan):
    scope = gates.enter(store, plan)["lease"]["scope"]
    gates.close(store)
    with open_store(store) as opened:
        run = opened.start_run("apply", at=gates.NOW, check=False, detail={"scope": scope, "plan": plan, "holder": []})
        opened.acquire_lease(scope, run_id=run, holder=Holder("other", "b", 7, 1), now=gates.NOW, seconds=900, alive=lambda _holder: None)
    with pytest.raises(StoreError, match="controller other"):
        gates.enter(store, plan, now=gates.NOW + 899)
    opened = gates.enter(store, plan, now=gates.NOW + 901)
    assert opened["lease"]["taken_over_from"]["run_id"] == run
    assert f"Took over the lease of run {run}: the lease of controller other ended 1 s ago." in opened["summary"]


def test_a_gate_that_this_process_never_closed_is_closed_by_the_next(store, gates, plan):
    first = gates.enter(store, plan)
    gates.hand(store, "web1")
    second = gates.enter(store, plan)
    assert f"Took over the lease of run {first['run_id']}: it was not closed." in second["summary"]
    assert gates.states(store, plan) == ("partly_applied", {"lv:web1/vg0/data": "unknown"})


def test_another_inventory_has_another_lease(store, gates, plan):
    gates.enter(store, plan)
    other = open_gate(**gates.opening(store, plan, inventory=["web1"], play=["web1"], reachable=["web1"]))
    assert len(gates.leases(store)) == 2
    assert {entry["reason"] for entry in other["refused"]} == {"not_in_inventory"}


def test_no_store_is_told(tmp_path, gates):
    with pytest.raises(StoreError):
        gates.enter(str(tmp_path / "none.db"), "0" * 64)


def test_a_group_that_was_seen_on_another_host_since_the_plan_is_refused(store, gates, plan):
    with open_store(store) as opened:
        attributes = {"host": "web1", "vg": "vg0", "uuid": "U", "shared_with": ["web2"], "recorded": None}
        opened.put_entities([EntityRow("vg:web1/U", "vg:web1/vg0", "vg", "web1", attributes, gates.NOW)])
    opened = gates.enter(store, plan)
    assert [(entry["target"], entry["reason"]) for entry in opened["refused"]] == [("lv:web1/vg0/data", "shared_vg")]
