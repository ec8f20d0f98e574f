"""Reads beyond the recordings: names, figures and lists as the source makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.sandbox_client import Client

VM, CT = "/nodes/pve1/qemu/201", "/nodes/pve1/lxc/101"


def entry(client: Client, path: str, vmid: int) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in client.get(path) if one["vmid"] == vmid)
    return found


def test_guests_without_a_name(client: Client) -> None:
    client.put(f"{VM}/config", delete="name")
    client.put(f"{CT}/config", delete="hostname")
    assert client.get(f"{VM}/status/current")["name"] == "VM 201"
    assert client.get(f"{CT}/status/current")["name"] == "CT101"


def test_a_container_with_a_limit_alone_shows_it_as_a_text(client: Client) -> None:
    client.put(f"{CT}/config", cpulimit="0.5", delete="cores")
    assert entry(client, "/nodes/pve1/lxc", 101)["cpus"] == client.get(f"{CT}/status/current")["cpus"] == "0.5"
    client.put(f"{CT}/config", cpulimit=0)
    assert client.get(f"{CT}/status/current")["cpus"] == 2  # the node's


def test_a_root_of_unknown_size_counts_four_gibibytes(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    next(guest for guest in state["guests"] if guest["vmid"] == 101)["config"]["rootfs"] = "shared:101/vm-101-disk-0.raw"
    assert serve(state).get(f"{CT}/status/current")["maxdisk"] == 4 << 30


def test_displays_and_serial_ports_of_vms(client: Client) -> None:
    client.put(f"{VM}/config", vga="qxl", serial0="socket")
    status = client.get(f"{VM}/status/current")
    assert (status["spice"], status["clipboard"], status["serial"]) == (1, None, 1)
    client.put(f"{VM}/config", vga="std,clipboard=vnc")
    status = client.get(f"{VM}/status/current")
    assert ("spice" in status, status["clipboard"]) == (False, "vnc")


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/nodes/pve1/qemu/999/feature", 500, "unable to find configuration file for VM 999 on node 'pve1'"),
        ("/nodes/pve1/lxc/999/feature", 500, "Configuration file 'nodes/pve1/lxc/999.conf' does not exist"),
        ("/nodes/pve1/lxc/999/interfaces", 200, "OK"),
        ("/nodes/pve1/qemu/204/agent/network-get-interfaces", 500, "No QEMU guest agent configured"),
    ],
)
def test_guests_that_are_not_there_or_do_not_answer(client: Client, path: str, status: int, reason: str) -> None:
    answer = client.ask("GET", path, **({"feature": "copy"} if path.endswith("feature") else {}))
    assert (answer.status, answer.reason) == (status, reason)


def test_an_agent_that_is_switched_off_does_not_run(client: Client) -> None:
    path = "/nodes/pve1/qemu/204"
    client.put(f"{path}/config", agent=0)
    client.well(client.post(f"{path}/status/reboot"))
    assert client.ask("GET", f"{path}/agent/network-get-interfaces").reason == "QEMU guest agent is not running"
    assert client.ask("GET", f"{VM}/agent/network-get-interfaces").reason == "No QEMU guest agent configured"


def test_resuming_needs_no_configuration(client: Client) -> None:
    exitstatus = client.task(client.post("/nodes/pve1/lxc/999/status/resume"))[0]
    assert exitstatus.startswith("command 'lxc-checkpoint -n 999 -r")


def test_numbers_and_lists_of_the_datacenter(client: Client) -> None:
    client.put(
        "/cluster/options",
        max_workers=4,
        replication="insecure",
        user__tag__access="user-allow=list,user-allow-list=a;b",
        next__id="lower=101,upper=102",
    )
    options = client.get("/cluster/options")
    assert (options["max_workers"], options["replication"]) == ("4", {"type": "insecure"})
    assert options["user-tag-access"] == {"user-allow": "list", "user-allow-list": ["a", "b"]}
    assert client.ask("GET", "/cluster/nextid").reason == "unable to get any free VMID in range [101, 102]"


def test_storages_that_a_node_does_not_use_are_listed_as_such(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    state["storages"].append({"storage": "some", "type": "dir", "path": "/some", "content": "images", "nodes": "pve1", "total": 1000})
    client = serve(state)
    some = next(one for one in client.get("/nodes/pve2/storage") if one["storage"] == "some")
    assert (some["enabled"], some["active"], some["total"], "used_fraction" in some) == (0, 0, 0, False)
    assert client.get("/nodes/pve2/storage/some/status")["enabled"] == 0
    assert "some" not in [one["storage"] for one in client.get("/nodes/pve2/storage", content="images")]
    assert client.ask("GET", "/nodes/pve2/storage/some/content").reason == "storage 'some' is not available on node 'pve2'"
    formats = client.get("/nodes/pve1/storage", storage="local", format=1)[0]
    assert formats["formats"] == {"default": "raw", "supported": ["qcow2", "raw", "subvol", "vmdk"]}
    assert formats["format"] == [{"qcow2": 1, "raw": 1, "subvol": 1, "vmdk": 1}, "raw"]
