"""Resizing guests of the sandbox over HTTPS: what is done, what is told, what is refused."""

from __future__ import annotations

import copy
import json
import pathlib

import pytest

from support.proxmox import Asking, of_action, resize, resize_action, resize_one
from support.sandbox_client import Client, until

STATE = pathlib.Path(__file__).parents[3] / "sandbox" / "data" / "state.json"
MIB, GIB = 1 << 20, 1 << 30


@pytest.fixture(scope="module")
def state():
    """The recordings' start state with loads that stand still, a container that swaps, and a VM of which it is known what it uses."""
    found = json.loads(STATE.read_text(encoding="utf-8"))
    found["load_series"] = {"seed": 1, "wave": 0, "noise": 0}
    swapping = copy.deepcopy(next(guest for guest in found["guests"] if guest["vmid"] == 105))
    swapping.update(vmid=111, load={"cpu": 0.1, "mem": 600 * MIB})
    swapping["config"].update(rootfs="shared:111/vm-111-disk-0.raw,size=8G", swap=512, hostname="swaps")
    next(guest for guest in found["guests"] if guest["vmid"] == 204)["load"] = {"cpu": 0.1, "mem": 600 * MIB}
    return {**found, "guests": [*found["guests"], swapping]}


def config(sandbox, guest, node="pve1"):
    return Client(sandbox).get(f"/nodes/{node}/{guest}/config")


def both(sandbox, *arguments, call=resize_one, **options):
    """The result of a real run; check mode before it foretold the same, and a second run changes nothing."""
    told = call(sandbox, *arguments, check=True, **options)
    done = call(sandbox, *arguments, **options)
    shown = ("status", "reason", "changed", "before", "after", "restart_required", "message")
    assert [told[key] for key in shown] == [done[key] for key in shown]
    if done["status"] == "changed":
        again = call(sandbox, *arguments, **options)
        assert (again["status"], again["changed"], again["before"]) == ("ok", False, done["after"])
        assert again["restart_required"] == done["restart_required"]
    return done


def refused(sandbox, *arguments, **options):
    """The result of a run that is refused, in check mode too."""
    result = both(sandbox, *arguments, **options)
    assert (result["status"], result["changed"], result["before"]) == ("refused", False, result["after"])
    return result


# ---- at once, or after a restart -------------------------------------------------------------------------------------


def test_running_container_has_everything_at_once(sandbox):
    result = both(sandbox, "lxc/104", cores=1, cpulimit=0.5, memory="2 GiB", swap="1 GiB", disks={"rootfs": "10 GiB"})
    assert result["status"] == "changed"
    assert (result["node"], result["restart_required"], result["ha"], result["stopped_at"]) == ("pve1", [], False, None)
    disks = {"rootfs": 8 * GIB}
    assert result["before"] == {"cores": 2, "cpulimit": 0, "memory": GIB, "swap": 512 * MIB, "disks": disks, "pending": {}}
    assert result["after"] == {"cores": 1, "cpulimit": 0.5, "memory": 2 * GIB, "swap": GIB, "disks": {"rootfs": 10 * GIB}, "pending": {}}
    now = config(sandbox, "lxc/104")
    assert (now["cores"], now["cpulimit"], now["memory"], now["swap"]) == (1, "0.5", 2048, 1024)
    assert now["rootfs"].endswith("size=10G")
    assert "memory 1 GiB → 2 GiB" in result["message"]


def test_no_limit_is_no_option(sandbox):
    assert both(sandbox, "lxc/105", cores=0, cpulimit=0)["after"]["cores"] is None
    assert not {"cores", "cpulimit"} & config(sandbox, "lxc/105", "pve2").keys()


def test_running_vm_tells_what_waits_for_its_restart(sandbox):
    result = both(sandbox, "qemu/204", cores=2, memory="3 GiB", balloon="1.5 GiB", cpulimit=1.5, disks={"scsi0": "5 GiB"})
    assert result["restart_required"] == ["cores", "memory"]
    assert result["before"]["balloon"] == GIB
    assert result["after"] == {
        "cores": 1,
        "cpulimit": 1.5,
        "memory": 2 * GIB,
        "balloon": 1536 * MIB,
        "disks": {"scsi0": 5 * GIB},
        "pending": {"cores": 2, "memory": 3 * GIB},
    }
    assert "; waiting for a restart: cores, memory." in result["message"]


def test_pending_value_is_taken_back(sandbox):
    resize_one(sandbox, "qemu/204", cores=2)
    result = both(sandbox, "qemu/204", cores=1)
    assert (result["before"]["pending"], result["after"]["pending"], result["restart_required"]) == ({"cores": 2}, {}, [])


