# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outcomes of one host, noted right after its actions."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.host_done import host_done

NOW = 1_763_700_000
ACTION = {"id": "a1", "target": "lv:web1/vg0/data"}


@pytest.fixture
def opened(tmp_path):
    """A store with a plan of one action and an apply run of this process that opened it."""
    from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import playbook_process

    path = str(tmp_path / "store.db")
    document = {"id": "p1", "created_at": NOW, "expires_at": NOW + 60, "check": False, "actions": [{**ACTION, "host": "web1"}]}
    with open_store(path) as store:
        store.save_plan(document)
        store.start_run("apply", at=NOW, check=False, detail={"plan": "p1", "holder": list(playbook_process())})
    return path


def outcomes(path):
    with open_store(path) as store:
        return store.find_outcomes(plan_id="p1")


def test_each_result_becomes_an_outcome_with_the_run_that_made_it(opened):
    result = {
        "ansible_loop_var": "one",
        "one": ACTION,
        "status": "changed",
        "changed": True,
        "seconds": 4.4,
        "after": {"size": 2},
        "message": "Grew.",
    }
    told = host_done(store=opened, now=NOW + 10, host="web1", results=[result])
    assert told["outcomes"] == {"changed": 1, "ok": 0, "refused": 0, "failed": 0}
    (row,) = outcomes(opened)
    assert (row.action_id, row.status, row.changed, row.started_at, row.message) == ("a1", "changed", True, NOW + 6, "Grew.")
    assert row.run_id is not None


def test_what_a_migration_cost_is_kept_with_the_place_after_it(opened):
    cost = {"bytes": 4096, "downtime_seconds": 0.087}
    moved = {"item": ACTION, "status": "changed", "changed": True, "after": {"node": "pve2", "running": True}, "cost": cost}
    host_done(store=opened, now=NOW, host="web1", results=[moved])
    (row,) = outcomes(opened)
    assert row.after == {"node": "pve2", "running": True, "cost": cost}


def test_an_action_whose_turn_did_not_come_is_open_again(opened):
    left = {"item": ACTION, "status": "not_started", "skipped": True, "changed": False, "message": "Not its turn."}
    told = host_done(store=opened, now=NOW, host="web1", results=[left])
    assert (told["written"], outcomes(opened)) == ({"outcomes": 0}, [])
    with open_store(opened) as store:
        (row,) = store.find_actions("p1").values()
    assert (row.action_id, row.state, row.detail["message"]) == ("a1", "pending", "Not its turn.")


def test_an_action_whose_task_was_not_begun_is_open_again(opened):
    """As the moves of a host whose resizes failed."""
    told = host_done(store=opened, now=NOW, host="web1", results=[], not_begun=[ACTION])
    assert (told["written"], outcomes(opened)) == ({"outcomes": 0}, [])
    with open_store(opened) as store:
        (row,) = store.find_actions("p1").values()
    assert (row.state, row.detail["message"]) == ("pending", "It was not begun, as a task before it failed.")


def test_a_module_that_died_without_a_word_is_a_failure(opened):
    host_done(store=opened, now=NOW, host="web1", results=[{"item": ACTION, "failed": True, "msg": "MODULE FAILURE"}])
    (row,) = outcomes(opened)
    assert (row.status, row.changed, row.message) == ("failed", False, "MODULE FAILURE")


@pytest.mark.parametrize(
    ("result", "status"), [({"unreachable": True, "msg": "no route"}, ["failed"]), ({"skipped": True, "skip_reason": "when"}, [])]
)
def test_what_was_not_done_is_not_told_as_done(opened, result, status):
    host_done(store=opened, now=NOW, host="web1", results=[{"item": ACTION, "changed": False, **result}])
    assert [row.status for row in outcomes(opened)] == status


@pytest.mark.parametrize("seconds", ["abc", -5e9, 1e300, [1]])
def test_a_host_that_tells_nonsense_of_the_time_it_took_is_noted_without(opened, seconds):
    host_done(store=opened, now=NOW, host="web1", results=[{"item": ACTION, "status": "changed", "changed": True, "seconds": seconds}])
    assert [(row.started_at, row.seconds) for row in outcomes(opened)] == [(NOW, None)]


@pytest.mark.parametrize(("target", "category"), [("lv:web1/vg0/data", "lvm"), ("guest:prod/qemu/204", "guests")])
def test_what_went_wrong_is_logged_under_what_it_is_of(opened, caplog, target, category):
    with caplog.at_level("WARNING", logger="foresight"):
        host_done(
            store=opened, now=NOW, host="web1", results=[{"item": {**ACTION, "target": target}, "status": "failed", "message": "No."}]
        )
    assert [(one.name, one.getMessage()) for one in caplog.records] == [(f"foresight.{category}", f"{target}: failed: No.")]


def test_check_mode_notes_nothing(opened):
    host_done(store=opened, now=NOW, host="web1", results=[{"item": ACTION, "status": "changed", "changed": True}], check=True)
    assert outcomes(opened) == []


@pytest.mark.parametrize(
    ("host", "result", "seen"),
    [
        ("web1", {"changed": True}, "no action with id and target"),
        ("web1", {"item": {"id": "zz", "target": "lv:web1/vg0/x"}, "status": "ok"}, "actions zz"),
        ("web2", {"item": ACTION, "status": "ok"}, "results of web2 are of actions a1"),
    ],
)
def test_results_that_are_not_of_this_host_and_plan_are_refused_and_nothing_is_noted(opened, host, result, seen):
    with pytest.raises(InputError, match=seen):
        host_done(store=opened, now=NOW, host=host, results=[{"item": ACTION, "status": "ok"}, result] if host == "web1" else [result])
    assert outcomes(opened) == []
