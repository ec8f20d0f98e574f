"""Configurations beyond the recordings: hotplug, tags, mount points, the datacenter's options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.sandbox_client import Client

VM, CT = "/nodes/pve1/qemu/204", "/nodes/pve1/lxc/104"


def waiting(client: Client, path: str) -> dict[str, Any]:
    """The values that wait, by option; True for what waits for its deletion."""
    return {
        one["key"]: one.get("pending", bool(one.get("delete")))
        for one in client.get(f"{path}/pending")
        if "pending" in one or "delete" in one
    }


@pytest.mark.parametrize(
    ("option", "value", "waits"),
    [
        ("cores", 2, True),
        ("sockets", 2, True),
        ("memory", 4096, True),
        ("balloon", 512, False),
        ("balloon", 0, True),
        ("name", "other", False),
        ("onboot", 1, False),
        ("cpulimit", 0.5, False),
        ("cpuunits", 300, False),
        ("vcpus", 9, True),
        ("hotplug", "disk", False),
        ("hotplug", "disk,cpu", True),
        ("net0", "virtio,bridge=vmbr0", False),
        ("ostype", "win11", True),
    ],
)
def test_what_a_running_vm_takes_at_once(client: Client, option: str, value: Any, waits: bool) -> None:
    client.put(f"{VM}/config", **{option: value})
    assert (option in waiting(client, VM)) is waits


def test_cpu_hotplug_changes_vcpus_up_to_the_cores_in_force(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    next(g for g in state["guests"] if g["vmid"] == 204)["config"] |= {"hotplug": "disk,cpu", "cores": 2}
    client = serve(state)
    client.put(f"{VM}/config", vcpus=2)
    assert waiting(client, VM) == {}
    answer = client.ask("PUT", f"{VM}/config", body={"vcpus": 3})
    assert answer.status == 400
    assert answer.errors["vcpus"].startswith("hotplug problem - ")
    assert waiting(client, VM) == {"vcpus": 3}
    client.put(f"{VM}/config", revert="vcpus")
    assert client.get(f"{VM}/config")["vcpus"] == 2


def test_memory_hotplug_needs_numa(client: Client) -> None:
    client.put(f"{VM}/config", hotplug="memory")
    client.well(client.post(f"{VM}/status/stop"))
    assert client.task(client.post(f"{VM}/status/start"))[0] == "NUMA needs to be enabled for memory hotplug"
    client.put(f"{VM}/config", delete="balloon")
    client.put(f"{VM}/config", numa=1, memory=1000)
    assert client.task(client.post(f"{VM}/status/start"))[0] == "minimum memory must be 1024MB"
    client.put(f"{VM}/config", memory=2048)
    client.well(client.post(f"{VM}/status/start"))
    client.put(f"{VM}/config", memory=4096)
    assert client.get(f"{VM}/status/current")["maxmem"] == 4 << 30
    assert (
        client.ask("PUT", f"{VM}/config", body={"memory": 512}).errors["memory"].startswith("hotplug problem - memory can't be lower than")
    )


def test_the_task_of_a_configuration_says_what_it_does(client: Client) -> None:
    log = client.well(client.post(f"{VM}/config", cores=2))
    assert log == ["update VM 204: -cores 2", "TASK OK"]


def test_pending_deletion_of_a_container_is_seen_and_reverted(client: Client) -> None:
    client.put(f"{CT}/config", delete="features,tags")
    assert waiting(client, CT) == {"features": True}
    assert "features" not in client.get(f"{CT}/config")
    assert client.get(f"{CT}/config", current=1)["features"] == "nesting=1"
    client.put(f"{CT}/config", revert="features")
    assert waiting(client, CT) == {}


def test_what_waits_is_in_force_after_a_restart(client: Client) -> None:
    client.put(f"{CT}/config", features="nesting=0", nameserver="10.0.0.1")
    client.well(client.post(f"{CT}/status/reboot"))
    assert waiting(client, CT) == {}
    assert client.get(f"{CT}/config", current=1)["features"] == "nesting=0"


@pytest.mark.parametrize(
    ("style", "tags"),
    [(None, "a;b;c"), ("ordering=config", "b;a;c"), ("case-sensitive=1", "A;B;a;c"), ("ordering=config,case-sensitive=1", "B;a;A;c")],
)
def test_tags_follow_the_datacenters_style(client: Client, style: str | None, tags: str) -> None:
    if style is not None:
        client.put("/cluster/options", tag__style=style)
    client.put(f"{CT}/config", tags="B a,A;c")
    assert client.get(f"{CT}/config")["tags"] == tags


def test_options_of_the_datacenter(client: Client) -> None:
    client.put(
        "/cluster/options",
        crs="ha=dynamic,ha-auto-rebalance=1",
        migration="insecure,network=10.0.0.0/24",
        description="lab",
        registered__tags="zoo",
    )
    options = client.get("/cluster/options")
    assert options["crs"] == {"ha": "dynamic", "ha-auto-rebalance": "1"}
    assert options["migration"] == {"type": "insecure", "network": "10.0.0.0/24"}
    assert options["description"] == "lab\n"
    assert "zoo" in options["allowed-tags"]
    client.put("/cluster/options", delete="crs,migration")
    assert "crs" not in client.get("/cluster/options")
    client.put("/cluster/options")


def test_mount_points_are_made_let_go_and_removed(client: Client) -> None:
    stopped = "/nodes/pve1/lxc/101"
    client.put(f"{stopped}/config", mp0="shared:2,mp=/data")
    assert client.get(f"{stopped}/config")["mp0"] == "shared:101/vm-101-disk-1.raw,mp=/data,size=2G"
    client.well(client.put(f"{stopped}/resize", disk="mp0", size="3G"))
    assert client.get(f"{stopped}/config")["mp0"].endswith("size=3G")
    client.put(f"{stopped}/config", delete="mp0")
    assert client.get(f"{stopped}/config")["unused0"] == "shared:101/vm-101-disk-1.raw"
    client.put(f"{stopped}/config", delete="unused0")
    assert len(client.get("/nodes/pve1/storage/shared/content", vmid=101)) == 1
    answer = client.ask("PUT", f"{stopped}/config", body={"mp0": "/etc,mp=/data"})
    assert answer.reason == "Permission check failed (mount point type bind is only allowed for root@pam)"


def test_snapshots_need_a_storage_that_has_them(client: Client) -> None:
    exitstatus, _unused = client.task(client.post("/nodes/pve1/lxc/101/snapshot", snapname="before"))
    assert exitstatus == "snapshot feature is not available"
    assert client.task(client.post("/nodes/pve3/lxc/107/snapshot/s1/rollback"))[0] == "can't rollback snapshot this image format"
    client.sandbox.command(["reseed", "107"])
    client.well(client.delete("/nodes/pve3/lxc/107/snapshot/s1", force=1))
    assert [one["name"] for one in client.get("/nodes/pve3/lxc/107/snapshot")] == ["current"]
    assert "parent" not in client.get("/nodes/pve3/lxc/107/config")


def test_a_paused_vm_is_not_shut_down(client: Client) -> None:
    client.well(client.post(f"{VM}/status/suspend"))
    assert client.ask("POST", f"{VM}/status/shutdown").reason == "VM is paused - cannot shutdown"
    client.well(client.post(f"{VM}/status/resume"))
    client.well(client.post(f"{VM}/status/shutdown"))


def test_suspending_to_disk_stops_and_locks(client: Client) -> None:
    client.well(client.post(f"{VM}/status/suspend", todisk=1))
    status = client.get(f"{VM}/status/current")
    assert (status["status"], status["lock"]) == ("stopped", "suspended")
    client.well(client.post(f"{VM}/status/resume"))
    status = client.get(f"{VM}/status/current")
    assert status["status"] == "running"
    assert "lock" not in status


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        (CT, {"hookscript": "local:snippets/x.pl"}, "Permission check failed (changing the hookscript is only allowed for root@pam)"),
        (CT, {"dev0": "/dev/null"}, "Permission check failed (configuring device passthrough is only allowed for root@pam)"),
        (VM, {"args": "-x"}, "only root can set 'args' config"),
        (VM, {"lock": "backup"}, "only root can set 'lock' config"),
    ],
)
def test_what_even_a_full_token_of_root_may_not(client: Client, path: str, body: dict[str, str], reason: str) -> None:
    assert client.ask("PUT", f"{path}/config", body=body).reason == reason


@pytest.mark.parametrize(
    ("option", "value", "privilege"),
    [
        ("cores", 2, None),
        ("balloon", 512, None),
        ("name", "x", "Options"),
        ("scsihw", "lsi", "HWType"),
        ("net0", "virtio", "Network"),
        ("scsi1", "shared:202/vm-202-disk-0.raw", "Disk"),
        ("ide2", "none,media=cdrom", "CDROM"),
        ("ciuser", "x", "Cloudinit|VM.Config.Network"),
        ("numa0", "cpus=0,memory=1024", None),
        ("serial0", "socket", "HWType"),
        ("usb0", "host=spice", "HWType"),
    ],
)
def test_each_option_of_a_vm_needs_its_privilege(client: Client, option: str, value: Any, privilege: str | None) -> None:
    manager = Client(client.sandbox, token="capmgr@pve!mgr=55555555-5555-5555-5555-555555555555")
    answer = manager.ask("PUT", f"{VM}/config", body={option: value})
    if privilege is None:
        assert answer.status == 200
    else:
        assert (answer.status, answer.reason) == (403, f"Permission check failed (/vms/204, VM.Config.{privilege})")


def test_a_deleted_disk_leaves_the_boot_order(client: Client) -> None:
    path = "/nodes/pve1/qemu/201/config"
    client.put(path, net0="virtio,bridge=vmbr0")
    client.put(path, boot="order=scsi0;net0")
    client.put(path, delete="scsi0")
    assert client.get(path)["boot"] == "order=net0"
    client.put(path, delete="net0")
    assert "boot" not in client.get(path)
    assert client.ask("PUT", path, body={"boot": "order=scsi5"}).reason == "invalid bootorder: device 'scsi5' does not exist'"
