"""Whether a node has what guests shall get: judged for all guests of a task, in their order, before anything is changed."""

from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from support.proxmox import resize, resize_one
from support.sandbox_client import Client

STATE = pathlib.Path(__file__).parents[3] / "sandbox" / "data" / "state.json"
MIB, GIB = 1 << 20, 1 << 30


@pytest.fixture(scope="module")
def state():
    """Node pve1 has 16 cores and 24 GiB, of which 1 GiB of its own, 200 MiB of 104 and 696 MiB of 204 with its overhead are used."""
    found = json.loads(STATE.read_text(encoding="utf-8"))
    found["load_series"] = {"seed": 1, "wave": 0, "noise": 0}
    found["nodes"][0].update(cpus=16, memory=24 * GIB, arcsize=4 * GIB)
    next(guest for guest in found["guests"] if guest["vmid"] == 204)["load"] = {"cpu": 0.1, "mem": 600 * MIB}
    return found


FREE = 24 * GIB - GIB - 200 * MIB - 696 * MIB


def statuses(results):
    return [(result["status"], result["reason"]) for result in results]


def test_cores_of_a_node_less_its_reserve(sandbox):
    assert resize_one(sandbox, "lxc/104", cores=16, check=True)["status"] == "changed"
    result = resize_one(sandbox, "lxc/104", cores=16, reserve={"cpu": 2})
    assert (result["status"], result["reason"]) == ("refused", "host_cores")
    assert all(word in result["message"] for word in ("16 cores", "has 16", "reserve of 2", "O(reserve)"))
    assert resize_one(sandbox, "lxc/104", cores=16, reserve={"cpu": 2}, reserves={"pve1": {"cpu": 0}}, check=True)["status"] == "changed"


def test_cores_of_a_vm_count_for_each_socket(sandbox):
    with sandbox.world.lock:
        sandbox.world.guests[204].config["sockets"] = "4"
    assert resize_one(sandbox, "qemu/204", cores=5)["reason"] == "host_cores"
    assert resize_one(sandbox, "qemu/204", cores=4, check=True)["status"] == "changed"


def test_container_that_takes_all_cores_is_bounded_by_its_node_alone(sandbox):
    assert resize_one(sandbox, "lxc/104", cores=0, reserve={"cpu": 8})["status"] == "changed"


def test_free_memory_of_a_node_less_its_reserve(sandbox):
    # The ZFS cache gives way.
    assert resize_one(sandbox, "lxc/104", memory=str(GIB + FREE), check=True)["status"] == "changed"
    result = resize_one(sandbox, "lxc/104", memory=str(GIB + FREE + MIB))
    assert (result["status"], result["reason"]) == ("refused", "host_memory")
    result = resize_one(sandbox, "lxc/104", memory="2.5 GiB", reserve={"memory": FREE - GIB})
    assert result["reason"] == "host_memory"
    assert all(word in result["message"] for word in ("2.5 GiB of memory, 1.5 GiB more", "1 GiB left", "O(reserve)")), result["message"]


def test_earlier_guests_of_a_task_take_theirs_first(sandbox):
    guests = [{"guest": "lxc/104", "memory": "2 GiB"}, {"guest": "qemu/204", "memory": "4 GiB"}, {"guest": "lxc/108", "memory": "2 GiB"}]
    told = statuses(resize(sandbox, *guests, reserve={"memory": FREE - 2 * GIB}, check=True))
    # 108 is on another node.
    assert told == [("changed", None), ("refused", "host_memory"), ("changed", None)]
    assert statuses(resize(sandbox, *guests, reserve={"memory": FREE - 2 * GIB})) == told


def test_stopped_guest_must_fit_the_node_but_takes_nothing_yet(sandbox):
    guests = [{"guest": "lxc/101", "memory": "20 GiB"}, {"guest": "lxc/104", "memory": "12 GiB"}]
    assert statuses(resize(sandbox, *guests, check=True)) == [("changed", None)] * 2
    result = resize_one(sandbox, "lxc/101", memory="20 GiB", reserves={"pve1": {"memory": 5 * GIB}})
    assert result["reason"] == "host_memory"
    assert "24 GiB, less its reserve of 5 GiB" in result["message"]


def test_less_is_always_admitted(sandbox):
    full = {"reserve": {"cpu": 16, "memory": 24 * GIB}, "overcommit": {"cpu": 0.01, "memory": 0.01}}
    assert resize_one(sandbox, "lxc/104", cores=1, memory="512 MiB", **full)["status"] == "changed"


