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


def ask(client, verb, node):
    client.write("POST", f"/cluster/ha/resources/ct:109/{verb}", {"node": node})


def test_request_is_followed_by_the_place_of_the_guest(client, clock):
    ask(client, "relocate", "pve1")
    entry = ha.wait_until_there(client, "lxc/109", "pve1", timeout=600, clock=clock)
    assert (entry["node"], entry["state"]) == ("pve1", "started")
    assert client.get("/nodes/pve1/lxc/109/status/current")["status"] == "running"


def test_queueing_task_of_the_guest_says_nothing_of_the_move(client, clock):
    upid = client.write("POST", "/nodes/pve3/lxc/109/migrate", {"target": "pve2", "restart": 1})
    assert tasks.follow(client, upid, timeout=60).task.kind == "hamigrate"
    ha.wait_until_there(client, "lxc/109", "pve2", timeout=600, clock=clock)
    assert client.get("/nodes/pve2/lxc/109/status/current")["status"] == "running"


def test_command_that_the_manager_drops(client, sandbox, clock):
    sandbox.command(["maintenance", "pve2", "on"])
    ask(client, "migrate", "pve2")
    with pytest.raises(Failure) as raised:
        ha.wait_until_there(client, "lxc/109", "pve2", timeout=600, begin=90, clock=clock)
    assert raised.value.kind == failures.BLOCKED
    assert "maintenance" in str(raised.value)
    assert client.get("/nodes/pve3/lxc/109/status/current")["status"] == "running"


def test_guest_that_ends_where_it_was(client, sandbox, clock):
    with sandbox.world.lock:
        sandbox.faults.set([{"fault": "fail", "type": "vzmigrate", "id": "109", "text": "storage is gone"}])
    ask(client, "relocate", "pve2")
    with pytest.raises(Failure) as raised:
        ha.wait_until_there(client, "lxc/109", "pve2", timeout=600, begin=90, clock=clock)
    assert raised.value.kind in (failures.TASK_FAILED, failures.BLOCKED)
    assert "pve3" in str(raised.value)


def test_patience_ends(client):
    clock = iter(range(0, 1000, 50))
    with pytest.raises(Failure) as raised:
        ha.wait_until_there(client, "lxc/109", "pve1", timeout=100, begin=600, clock=lambda: next(clock))
    assert raised.value.kind == failures.TIMED_OUT
    assert "lxc/109 on pve3" in str(raised.value)


def test_guest_that_the_manager_does_not_hold(client):
    with pytest.raises(Failure) as raised:
        ha.wait_until_there(client, "lxc/101", "pve2", timeout=60)
    assert raised.value.kind == failures.REFUSED


@pytest.mark.parametrize(("sid", "guest"), [("ct:101", "lxc/101"), ("vm:202", "qemu/202"), ("fake:1", None)])
def test_guest_that_a_resource_is(sid, guest):
    assert ha.guest_of(sid) == guest