def test_switching_ballooning_off_and_on_waits(sandbox):
    assert both(sandbox, "qemu/204", balloon="0")["after"]["pending"] == {"balloon": 0}
    assert both(sandbox, "qemu/202", balloon="0")["restart_required"] == ["balloon"]
    assert both(sandbox, "qemu/204", balloon="1 GiB")["after"]["pending"] == {}


def test_stopped_vm_takes_what_waited_too(sandbox):
    resize_one(sandbox, "qemu/204", memory="3 GiB")
    with sandbox.world.lock:
        sandbox.world.set_running(sandbox.world.guests[204], False)
    result = both(sandbox, "qemu/204", cores=2)
    assert (result["before"]["pending"], result["after"]["pending"]) == ({"memory": 3 * GIB}, {})
    assert (result["after"]["cores"], result["after"]["memory"]) == (2, 3 * GIB)


def test_memory_hotplug(sandbox):
    with sandbox.world.lock:
        sandbox.world.guests[204].config.update(hotplug="disk,memory", numa="1")
    result = both(sandbox, "qemu/204", memory="3 GiB")
    assert (result["after"]["memory"], result["restart_required"]) == (3 * GIB, [])


def test_memory_that_cannot_be_plugged_waits(sandbox):
    with sandbox.world.lock:
        sandbox.world.guests[204].config.update(hotplug="disk,memory", numa="1", balloon="512")
    result = both(sandbox, "qemu/204", memory="1000 MiB", cpulimit=1)  # below what a VM with hotplug of memory begins with
    assert (result["status"], result["restart_required"]) == ("changed", ["memory"])
    assert (result["after"]["cpulimit"], result["after"]["pending"]) == (1, {"memory": 1000 * MIB})


def test_managed_guest_is_resized_where_it_is(sandbox):
    result = both(sandbox, "lxc/109", memory="768 MiB")
    assert (result["node"], result["ha"], result["after"]["memory"]) == ("pve3", True, 768 * MIB)


def test_sizes_are_rounded_up(sandbox):
    result = both(sandbox, "lxc/101", memory=str(GIB + 1), cpulimit=0.12345, disks={"rootfs": str(8 * GIB + 1)})
    assert (result["after"]["memory"], result["after"]["cpulimit"]) == (GIB + MIB, 0.124)
    # Less than a step of a storage more than it has: it may well be what the storage made of it.
    assert result["after"]["disks"] == {"rootfs": 8 * GIB + MIB}


def test_disk_that_its_storage_rounded_up_is_as_it_shall_be(sandbox):
    assert both(sandbox, "lxc/101", disks={"rootfs": str(8 * GIB - 4 * MIB)})["status"] == "ok"


# ---- actions of a plan -----------------------------------------------------------------------------------------------

TARGET = "guest:lab/lxc/104"
FROM = {"memory": GIB, "disk.rootfs": 8 * GIB}
TO = {"memory": 2 * GIB, "disk.rootfs": 9 * GIB}


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


# ---- what is never done ----------------------------------------------------------------------------------------------


def test_disk_never_gets_smaller(sandbox):
    result = refused(sandbox, "lxc/110", memory="1 GiB", disks={"rootfs": "1 GiB"})
    assert result["reason"] == "shrink"
    assert "2 GiB" in result["message"]
    assert config(sandbox, "lxc/110", "pve3")["memory"] == 512


def test_memory_below_use_is_refused_with_the_numbers(sandbox):
    result = refused(sandbox, "lxc/108", memory="432 MiB")
    assert result["reason"] == "below_use"
    assert all(word in result["message"] for word in ("432 MiB", "400 MiB", "440 MiB", "O(margin)"))
    assert both(sandbox, "lxc/108", memory="432 MiB", margin="32 MiB")["status"] == "changed"
    assert sandbox.world.guests[108].killed == 0


def test_swap_below_use_is_refused(sandbox):
    # 600 MiB wanted: 507 MiB in memory, 93 MiB in swap.
    result = refused(sandbox, "lxc/111", swap="128 MiB")
    assert result["reason"] == "below_use"
    assert "600 MiB of memory and swap, needed is 660 MiB" in result["message"]
    assert both(sandbox, "lxc/111", swap="148 MiB")["status"] == "changed"
    assert refused(sandbox, "lxc/111", memory="160 MiB", swap="600 MiB")["reason"] == "below_use"
    assert sandbox.world.guests[111].killed == 0


