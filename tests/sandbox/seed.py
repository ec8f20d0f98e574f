"""A state file becomes the cluster. Its format is that of the recordings' state.json; what the sandbox adds are optional keys (docs/sandbox.md)."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .guest import Guest, texts
from .load import DAY, Load
from .model import GIB, HighAvailability, Node, Pool, Resource, Storage, Volume
from .units import parse_size

if TYPE_CHECKING:
    from .world import World

STARTED_BEFORE = 3600.0  # how long before the seeding its guests were started
_NODE_UPTIME = 86400.0
_DEFAULT_LINK = 1.25e9  # 10 Gbit/s


class Seed:
    """A state file."""

    def __init__(self, file: Path) -> None:
        self._folder = file.resolve().parent
        self._state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))

    def fill(self, world: World) -> None:
        """Put the whole cluster into the file's state."""
        state = copy.deepcopy(self._state)
        world.clear()
        now = world.now()
        world.seeded_at = now
        world.history = float(state.get("history_days", 30)) * DAY
        cluster = state.get("cluster", {})
        world.name, world.cluster_version = cluster.get("name", "sandbox"), int(cluster.get("version", len(state["nodes"])))
        world.version = state.get("version") or {"version": "9.2.11", "release": "9.2", "repoid": "14a22df35955d97d"}
        world.datacenter = texts(state.get("datacenter", {}))
        world.nodes = {entry["node"]: _node(entry, i, now) for i, entry in enumerate(state["nodes"])}
        world.storages = {entry["storage"]: _storage(entry) for entry in state.get("storages", [])}
        world.pools = {entry["poolid"]: _pool(entry) for entry in state.get("pools", [])}
        world.access.load(state, world.pools)
        for entry in state.get("guests", []):
            self._guest(world, entry, now)
        for entry in state.get("volumes_more", []):
            _volume_of(world, entry, now)
        _ha(world, state.get("ha", {}))

    def restore(self, world: World, vmid: int) -> None:
        """Put one guest into the file's state; one that the file does not know is removed.

        :raises LookupError: neither the file nor the cluster knows it
        """
        entry = next((copy.deepcopy(g) for g in self._state.get("guests", []) if g["vmid"] == vmid), None)
        if entry is None and vmid not in world.guests:
            raise LookupError(f"no guest {vmid} in the state file or the cluster")
        for task in world.tasks.all():
            if task.running and task.id == str(vmid):
                world.tasks.kill(task)
        old = world.guests.get(vmid)
        if old is not None:
            old.running = False
            world.note(old)
            world.remove_guest(old)
        world.volumes.drop_guest(vmid)
        world.broadcast.forget(vmid)
        if entry is not None:
            self._guest(world, entry, world.now())
            world.broadcast.refresh(force=True)
        self._belongings(world, vmid)

    def _belongings(self, world: World, vmid: int) -> None:
        """What knows the guest by its number knows it as the file does."""
        for pool in self._state.get("pools", []):
            if pool["poolid"] in world.pools:
                member = vmid in pool.get("members", {}).get("vms", [])
                (world.pools[pool["poolid"]].vms.add if member else world.pools[pool["poolid"]].vms.discard)(vmid)
        for sid in (f"ct:{vmid}", f"vm:{vmid}"):
            world.ha.resources.pop(sid, None)
        for resource in self._state.get("ha", {}).get("resources", []):
            if resource["sid"].endswith(f":{vmid}"):
                _resource(world, world.ha, resource)

    def _guest(self, world: World, entry: dict[str, Any], now: float) -> None:
        load = Load.of(entry.get("load", {}), int(entry["vmid"]), self._folder, self._state.get("load_series", {}))
        snapshots = {name: texts(section) for name, section in entry.get("snapshots", {}).items()}
        guest = Guest(entry["type"], int(entry["vmid"]), entry["node"], texts(entry["config"]), load, snapshots)
        guest.pending = texts(entry.get("pending", {}))
        host = world.nodes[guest.node].cpus
        guest.running = bool(entry.get("running"))
        if guest.running:
            guest.started_at, guest.pid = now - STARTED_BEFORE, next(world.pids)
            prefix = "vz" if guest.kind == "lxc" else "qm"
            world.tasks.record(guest.node, f"{prefix}start", str(guest.vmid), "root@pam", now - STARTED_BEFORE)
        guest.note(now - world.history, host)
        world.guests[guest.vmid] = guest
        world.usage.moved()
        world.usage.changed(guest)
        for config in (guest.config, *guest.snapshots.values()):
            _volumes(world, guest, config, now)


