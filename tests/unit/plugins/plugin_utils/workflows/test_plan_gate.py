# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import playbook_process
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError, PlanError, StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, Holder, LeaseHeld, LeaseLost, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.approve import approve
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan_gate import close_gate, host_gate, open_gate


@pytest.fixture
def plan(store, gates):
    return gates.make(store)["plan"]["id"]


def hand(store, gates, host, **more):
    return host_gate(**{"store": store, "now": gates.NOW + 15, "host": host, "failed": [], **more})


def close(store, gates, **more):
    return close_gate(store=store, now=gates.NOW + 30, **more)


def apply(store, gates, plan, status="changed", hosts=("web1", "web2"), at=20, **more):
    """Open, do, record and close, as apply.yml does."""
    opened = gates.enter(store, plan, **more)
    for host in hosts:
        for action in hand(store, gates, host)["actions"]:
            gates.tell(store, plan, (action["id"], host, action["target"], status), at=gates.NOW + at)
    return opened, close(store, gates)


def leases(store):
    with open_store(store) as opened:
        return opened.find_leases()


def test_each_host_gets_its_own_actions_and_the_plan_is_applied(store, gates, plan):
    opened, closed = apply(store, gates, plan)
    assert {host: [action["target"] for action in actions] for host, actions in opened["hosts"].items()} == {
        "web1": ["lv:web1/vg0/data"],
        "web2": ["lv:web2/vg0/data"],
    }
    assert (closed["state"], closed["counts"]["applied"], closed["failures"]) == ("applied", 2, 0)
    assert gates.states(store, plan) == ("applied", {"lv:web1/vg0/data": "applied", "lv:web2/vg0/data": "applied"})
    assert leases(store) == []


def test_an_applied_plan_may_be_applied_again(store, gates, plan):
    apply(store, gates, plan)
    opened, closed = apply(store, gates, plan, status="ok", at=40)
    assert sorted(opened["hosts"]) == ["web1", "web2"]
    assert closed["state"] == "applied"


def test_closing_twice_changes_nothing(store, gates, plan):
    _opened, first = apply(store, gates, plan)
    gates.tell(store, plan, ("0" * 16, "web1", "lv:web1/vg0/data", "failed"), at=gates.NOW + 99)
    second = close(store, gates)
    assert {key: second[key] for key in ("state", "counts", "run_id")} == {key: first[key] for key in ("state", "counts", "run_id")}
    assert "was closed before" in second["summary"][0]


def test_the_lease_is_held_renewed_and_given_back(store, gates, plan):
    opened = gates.enter(store, plan, lease_seconds=60)
    (lease,) = leases(store)
    assert (lease.run_id, tuple(lease.holder)) == (opened["run_id"], tuple(playbook_process()))
    assert lease.expires_at == opened["lease"]["expires_at"] == gates.NOW + 70
    hand(store, gates, "web1")
    assert leases(store)[0].expires_at == gates.NOW + 75
    close(store, gates)
    assert leases(store) == []


def test_a_lost_lease_stops_the_host(store, gates, plan):
    gates.enter(store, plan)
    with open_store(store) as opened:
        opened.release_lease(opened.find_leases()[0])
    with pytest.raises(LeaseLost, match="foresight_lease_seconds"):
        hand(store, gates, "web1")
    assert gates.states(store, plan)[1] == {}


def test_after_closing_no_host_gets_anything(store, gates, plan):
    gates.enter(store, plan)
    close(store, gates)
    with pytest.raises(PlanError, match=r"has ended \(finished\)"):
        hand(store, gates, "web1")


def test_without_an_open_gate_no_host_gets_anything(store, gates, plan):
    with pytest.raises(PlanError, match="The gate is not open"):
        hand(store, gates, "web1")
    with pytest.raises(PlanError, match="no apply run 7"):
        hand(store, gates, "web1", run_id=7)


def test_hosts_outside_limit_stay_pending(store, gates, plan):
    opened, closed = apply(store, gates, plan, hosts=["web1"], play=["web1"], reachable=["web1"])
    assert list(opened["hosts"]) == ["web1"]
    assert [(entry["host"], entry["reason"]) for entry in opened["pending"]] == [("web2", "not_in_play")]
    assert (closed["state"], closed["counts"]["pending"]) == ("partly_applied", 1)
    _opened, closed = apply(store, gates, plan, status="ok", at=40)
    assert closed["state"] == "applied"


def test_a_failed_and_a_refused_action(store, gates, plan):
    gates.enter(store, plan)
    for host, status in (("web1", "failed"), ("web2", "refused")):
        (action,) = hand(store, gates, host)["actions"]
        gates.tell(store, plan, (action["id"], host, action["target"], status))
    closed = close(store, gates)
    assert (closed["state"], closed["failures"]) == ("partly_applied", 1)
    assert gates.states(store, plan)[1] == {"lv:web1/vg0/data": "failed", "lv:web2/vg0/data": "refused"}


def test_an_action_without_outcome_is_unknown_and_can_be_done_again(store, gates, plan):
    gates.enter(store, plan)
    hand(store, gates, "web1")
    assert close(store, gates)["counts"]["unknown"] == 1
    assert apply(store, gates, plan)[1]["state"] == "applied"


