from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.lxc_containers import (
    is_proxmox,
    plain_containers,
    proxmox_cluster,
    proxmox_containers,
    running_containers,
    size_bytes,
)
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

MIB = 1024 * 1024


def test_recorded_containers(fixtures):
    containers = plain_containers(TargetFiles(str(fixtures / "lxc" / "cgroup2")), "/var/lib/lxc")
    by_name = {container.name: container for container in containers}
    assert set(by_name) == {"run1", "frozen1", "off1"}
    run = by_name["run1"]
    assert (run.identifier, run.directory, run.groups[0]) == ("lxc/run1", "/var/lib/lxc/run1", "lxc.payload.run1")
    assert (run.cpu_cores_limit, run.memory_limit, run.swap_limit) == (0.5, 128 * MIB, 64 * MIB)
    assert (by_name["off1"].cpu_cores_limit, by_name["off1"].memory_limit) == (None, None)


def test_limits_of_version_1_and_a_chosen_group(tree):
    text = """lxc.cgroup.dir.container = tenants/c1
lxc.cgroup.memory.limit_in_bytes = 1G
lxc.cgroup.cpu.cfs_quota_us = 150000
lxc.cgroup.cpuset.cpus = 0
# lxc.cgroup.memory.limit_in_bytes = 2G
"""
    container = plain_containers(tree({"/srv/lxc/c1/config": text, "/srv/lxc/readme": ""}), "/srv/lxc")[0]
    assert container.groups[0] == "tenants/c1"
    assert (container.cpu_cores_limit, container.memory_limit) == (1.0, 1024 * MIB)


def test_groups_below_a_directory_that_containers_share(tree):
    container = plain_containers(tree({"/srv/lxc/c1/config": "lxc.cgroup.dir = /tenants\n"}), "/srv/lxc")[0]
    assert container.groups[:2] == ["tenants/lxc.payload.c1", "tenants/c1"]
    assert "tenants" not in container.groups


PVE = {
    "/proc/sys/kernel/hostname": "pve1.example.net\n",
    "/etc/pve/nodes/pve1/lxc/101.conf": "arch: amd64\ncores: 4\ncpulimit: 1.5\nhostname: web\nmemory: 2048\nswap: 256\n[before]\nmemory: 512\n",
    "/etc/pve/nodes/pve1/lxc/102.conf": "arch: amd64\ncores: 2\n",
    "/etc/pve/nodes/pve2/lxc/103.conf": "arch: amd64\n",
    "/etc/pve/nodes/pve1/lxc/notes.txt": "",
}


def test_containers_of_a_proxmox_node(tree):
    web, nameless = proxmox_containers(tree(PVE))
    assert (web.identifier, web.name, web.directory, web.groups) == ("lxc/101", "web", "/var/lib/lxc/101", ["lxc/101"])
    assert (web.cpu_cores_limit, web.memory_limit, web.swap_limit) == (1.5, 2048 * MIB, 256 * MIB)
    assert (nameless.name, nameless.cpu_cores_limit, nameless.memory_limit) == ("CT102", 2.0, 512 * MIB)


@pytest.mark.parametrize("damaged", ["", "many", "1,5", "nan"])
def test_a_damaged_number_of_one_container_costs_no_other_its_facts(tree, damaged):
    text = "".join(f"{key}: {damaged}\n" for key in ("cpulimit", "cores", "memory", "swap"))
    odd, _other = proxmox_containers(tree({**PVE, "/etc/pve/nodes/pve1/lxc/101.conf": text}))
    assert (odd.cpu_cores_limit, odd.memory_limit, odd.swap_limit) == (None, 512 * MIB, 512 * MIB)


def test_cluster_of_a_proxmox_node(tree):
    files = tree(PVE)
    assert is_proxmox(files)
    assert proxmox_cluster(files) == "pve1"
    assert proxmox_cluster(tree({"/etc/pve/corosync.conf": "totem {\n  cluster_name: prod\n  version: 2\n}\n"})) == "prod"


def test_plain_host_is_no_proxmox(tree):
    assert not is_proxmox(tree({"/etc/lxc/lxc.conf": ""}))


def test_command_sockets(tree):
    text = """Num       RefCount Protocol Flags    Type St Inode Path
000000001e2de0d3: 00000002 00000000 00010000 0001 01 14864 @lxc/ad055575fe28ddd5//var/lib/lxc
000000008d588317: 00000002 00000000 00010000 0001 01 23297 @/var/lib/lxc/c1/command
00000000aaaaaaaa: 00000003 00000000 00000000 0001 03 23299 /run/dbus/system_bus_socket
"""
    assert running_containers(tree({"/proc/net/unix": text})) == {"/var/lib/lxc/c1"}


@pytest.mark.parametrize(
    ("text", "size"), [("512M", 512 * MIB), ("1g", 1024 * MIB), ("4096", 4096), ("max", None), (None, None), ("-1", None)]
)
def test_sizes(text, size):
    assert size_bytes(text) == size
