"""Each fault met by a resize: the right state in the end, or a clear failure; never a second change, never another guest's result lost."""

from __future__ import annotations

import copy
import json
import pathlib

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from support.proxmox import Asking, hosts, resize, resize_one
from support.sandbox_client import Client, until

STATE = pathlib.Path(__file__).parents[3] / "sandbox" / "data" / "state.json"
MIB, GIB = 1 << 20, 1 << 30


@pytest.fixture(scope="module")
def state():
    found = json.loads(STATE.read_text(encoding="utf-8"))
    return {**found, "load_series": {"seed": 1, "wave": 0, "noise": 0}}


def faults(sandbox, *rules):
    with sandbox.world.lock:
        sandbox.faults.set([copy.deepcopy(rule) for rule in rules])


def settle(sandbox):
    """The faults end, and tasks that were begun do."""
    faults(sandbox)
    until(lambda: not any(task.running for task in sandbox.world.tasks.all() if task.type == "resize"))


def tasks(sandbox):
    return [task for task in sandbox.world.tasks.all() if task.type == "resize"]


def limits(sandbox, guest, node="pve1"):
    found = Client(sandbox).get(f"/nodes/{node}/{guest}/config")
    disk = found["rootfs" if guest.startswith("lxc") else "scsi0"]
    return int(found["memory"]), disk.rpartition("=")[2]


GUESTS = {"lxc/104": "rootfs", "qemu/201": "scsi0"}
ANSWERS = {
    "drop": {"fault": "drop"},
    "drop_after": {"fault": "drop_after"},
    "truncate": {"fault": "truncate"},
    "timeout": {"fault": "error", "reason": "got timeout"},
    "timeout_after": {"fault": "error_after", "reason": "got timeout"},
    "500": {"fault": "error", "reason": "unable to do it"},
    "500_after": {"fault": "error_after", "reason": "step after the write failed"},
    "502": {"fault": "error", "status": 502, "reason": "Bad Gateway"},
    "502_after": {"fault": "error_after", "status": 502, "reason": "Bad Gateway"},
    "596": {"fault": "error", "status": 596, "reason": "Connection timed out"},
}
# What a write meets, once; the answer in time whenever another try is worth it.
LASTING = ("500",)


@pytest.mark.parametrize("guest", GUESTS)
@pytest.mark.parametrize("call", ["config", "resize"])
@pytest.mark.parametrize("fault", ANSWERS)
def test_write_meets_a_fault_once(sandbox, guest, call, fault):
    faults(sandbox, {**ANSWERS[fault], "method": "PUT", "path": f"/nodes/pve1/{guest}/{call}", "times": 1})
    result = resize_one(sandbox, guest, memory="3 GiB", disks={GUESTS[guest]: "9 GiB"})
    settle(sandbox)
    if fault in LASTING:
        assert (result["status"], result["reason"], result["stopped_at"]) == (
            "failed",
            failures.REFUSED,
            "config" if call == "config" else f"disk.{GUESTS[guest]}",
        )
        assert "unable to do it" in result["message"]
        assert result["changed"] is (call == "resize")
        assert resize_one(sandbox, guest, memory="3 GiB", disks={GUESTS[guest]: "9 GiB"})["status"] == "changed"
    else:
        assert (result["status"], result["reason"]) == ("changed", None), result["message"]
        assert result["after"]["pending"] == {}
    assert limits(sandbox, guest) == (3072, "9G")
    assert len(tasks(sandbox)) == 1


@pytest.mark.parametrize("call", ["config", "resize"])
@pytest.mark.parametrize("fault", ANSWERS)
def test_write_meets_a_fault_for_ever(sandbox, call, fault):
    faults(sandbox, {**ANSWERS[fault], "method": "PUT", "path": f"/nodes/pve1/lxc/104/{call}"})
    result = resize_one(sandbox, "lxc/104", memory="3 GiB", disks={"rootfs": "9 GiB"}, client=Asking(sandbox, max_retries=2))
    carried_out = fault.endswith("_after") or fault == "truncate"
    assert result["status"] == ("changed" if carried_out else "failed"), result["message"]
    settle(sandbox)
    done = {"config": (1024, "8G"), "resize": (3072, "8G")}[call]
    assert limits(sandbox, "lxc/104") == ((3072, "9G") if carried_out else done)
    if not carried_out:
        assert result["stopped_at"] == ("config" if call == "config" else "disk.rootfs")
        assert result["changed"] is (call == "resize")
        assert result["after"]["memory"] == done[0] * MIB
    # The next run finishes it, and the one after changes nothing.
    again = resize_one(sandbox, "lxc/104", memory="3 GiB", disks={"rootfs": "9 GiB"})
    assert again["status"] == ("ok" if carried_out else "changed")
    assert resize_one(sandbox, "lxc/104", memory="3 GiB", disks={"rootfs": "9 GiB"})["status"] == "ok"
    assert len(tasks(sandbox)) == 1


