# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks on a cluster that fails while its guests are moved: the right places in the end, or a failure that names what was seen.

Whatever happened, no guest is lost or moved twice, the store tells what became of it, the next site ends well, and the one after changes nothing.
"""

from __future__ import annotations

import pytest

from support.cluster_plays import FAST, HOST, fails, plays_for, served, steer
from support.sandbox_client import until
from support.sandbox_states import SITE_MOVES as MOVES
from support.sandbox_states import SITE_TOKEN, site_role, uneven


def nodes(plays):
    return {guest: node for guest, (node, _running) in plays.places().items()}


def post(guest):
    return {"method": "POST", "path": f"/nodes/n1/{guest}/migrate", "times": 1}


ANSWERS = {
    "slow": {"fault": "slow", "seconds": 30.0},
    "dropped before": {"fault": "drop"},
    "dropped after": {"fault": "drop_after"},
    "truncated": {"fault": "truncate"},
    "502 before": {"fault": "error", "status": 502, "reason": "Bad Gateway"},
    "502 after": {"fault": "error_after", "status": 502, "reason": "Bad Gateway"},
    "500 after": {"fault": "error_after", "status": 500, "reason": "something went wrong"},
    "timeout before": {"fault": "error", "status": 500, "reason": "got timeout"},
    "timeout after": {"fault": "error_after", "status": 500, "reason": "got timeout"},
}
NAMES = list(ANSWERS)
# Each request meets another fault, and each fault another kind of guest in the next case.
ROUNDS = [dict(zip(MOVES, NAMES[i:] + NAMES[:i], strict=False)) for i in range(0, len(NAMES), 3)]


@pytest.mark.parametrize("met", ROUNDS, ids=lambda met: ", ".join(met.values()))
def test_requests_that_go_wrong_are_made_once(plays, plan, met):
    before = plays.places()
    reads = {"fault": "drop", "method": "GET", "path": "/cluster/resources", "times": 2}
    plays.faults(reads, *({**ANSWERS[fault], **post(guest)} for guest, fault in met.items()))
    run = plays.apply(plan)
    assert (run.returncode, run.changed) == (0, 1), run.output
    assert plays.places() == {guest: (MOVES.get(guest, node), running) for guest, (node, running) in before.items()}
    assert plays.written() == {f"{guest}/migrate": 1 for guest in MOVES}
    assert {guest: status for guest, (status, _message) in plays.told().items()} == dict.fromkeys(MOVES, "changed")
    assert plays.progress(plan) == ("applied", {"applied": 3})
    assert plays.apply(plan).changed == 0
    assert plays.written() == {f"{guest}/migrate": 1 for guest in MOVES}


def heals(plays, *, again=False):
    """The trouble is over: the next run ends well, no guest is lost, none was moved twice; the run after it has nothing to do."""
    before = set(plays.places())
    told = plays.site().output
    if again:
        assert plays.site().changed == 0
    assert set(plays.places()) == before
    assert all(number == 1 for number in plays.ended_well().values()), plays.ended_well()
    return told


def test_a_migration_that_fails_stops_the_next_wave(plays, plan):
    plays.faults({"fault": "fail", "type": "vzmigrate", "id": "102", "text": "storage is gone", "times": 1})
    fails(plays.apply(plan), "storage is gone", "1 failed", "1 not started")
    assert (nodes(plays)["lxc/102"], nodes(plays)["qemu/203"], nodes(plays)["qemu/202"]) == ("n1", "n2", "n1")
    assert plays.statuses() == {"lxc/102": "failed", "qemu/203": "changed"}
    assert "storage is gone" in plays.told()["lxc/102"][1]
    told = heals(plays, again=True)
    assert "Took over the lease of run" in told
    assert plays.progress(plan)[1] == {"failed": 1, "applied": 1, "pending": 1}


def test_a_migration_that_hangs_is_told_and_not_begun_again(plays, plan):
    plays.faults({"fault": "hang", "type": "qmigrate", "id": "202", "seconds": 6000})
    fails(plays.apply(plan, balance_timeout=6), "qmigrate of 202 still runs on n1 after", "O(timeout)")
    assert plays.statuses() == {"lxc/102": "changed", "qemu/203": "changed", "qemu/202": "failed"}
    # It goes on, and the next run waits for it.
    started = plays.start_held("apply", foresight_apply=True, foresight_plan=plan)
    plays.sandbox.set_clock(5 * FAST)
    assert started.wait().changed == 1
    assert plays.begun() == {"102": 1, "203": 1, "202": 1}
    heals(plays)


@pytest.mark.parametrize(
    ("trouble", "end", "words"),
    [
        (["node_death", "n2"], ["node_return", "n2"], ("n2 is offline",)),
        (["maintenance", "n2", "on"], None, ("n2 is in maintenance",)),
        (["node_down", "n2", "n3"], ["node_up", "n2", "n3"], ("has no quorum",)),
        (["api_down", "n1", "n2", "n3"], ["api_up", "n1", "n2", "n3"], ("takes no connection", "O(api_host)")),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_what_has_changed_since_the_plan_is_told_and_nothing_is_moved(plays, plan, trouble, end, words):
    before = nodes(plays)
    steer(plays, trouble)
    run = plays.apply(plan)
    fails(run, *words)
    assert (nodes(plays), plays.begun()) == (before, {})
    told = plays.told()
    assert {status for status, _message in told.values()} <= {"refused", "failed"}
    assert any(words[0] in message for _status, message in told.values())
    assert plays.progress(plan)[1].keys() <= {"started", "pending"}
    if end is not None:
        steer(plays, end)
    heals(plays, again=trouble[0] == "maintenance")
    assert "unknown" not in plays.progress(plan)[1]


def test_a_token_that_has_expired_is_named(plays, plan):
    plays.expire_token()
    told = fails(plays.apply(plan), "401", SITE_TOKEN["api_token_id"], "api_token_secret")
    assert SITE_TOKEN["api_token_secret"] not in told
    assert plays.begun() == {}
    assert plays.statuses() == dict.fromkeys(MOVES, "failed")
    plays.renew_token()
    heals(plays)


def test_a_node_that_dies_in_the_middle_and_comes_back(plays, plan):
    """The source, with the migration and the API that was asked; the HA manager has its own guest back elsewhere."""
    plays.faults({"fault": "hang", "type": "vzmigrate", "id": "102", "seconds": 6000})
    run = meanwhile(plays, plan, lambda: plays.begun()["102"], lambda: steer(plays, ["node_death", "n1"]), balance_timeout=8)
    fails(run, "lxc/102")
    assert plays.statuses()["lxc/102"] == "failed"
    assert set(nodes(plays)) == set(plays.limits())
    steer(plays, ["node_return", "n1"])
    heals(plays)
    assert plays.begun()["102"] == 1


def test_quorum_that_is_lost_in_the_middle_and_comes_back(plays, plan):
    plays.faults({"fault": "hang", "type": "qmigrate", "id": "202", "seconds": 400, "times": 1})
    run = meanwhile(plays, plan, lambda: plays.begun()["202"], lambda: steer(plays, ["node_down", "n2", "n3"]))
    fails(run, "qemu/202")
    assert plays.statuses() == {"lxc/102": "changed", "qemu/203": "changed", "qemu/202": "failed"}
    steer(plays, ["node_up", "n2", "n3"])
    heals(plays)


def meanwhile(plays, plan, begun, trouble, **variables):
    """Apply a plan, and make trouble once something has begun."""
    started = plays.start("apply", foresight_apply=True, foresight_plan=plan, **variables)
    until(begun, 120)
    trouble()
    return started.wait(120)


# ---- the way to a plan ----------------------------------------------------------------------------------------------------

READS = {
    "slow": {"fault": "slow", "seconds": 1.0},
    "dropped": {"fault": "drop"},
    "truncated": {"fault": "truncate"},
    "503": {"fault": "error", "status": 503, "reason": "busy"},
}


def test_reads_that_go_wrong_are_made_again(plays):
    paths = ("/cluster/resources", "/cluster/status", "/nodes/n1/storage/ceph/content", "/cluster/ha/rules")
    plays.faults(*({**fault, "path": path, "times": 1} for path, fault in zip(paths, READS.values(), strict=True)))
    run = plays.run("observe")
    assert (run.returncode, "1 recorded" in run.output) == (0, True), run.output


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (
            {"fault": "truncate", "path": "/cluster/resources"},
            ("/cluster/resources", "got no whole answer", "4 rounds", "max_retries"),
        ),
        ({"fault": "error", "path": "/cluster/status", "status": 500, "reason": "got timeout"}, ("/cluster/status", "500 got timeout")),
        (["api_down", "n1", "n2", "n3"], ("takes no connection", "O(api_host)")),
        ("expired", ("401", SITE_TOKEN["api_token_id"])),
    ],
    ids=["truncated", "500", "api down", "expired token"],
)
def test_nothing_is_planned_or_moved_where_the_cluster_cannot_be_read(plays, trouble, words):
    if isinstance(trouble, dict):
        plays.faults(trouble)
    elif trouble == "expired":
        plays.expire_token()
    else:
        steer(plays, trouble)
    told = fails(plays.run("site", foresight_apply=True), *words)
    assert SITE_TOKEN["api_token_secret"] not in told
    assert (plays.begun(), plays.told(), plays.made_a_plan()) == ({}, {}, False)
    steer(plays, ["api_up", "n1", "n2", "n3"])


@pytest.mark.parametrize(
    ("trouble", "away", "moved"),
    [
        (["node_death", "n3"], {"n3"}, True),
        (["maintenance", "n2", "on"], {"n2"}, True),
        (["node_down", "n2", "n3"], {"n2", "n3"}, False),
    ],
    ids=["dead node", "maintenance", "no quorum"],
)
def test_a_cluster_that_is_not_whole_is_planned_as_it_is(plays, trouble, away, moved):
    steer(plays, trouble)
    plays.site()
    targets = {action["to"]["node"] for action in plays.plan()["actions"]}
    assert not targets & away
    assert bool(plays.begun()) is moved


def test_of_two_clusters_the_one_that_answers_is_balanced(cluster, tmp_path):
    cluster.restore()
    (tmp_path / "other").mkdir()
    with served({**uneven(site_role()), "cluster": {"name": "other"}}, tmp_path / "other") as other:
        plays = plays_for(cluster, tmp_path, others={"other-api": other})
        for node in ("n1", "n2", "n3"):
            other.sandbox.command(["api_down", node])
        run = plays.run("site", foresight_apply=True)
        told = fails(run, "takes no connection", "1 recorded, 1 unreachable")
        assert (run.recap["other-api"].failed, run.recap[HOST].failed, run.recap[HOST].changed) == (1, 0, 1), told
        assert {guest: node for guest, node in nodes(plays).items() if guest in MOVES} == MOVES
        for node in ("n1", "n2", "n3"):
            other.sandbox.command(["api_up", node])
        other.sandbox.set_clock(FAST)
        run = plays.site()
        # The gate of the first run was closed, though a host of it had failed.
        assert "Took over" not in run.output
        assert (run.recap["other-api"].changed, run.recap[HOST].changed) == (1, 0)