def test_a_run_in_which_nothing_happened_leaves_the_plan_as_it_was(store, gates, plan):
    gates.enter(store, plan)
    assert close(store, gates)["state"] == "proposed"


def test_a_plan_without_actions_is_applied_at_once(store, gates):
    plan = gates.make(store, actions=[])["plan"]["id"]
    gates.enter(store, plan)
    assert close(store, gates)["state"] == "applied"


def test_check_mode_hands_out_the_same_and_notes_no_state(store, gates, plan):
    opened = gates.enter(store, plan, check=True)
    assert opened["lease"] is None
    handed = hand(store, gates, "web1", check=True)
    gates.tell(store, plan, (handed["actions"][0]["id"], "web1", "lv:web1/vg0/data", "changed"))
    assert close(store, gates)["state"] == "proposed"
    assert (gates.states(store, plan), leases(store)) == (("proposed", {}), [])
    real = gates.enter(store, plan)
    assert real["hosts"] == opened["hosts"]
    assert hand(store, gates, "web1")["actions"] == handed["actions"]
    # what the check run told is no outcome of the real run
    assert close(store, gates)["counts"]["unknown"] == 1


def test_outcomes_of_a_check_run_are_not_those_of_a_real_one(store, gates, plan):
    gates.enter(store, plan)
    (action,) = hand(store, gates, "web1")["actions"]
    with open_store(store) as opened:
        check = opened.start_run("record", at=gates.NOW, check=True, detail={})
    gates.tell(store, plan, (action["id"], "web1", action["target"], "changed"), run=check)
    assert close(store, gates)["counts"]["unknown"] == 1


def test_a_run_opened_in_check_mode_is_no_licence_to_change(store, gates, plan):
    gates.enter(store, plan, check=True)
    with pytest.raises(PlanError, match="opened in check mode, but this task is not"):
        hand(store, gates, "web1")


def test_a_plan_made_in_check_mode_passes_in_check_mode_only(store, gates):
    plan = gates.make(store, check=True)["plan"]["id"]
    assert len(gates.enter(store, plan, check=True)["hosts"]) == 2
    with pytest.raises(PlanError, match="made in check mode and is never applied"):
        gates.enter(store, plan)


def test_approval(store, gates, plan):
    with pytest.raises(PlanError, match=f"is proposed, not approved.*foresight.capacity.approve -e foresight_plan={plan}"):
        gates.enter(store, plan, require_approval=True)
    approve(store=store, now=gates.NOW + 1, plan=plan, approved_by="alice")
    assert apply(store, gates, plan, require_approval=True)[1]["state"] == "applied"
    assert apply(store, gates, plan, status="ok", at=40, require_approval=True)[1]["state"] == "applied"


def test_expired_and_superseded_plans_do_not_pass(store, gates, plan):
    with pytest.raises(PlanError, match=r"expired at 2025-11-21 05:40:00 UTC; it is 2025-11-21 05:40:00 UTC\. Plan again"):
        gates.enter(store, plan, now=gates.NOW + 3600)
    assert gates.states(store, plan)[0] == "expired"
    old = gates.make(store, gates.volume("web1"))["plan"]["id"]
    gates.make(store, gates.volume("web2"))
    with pytest.raises(PlanError, match="was superseded"):
        gates.enter(store, old)


def test_a_plan_that_expires_while_it_is_applied_stops(store, gates, plan):
    gates.enter(store, plan)
    late = hand(store, gates, "web1", now=gates.NOW + 3600)
    assert (late["actions"], late["refused"][0]["reason"]) == ([], "expired")


def test_the_kill_switch_wins_and_is_no_failure(store, gates, plan, tmp_path):
    opened = gates.enter(store, plan, stop=True)
    assert (opened["hosts"], opened["lease"]) == ({}, None)
    assert {entry["reason"] for entry in opened["refused"]} == {"stopped"}
    assert close(store, gates)["state"] == "proposed"
    (tmp_path / "stop").touch()
    assert gates.enter(store, plan, stop_file=str(tmp_path / "stop"))["hosts"] == {}


def test_a_stop_file_that_appears_stops_the_next_host(store, gates, plan, tmp_path):
    gates.enter(store, plan, stop_file=str(tmp_path / "stop"))
    assert len(hand(store, gates, "web1")["actions"]) == 1
    (tmp_path / "stop").touch()
    stopped = hand(store, gates, "web2")
    assert (stopped["actions"], stopped["refused"][0]["reason"]) == ([], "stopped")
    assert gates.states(store, plan)[1]["lv:web2/vg0/data"] == "refused"


def test_the_kill_switch_answers_even_while_another_run_works(store, gates, plan):
    scope = gates.enter(store, plan)["lease"]["scope"]
    close(store, gates)
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
    assert close(store, gates)["state"] == "proposed"


def test_excluded_targets_by_what_the_store_knows(store, gates, plan):
    opened = gates.enter(store, plan, exclude=["contains(tags || `[]`, 'web') && host == 'web1'"])
    assert list(opened["hosts"]) == ["web2"]