READS = [
    "/cluster/resources",
    "/cluster/status",
    "/access/permissions",
    "/nodes/pve1/lxc/104/pending",
    "/nodes/pve1/lxc/104/status/current",
]


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("fault", ["drop", "truncate", "timeout", "502"])
def test_read_meets_a_fault(sandbox, path, fault):
    faults(sandbox, {**ANSWERS[fault], "method": "GET", "path": path, "times": 2})
    assert resize_one(sandbox, "lxc/104", memory="3 GiB")["status"] == "changed"
    faults(sandbox, {**ANSWERS[fault], "method": "GET", "path": path})
    [first, second] = resize(
        sandbox, {"guest": "lxc/104", "memory": "4 GiB"}, {"guest": "lxc/101", "memory": "4 GiB"}, client=Asking(sandbox, max_retries=1)
    )
    faults(sandbox)
    own = "104" in path
    assert (first["status"], first["stopped_at"] if own else "read", first["changed"]) == ("failed", "read", False)
    assert first["reason"] in (failures.UNREACHABLE, failures.REFUSED)
    assert second["status"] == ("changed" if own else "failed")
    assert limits(sandbox, "lxc/104")[0] == 3072


def test_read_back_that_fails_tells_that_nobody_knows(sandbox):
    # Reads of its own before the write: pending, status.
    faults(
        sandbox,
        {"fault": "drop_after", "method": "PUT", "path": "/nodes/pve1/lxc/104/config"},
        {"fault": "drop", "method": "GET", "path": "/nodes/pve1/lxc/104/pending", "after": 1},
    )
    result = resize_one(sandbox, "lxc/104", memory="3 GiB", client=Asking(sandbox, max_retries=0))
    assert (result["status"], result["reason"], result["changed"], result["after"]) == ("failed", failures.UNSETTLED, True, None)
    assert "is not known" in result["message"]
    settle(sandbox)
    assert resize_one(sandbox, "lxc/104", memory="3 GiB")["status"] == "ok"


@pytest.mark.parametrize("call", ["config", "resize"])
def test_answer_that_comes_too_late(serve, recorded, call):
    # A sandbox of its own: the slow change may still come when the test is over.
    sandbox = serve(recorded, speed=200.0)
    faults(sandbox, {"fault": "slow", "seconds": 200, "method": "PUT", "path": f"/nodes/pve1/lxc/104/{call}", "times": 1})
    client = Asking(sandbox, answer_in=0.3, max_retries=9)
    result = resize_one(sandbox, "lxc/104", memory="3 GiB", disks={"rootfs": "9 GiB"}, client=client)
    assert result["status"] in ("changed", "failed"), result["message"]
    settle(sandbox)
    # The slow change may come before or after its second try, or not at all where the configuration is another by then: the end is the same.
    until(lambda: resize_one(sandbox, "lxc/104", memory="3 GiB", disks={"rootfs": "9 GiB"})["status"] == "ok")
    assert limits(sandbox, "lxc/104") == (3072, "9G")


@pytest.mark.parametrize(("guest", "disk"), GUESTS.items())
def test_task_that_fails(sandbox, guest, disk):
    faults(sandbox, {"fault": "fail", "type": "resize", "text": "no space left on device", "times": 1})
    result = resize_one(sandbox, guest, memory="3 GiB", disks={disk: "9 GiB"})
    assert (result["status"], result["reason"], result["stopped_at"]) == ("failed", failures.TASK_FAILED, f"disk.{disk}")
    assert "no space left on device" in result["message"]
    assert (result["changed"], result["after"]["memory"], result["after"]["disks"][disk]) == (
        True,
        3 * GIB,
        result["before"]["disks"][disk],
    )
    again = resize_one(sandbox, guest, memory="3 GiB", disks={disk: "9 GiB"})
    assert (again["status"], again["before"], again["after"]["disks"][disk]) == ("changed", result["after"], 9 * GIB)