def _node(entry: dict[str, Any], index: int, now: float) -> Node:
    return Node(
        name=entry["node"],
        nodeid=int(entry.get("nodeid", index + 1)),
        ip=entry.get("ip", f"127.1.{index // 250}.{index % 250 + 1}"),
        cpus=int(entry.get("cpus", 8)),
        memory=int(entry.get("memory", 64 * GIB)),
        swap=int(entry.get("swap", 0)),
        rootfs=int(entry.get("rootfs", 100 * GIB)),
        cgroup_mode=int(entry.get("cgroup-mode", 2)),
        link=float(entry.get("link_bytes_per_second", _DEFAULT_LINK)),
        overhead_cpu=float(entry.get("overhead_cpu", 0.02)),
        overhead_memory=int(entry.get("overhead_memory", GIB)),
        arcsize=int(entry.get("arcsize", 0)),
        maintenance=bool(entry.get("maintenance")),
        connected=bool(entry.get("online", True)),
        alive=bool(entry.get("online", True)),
        api_up=bool(entry.get("online", True)),
        booted_at=now - _NODE_UPTIME,
        down_since=None if entry.get("online", True) else now,
    )


def _storage(entry: dict[str, Any]) -> Storage:
    nodes = entry.get("nodes", "all")
    known = {"storage", "type", "content", "shared", "nodes", "total", "used", "disable"}
    return Storage(
        id=entry["storage"],
        type=entry["type"],
        content=tuple(entry.get("content", "images,rootdir").split(",")),
        shared=bool(entry.get("shared", 0)),
        nodes=None if nodes == "all" else tuple(nodes if isinstance(nodes, list) else nodes.split(",")),
        total=int(entry.get("total", 100 * GIB)),
        used=int(entry.get("used", 0)),
        config=texts({key: value for key, value in entry.items() if key not in known}),
        disabled=bool(entry.get("disable", 0)),
    )


def _pool(entry: dict[str, Any]) -> Pool:
    members = entry.get("members", {})
    return Pool(entry["poolid"], entry.get("comment"), set(members.get("vms", [])), set(members.get("storage", [])))


def _volumes(world: World, guest: Guest, config: dict[str, str], now: float) -> None:
    content = "rootdir" if guest.kind == "lxc" else "images"
    for parts in Guest(guest.kind, guest.vmid, guest.node, config, guest.load).disks.values():
        storage, _unused, name = parts["volume"].partition(":")
        found = world.storages.get(storage)
        if found is None:
            raise ValueError(f"{guest.id}: its volume {parts['volume']} is on a storage that the state file does not have")
        node = None if found.shared else guest.node
        size = parse_size(parts.get("size", "0"))
        ending = name.rpartition(".")[2]
        form = ending if ending in ("raw", "qcow2", "vmdk") else "subvol" if name.startswith("subvol-") else "raw"
        if world.volume(parts["volume"], guest.node) is None:
            world.volumes.add(Volume(storage, name, node, guest.vmid, size, form, content, int(now - world.history), size // 4))


def _volume_of(world: World, entry: dict[str, Any], now: float) -> None:
    """A volume that is no guest's disk: a template, an ISO image."""
    storage, _unused, name = entry["volid"].partition(":")
    for node in [None] if world.storages[storage].shared else [entry["node"]] if "node" in entry else list(world.nodes):
        size = int(entry.get("size", 1 << 20))
        world.volumes.add(
            Volume(storage, name, node, int(entry.get("vmid", 0)), size, entry.get("format", "raw"), entry["content"], int(now), size)
        )


def _ha(world: World, state: dict[str, Any]) -> None:
    ha = HighAvailability()
    for entry in state.get("resources", []):
        _resource(world, ha, entry)
    ha.rules = {entry["rule"]: dict(entry) for entry in state.get("rules", [])}
    ha.active = bool(ha.resources) or "manager" in state or any(node.maintenance for node in world.nodes.values())
    for node in world.nodes.values():
        ha.node_states[node.name] = "maintenance" if node.maintenance else "online" if node.in_cluster else "unknown"
    world.ha = ha


def _resource(world: World, ha: HighAvailability, entry: dict[str, Any]) -> None:
    config = {key: value for key, value in entry.items() if key != "sid"}
    resource = Resource(entry["sid"], {"state": "started", **config})
    guest = world.guests[resource.vmid]
    resource.node = guest.node
    resource.state = "started" if guest.running else "stopped"
    ha.resources[resource.sid] = resource
