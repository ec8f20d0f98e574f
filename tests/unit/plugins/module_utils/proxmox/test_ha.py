from __future__ import annotations

import time

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures, ha, tasks
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from support.proxmox import Asking


@pytest.fixture
def client(sandbox):
    client = Asking(sandbox)
    client.sleep = lambda seconds: time.sleep(0.01)
    return client


@pytest.fixture
def clock(sandbox):
    """The cluster's clock, which runs faster than ours."""
    return sandbox.world.now


@pytest.fixture
def second(client):
    """Another guest of the HA manager: lxc/104 on pve1."""
    client.write("POST", "/cluster/ha/resources", {"sid": "ct:104"})


def rule(client, affinity):
    resources = {"resources": "ct:104,ct:109", "affinity": affinity}
    client.write("POST", "/cluster/ha/rules", {"rule": "pair", "type": "resource-affinity", **resources})


def test_request_is_followed_by_the_place_of_the_guest(client, clock):
    assert ha.request_move(client, "lxc/109", "pve1", relocate=True) == ("lxc/109", "pve1", ())
    entry = ha.wait_until_there(client, "lxc/109", "pve1", timeout=600, clock=clock)
    assert (entry["node"], entry["state"]) == ("pve1", "started")
    assert client.get("/nodes/pve1/lxc/109/status/current")["status"] == "running"


def test_queueing_task_of_the_guest_says_nothing_of_the_move(client, clock):
    upid = client.write("POST", "/nodes/pve3/lxc/109/migrate", {"target": "pve2", "restart": 1})
    assert tasks.follow(client, upid, timeout=60).task.kind == "hamigrate"
    ha.wait_until_there(client, "lxc/109", "pve2", timeout=600, clock=clock)
    ha.wait_for_node(client, "lxc/109", "pve2", timeout=600, clock=clock)
    assert client.get("/nodes/pve2/lxc/109/status/current")["status"] == "running"


def test_blocked_request_is_told_though_it_is_answered_200(client, second):
    rule(client, "negative")
    with pytest.raises(Failure) as raised:
        ha.request_move(client, "lxc/109", "pve1")
    assert raised.value.kind == failures.BLOCKED
    assert "lxc/104 is there (resource-affinity)" in str(raised.value)


def test_guests_that_go_along_are_told(client, second):
    rule(client, "positive")
    assert ha.request_move(client, "lxc/109", "pve2").along == ("lxc/104",)


def test_command_that_the_manager_drops(client, sandbox, clock):
    sandbox.command(["maintenance", "pve2", "on"])
    ha.request_move(client, "lxc/109", "pve2")
    with pytest.raises(Failure) as raised:
        ha.wait_until_there(client, "lxc/109", "pve2", timeout=600, begin=90, clock=clock)
    assert raised.value.kind == failures.BLOCKED
    assert "maintenance" in str(raised.value)
    assert client.get("/nodes/pve3/lxc/109/status/current")["status"] == "running"


def test_guest_that_ends_where_it_was(client, sandbox, clock):
    with sandbox.world.lock:
        sandbox.faults.set([{"fault": "fail", "type": "vzmigrate", "id": "109", "text": "storage is gone"}])
    ha.request_move(client, "lxc/109", "pve2", relocate=True)
    with pytest.raises(Failure) as raised:
        ha.wait_until_there(client, "lxc/109", "pve2", timeout=600, begin=90, clock=clock)
    assert raised.value.kind in (failures.TASK_FAILED, failures.BLOCKED)
    assert "pve3" in str(raised.value)


def test_patience_ends(client):
    clock = iter(range(0, 1000, 50))
    with pytest.raises(Failure) as raised:
        ha.wait_for_node(client, "lxc/110", "pve1", timeout=100, clock=lambda: next(clock))
    assert raised.value.kind == failures.TIMED_OUT
    assert "lxc/110 is on pve3" in str(raised.value)


def test_lost_answer_is_settled_by_what_the_manager_does(client, sandbox, clock):
    with sandbox.world.lock:
        sandbox.faults.set([{"fault": "drop_after", "method": "POST", "path": ".*/migrate", "times": 1}])
    ha.request_move(client, "lxc/109", "pve1")
    ha.wait_until_there(client, "lxc/109", "pve1", timeout=600, clock=clock)


def test_guest_that_the_manager_does_not_hold(client):
    with pytest.raises(Failure) as raised:
        ha.wait_until_there(client, "lxc/101", "pve2", timeout=60)
    assert raised.value.kind == failures.REFUSED


@pytest.mark.parametrize(("guest", "sid"), [("lxc/101", "ct:101"), ("qemu/202", "vm:202")])
def test_two_names_of_one_guest(guest, sid):
    assert (ha.sid_of(guest), ha.guest_of(sid)) == (sid, guest)


def test_resource_that_is_no_guest():
    assert ha.guest_of("fake:1") is None