def test_an_unreadable_exclude_list_stops_everything(store, gates, plan):
    with pytest.raises(InputError, match=r"O\(exclude\)"):
        gates.enter(store, plan, exclude=["!web1"])
    assert leases(store) == []


def test_budgets_are_enforced_again_and_the_tighter_one_holds(store, gates, plan):
    opened = gates.enter(store, plan, budgets={"actions": 1})
    assert len(opened["hosts"]) == 1
    assert opened["refused"][0]["reason"] == "budget"
    with pytest.raises(PlanError, match="Unknown budget"):
        gates.enter(store, plan, budgets={"action": 1})


def test_after_too_many_failed_hosts_the_rest_is_left_alone(store, gates, plan):
    gates.enter(store, plan, budgets={"failures": 0})
    assert len(hand(store, gates, "web1", failed=["web9"])["actions"]) == 1  # a host that got nothing of this run does not count
    stopped = hand(store, gates, "web2", failed=["web1"])
    assert (stopped["actions"], stopped["pending"][0]["reason"]) == ([], "budget")
    assert "Hosts failed: web1; 0 may fail" in stopped["pending"][0]["message"]


def test_a_lease_of_another_controller_ends_at_its_expiry(store, gates, plan):
    scope = gates.enter(store, plan)["lease"]["scope"]
    close(store, gates)
    with open_store(store) as opened:
        run = opened.start_run("apply", at=gates.NOW, check=False, detail={"scope": scope, "plan": plan, "holder": [], "last_outcome": -1})
        opened.acquire_lease(scope, run_id=run, holder=Holder("other", "b", 7, 1), now=gates.NOW, seconds=900, alive=lambda _holder: None)
    with pytest.raises(StoreError, match="controller other"):
        gates.enter(store, plan, now=gates.NOW + 899)
    opened = gates.enter(store, plan, now=gates.NOW + 901)
    assert opened["lease"]["taken_over_from"]["run_id"] == run
    assert f"Took over the lease of run {run}: the lease of controller other ended 1 s ago." in opened["summary"]


def test_a_gate_that_this_process_never_closed_is_closed_by_the_next(store, gates, plan):
    first = gates.enter(store, plan)
    hand(store, gates, "web1")
    second = gates.enter(store, plan)
    assert f"Took over the lease of run {first['run_id']}: it was not closed." in second["summary"]
    assert gates.states(store, plan) == ("partly_applied", {"lv:web1/vg0/data": "unknown"})


def test_another_inventory_has_another_lease(store, gates, plan):
    gates.enter(store, plan)
    other = open_gate(**gates.opening(store, plan, inventory=["web1"], play=["web1"], reachable=["web1"]))
    assert len(leases(store)) == 2
    assert {entry["reason"] for entry in other["refused"]} == {"not_in_inventory"}


def test_the_host_task_may_name_the_plan_it_means(store, gates, plan):
    opened = gates.enter(store, plan)
    assert hand(store, gates, "web1", plan=plan, run_id=opened["run_id"])["plan_id"] == plan
    with pytest.raises(PlanError, match="The gate is open for plan"):
        hand(store, gates, "web1", plan="0" * 64)


def test_no_store_is_told(tmp_path, gates):
    with pytest.raises(StoreError):
        gates.enter(str(tmp_path / "none.db"), "0" * 64)


@pytest.mark.parametrize(
    ("own", "reason", "kept"),
    [
        ({"stop": True}, "stopped", "refused"),
        ({"exclude": ["vg0/data"]}, "excluded", "refused"),
        ({"exclude": ["lv:web1/*"]}, "excluded", "refused"),
        ({"require_approval": True}, "not_approved", "pending"),
    ],
)
def test_what_a_host_itself_forbids_holds_for_it_and_for_no_other(store, gates, plan, own, reason, kept):
    """The gate was opened with the variables of the first host; each host's own kill switch and exclude list win all the same."""
    gates.enter(store, plan)
    mine = hand(store, gates, "web1", **own)
    assert mine["actions"] == []
    assert [entry["reason"] for entry in mine[kept]] == [reason]
    assert len(hand(store, gates, "web2")["actions"]) == 1


def test_a_hosts_own_stop_file_is_looked_for(store, gates, plan, tmp_path):
    gates.enter(store, plan)
    (tmp_path / "stop").touch()
    assert hand(store, gates, "web1", stop_file=str(tmp_path / "stop"))["actions"] == []


def test_a_group_that_was_seen_on_another_host_since_the_plan_is_refused(store, gates, plan):
    with open_store(store) as opened:
        attributes = {"host": "web1", "vg": "vg0", "uuid": "U", "shared_with": ["web2"], "recorded": None}
        opened.put_entities([EntityRow("vg:web1/U", "vg:web1/vg0", "vg", "web1", attributes, gates.NOW)])
    opened = gates.enter(store, plan)
    assert [(entry["target"], entry["reason"]) for entry in opened["refused"]] == [("lv:web1/vg0/data", "shared_vg")]
