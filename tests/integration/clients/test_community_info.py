"""What community.proxmox reads: its information modules and its inventory."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.playbooks import ANSIBLE_PLAYBOOK
from support.sandbox_client import Client

Run = Callable[..., dict[str, Any]]


def test_nodes(cluster: Client, module: Run) -> None:
    cluster.sandbox.set_clock(0)
    found = {node["node"]: node for node in module("proxmox_node_info")["proxmox_nodes"]}
    told = {node["node"]: node for node in cluster.get("/nodes")}
    assert {name: {key: node[key] for key in told[name]} for name, node in found.items()} == told


@pytest.mark.parametrize(("kind", "count"), [("lxc", 10), ("qemu", 5), ("all", 15)])
def test_guests(cluster: Client, module: Run, kind: str, count: int) -> None:
    cluster.sandbox.set_clock(0)
    found = module("proxmox_vm_info", type=kind, config="current")["proxmox_vms"]
    assert len(found) == count
    for guest in found:
        path = f"/nodes/{guest['node']}/{guest['type']}/{guest['vmid']}"
        assert guest["config"] == cluster.get(f"{path}/config", current=1)
        assert guest["status"] == cluster.get(f"{path}/status/current")["status"]


def test_pending_values_of_one_guest(cluster: Client, module: Run) -> None:
    cluster.put("/nodes/pve2/qemu/202/config", cores=2)
    found = {config: module("proxmox_vm_info", name="vm2", config=config)["proxmox_vms"] for config in ("current", "pending")}
    assert {config: [guest["config"]["cores"] for guest in guests] for config, guests in found.items()} == {"current": [1], "pending": [2]}


def inventory(folder: Path, environment: dict[str, str], **options: Any) -> dict[str, Any]:
    """What ansible-inventory makes of the cluster."""
    source = folder / "cluster.proxmox.yml"
    source.write_text(yaml.safe_dump({"plugin": "community.proxmox.proxmox", "strict": True, **options}))
    command = [str(ANSIBLE_PLAYBOOK.with_name("ansible-inventory")), "-i", str(source), "--list"]
    strict = {**environment, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
    done = subprocess.run(command, cwd=folder, env=strict, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout, object_hook=lambda value: value.get("__ansible_unsafe", value))
    return found


def test_inventory(environment: dict[str, str], tmp_path: Path) -> None:
    found = inventory(
        tmp_path,
        environment,
        want_facts=True,
        qemu_extended_statuses=True,
        want_proxmox_nodes_ansible_host=False,
        groups={"web": "'web' in (proxmox_tags_parsed|default([]))"},
        compose={"cores": "proxmox_cores|default(0)"},
        filters=["proxmox_vmid is not defined or proxmox_vmid != 110"],
    )
    assert sorted(found["proxmox_nodes"]["hosts"]) == ["pve1", "pve2", "pve3"]
    assert sorted(found["proxmox_pool_lab"]["hosts"]) == ["app1", "vm2"]
    assert sorted(found["web"]["hosts"]) == ["db1", "web1", "web2"]
    assert sorted(found["proxmox_all_running"]["hosts"]) == ["app1", "app2", "ha1", "live1", "vm2", "vm4"]
    assert sorted(found["proxmox_pve2_qemu"]["hosts"]) == ["vm2"]
    assert "mig1" not in found["_meta"]["hostvars"]
    variables = found["_meta"]["hostvars"]
    assert (variables["app1"]["proxmox_node"], variables["app1"]["proxmox_vmid"], variables["app1"]["cores"]) == ("pve1", 104, 2)
    assert (variables["vm2"]["proxmox_status"], variables["vm2"]["proxmox_qmpstatus"]) == ("running", "running")
    assert (variables["arch1"]["proxmox_snapshots"], variables["arch1"]["proxmox_description"]) == (["s1"], "archive\n")


def test_inventory_with_a_password_and_addresses_of_nodes(cluster: Client, environment: dict[str, str], tmp_path: Path) -> None:
    without = {name: value for name, value in environment.items() if "TOKEN" not in name}
    with_password = {**without, "PROXMOX_USER": "ops@pve", "PROXMOX_PASSWORD": "secret12"}
    found = inventory(tmp_path, with_password, want_proxmox_nodes_ansible_host=True)
    addresses = {node["name"]: node["ip"] for node in cluster.get("/cluster/status") if node["type"] == "node"}
    assert {name: found["_meta"]["hostvars"][name]["ansible_host"] for name in addresses} == addresses
    assert found["_meta"]["hostvars"]["vm2"]["proxmox_vmid"] == 202
    assert "proxmox_cores" not in found["_meta"]["hostvars"]["vm2"]  # without want_facts
