# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


def test_each_host_gets_its_own_actions_and_the_plan_is_applied(store, gates, plan):
    opened, closed = gates.apply(store, plan)
    assert {host: [action["target"] for action in actions] for host, actions in opened["hosts"].items()} == {
        "web1": ["lv:web1/vg0/data"],
        "web2": ["lv:web2/vg0/data"],
    }
    assert (closed["state"], closed["counts"]["applied"], closed["failures"]) == ("applied", 2, 0)
    assert gates.states(store, plan) == ("applied", {"lv:web1/vg0/data": "applied", "lv:web2/vg0/data": "applied"})
    assert gates.leases(store) == []


def test_an_applied_plan_may_be_applied_again(store, gates, plan):
    gates.apply(store, plan)
    opened, closed = gates.apply(store, plan, status="ok", at=40)
    assert sorted(opened["hosts"]) == ["web1", "web2"]
    assert closed["state"] == "applied"


def test_closing_twice_changes_nothing(store, gates, plan):
    _opened, first = gates.apply(store, plan)
    gates.tell(store, plan, ("0" * 16, "web1", "lv:web1/vg0/data", "failed"), at=gates.NOW + 99)
    second = gates.close(store)
    assert {key: second[key] for key in ("state", "counts", "run_id")} == {key: first[key] for key in ("state", "counts", "run_id")}
    assert "was closed before" in second["summary"][0]


def test_hosts_outside_limit_stay_pending(store, gates, plan):
    opened, closed = gates.apply(store, plan, hosts=["web1"], play=["web1"], reachable=["web1"])
    assert list(opened["hosts"]) == ["web1"]
    assert [(entry["host"], entry["reason"]) for entry in opened["pending"]] == [("web2", "not_in_play")]
    assert (closed["state"], closed["counts"]["pending"]) == ("partly_applied", 1)
    _opened, closed = gates.apply(store, plan, status="ok", at=40)
    assert closed["state"] == "applied"


def test_a_failed_and_a_refused_action(store, gates, plan):
    gates.enter(store, plan)
    for host, status in (("web1", "failed"), ("web2", "refused")):
        (action,) = gates.hand(store, host)["actions"]
        gates.tell(store, plan, (action["id"], host, action["target"], status))
    closed = gates.close(store)
    assert (closed["state"], closed["failures"]) == ("partly_applied", 1)
    assert gates.states(store, plan)[1] == {"lv:web1/vg0/data": "failed", "lv:web2/vg0/data": "refused"}


def test_an_action_without_outcome_is_unknown_and_can_be_done_again(store, gates, plan):
    gates.enter(store, plan)
    gates.hand(store, "web1")
    assert gates.close(store)["counts"]["unknown"] == 1
    assert gates.apply(store, plan)[1]["state"] == "applied"


def test_a_run_in_which_nothing_happened_leaves_the_plan_as_it_was(store, gates, plan):
    gates.enter(store, plan)
    assert gates.close(store)["state"] == "proposed"


def test_a_plan_without_actions_is_applied_at_once(store, gates):
    plan = gates.make(store, actions=[])["plan"]["id"]
    gates.enter(store, plan)
    assert gates.close(store)["state"] == "applied"


def test_check_mode_hands_out_the_same_and_notes_no_state(store, gates, plan):
    opened = gates.enter(store, plan, check=True)
    assert opened["lease"] is None
    handed = gates.hand(store, "web1", check=True)
    gates.tell(store, plan, (handed["actions"][0]["id"], "web1", "lv:web1/vg0/data", "changed"))
    assert gates.close(store)["state"] == "proposed"
    assert (gates.states(store, plan), gates.leases(store)) == (("proposed", {}), [])
    real = gates.enter(store, plan)
    assert real["hosts"] == opened["hosts"]
    assert gates.hand(store, "web1")["actions"] == handed["actions"]
    # what the check run told is no outcome of the real run
    assert gates.close(store)["counts"]["unknown"] == 1


def test_what_another_run_tells_is_no_outcome_of_this_one(store, gates, plan):
    """A run that lost its lease may still end an action and tell of it, after the next run has handed out the same."""
    late = gates.enter(store, plan)
    gates.hand(store, "web1")
    gates.enter(store, plan)
    (action,) = gates.hand(store, "web1")["actions"]
    gates.tell(store, plan, (action["id"], "web1", action["target"], "changed"), run=late["run_id"])
    assert gates.close(store)["counts"]["unknown"] == 1


def test_two_runs_within_a_second_both_count(store, gates, plan):
    for _number in range(2):
        _opened, closed = gates.apply(store, plan)
        assert closed["counts"]["applied"] == 2