def test_memory_and_balloon_of_a_vm_below_use_are_refused(sandbox):
    assert refused(sandbox, "qemu/204", balloon="600 MiB")["reason"] == "below_use"
    assert refused(sandbox, "qemu/204", balloon="512 MiB", memory="600 MiB")["reason"] == "below_use"
    assert both(sandbox, "qemu/204", balloon="700 MiB", memory="700 MiB")["restart_required"] == ["memory"]


def test_stopped_guest_uses_nothing(sandbox):
    assert both(sandbox, "lxc/103", memory="64 MiB")["status"] == "changed"


def test_balloon_larger_than_memory_is_refused(sandbox):
    assert refused(sandbox, "qemu/201", balloon="3 GiB")["reason"] == "balloon"
    resize_one(sandbox, "qemu/201", balloon="1 GiB")
    assert refused(sandbox, "qemu/201", memory="512 MiB")["reason"] == "balloon"


def test_fewer_cores_than_are_plugged_in_are_refused(sandbox):
    with sandbox.world.lock:
        sandbox.world.guests[201].config["vcpus"] = "2"
    assert refused(sandbox, "qemu/201", cores=1)["reason"] == "vcpus"


@pytest.mark.parametrize(
    ("guest", "reason", "word"),
    [
        ("lxc/106", "locked", "backup"),
        ("qemu/203", "locked", "backup"),
        ("lxc/999", "no_such_guest", "lxc/999"),
        ("lxc/204", "no_such_guest", "qemu/204"),
    ],
)
def test_guest_that_cannot_be_changed(sandbox, guest, reason, word):
    result = refused(sandbox, guest, memory="600 MiB")
    assert result["reason"] == reason
    assert word in result["message"]


@pytest.mark.parametrize(
    ("option", "value", "reason"), [("template", "1", "template"), ("tags", "foresight.ignore;web", "ignored")], ids=["template", "tag"]
)
def test_guest_that_is_never_changed(sandbox, option, value, reason):
    with sandbox.world.lock:
        sandbox.world.guests[101].config[option] = value
    assert refused(sandbox, "lxc/101", memory="2 GiB")["reason"] == reason


def test_guest_that_the_ha_manager_works_on(sandbox):
    with sandbox.world.lock:
        sandbox.world.ha.active = False
        sandbox.world.ha.resources["ct:109"].state = "error"
    assert refused(sandbox, "lxc/109", memory="768 MiB")["reason"] == "ha_busy"


def test_disk_that_is_not_there(sandbox):
    result = refused(sandbox, "lxc/101", disks={"mp3": "1 GiB"})
    assert result["reason"] == "no_such_disk"
    assert "rootfs" in result["message"]


def test_guest_as_it_shall_be_is_ok_whatever_stands_against_a_change(sandbox):
    assert both(sandbox, "lxc/106", memory="512 MiB")["status"] == "ok"


def test_only_guests_that_are_named_are_touched(sandbox):
    def others():
        return {vmid: guest.digest for vmid, guest in sandbox.world.guests.items() if vmid not in (101, 201)}

    before = others()
    resize(sandbox, {"guest": "lxc/101", "memory": "2 GiB"}, {"guest": "qemu/201", "cores": 1})
    assert others() == before


# ---- many guests -----------------------------------------------------------------------------------------------------


def test_failure_of_one_does_not_lose_the_others(sandbox):
    sandbox.command(["node_death", "pve3"])
    names = ["lxc/101", "lxc/106", "lxc/110", "lxc/102", "qemu/201", "lxc/103", "lxc/999"]
    results = resize(sandbox, *({"guest": name, "memory": "700 MiB"} for name in names), client=Asking(sandbox, max_retries=0))
    sandbox.command(["node_return", "pve3"])
    assert [result["guest"] for result in results] == names
    assert [result["status"] for result in results] == ["changed", "refused", "refused", "changed", "changed", "changed", "refused"]
    assert {result["reason"] for result in results} == {None, "node_offline", "no_such_guest"}


@pytest.mark.parametrize("parallel", [1, 3])
def test_no_more_than_that_many_at_a_time(sandbox, parallel):
    running, most = [], []

    class Counting(Asking):
        def write(self, method, path, *arguments, **options):
            running.append(path)
            most.append(len(running))
            try:
                return super().write(method, path, *arguments, **options)
            finally:
                running.remove(path)

    names = ["lxc/101", "lxc/102", "lxc/103", "lxc/107", "qemu/201", "qemu/205"]
    results = resize(sandbox, *({"guest": name, "memory": "3 GiB"} for name in names), client=Counting(sandbox), max_parallel=parallel)
    assert {result["status"] for result in results} == {"changed"}
    assert max(most) <= parallel


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
