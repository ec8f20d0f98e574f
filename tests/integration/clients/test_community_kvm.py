"""The module proxmox_kvm of community.proxmox: a VM from its creation to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.sandbox_client import Client

Run = Callable[..., dict[str, Any]]


def status(cluster: Client, vmid: int, node: str = "pve1") -> str:
    found: str = cluster.get(f"/nodes/{node}/qemu/{vmid}/status/current")["status"]
    return found


def test_a_vm_is_created_changed_and_removed(cluster: Client, module: Run) -> None:
    wanted = {
        "node": "pve1", "vmid": 300, "name": "new", "memory": "2048", "cores": 2, "tags": ["web", "prod"], "pool": "lab",
        "scsi": {"scsi0": "thin:8"}, "net": {"net0": "virtio,bridge=vmbr0"},
    }  # fmt: skip
    made = module("proxmox_kvm", state="present", **wanted)
    assert (made["changed"], made["vmid"], made["devices"]) == (True, 300, {"scsi0": "thin:vm-300-disk-0"})
    config = cluster.get("/nodes/pve1/qemu/300/config")
    assert (config["name"], config["memory"], config["cores"], config["tags"]) == ("new", "2048", 2, "prod;web")
    assert config["net0"].startswith(f"virtio={made['mac']['net0']}")
    assert 300 in [member.get("vmid") for member in cluster.get("/pools/lab")["members"]]
    assert not module("proxmox_kvm", state="present", **wanted)["changed"]

    assert module("proxmox_kvm", state="present", update=True, node="pve1", name="new", cores=4, memory="4096")["changed"]
    config = cluster.get("/nodes/pve1/qemu/300/config")
    assert (config["cores"], config["memory"]) == (4, "4096")
    assert module("proxmox_kvm", node="pve1", vmid=300, delete="tags")["changed"]
    assert "tags" not in cluster.get("/nodes/pve1/qemu/300/config")

    assert module("proxmox_kvm", state="absent", vmid=300)["changed"]
    assert cluster.ask("GET", "/nodes/pve1/qemu/300/config").status == 500
    assert cluster.get("/nodes/pve1/storage/thin/content") == []
    assert not module("proxmox_kvm", state="absent", vmid=300)["changed"]


def test_a_vm_is_started_restarted_and_stopped(cluster: Client, module: Run) -> None:
    assert module("proxmox_kvm", state="started", name="vm1")["changed"]
    assert status(cluster, 201) == "running"
    assert not module("proxmox_kvm", state="started", name="vm1")["changed"]
    assert module("proxmox_kvm", state="current", name="vm1")["status"] == "running"
    before = cluster.get("/nodes/pve1/qemu/201/status/current")["pid"]
    assert module("proxmox_kvm", state="restarted", vmid=201)["changed"]
    after = cluster.get("/nodes/pve1/qemu/201/status/current")
    assert (after["status"], after["pid"] != before) == ("running", True)
    assert module("proxmox_kvm", state="stopped", vmid=201)["changed"]
    assert status(cluster, 201) == "stopped"
    assert not module("proxmox_kvm", state="stopped", vmid=201)["changed"]


def test_what_waits_for_a_restart_is_reverted(cluster: Client, module: Run) -> None:
    assert module("proxmox_kvm", state="present", update=True, node="pve2", vmid=202, cores=2)["changed"]
    assert {"key": "cores", "value": 1, "pending": 2} in cluster.get("/nodes/pve2/qemu/202/pending")
    assert module("proxmox_kvm", node="pve2", vmid=202, revert="cores")["changed"]
    assert {"key": "cores", "value": 1} in cluster.get("/nodes/pve2/qemu/202/pending")


def test_a_vm_is_migrated_while_it_runs(cluster: Client, module: Run) -> None:
    assert module("proxmox_kvm", migrate=True, vmid=202, node="pve3")["changed"]
    assert status(cluster, 202, "pve3") == "running"
    assert cluster.ask("GET", "/nodes/pve2/qemu/202/config").status == 500
    assert not module("proxmox_kvm", migrate=True, vmid=202, node="pve3")["changed"]


def test_a_vm_is_cloned_and_becomes_a_template(cluster: Client, module: Run) -> None:
    made = module("proxmox_kvm", clone="vm1", name="copy", node="pve1", newid=301, storage="thin", format="unspecified", full=True)
    assert (made["changed"], made["vmid"]) == (True, 301)
    assert cluster.get("/nodes/pve1/qemu/301/config")["scsi0"] == "thin:vm-301-disk-0,size=4G"
    assert module("proxmox_kvm", state="template", vmid=301)["changed"]
    assert cluster.get("/nodes/pve1/qemu/301/config")["template"] == 1
