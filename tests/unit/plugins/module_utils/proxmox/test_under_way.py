"""Guests that are being migrated while the cluster is read."""

from __future__ import annotations

import pytest

from support.proxmox import Asking, read
from support.sandbox_client import Client, until


@pytest.fixture
def migrating(sandbox):
    """Begin migrations to pve2 that take for ever; the clock is held when their logs have this."""

    def begin(guest, text, **options):
        with sandbox.world.lock:
            sandbox.faults.set([{"fault": "hang", "type": "qmigrate|vzmigrate", "seconds": 0}])
        sandbox.set_clock(200.0)
        client = Client(sandbox)
        upid = client.post(f"/nodes/pve1/{guest}/migrate", target="pve2", **options)
        until(lambda: any(text in line["t"] for line in client.get(f"/nodes/pve1/tasks/{upid}/log")))
        until(lambda: any(entry.get("lock") == "migrate" for entry in client.get("/cluster/resources", type="vm")))
        sandbox.set_clock(0.0)
        return sandbox

    yield begin
    sandbox.set_clock(200.0)


@pytest.fixture
def live(migrating):
    return migrating("qemu/204", "starting migration", online=1)


def guests(document):
    return {guest["id"]: guest for guest in document["guests"]}


def test_the_target_of_a_migration_is_told(live):
    client = Asking(live)
    found = guests(read(live, client=client))
    assert (found["qemu/204"]["node"], found["qemu/204"]["moving_to"]) == ("pve1", "pve2")
    assert (found["qemu/204"]["movable"], found["qemu/204"]["unmovable_because"]) == (False, ["is locked (migrate)"])
    assert [guest for guest in found.values() if "moving" in guest] == [found["qemu/204"]]
    # 15 of a cluster at rest, and its tasks and log.
    assert client.calls == 15 + 2


def test_a_container_that_shuts_down_first_goes_nobody_knows_where(migrating):
    found = guests(read(migrating("lxc/104", "shutdown CT", restart=1)))["lxc/104"]
    assert (found["moving"], found["moving_to"]) == (True, None)


def test_a_target_outside_of_the_document_is_not_named(live):
    found = guests(read(live, nodes=["pve1"]))["qemu/204"]
    assert (found["moving"], found["moving_to"]) == (True, None)


def test_a_target_that_cannot_be_read_is_a_problem(live):
    with live.world.lock:
        live.faults.set([{"fault": "error", "path": "/nodes/pve1/tasks.*", "status": 500, "reason": "no such thing"}])
    document = read(live)
    assert "moving" not in guests(document)["qemu/204"]
    (problem,) = document["problems"]
    assert problem.startswith("Where qemu/204 is being moved to is not known, so it counts where it is: GET /nodes/pve1/tasks")


def test_a_lock_that_was_left_behind_is_no_migration(serve, recorded):
    next(guest for guest in recorded["guests"] if guest["vmid"] == 104)["config"]["lock"] = "migrate"
    assert "moving" not in guests(read(serve(recorded)))["lxc/104"]
