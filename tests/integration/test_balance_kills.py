# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A play that is ended in the middle of a wave: the next run goes on from what is really there. And two plays at once."""

from __future__ import annotations

import signal

import pytest

from support.cluster_plays import FAST, fails
from support.sandbox_client import until
from support.sandbox_states import SITE_MOVES as MOVES


def first_of_wave(plays, vmid):
    """The clock stands still, and the migration of this guest is under way."""
    until(lambda: plays.begun()[vmid] == 1, 120)
    plays.sandbox.set_clock(0.0)
    assert plays.places()[f"qemu/{vmid}" if vmid == "202" else f"lxc/{vmid}"][0] == "n1"


def hang(plays, vmid):
    """Its migration takes some seconds longer, as the clock is fast."""
    plays.faults({"fault": "hang", "type": "qmigrate|vzmigrate", "id": vmid, "seconds": 1500, "times": 1})


def is_balanced(plays, before):
    """Every guest is there, on the node where the plan wanted it, and was moved once; there is nothing left to do."""
    assert plays.site().changed == 0
    assert plays.plan()["actions"] == []
    assert plays.places() == {guest: (MOVES.get(guest, node), running) for guest, (node, running) in before.items()}
    assert plays.begun() == {guest.partition("/")[2]: 1 for guest in MOVES}


def goes_on(plays, name, **variables):
    """The next run, which looks at the guest while it is still on its way: until it asks for tasks, the clock stands still."""
    started = plays.start_held(name, foresight_apply=True, **variables)
    plays.sandbox.set_clock(FAST)
    run = started.wait()
    assert (run.returncode, run.changed) == (0, 1), run.output
    assert "Took over the lease of run" in run.output
    assert "on this controller is gone" in run.output
    return run


@pytest.mark.parametrize("vmid", ["102", "202"])
def test_killed_with_all_it_started_and_applied_again(plays, plan, vmid):
    before = plays.places()
    hang(plays, vmid)
    started = plays.start("apply", foresight_apply=True, foresight_plan=plan)
    first_of_wave(plays, vmid)
    started.end_all(signal.SIGKILL)
    assert ("202" in plays.begun()) is (vmid == "202")
    goes_on(plays, "apply", foresight_plan=plan)
    assert plays.progress(plan) == ("applied", {"applied": 3})
    is_balanced(plays, before)


def test_ended_by_the_timeout_of_systemd_and_planned_again(plays, plan):
    """As TimeoutStartSec does it: SIGTERM to every process of the unit.

    The next site plans the rest, and no move in the place of the one that is under way.
    """
    before = plays.places()
    hang(plays, "102")
    started = plays.start("apply", foresight_apply=True, foresight_plan=plan)
    first_of_wave(plays, "102")
    started.end_all(signal.SIGTERM)
    goes_on(plays, "site")
    assert plays.progress(plan)[1]["unknown"] > 0
    assert "102" not in {action["target"].rpartition("/")[2] for action in plays.plan()["actions"]}
    is_balanced(plays, before)


def test_a_module_that_is_left_behind_begins_no_other_wave(plays, plan):
    """Only the process group of ansible-playbook is killed, of which its workers are no part."""
    before = plays.places()
    hang(plays, "102")
    started = plays.start("apply", foresight_apply=True, foresight_plan=plan)
    first_of_wave(plays, "102")
    modules = started.descendants()
    started.kill()
    plays.sandbox.set_clock(FAST)
    until(lambda: not any(map(started.lives, modules)), 60)
    assert (plays.places()["lxc/102"], "202" in plays.begun()) == (("n2", True), False)
    assert "Took over the lease of run" in plays.site().output
    is_balanced(plays, before)


def test_of_two_plays_at_once_one_stops_and_names_the_other(plays, plan):
    before = plays.places()
    hang(plays, "102")
    started = plays.start("apply", foresight_apply=True, foresight_plan=plan)
    first_of_wave(plays, "102")
    told = fails(plays.plays.run("apply", check=False, foresight_apply=True, foresight_plan=plan), "Another run applies changes")
    assert f"process {started.process.pid} on controller" in told
    assert "foresight_lock_wait" in told
    # Who waits goes on when the other has ended, and finds all of it done.
    waiting = plays.start("apply", foresight_apply=True, foresight_plan=plan, foresight_lock_wait=120)
    assert (started.wait().changed, waiting.wait().changed) == (1, 0)
    is_balanced(plays, before)
