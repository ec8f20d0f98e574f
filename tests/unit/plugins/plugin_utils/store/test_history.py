# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import RunRow


def outcome(**more):
    row = {
        "plan_id": "p1",
        "action_id": "a1",
        "run_id": None,
        "host": "web1",
        "target": "lv:web1/vg0/data",
        "status": "changed",
        "changed": True,
    }
    return {**row, "started_at": 100, "seconds": 1.5, "before": {"size": 1}, "after": {"size": 2}, "message": "grown", **more}


def test_outcomes_are_told_once(store):
    store.add_outcomes([outcome(), outcome(action_id="a2", target="lv:web1/vg0/logs", started_at=50)])
    store.add_outcomes([outcome(message="grown by 1 GiB")])
    assert [(row.action_id, row.message) for row in store.find_outcomes()] == [("a2", "grown"), ("a1", "grown by 1 GiB")]
    store.add_outcomes([])


def test_outcomes_by_plan_target_and_time(store):
    store.add_outcomes(
        [outcome(), outcome(plan_id="p2", started_at=300), outcome(plan_id="p2", action_id="a3", target="lv:db/v/x", started_at=400)]
    )
    assert [row.started_at for row in store.find_outcomes(plan_id="p2")] == [300, 400]
    assert [row.started_at for row in store.find_outcomes(target="lv:web1/vg0/data")] == [100, 300]
    assert [row.started_at for row in store.find_outcomes(since=300, target="lv:web1/vg0/data")] == [300]
    (row,) = store.find_outcomes(plan_id="p1")
    assert row[1:] == (*tuple(outcome().values())[:8], 1.5, {"size": 1}, {"size": 2}, "grown")


def test_runs(store):
    first = store.start_run("record", at=10, check=True, detail={"hosts": 2})
    second = store.start_run("apply", at=20, check=False, detail={"plan": "p1"})
    store.finish_run(second, at=25, status="ok", detail={"changed": 3})
    store.finish_run(first, at=26, status="failed")
    assert store.find_runs() == [
        RunRow(second, "apply", False, 20, 25, "ok", {"changed": 3}),
        RunRow(first, "record", True, 10, 26, "failed", {"hosts": 2}),
    ]
    assert [run.id for run in store.find_runs("record")] == [first]
    assert [run.id for run in store.find_runs(limit=1)] == [second]


def test_finishing_no_run_is_refused(store):
    with pytest.raises(StoreError, match="Cannot finish run 99"):
        store.finish_run(99, at=1, status="ok")


def test_runs_by_id_and_those_that_never_finished(store):
    first, second = (store.start_run("apply", at=number, check=False, detail={}) for number in (1, 2))
    store.finish_run(first, at=3, status="finished")
    assert [run.id for run in store.find_runs("apply", run_id=first)] == [first]
    assert [run.id for run in store.find_runs("apply", unfinished=True)] == [second]
    assert store.find_runs("plan", run_id=first) == []
