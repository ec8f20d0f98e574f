"""Resizing guests as the actions of a plan say, and against others who change them at the same time."""

from __future__ import annotations

import pytest

from support.proxmox import Asking, of_action, resize_action, resize_one
from support.resizes import GIB, MIB, both, config, refused, standing_state
from support.sandbox_client import Client, until

TARGET = "guest:lab/lxc/104"
FROM = {"memory": GIB, "disk.rootfs": 8 * GIB}
TO = {"memory": 2 * GIB, "disk.rootfs": 9 * GIB}


@pytest.fixture(scope="module")
def state():
    return standing_state()


def test_action_at_from_is_done(sandbox):
    action = resize_action(TARGET, FROM, TO, node="pve1", digest=config(sandbox, "lxc/104")["digest"])
    result = both(sandbox, action, call=of_action)
    assert (result["status"], result["item"]) == ("changed", action)
    assert (result["after"]["memory"], result["after"]["disks"]["rootfs"]) == (2 * GIB, 9 * GIB)


@pytest.mark.parametrize("half", [{"memory": "2 GiB"}, {"disks": {"rootfs": "9 GiB"}}], ids=["disk-left", "config-left"])
def test_action_that_was_left_half_done_is_finished(sandbox, half):
    action = resize_action(TARGET, FROM, TO, node="pve1", digest=config(sandbox, "lxc/104")["digest"])
    resize_one(sandbox, "lxc/104", **half)
    result = both(sandbox, action, call=of_action)
    assert (result["status"], result["after"]["memory"], result["after"]["disks"]["rootfs"]) == ("changed", 2 * GIB, 9 * GIB)


@pytest.mark.parametrize(
    ("before", "expect", "words"),
    [
        ({"memory": 768 * MIB}, {"node": "pve1"}, ["memory of lxc/104 is 1 GiB, expected 768 MiB"]),
        (FROM, {"node": "pve2"}, ["node", "pve1, expected pve2"]),
        (FROM, {"digest": "f" * 40}, ["digest", "expected " + "f" * 40]),
        ({"disk.rootfs": 4 * GIB}, {"node": "pve1"}, ["disk.rootfs of lxc/104 is 8 GiB, expected 4 GiB"]),
    ],
    ids=["value", "node", "digest", "disk"],
)
def test_action_on_what_has_changed_is_refused(sandbox, before, expect, words):
    result = refused(sandbox, resize_action(TARGET, before, TO, **expect), call=of_action)
    assert result["reason"] == "precondition_changed"
    assert all(word in result["message"] for word in words)


def test_action_of_another_cluster_is_refused(sandbox):
    result = refused(sandbox, resize_action("guest:prod/lxc/104", FROM, TO, node="pve1"), call=of_action)
    assert (result["reason"], result["node"]) == ("wrong_cluster", None)


def test_container_without_cores_is_seen_with_all_of_its_node(sandbox):
    resize_one(sandbox, "lxc/104", cores=0)
    action = resize_action(TARGET, {"cores": 2.0}, {"cores": 1.0}, node="pve1")
    assert both(sandbox, action, call=of_action)["after"]["cores"] == 1


def test_balloon_that_was_not_set_is_planned_and_undone(sandbox):
    target = "guest:lab/qemu/202"
    result = both(sandbox, resize_action(target, {"balloon": None}, {"balloon": 512 * MIB}, node="pve2"), call=of_action)
    assert result["after"]["balloon"] == 512 * MIB
    assert (
        both(sandbox, resize_action(target, {"balloon": 512 * MIB}, {"balloon": None}, node="pve2"), call=of_action)["after"]["balloon"]
        is None
    )


def test_change_between_reading_and_writing_is_not_overwritten(sandbox):
    class Overtaken(Asking):
        def write(self, *arguments, **options):
            Client(sandbox).put("/nodes/pve1/lxc/104/config", description="mine")
            return super().write(*arguments, **options)

    before = config(sandbox, "lxc/104")["digest"]
    result = resize_one(sandbox, "lxc/104", memory="2 GiB", client=Overtaken(sandbox))
    now = config(sandbox, "lxc/104")
    assert (result["status"], result["reason"], result["changed"]) == ("refused", "precondition_changed", False)
    assert before in result["message"]
    assert now["digest"] in result["message"]
    assert now["memory"] == 1024


@pytest.mark.parametrize("guest", ["lxc/104", "qemu/204"])
def test_change_before_the_disk_is_grown_is_not_overwritten(sandbox, guest):
    class Overtaken(Asking):
        def write(self, method, path, *arguments, **options):
            Client(sandbox).put(f"/nodes/pve1/{guest}/config", description="mine")
            return super().write(method, path, *arguments, **options)

    disk = "rootfs" if guest.startswith("lxc") else "scsi0"
    result = resize_one(sandbox, guest, disks={disk: "9 GiB"}, client=Overtaken(sandbox))
    assert (result["status"], result["reason"], result["changed"]) == ("refused", "precondition_changed", False)


def test_guest_that_moved_meanwhile_is_not_looked_for(sandbox):
    class Moving(Asking):
        def write(self, *arguments, **options):
            upid = Client(sandbox).post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1)
            Client(sandbox).well(upid)
            return super().write(*arguments, **options)

    result = resize_one(sandbox, "qemu/204", cores=2, client=Moving(sandbox))
    assert (result["status"], result["reason"]) == ("refused", "precondition_changed")
    assert "The node of qemu/204 is pve2, expected pve1" in result["message"]


@pytest.mark.parametrize("fault", [None, {"fault": "error_after", "reason": "got timeout"}], ids=["answered", "not-answered"])
def test_guest_that_moves_after_it_was_changed_is_not_told_to_be_unchanged(sandbox, fault):
    class Moving(Asking):
        def get(self, path, /, **params):
            if path.endswith("/pending") and sandbox.world.guests[204].pending and sandbox.world.guests[204].node == "pve1":
                Client(sandbox).well(Client(sandbox).post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1))
            return super().get(path, **params)

    if fault:
        with sandbox.world.lock:
            sandbox.faults.set([{**fault, "method": "PUT", "path": "/nodes/pve1/qemu/204/config"}])
    result = resize_one(sandbox, "qemu/204", cores=2, client=Moving(sandbox))
    assert (result["status"], result["reason"], result["changed"], result["after"]) == ("failed", "unsettled", True, None)
    assert "pve2" in result["message"]
    assert resize_one(sandbox, "qemu/204", cores=2)["status"] == "ok"


def test_disk_that_is_being_grown_is_left_alone(sandbox):
    with sandbox.world.lock:
        sandbox.faults.set([{"fault": "hang", "type": "resize", "times": 1}])
    result = resize_one(sandbox, "qemu/204", disks={"scsi0": "5 GiB"}, timeout=0.01)
    assert (result["status"], result["reason"], result["stopped_at"]) == ("failed", "timed_out", "disk.scsi0")
    assert "O(timeout)" in result["message"]
    second = resize_one(sandbox, "qemu/204", disks={"scsi0": "5 GiB"})
    assert (second["status"], second["reason"]) == ("refused", "busy")
    with sandbox.world.lock:
        tasks = [task for task in sandbox.world.tasks.all() if task.type == "resize"]
        assert len(tasks) == 1
        sandbox.world.tasks.interrupt(tasks[0])
    until(lambda: not tasks[0].running)
