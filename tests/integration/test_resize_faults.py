# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook apply with a plan that resizes guests, on a cluster that fails: what the plan says in the end, or a failure that names what was seen."""

from __future__ import annotations

import pytest

from support.cluster_plays import FAST, fails, steer
from support.moves import action
from support.sandbox_states import SITE_TOKEN

# Where each guest of the plan is, what is sent for it, and what it has in the end.
GUESTS = {
    "lxc/101": ("n1", ("config", "resize"), {"memory": "6144", "rootfs": "ceph:vm-101-disk-0,size=9G"}),
    "qemu/204": ("n3", ("config", "resize"), {"cpulimit": "1.5", "scsi0": "ceph:vm-204-disk-0,size=10G"}),
    "lxc/104": ("n1", ("config",), {"cores": "1"}),
}
CALLS = {f"{guest}/{call}": 1 for guest, (_node, calls, _end) in GUESTS.items() for call in calls}
ANSWERS = {
    "dropped before": {"fault": "drop"},
    "dropped after": {"fault": "drop_after"},
    "truncated": {"fault": "truncate"},
    "502 before": {"fault": "error", "status": 502, "reason": "Bad Gateway"},
    "500 after": {"fault": "error_after", "status": 500, "reason": "something went wrong"},
    "timeout after": {"fault": "error_after", "status": 500, "reason": "got timeout"},
}
NAMES = list(ANSWERS)


def are_resized(plays):
    found = plays.limits()
    return {guest: {key: found[guest].get(key) for key in end} == end for guest, (_node, _calls, end) in GUESTS.items()}


def ends_well(plays, plan):
    """The trouble is over: the plan is applied again, and once more without a change; no call was made twice."""
    plays.apply_well(plan)
    assert plays.apply_well(plan).changed == 0
    assert all(are_resized(plays).values())
    assert plays.progress(plan) == ("applied", {"applied": 3})
    assert plays.written() == CALLS


@pytest.mark.parametrize("first", range(0, len(NAMES), 3), ids=lambda first: ", ".join(NAMES[first : first + 3]))
def test_changes_that_go_wrong_are_made_once(plays, resizes, first):
    calls = [(node, f"{guest}/{call}") for guest, (node, calls, _end) in GUESTS.items() for call in calls]
    faults = (NAMES[first:] + NAMES)[: len(calls)]
    plays.faults(
        *(
            {**ANSWERS[fault], "method": "PUT", "path": f"/nodes/{node}/{call}", "times": 1}
            for fault, (node, call) in zip(faults, calls, strict=True)
        )
    )
    run = plays.apply(resizes)
    assert (run.returncode, run.changed) == (0, 1), run.output
    assert plays.statuses() == dict.fromkeys(GUESTS, "changed")
    assert plays.written() == CALLS
    ends_well(plays, resizes)


def test_a_disk_whose_task_fails_or_hangs_is_told_and_the_others_are_resized(plays, resizes):
    plays.faults(
        {"fault": "fail", "type": "resize", "id": "101", "text": "storage is gone", "times": 1},
        {"fault": "hang", "type": "resize", "id": "204", "seconds": 4000},
    )
    told = fails(plays.apply(resizes, containers_timeout=2), "storage is gone", "resize of 204 still runs on n3", "O(timeout)")
    assert told.count("UPID:n3") >= 1
    assert plays.statuses() == {"lxc/101": "failed", "qemu/204": "failed", "lxc/104": "changed"}
    # What was begun goes on; the next run waits until it has ended, and only then finishes what failed.
    plays.sandbox.set_clock(5 * FAST)
    plays.settle("resize")
    plays.apply_well(resizes)
    assert plays.apply_well(resizes).changed == 0
    assert all(are_resized(plays).values())
    assert plays.written() == {**CALLS, "lxc/101/resize": 2}


@pytest.mark.parametrize(
    ("trouble", "end", "words", "resized"),
    [
        (["node_death", "n3"], ["node_return", "n3"], ("n3",), {"lxc/101", "lxc/104"}),
        (["node_down", "n2", "n3"], ["node_up", "n2", "n3"], ("quorum",), set()),
        (["api_down", "n1", "n2", "n3"], ["api_up", "n1", "n2", "n3"], ("takes no connection", "O(api_host)"), set()),
        ("expired", None, ("401", SITE_TOKEN["api_token_id"], "api_token_secret"), set()),
    ],
    ids=["dead node", "no quorum", "api down", "expired token"],
)
def test_what_cannot_be_resized_is_told(plays, resizes, trouble, end, words, resized):
    if trouble == "expired":
        plays.expire_token()
    else:
        steer(plays, trouble)
    told = fails(plays.apply(resizes), *words)
    assert SITE_TOKEN["api_token_secret"] not in told
    assert {guest for guest, done in are_resized(plays).items() if done} == resized
    assert {guest for guest, status in plays.statuses().items() if status == "changed"} == resized
    assert set(plays.statuses()) == set(GUESTS)
    if end is None:
        plays.renew_token()
    else:
        steer(plays, end)
    ends_well(plays, resizes)


def test_maintenance_keeps_no_guest_from_being_resized(plays, resizes):
    steer(plays, ["maintenance", "n3", "on"])
    assert plays.apply_well(resizes).changed == 1
    assert all(are_resized(plays).values())


def test_moves_of_a_plan_whose_resizes_fail_are_not_begun_and_stay_open(plays, plan_of, resize_actions):
    resize = next(action for action in resize_actions if action["target"].endswith("lxc/104"))
    plan = plan_of([resize, {**action("qemu/202", "n1", "n3", host=resize["host"]), "target": "guest:uneven/qemu/202"}])
    plays.faults({"fault": "error", "method": "PUT", "path": "/nodes/n1/lxc/104/config", "status": 500, "reason": "unable to do it"})
    fails(plays.apply(plan), "unable to do it")
    assert (plays.begun(), plays.statuses()) == ({}, {"lxc/104": "failed"})
    # The outcome is settled when the gate is closed, by the next run.
    assert plays.progress(plan)[1] == {"started": 1, "pending": 1}
    plays.faults()
    assert plays.apply_well(plan).changed == 2
    assert plays.progress(plan) == ("applied", {"applied": 2})
    assert plays.written() == {"lxc/104/config": 1, "qemu/202/migrate": 1}
