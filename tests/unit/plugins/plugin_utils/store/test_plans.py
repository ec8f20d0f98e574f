# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import ActionRow, PlanRow


def plan(number, **more):
    return {"id": f"plan{number}", "created_at": 100 + number, "expires_at": 3700 + number, "check": False, **more}


def test_a_plan_comes_back_exactly(store):
    document = plan(1, actions=[{"to": {"size": 2**62}, "cost": 0.1, "huge": 1e22, "undo": None}], z=1, a=2)
    store.save_plan(document)
    row = store.load_plan("plan1")
    assert row == PlanRow("plan1", document, "proposed", 101, 3701, False, None, None)
    assert list(row.document) == list(document)
    assert isinstance(row.document["actions"][0]["huge"], float)
    assert store.load_plan("plan2") is None


def test_a_plan_is_immutable_and_keeps_its_state(store):
    store.save_plan(plan(1))
    assert store.set_plan_state("plan1", "approved", at=200, by="ada")
    store.save_plan(plan(1, created_at=900))
    assert store.load_plan("plan1") == PlanRow("plan1", plan(1), "approved", 101, 3701, False, "ada", 200)


def test_a_check_plan_says_so(store):
    store.save_plan(plan(1, check=True))
    assert store.load_plan("plan1").check is True


def test_states_are_set_only_from_expected_ones(store):
    store.save_plan(plan(1))
    assert not store.set_plan_state("plan1", "applied", at=1, expected=["approved"])
    assert store.set_plan_state("plan1", "approved", at=2, by="ada", expected=["proposed"])
    assert not store.set_plan_state("plan1", "approved", at=3, by="bob", expected=["proposed"])
    assert store.set_plan_state("plan1", "applied", at=4, expected=["proposed", "approved"])
    row = store.load_plan("plan1")
    assert (row.state, row.approved_by, row.approved_at) == ("applied", "ada", 2)
    assert not store.set_plan_state("nobody", "applied", at=5)


def test_an_unknown_state_is_refused(store):
    with pytest.raises(StoreError, match="needed is one of proposed"):
        store.save_plan(plan(1), state="done")


def test_plans_by_state_newest_first(store):
    for number in range(3):
        store.save_plan(plan(number))
    store.set_plan_state("plan1", "expired", at=1)
    assert [row.id for row in store.find_plans()] == ["plan2", "plan1", "plan0"]
    assert [row.id for row in store.find_plans(["proposed"])] == ["plan2", "plan0"]


def test_progress_of_actions(store):
    store.save_plan(plan(1))
    run = store.start_run("apply", at=5, check=False, detail={})
    store.set_action("plan1", "a1", "started", at=6, run_id=run, detail={})
    store.set_action("plan1", "a1", "changed", at=7, run_id=run, detail={"seconds": 0.5})
    store.set_action("plan1", "a2", "refused", at=8, run_id=None, detail={"reason": "shared_vg"})
    assert store.find_actions("plan1") == {
        "a1": ActionRow("plan1", "a1", "changed", 7, run, {"seconds": 0.5}),
        "a2": ActionRow("plan1", "a2", "refused", 8, None, {"reason": "shared_vg"}),
    }
    assert store.find_actions("plan2") == {}


def test_actions_of_all_plans_by_state_and_time(store):
    for number, (state, at) in enumerate([("failed", 5), ("unknown", 9), ("applied", 9)]):
        store.save_plan(plan(number))
        store.set_action(f"plan{number}", "a1", state, at=at, run_id=None, detail={})
    assert [row.plan_id for row in store.find_actions_in(["failed", "unknown"], since=5)] == ["plan0", "plan1"]
    assert [row.plan_id for row in store.find_actions_in(["failed", "unknown"], since=6)] == ["plan1"]


def test_an_action_of_no_plan_is_refused(store):
    with pytest.raises(StoreError, match="refers to something that is not in the store"):
        store.set_action("nobody", "a1", "started", at=6, run_id=None, detail={})


def test_many_actions_at_once(store):
    store.save_plan(plan(1))
    store.set_actions("plan1", ((f"a{number}", "started", {}) for number in range(1000)), at=6, run_id=None)
    store.set_actions("plan1", [("a7", "applied", {"x": 1})], at=7, run_id=None)
    store.set_actions("plan1", [], at=8, run_id=None)
    found = store.find_actions("plan1")
    assert len(found) == 1000
    assert found["a7"] == ActionRow("plan1", "a7", "applied", 7, None, {"x": 1})


def test_a_plan_made_again_gets_new_dates_and_loses_its_approval(store):
    store.save_plan(plan(1))
    store.set_plan_state("plan1", "approved", at=2, by="ada")
    anew = {**plan(1), "created_at": 500, "expires_at": 900}
    store.renew_plan(anew, "proposed", at=500)
    row = store.load_plan("plan1")
    assert (row.document, row.state, row.created_at, row.expires_at, row.approved_by, row.approved_at) == (
        anew,
        "proposed",
        500,
        900,
        None,
        None,
    )
    with pytest.raises(StoreError, match="Cannot renew plan plan2"):
        store.renew_plan({**anew, "id": "plan2"}, "proposed", at=500)
