"""The module proxmox of community.proxmox: a container from its creation to its end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.sandbox_client import Client
from tools import third_party_clients

from .conftest import TEMPLATE

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def update(module: Run) -> Run:
    """Change a container. Release 2 sends its own word `default` for cmode, which the API refuses, unless another value is given."""
    manifest = third_party_clients.COLLECTIONS / "ansible_collections" / "community" / "proxmox" / "MANIFEST.json"
    release = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
    needed = {} if release.startswith("1.") else {"cmode": "tty"}
    return lambda **wanted: module("proxmox", state="present", update=True, **needed, **wanted)


def test_a_container_is_created_changed_and_removed(cluster: Client, module: Run, update: Run) -> None:
    wanted = {
        "node": "pve1", "vmid": 300, "hostname": "new", "ostemplate": TEMPLATE, "password": "secret123", "disk": "thin:4", "cores": 2,
        "memory": 1024, "swap": 0, "onboot": True, "tags": ["web", "prod"], "netif": {"net0": "name=eth0,ip=dhcp,bridge=vmbr0"},
        "mount_volumes": [{"id": "mp0", "storage": "thin", "size": 2, "mountpoint": "/srv"}], "features": ["nesting=1"],
    }  # fmt: skip
    made = module("proxmox", state="present", **wanted)
    assert (made["changed"], made["vmid"]) == (True, 300)
    config = cluster.get("/nodes/pve1/lxc/300/config")
    assert config["rootfs"] == "thin:vm-300-disk-0,size=4G"
    assert config["mp0"] == "thin:vm-300-disk-1,mp=/srv,size=2G"
    assert (config["hostname"], config["cores"], config["memory"], config["swap"]) == ("new", 2, 1024, 0)
    assert (config["onboot"], config["unprivileged"], config["tags"], config["features"]) == (1, 1, "prod;web", "nesting=1")
    assert not module("proxmox", state="present", **{**wanted, "update": False})["changed"]

    update(node="pve1", vmid=300, hostname="new", cores=3, memory=2048, description="seen")
    config = cluster.get("/nodes/pve1/lxc/300/config")
    assert (config["cores"], config["memory"], config["description"]) == (3, 2048, "seen\n")
    update(node="pve1", vmid=300, hostname="new", delete=["description"])
    assert "description" not in cluster.get("/nodes/pve1/lxc/300/config")

    assert module("proxmox", state="absent", vmid=300, purge=True)["changed"]
    assert cluster.ask("GET", "/nodes/pve1/lxc/300/config").status == 500
    assert cluster.get("/nodes/pve1/storage/thin/content") == []
    assert not module("proxmox", state="absent", vmid=300)["changed"]


def test_a_container_is_started_restarted_and_stopped(cluster: Client, module: Run) -> None:
    path = "/nodes/pve1/lxc/101/status/current"
    assert module("proxmox", state="started", hostname="web1")["changed"]
    assert cluster.get(path)["status"] == "running"
    assert not module("proxmox", state="started", vmid=101)["changed"]
    before = cluster.get(path)["pid"]
    assert module("proxmox", state="restarted", vmid=101)["changed"]
    assert (cluster.get(path)["status"], cluster.get(path)["pid"] != before) == ("running", True)
    assert not module("proxmox", state="absent", vmid=101)["changed"]
    assert module("proxmox", state="stopped", vmid=101, force=True)["changed"]
    assert cluster.get(path)["status"] == "stopped"
    assert not module("proxmox", state="stopped", vmid=101)["changed"]


def test_a_running_container_is_changed_at_once(cluster: Client, update: Run) -> None:
    assert update(node="pve1", vmid=104, hostname="app1", memory=2048, swap=1024)["changed"]
    now = cluster.get("/nodes/pve1/lxc/104/status/current")
    assert (now["maxmem"], now["maxswap"], now["status"]) == (2048 << 20, 1024 << 20, "running")


def test_a_container_is_cloned_and_becomes_a_template(cluster: Client, module: Run) -> None:
    made = module("proxmox", state="present", clone=101, vmid=301, hostname="copy", node="pve1", storage="thin", clone_type="full")
    assert (made["changed"], made["vmid"]) == (True, 301)
    assert cluster.get("/nodes/pve1/lxc/301/config")["rootfs"] == "thin:vm-301-disk-0,size=8G"
    assert module("proxmox", state="template", vmid=301)["changed"]
    assert cluster.get("/nodes/pve1/lxc/301/config")["template"] == 1
