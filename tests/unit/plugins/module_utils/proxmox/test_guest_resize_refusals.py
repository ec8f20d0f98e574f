"""What is never done to a guest: refused with its reason, in check mode too."""

from __future__ import annotations

import pytest

from support.proxmox import resize, resize_one
from support.resizes import both, config, refused, standing_state


@pytest.fixture(scope="module")
def state():
    return standing_state()


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