@pytest.mark.parametrize(
    ("limits", "overcommit", "words"),
    [
        # 104 has 2 cores and 1 GiB, 204 has 1 and 2 GiB.
        ({"cores": 6}, {"cpu": 0.4}, ["would be 7 together", "at most 6.4", "O(overcommit.cpu)"]),
        ({"memory": "11 GiB"}, {"memory": 0.5}, ["would be 13 GiB together", "at most 12 GiB", "O(overcommit.memory)"]),
    ],
    ids=["cpu", "memory"],
)
def test_limits_of_all_guests_together(sandbox, limits, overcommit, words):
    result = resize_one(sandbox, "lxc/104", **limits, overcommit=overcommit)
    assert (result["status"], result["reason"]) == ("refused", "overcommit")
    assert all(word in result["message"] for word in words), result["message"]
    assert (
        resize_one(sandbox, "lxc/104", **limits, overcommit={name: value * 1.1 for name, value in overcommit.items()})["status"]
        == "changed"
    )


def test_disk_needs_room_on_its_storage(sandbox):
    free = next(one for one in Client(sandbox).get("/nodes/pve1/storage") if one["storage"] == "shared")["avail"] >> 20
    fits, more = (f"{8 * 1024 + free + extra} MiB" for extra in (-64, 64))
    guests = [{"guest": "lxc/101", "disks": {"rootfs": fits}}, {"guest": "lxc/103", "disks": {"rootfs": "9 GiB"}}]
    # One shared storage, whichever node asks.
    assert statuses(resize(sandbox, *guests, check=True)) == [("changed", None), ("refused", "storage")]
    result = resize_one(sandbox, "lxc/101", disks={"rootfs": more})
    assert result["reason"] == "storage"
    assert all(word in result["message"] for word in ("shared has", "O(overcommit.storage)"))
    assert resize_one(sandbox, "lxc/101", disks={"rootfs": more}, overcommit={"storage": True})["status"] == "changed"


def test_storage_that_is_off(sandbox):
    with sandbox.world.lock:
        sandbox.world.storages["shared"].disabled = True
    result = resize_one(sandbox, "lxc/101", disks={"rootfs": "9 GiB"})
    assert (result["status"], result["reason"]) == ("refused", "storage")


@pytest.mark.parametrize(
    "more",
    [
        {"margin": "lots"},
        {"timeout": 0.0},
        {"max_parallel": 11},
        {"overcommit": {"cpu": 0.0}},
        {"reserve": {"cpu": -1}},
        {"reserves": {"pve1": {"disk": 1}}},
    ],
    ids=lambda more: next(iter(more)),
)
def test_options_that_make_no_sense(sandbox, more):
    with pytest.raises(Failure) as raised:
        resize_one(sandbox, "lxc/104", memory="2 GiB", **more)
    assert f"O({next(iter(more))}" in str(raised.value)


@pytest.mark.parametrize(
    ("guest", "word"),
    [
        ({"guest": "104", "cores": 1}, "lxc/ID or qemu/ID"),
        ({"guest": "lxc/104"}, "names no limit"),
        ({"guest": "lxc/104", "balloon": "1 GiB"}, "balloon of lxc/104 is no limit of a container"),
        ({"guest": "qemu/204", "swap": "1 GiB"}, "swap of qemu/204 is no limit of a VM"),
        ({"guest": "qemu/204", "cores": 0}, "needed is at least 1"),
        ({"guest": "lxc/104", "memory": "4 GB"}, "O(guests[0]).memory"),
        ({"guest": "lxc/104", "memory": "8 MiB"}, "needed is at least 16 MiB"),
        ({"guest": "lxc/104", "cpulimit": float("nan")}, "needed is a number"),
        ({"guest": "lxc/104", "disks": {"scsi0": "8 GiB"}}, "no disk of a container"),
    ],
)
def test_limits_that_make_no_sense(sandbox, guest, word):
    with pytest.raises(Failure) as raised:
        resize(sandbox, guest)
    assert word in str(raised.value)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kind": "guest_migrate"}, "kind guest_resize"),
        ({"target": "lv:web1/vg0/data"}, "guest:CLUSTER/"),
        ({"to": None}, "actions[0]).to"),
        ({"to": {"memory": "4 GiB"}}, "needed is a number"),
        ({"to": {"cores": 1.5}}, "whole number"),
        ({"to": {"vcpus": 2}}, "no limit"),
    ],
)
def test_actions_that_make_no_sense(sandbox, change, word):
    action = {"kind": "guest_resize", "target": "guest:lab/lxc/104", "expect": {}, "from": {"cores": 2}, "to": {"cores": 1}, **change}
    with pytest.raises(Failure) as raised:
        resize(sandbox, actions=[action])
    assert word in str(raised.value)


def test_guest_is_there_once(sandbox):
    with pytest.raises(Failure, match="twice"):
        resize(sandbox, {"guest": "lxc/104", "cores": 1}, {"guest": "lxc/104", "cores": 2})
