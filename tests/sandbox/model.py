"""The cluster's things besides guests: nodes, storages, volumes, pools, HA resources and rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

GIB = 1 << 30


@dataclass
class Node:
    """A node. ``api_up`` its API accepts connections, ``connected`` it takes part in the cluster, ``alive`` it has power."""

    name: str
    nodeid: int
    ip: str
    cpus: int
    memory: int
    swap: int
    rootfs: int
    cgroup_mode: int
    link: float  # bytes per second of its migration network
    overhead_cpu: float
    overhead_memory: int
    arcsize: int
    maintenance: bool = False
    api_up: bool = True
    connected: bool = True
    alive: bool = True
    booted_at: float = 0.0
    down_since: float | None = None
    config: dict[str, str] = field(default_factory=dict)

    @property
    def in_cluster(self) -> bool:
        return self.connected and self.alive


@dataclass
class Storage:
    """A storage of the cluster; a shared one is the same on every node."""

    id: str
    type: str
    content: tuple[str, ...]
    shared: bool
    nodes: tuple[str, ...] | None  # None = all
    total: int
    used: int
    config: dict[str, str]
    disabled: bool = False

    def on(self, node: str) -> bool:
        return self.nodes is None or node in self.nodes

    @property
    def snapshots(self) -> bool:
        """Whether its images can have snapshots as they are made by default."""
        return self.type in ("lvmthin", "zfspool", "rbd", "btrfs", "cephfs")

    @property
    def linked_clones(self) -> bool:
        return self.snapshots

    @property
    def files(self) -> bool:
        """Whether its volumes are files in a directory per guest."""
        return self.type in ("dir", "nfs", "cifs", "btrfs", "cephfs")


@dataclass
class Volume:
    """A volume; ``node`` is where it lies, None on a shared storage."""

    storage: str
    name: str
    node: str | None
    vmid: int
    size: int
    format: str
    content: str
    ctime: int
    used: int
    parent: str | None = None

    @property
    def id(self) -> str:
        return f"{self.storage}:{self.name}"


@dataclass
class Pool:
    """A pool of guests and storages."""

    id: str
    comment: str | None = None
    vms: set[int] = field(default_factory=set)
    storages: set[str] = field(default_factory=set)


@dataclass
class Resource:
    """A guest in the hands of the HA manager. ``config`` is what was asked for, the rest the manager's state."""

    sid: str
    config: dict[str, Any]
    state: str = "queued"
    node: str = ""
    target: str | None = None
    home: str | None = None  # where it was before a maintenance
    task: str | None = None
    failures: int = 0

    @property
    def vmid(self) -> int:
        return int(self.sid.partition(":")[2])

    @property
    def shown(self) -> str | None:
        """The manager's state; None where it has not seen the resource yet, or ignores it."""
        return None if self.state == "queued" or self.requested == "ignored" else self.state

    @property
    def requested(self) -> str:
        state: str = self.config.get("state", "started")
        return "started" if state == "enabled" else state


@dataclass
class HighAvailability:
    """Resources, rules, and what the manager is told to do next."""

    resources: dict[str, Resource] = field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    commands: list[tuple[str, str, str]] = field(default_factory=list)  # (migrate or relocate, sid, node)
    node_states: dict[str, str] = field(default_factory=dict)
    active: bool = False
    armed: bool = True
    mode: str = ""

    def managed(self, sid: str) -> Resource | None:
        """The resource, unless the manager is told to ignore it."""
        resource = self.resources.get(sid)
        return resource if resource is not None and resource.requested != "ignored" else None
