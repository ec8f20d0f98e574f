# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document C(foresight_lxc): containers of plain LXC and of Proxmox VE, by one way of reading."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.cgroup_usage import is_frozen, read_usage
from ansible_collections.foresight.capacity.plugins.module_utils.cgroups import Cgroups
from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands, MissingTool
from ansible_collections.foresight.capacity.plugins.module_utils.disk_usage import Usage, measure
from ansible_collections.foresight.capacity.plugins.module_utils.identity import document_header
from ansible_collections.foresight.capacity.plugins.module_utils.lxc_containers import (
    Container,
    configured_path,
    is_proxmox,
    plain_containers,
    proxmox_cluster,
    proxmox_containers,
    running_containers,
)
from ansible_collections.foresight.capacity.plugins.module_utils.mounts import read_mounts
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles, printable
from ansible_collections.foresight.capacity.plugins.module_utils.traffic import read_interfaces

SCHEMA = "foresight.lxc/1"


class Unavailable(Exception):
    """Containers cannot be listed; ``reason`` is the code for C(available: false)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Running(t.NamedTuple):
    """Where a running container lives."""

    state: str
    group: str | None
    init: int | None


def read_lxc(
    commands: Commands,
    now: int,
    statvfs: t.Callable[[str], t.Any] = os.statvfs,
    *,
    files: TargetFiles | None = None,
    root: bool | None = None,
) -> dict[str, t.Any]:
    """The C(foresight_lxc) document of this host at ``now`` (UTC seconds of its own clock); enters no container, changes nothing.

    ``root`` tells whether we are root (default: asks the kernel). LXC that is missing or closed to us makes C(available: false) with a reason, never an error.
    """
    files = files or TargetFiles()
    cgroups = Cgroups(files)
    document = document_header(SCHEMA, files, now)
    document.update(available=False, reason=None, message=None, cluster=None, cgroup_version=cgroups.version, containers=[])
    try:
        containers, cluster = _list(commands, files, os.geteuid() == 0 if root is None else root)
    except Unavailable as error:
        document.update(reason=error.reason, message=error.message)
        return document
    open_sockets = running_containers(files)
    found = [_find(container, container.directory in open_sockets, cgroups, commands) for container in containers]
    roots = [f"/proc/{where.init}/root" for where in found if where.init is not None]
    measured = measure(roots, statvfs)
    document.update(
        available=True,
        cluster=cluster,
        containers=[
            _entry(container, where, cgroups, measured.get(f"/proc/{where.init}/root"))
            for container, where in zip(containers, found)  # noqa: B905 (Python 3.8)
        ],
    )
    return document


def _list(commands: Commands, files: TargetFiles, root: bool) -> tuple[list[Container], str | None]:
    """All containers, and the cluster whose API changes them (None: plain LXC)."""
    if is_proxmox(files):
        if files.is_closed("/etc/pve"):
            raise Unavailable("needs_root", "/etc/pve is closed to this user: use become")
        if not files.names("/etc/pve/nodes"):
            raise Unavailable("failed", "/etc/pve is not mounted: is the service pve-cluster running?")
        return proxmox_containers(files), proxmox_cluster(files)
    path = _lxc_path(commands, files, root)
    if commands.find("lxc-config") is None and not files.is_directory(path):
        raise Unavailable("not_installed", str(MissingTool("lxc-config")))
    containers = plain_containers(files, path)
    closed = [name for name in files.names(path) if files.is_closed(f"{path}/{name}")]
    if files.is_closed(path) or (closed and not containers):
        raise Unavailable("needs_root", f"{path} or the containers in it are closed to this user: use become")
    return containers, None


def _lxc_path(commands: Commands, files: TargetFiles, root: bool) -> str:
    """Where the system's containers are; anybody but root would be told the place of their own ones."""
    if root and commands.find("lxc-config") is not None:
        told = commands.run(["lxc-config", "lxc.lxcpath"], check=False).out.strip()
        if told:
            return told
    return configured_path(files)


def _find(container: Container, has_socket: bool, cgroups: Cgroups, commands: Commands) -> Running:
    """Whether and where a container runs: by its control group, and by C(lxc-info) only where this is not where we expect it."""
    for group in container.groups:
        if cgroups.exists(group):
            init = cgroups.find_init(group)
            if init is not None:
                return Running("frozen" if is_frozen(cgroups, group) else "running", group, init)
    if not has_socket or commands.find("lxc-info") is None:
        return Running("running" if has_socket else "stopped", None, None)
    directory, name = os.path.split(container.directory)
    answer = commands.run(["lxc-info", "-P", directory, "-n", name, "-s", "-p"], check=False).out
    values = {key.strip(): value.strip() for key, _colon, value in (line.partition(":") for line in answer.splitlines())}
    init = int(values["PID"]) if values.get("PID", "").isdecimal() else None
    group_of_init = cgroups.group_of(init) if init is not None else None
    return Running(values.get("State", "running").lower(), group_of_init, init)


def _entry(container: Container, where: Running, cgroups: Cgroups, usage: t.Any) -> dict[str, t.Any]:
    entry: dict[str, t.Any] = {
        "id": printable(container.identifier),
        "name": printable(container.name),
        "state": where.state,
        "cpu_cores_limit": container.cpu_cores_limit,
        "cpu_seconds": None,
        "memory_bytes": None,
        "memory_limit": container.memory_limit,
        "swap": {"total": container.swap_limit, "used": None},
        "filesystem": None,
        "io": None,
        "net": None,
        "pids": None,
        "pids_limit": None,
        "pressure": None,
        "oom_kills": None,
    }
    if where.group is not None:
        entry.update(read_usage(cgroups, where.group))
    if where.init is not None:
        entry["net"] = _net(cgroups.files, where.init)
        if isinstance(usage, Usage):
            shared = _is_shared(cgroups.files, where.init)
            entry["filesystem"] = {"total": usage.size, "used": usage.used, "free": usage.avail, "shared": shared}
    return entry


def _net(files: TargetFiles, init: int) -> dict[str, int] | None:
    interfaces = read_interfaces(files, f"/proc/{init}/net/dev")
    if not interfaces:
        return None
    wired = [counters for name, counters in interfaces.items() if name != "lo"]
    return {"rx_bytes": sum(entry["rx_bytes"] for entry in wired), "tx_bytes": sum(entry["tx_bytes"] for entry in wired)}


def _is_shared(files: TargetFiles, init: int) -> bool | None:
    """Whether others write to the file system of a container's root too: it is a directory, subvolume or overlay of a larger one."""
    for mount in read_mounts(files, f"/proc/{init}/mountinfo"):
        if mount.mountpoint == "/":
            return mount.directory != "/" or mount.fstype == "overlay"
    return None
