"""Resizing guests of the sandbox over HTTPS: what is in force at once, what waits for a restart, and many guests in one task."""

from __future__ import annotations

import pytest

from support.proxmox import Asking, resize, resize_one
from support.resizes import GIB, MIB, both, config, standing_state


@pytest.fixture(scope="module")
def state():
    return standing_state()


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
