from __future__ import annotations

import time

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures, tasks
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from support.proxmox import Asking


@pytest.fixture
def client(sandbox):
    client = Asking(sandbox)
    client.sleep = lambda seconds: time.sleep(0.005)
    return client


def test_task_that_ends_well(client):
    ended = tasks.follow(client, client.write("POST", "/nodes/pve1/lxc/101/status/start"), timeout=60)
    assert (ended.exitstatus, ended.warnings) == ("OK", False)
    assert "no content" not in ended.log
    assert (ended.task.node, ended.task.kind, ended.task.id) == ("pve1", "vzstart", "101")


def test_failure_inside_a_task_is_found(client):
    upid = client.write("POST", "/nodes/pve3/lxc/106/status/start")
    with pytest.raises(tasks.TaskFailed) as raised:
        tasks.follow(client, upid, timeout=60)
    assert raised.value.kind == failures.TASK_FAILED
    assert "CT is locked (backup)" in str(raised.value)
    assert "vzstart of 106 on pve3" in str(raised.value)


def test_failed_migration_tells_its_last_lines(client, sandbox):
    with sandbox.world.lock:
        sandbox.faults.set([{"fault": "fail", "type": "vzmigrate", "id": "110", "text": "no space left on device"}])
    upid = client.write("POST", "/nodes/pve3/lxc/110/migrate", {"target": "pve1"})
    with pytest.raises(tasks.TaskFailed) as raised:
        tasks.follow(client, upid, timeout=60)
    assert "no space left on device" in "\n".join(raised.value.log)
    assert "log: " in str(raised.value)


def test_lines_are_told_as_they_come_and_once(client):
    told = []
    upid = client.write("POST", "/nodes/pve1/qemu/204/migrate", {"target": "pve2", "online": 1})
    ended = tasks.follow(client, upid, timeout=600, progress=told.extend)
    assert [line for line in told if "starting migration of VM 204" in line]
    assert list(ended.log) == told


def test_task_that_hangs(client, sandbox):
    with sandbox.world.lock:
        sandbox.faults.set([{"fault": "hang", "type": "vzmigrate", "id": "110", "seconds": 0}])
    upid = client.write("POST", "/nodes/pve3/lxc/110/migrate", {"target": "pve1"})
    clock = iter(range(0, 1000, 50))
    with pytest.raises(Failure) as raised:
        tasks.follow(client, upid, timeout=100, clock=lambda: next(clock))
    assert raised.value.kind == failures.TIMED_OUT
    assert "O(timeout)" in str(raised.value)
    assert client.get(f"/nodes/pve3/tasks/{upid}/status")["status"] == "running"


def test_lost_upid_is_found_among_the_tasks(client, sandbox):
    since = client.get("/nodes/pve3/time")["time"]

    def started():
        return tasks.started_since(client, "pve3", "vzmigrate", 110, since)

    assert started() is None
    with sandbox.world.lock:
        sandbox.faults.set([{"fault": "drop_after", "method": "POST", "path": ".*/migrate", "times": 1}])
    upid = client.write("POST", "/nodes/pve3/lxc/110/migrate", {"target": "pve1"}, done=started)
    tasks.follow(client, upid, timeout=600)
    assert client.get("/nodes/pve1/lxc/110/status/current")["status"] == "stopped"
    assert len(client.get("/nodes/pve3/tasks", source="all", vmid=110, typefilter="vzmigrate", since=since)) == 1


@pytest.mark.parametrize("answer", [None, "OK", "UPID:pve1:0"])
def test_answer_that_is_no_upid(answer):
    with pytest.raises(Failure, match="UPID of a task"):
        tasks.parse(answer)
