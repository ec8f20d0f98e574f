# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import LeaseLost, open_store


def test_a_lost_lease_stops_the_host(store, gates, plan):
    gates.enter(store, plan)
    with open_store(store) as opened:
        opened.release_lease(opened.find_leases()[0])
    with pytest.raises(LeaseLost, match="foresight_lease_seconds"):
        gates.hand(store, "web1")
    assert gates.states(store, plan)[1] == {}


def test_after_closing_no_host_gets_anything(store, gates, plan):
    gates.enter(store, plan)
    gates.close(store)
    with pytest.raises(PlanError, match=r"has ended \(finished\)"):
        gates.hand(store, "web1")


def test_without_an_open_gate_no_host_gets_anything(store, gates, plan):
    with pytest.raises(PlanError, match="The gate is not open"):
        gates.hand(store, "web1")
    with pytest.raises(PlanError, match="no apply run 7"):
        gates.hand(store, "web1", run_id=7)


def test_a_run_opened_in_check_mode_is_no_licence_to_change(store, gates, plan):
    gates.enter(store, plan, check=True)
    with pytest.raises(PlanError, match="opened in check mode, but this task is not"):
        gates.hand(store, "web1")


def test_a_plan_that_expires_while_it_is_applied_stops(store, gates, plan):
    gates.enter(store, plan)
    late = gates.hand(store, "web1", now=gates.NOW + 3600)
    assert (late["actions"], late["refused"][0]["reason"]) == ([], "expired")


def test_a_stop_file_that_appears_stops_the_next_host(store, gates, plan, tmp_path):
    gates.enter(store, plan, stop_file=str(tmp_path / "stop"))
    assert len(gates.hand(store, "web1")["actions"]) == 1
    (tmp_path / "stop").touch()
    stopped = gates.hand(store, "web2")
    assert (stopped["actions"], stopped["refused"][0]["reason"]) == ([], "stopped")
    assert gates.states(store, plan)[1]["lv:web2/vg0/data"] == "refused"


def test_after_too_many_failed_hosts_the_rest_is_left_alone(store, gates, plan):
    gates.enter(store, plan, budgets={"failures": 0})
    assert len(gates.hand(store, "web1", failed=["web9"])["actions"]) == 1  # a host that got nothing of this run does not count
    stopped = gates.hand(store, "web2", failed=["web1"])
    assert (stopped["actions"], stopped["pending"][0]["reason"]) == ([], "budget")
    assert "Hosts failed: web1; 0 may fail" in stopped["pending"][0]["message"]


def test_the_host_task_may_name_the_plan_it_means(store, gates, plan):
    opened = gates.enter(store, plan)
    assert gates.hand(store, "web1", plan=plan, run_id=opened["run_id"])["plan_id"] == plan
    with pytest.raises(PlanError, match="The gate is open for plan"):
        gates.hand(store, "web1", plan="0" * 64)


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
    mine = gates.hand(store, "web1", **own)
    assert mine["actions"] == []
    assert [entry["reason"] for entry in mine[kept]] == [reason]
    assert len(gates.hand(store, "web2")["actions"]) == 1


def test_a_hosts_own_stop_file_is_looked_for(store, gates, plan, tmp_path):
    gates.enter(store, plan)
    (tmp_path / "stop").touch()
    assert gates.hand(store, "web1", stop_file=str(tmp_path / "stop"))["actions"] == []
