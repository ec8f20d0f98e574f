# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which containers a host has, and what their configurations allow them: plain LXC and Proxmox VE."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.cgroup_usage import cpu_list_length, quota_cores, smaller
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

DEFAULT_PATH = "/var/lib/lxc"
MIB = 1024 * 1024
UNITS = {"": 1, "K": 1024, "M": MIB, "G": 1024 * MIB, "T": 1024 * 1024 * MIB}


class Container(t.NamedTuple):
    """A container as configured; ``groups`` are the control groups it may live in, the likeliest first."""

    identifier: str
    name: str
    directory: str
    groups: list[str]
    cpu_cores_limit: float | None
    memory_limit: int | None
    swap_limit: int | None


def configured_path(files: TargetFiles) -> str:
    """Where the system's containers are, by LXC's own configuration."""
    options = [line.partition("=") for line in files.lines("/etc/lxc/lxc.conf")]
    return next((value.strip() for key, _equals, value in options if key.strip() == "lxc.lxcpath"), "") or DEFAULT_PATH


def plain_containers(files: TargetFiles, lxc_path: str) -> list[Container]:
    """Containers of LXC: each directory with a C(config) below ``lxc_path``."""
    containers = []
    for name in files.names(lxc_path):
        text = files.text(f"{lxc_path}/{name}/config")
        if text is not None:
            containers.append(_plain(name, f"{lxc_path}/{name}", _options(text, "=")))
    return containers


def _plain(name: str, directory: str, options: dict[str, str]) -> Container:
    quota = options.get("lxc.cgroup2.cpu.max")
    if quota is None and "lxc.cgroup.cpu.cfs_quota_us" in options:
        quota = f"{options['lxc.cgroup.cpu.cfs_quota_us']} {options.get('lxc.cgroup.cpu.cfs_period_us', '100000')}"
    cpus = cpu_list_length(options.get("lxc.cgroup2.cpuset.cpus") or options.get("lxc.cgroup.cpuset.cpus"))
    return Container(
        identifier=f"lxc/{name}",
        name=name,
        directory=directory,
        groups=_groups(name, options),
        cpu_cores_limit=smaller(quota_cores(quota), float(cpus) if cpus else None),
        memory_limit=size_bytes(options.get("lxc.cgroup2.memory.max") or options.get("lxc.cgroup.memory.limit_in_bytes")),
        swap_limit=size_bytes(options.get("lxc.cgroup2.memory.swap.max")),
    )


def _groups(name: str, options: dict[str, str]) -> list[str]:
    # LXC 4 and newer; 4.0 on cgroup v1; LXC 3 and older.
    groups = [f"lxc.payload.{name}", f"lxc.payload/{name}", f"lxc/{name}"]
    exact, parent = (options.get(key, "").strip("/") for key in ("lxc.cgroup.dir.container", "lxc.cgroup.dir"))
    if exact:
        return [exact, *groups]
    # One directory may be the parent of many containers: it is nobody's own group.
    return [f"{parent}/lxc.payload.{name}", f"{parent}/{name}", *groups] if parent else groups


def proxmox_containers(files: TargetFiles) -> list[Container]:
    """Containers that Proxmox VE has on this node."""
    directory = f"/etc/pve/nodes/{proxmox_node(files)}/lxc"
    containers = []
    for file_name in files.names(directory):
        number, _dot, suffix = file_name.partition(".")
        if number.isdecimal() and suffix == "conf":
            # Sections below the first one describe snapshots and pending changes.
            current = re.split(r"^\[", files.text(f"{directory}/{file_name}") or "", maxsplit=1, flags=re.MULTILINE)[0]
            containers.append(_proxmox(number, _options(current, ":")))
    return containers


def _proxmox(number: str, options: dict[str, str]) -> Container:
    limit, cores = (_number(options.get(key), 0.0) for key in ("cpulimit", "cores"))
    return Container(
        identifier=f"lxc/{number}",
        name=options.get("hostname", f"CT{number}"),
        directory=f"/var/lib/lxc/{number}",
        groups=[f"lxc/{number}"],
        cpu_cores_limit=smaller(limit or None, cores or None),
        memory_limit=int(_number(options.get("memory"), 512.0)) * MIB,
        swap_limit=int(_number(options.get("swap"), 512.0)) * MIB,
    )


def is_proxmox(files: TargetFiles) -> bool:
    """Whether this host is a node of Proxmox VE."""
    return files.exists("/usr/bin/pct") or files.is_directory("/etc/pve/nodes")


def proxmox_node(files: TargetFiles) -> str:
    """Name of this node: its host name without a domain."""
    return (files.text("/proc/sys/kernel/hostname") or "").strip().split(".")[0]


def proxmox_cluster(files: TargetFiles) -> str:
    """Name of the cluster as Proxmox calls it; of a node without one, the node's name."""
    found = re.search(r"^\s*cluster_name:\s*(\S+)", files.text("/etc/pve/corosync.conf") or "", re.MULTILINE)
    return found.group(1) if found else proxmox_node(files)


def running_containers(files: TargetFiles) -> set[str]:
    """Directories of containers that have a command socket, which LXC opens while one runs (an abstract socket, named by its directory)."""
    return set(re.findall(r"@(/\S+)/command$", files.text("/proc/net/unix") or "", re.MULTILINE))


def size_bytes(text: str | None) -> int | None:
    """A size as control groups take it (C(512M)); None for no limit."""
    found = re.match(r"(\d+)\s*([KMGT]?)$", (text or "").strip().upper())
    return int(found.group(1)) * UNITS[found.group(2)] if found else None


def _number(text: str | None, default: float) -> float:
    """A number of Proxmox VE's configuration; one that is damaged counts as one that is not there."""
    return float(text) if text and re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else default


def _options(text: str, separator: str) -> dict[str, str]:
    options = {}
    for line in text.splitlines():
        key, found, value = line.partition(separator)
        if found and not line.lstrip().startswith("#"):
            options[key.strip()] = value.strip()
    return options
