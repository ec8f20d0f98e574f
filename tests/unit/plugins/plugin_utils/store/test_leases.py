# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Holder, LeaseHeld, LeaseLost, open_store

HERE = Holder("machine-a", "boot-1", 100, 5000)
THERE = Holder("machine-b", "boot-2", 200, 6000)
_scopes = (f"scope{number}" for number in itertools.count())


def runs(store, count):
    return [store.start_run("apply", at=0, check=False, detail={}) for _number in range(count)]


def never_asked(holder):
    raise AssertionError(holder)


def take(store, run, holder, now, alive=never_asked, scope="s", seconds=900):
    return store.acquire_lease(scope, run_id=run, holder=holder, now=now, seconds=seconds, alive=alive)


def test_taken_renewed_released(store):
    (run,) = runs(store, 1)
    lease = take(store, run, HERE, 1000)
    assert (lease.expires_at, lease.taken_over_from) == (1900, None)
    assert store.find_leases() == [lease]
    lease = store.renew_lease(lease, 1500, 900)
    assert store.find_leases() == [lease]
    assert lease.expires_at == 2400
    assert store.release_lease(lease) is True
    assert store.release_lease(lease) is False
    assert store.find_leases() == []


def test_the_same_run_and_process_may_ask_again(store):
    (run,) = runs(store, 1)
    take(store, run, HERE, 1000)
    again = take(store, run, HERE, 1100)
    assert (again.acquired_at, again.expires_at, again.taken_over_from) == (1000, 2000, None)


def test_a_living_process_of_this_controller_keeps_it_even_after_its_expiry(store):
    one, two = runs(store, 2)
    held = take(store, one, HERE, 1000)
    with pytest.raises(LeaseHeld, match=rf"run {one}, process 100 on controller machine-a.*lock_wait") as caught:
        take(store, two, HERE._replace(pid=101), 5000, alive=lambda holder: True)
    assert caught.value.lease == held


def test_a_dead_process_of_this_controller_loses_it_at_once(store):
    one, two = runs(store, 2)
    held = take(store, one, HERE, 1000)
    lease = take(store, two, HERE._replace(pid=101), 1001, alive=lambda holder: False)
    assert lease.taken_over_from == held
    with pytest.raises(LeaseLost, match="foresight_lease_seconds"):
        store.renew_lease(held, 1002, 900)
    assert store.release_lease(held) is False
    assert [found.run_id for found in store.find_leases()] == [two]


def test_another_controllers_lease_ends_at_its_expiry(store):
    one, two = runs(store, 2)
    held = take(store, one, THERE, 1000)
    with pytest.raises(LeaseHeld):
        take(store, two, HERE, 1899, alive=lambda holder: None)
    assert take(store, two, HERE, 1900, alive=lambda holder: None).taken_over_from == held


def test_scopes_do_not_know_each_other(store):
    one, two = runs(store, 2)
    take(store, one, HERE, 1000, scope="a")
    take(store, two, THERE, 1000, scope="b")
    assert [lease.scope for lease in store.find_leases()] == ["a", "b"]


_TAKE = """
import sys
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store, Holder, LeaseHeld
with open_store(sys.argv[1]) as store:
    run = store.start_run("apply", at=0, check=False, detail={})
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(10):
        try:
            lease = store.acquire_lease(f"scope{turn}", run_id=run, holder=Holder("m", "b", run, 1), now=100, seconds=900, alive=lambda holder: True)
            print(turn, flush=True)
        except LeaseHeld:
            pass
"""


def test_of_processes_at_the_same_moment_one_gets_it(location, start):
    open_store(location).close()
    processes = [start(_TAKE, location) for _number in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = []
    for process in processes:
        out, err = process.communicate()
        assert err == ""
        told += out.split()
    assert sorted(told, key=int) == [str(turn) for turn in range(10)]


_ACT = st.tuples(st.sampled_from(["acquire", "renew", "release", "die"]), st.integers(0, 3), st.integers(1, 400))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(acts=st.lists(_ACT, max_size=14))
def test_never_two_holders(shared_store, acts):
    """Runs 0 and 1 live on this controller, 2 and 3 on another one; whoever believes to hold a lease that has not ended does."""
    scope = next(_scopes)
    numbers = runs(shared_store, 4)
    holders = [(HERE if number < 2 else THERE)._replace(pid=number) for number in range(4)]
    dead: set[int] = set()
    believed: dict[int, object] = {}
    now = 1000
    for act, who, passed in acts:
        now += passed
        if act == "die":
            dead.add(who)
            continue
        if who in dead:
            continue

        def alive(holder, who=who):
            return holder.pid not in dead if holder.controller == holders[who].controller else None

        if act == "acquire":
            try:
                lease = take(shared_store, numbers[who], holders[who], now, alive, scope, 500)
            except LeaseHeld as refusal:
                held, lease = refusal.lease, None
            else:
                held = lease
            if lease is None:
                assert held.holder.pid != who
                assert alive(held.holder) or (alive(held.holder) is None and held.expires_at > now)
                continue
            for other in list(believed):
                if other != who:
                    gone = other in dead and holders[other].controller == holders[who].controller
                    ended = holders[other].controller != holders[who].controller and believed[other].expires_at <= now
                    assert gone or ended
                    del believed[other]
            believed[who] = lease
        elif who in believed and act == "renew":
            believed[who] = shared_store.renew_lease(believed[who], now, 500)
        elif who in believed:
            assert shared_store.release_lease(believed.pop(who))
        assert len(believed) <= 1
    mine = [lease for lease in shared_store.find_leases() if lease.scope == scope]
    assert [lease.holder.pid for lease in mine] == list(believed)