def test_task_that_hangs_is_left_alone(sandbox):
    faults(sandbox, {"fault": "hang", "type": "resize", "times": 1})
    result = resize_one(sandbox, "lxc/104", disks={"rootfs": "9 GiB"}, timeout=0.01)
    assert (result["status"], result["reason"], result["changed"]) == ("failed", failures.TIMED_OUT, False)
    # The container is locked meanwhile.
    again = resize_one(sandbox, "lxc/104", disks={"rootfs": "9 GiB"})
    assert (again["status"], again["reason"]) == ("refused", "locked")
    with sandbox.world.lock:
        for task in tasks(sandbox):
            sandbox.world.tasks.interrupt(task)
    settle(sandbox)
    assert resize_one(sandbox, "lxc/104", disks={"rootfs": "9 GiB"})["status"] == "changed"


def test_node_that_dies_before_and_in_the_middle(sandbox):
    class Dying(Asking):
        def write(self, method, path, *arguments, **options):
            if "/pve2/" in path:
                sandbox.command(["node_death", "pve2"])
            return super().write(method, path, *arguments, **options)

    guests = [{"guest": name, "memory": "768 MiB"} for name in ("lxc/105", "lxc/101", "lxc/110")]
    client = Dying(sandbox, api_host=hosts(sandbox, "pve1", "pve3"), max_retries=1)
    results = resize(sandbox, *guests, client=client, max_parallel=1)
    assert [result["status"] for result in results] == ["failed", "changed", "changed"]
    assert results[0]["reason"] in (failures.UNSETTLED, failures.NODE_DEAD)
    results = resize(sandbox, *guests, client=Asking(sandbox, api_host=hosts(sandbox, "pve1", "pve3"), max_retries=0))
    assert [(result["status"], result["reason"]) for result in results] == [("refused", "node_offline"), ("ok", None), ("ok", None)]
    sandbox.command(["node_return", "pve2"])
    assert [result["status"] for result in resize(sandbox, *guests)] == ["changed", "ok", "ok"]


def test_cluster_without_quorum(sandbox):
    for node in ("pve2", "pve3"):
        sandbox.command(["node_down", node])
    client = Asking(sandbox, api_host=hosts(sandbox, "pve1"), max_retries=0)
    guests = [{"guest": "lxc/101", "memory": "3 GiB"}, {"guest": "lxc/102", "memory": "512 MiB"}]
    for check in (True, False):
        results = resize(sandbox, *guests, client=client, check=check)
        assert [(result["status"], result["reason"]) for result in results] == [("refused", "no_quorum"), ("ok", None)]


def test_quorum_that_is_lost_in_the_middle(sandbox):
    class Parting(Asking):
        def write(self, *arguments, **options):
            for node in ("pve2", "pve3"):
                sandbox.command(["node_down", node])
            return super().write(*arguments, **options)

    client = Parting(sandbox, api_host=hosts(sandbox, "pve1"), max_retries=0)
    result = resize_one(sandbox, "lxc/101", memory="3 GiB", client=client)
    assert (result["status"], result["changed"], result["stopped_at"]) == ("failed", False, "config")
    assert "Permission denied" in result["message"]


def test_api_that_goes_away(sandbox):
    for node in sandbox.bases:
        sandbox.command(["api_down", node])
    results = resize(
        sandbox, {"guest": "lxc/101", "memory": "3 GiB"}, {"guest": "lxc/102", "memory": "3 GiB"}, client=Asking(sandbox, max_retries=0)
    )
    assert [(result["status"], result["reason"], result["changed"]) for result in results] == [("failed", failures.UNREACHABLE, False)] * 2
    assert all("O(api_host)" in result["message"] for result in results)


def test_host_that_is_down_is_passed_over(sandbox):
    sandbox.command(["api_down", "pve1"])
    # The cluster still answers, and knows that the node is online.
    assert resize_one(sandbox, "lxc/103", memory="3 GiB")["status"] == "changed"
