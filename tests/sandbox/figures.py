"""Figures of nodes, guests and storages as the API shows them: the same numbers in different clothes per method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .guest import LXC, MIB, Guest
from .units import parse_size

if TYPE_CHECKING:
    from .model import Node, Storage
    from .usage import Used
    from .world import World

Figures = dict[str, Any]

_SUPPORT = {"pbs-dirty-bitmap": True, "pbs-library-version": "2.0.0", "query-bitmap-info": True}
_MACHINE, _QEMU_VERSION = "pc-i440fx-10.1+pve0", "10.1.2"


def of_node(world: World, node: Node) -> Figures:
    """What lists of nodes show of one that is online."""
    used = world.usage.node(node, world.now())
    return {
        "cpu": used.cores / node.cpus,
        "maxcpu": node.cpus,
        "mem": used.memory,
        "maxmem": node.memory,
        "disk": rootfs_used(node),
        "maxdisk": node.rootfs,
        "uptime": int(world.now() - node.booted_at),
        "level": "",
    }


def rootfs_used(node: Node) -> int:
    """What is used of a node's root file system."""
    return node.rootfs // 10


def of_storage(world: World, storage: Storage, node: str) -> Figures:
    """Bytes of a storage on a node."""
    used = storage.used + world.volumes.used(storage.id, node)
    return {"total": storage.total, "used": min(used, storage.total), "avail": max(0, storage.total - used)}


def counters(world: World, guest: Guest) -> Figures:
    """Bytes in and out since its start."""
    seconds = world.now() - guest.started_at if guest.running else 0.0
    net, disk = int(guest.load.net * seconds), int(guest.load.disk * seconds)
    return {"netin": net, "netout": net // 2, "diskread": disk, "diskwrite": disk // 2}


def broadcast_guest(world: World, guest: Guest) -> Figures:
    """What the nodes tell each other about a guest."""
    used = world.usage.guest(guest)
    cpus = guest.cpus(world.nodes[guest.node].cpus)
    size = guest.maxdisk
    return {
        "name": guest.name,
        "status": "running" if guest.running else "stopped",
        "uptime": uptime(world, guest),
        "cpu": used.cores / cpus,
        "maxcpu": number(cpus),
        "mem": used.memory,
        "maxmem": guest.memory,
        "memhost": used.host_memory,
        "disk": used_disk(guest, size),
        "maxdisk": size,
        "template": int(guest.template),
        **counters(world, guest),
    }


def number(value: float) -> float | int:
    """Whole numbers without a fraction."""
    return int(value) if float(value).is_integer() else value


def _cpus(guest: Guest, cpus: float) -> float | int | str:
    """Containers that have only a limit show it as their configuration does: as a text."""
    limit = guest.config.get("cpulimit", "0")
    return limit if guest.kind == LXC and not int(guest.config.get("cores", "0")) and float(limit) else number(cpus)


def uptime(world: World, guest: Guest) -> int:
    return max(1, int(world.now() - guest.started_at)) if guest.running else 0


def used_disk(guest: Guest, size: int) -> int:
    """Used bytes of a running container's root; nobody knows those of a VM."""
    return int(size * 0.2) if guest.running and guest.kind == LXC else 0


def guest_list_entry(world: World, guest: Guest) -> Figures:
    """An entry of /nodes/X/lxc or /nodes/X/qemu."""
    used = world.usage.guest(guest)
    cpus = guest.cpus(world.nodes[guest.node].cpus)
    traffic = counters(world, guest)
    size = guest.maxdisk
    entry: Figures = {
        "vmid": guest.vmid,
        "name": guest.name,
        "status": "running" if guest.running else "stopped",
        "cpu": used.cores / cpus,
        "cpus": _cpus(guest, cpus),
        "mem": used.memory,
        "maxmem": guest.memory,
        "disk": used_disk(guest, size),
        "maxdisk": size,
        "netin": traffic["netin"],
        "netout": traffic["netout"],
        "uptime": uptime(world, guest),
    }
    for key in ("tags", "lock"):
        if key in guest.config:
            entry[key] = guest.config[key]
    if guest.template:
        entry["template"] = 1
    if guest.running:
        entry["pid"] = guest.pid
    if guest.kind == LXC:
        entry |= {
            "type": "lxc",
            "maxswap": guest.swap,
            "swap": used.swap,
            "diskread": traffic["diskread"],
            "diskwrite": traffic["diskwrite"],
        }
    else:
        entry["memhost"] = used.host_memory
        if any(key.startswith("serial") for key in guest.config):
            entry["serial"] = 1
        balloon = int(guest.config.get("balloon", "0"))
        if balloon:
            entry |= {"balloon_min": balloon * MIB, "shares": int(guest.config.get("shares", "1000"))}
    if guest.running:
        entry |= pressure(guest, used)
    return entry


def pressure(guest: Guest, used: Used) -> Figures:
    """Pressure values: texts with two digits of containers, numbers of VMs; ``full`` is half of ``some``."""
    values: Figures = {}
    for name, some in (("cpu", used.cpu_pressure), ("io", used.io_pressure), ("memory", used.memory_pressure)):
        for kind, value in (("some", some), ("full", some / 2)):
            values[f"pressure{name}{kind}"] = f"{value:.2f}" if guest.kind == LXC else number(round(value, 2))
    if guest.kind != LXC:
        values = {key: int(value) for key, value in values.items()}
    return values


def vm_details(world: World, guest: Guest) -> Figures:
    """What status/current and ``full=1`` add for VMs."""
    if not guest.running:
        return {"qmpstatus": "stopped"}
    used = world.usage.guest(guest)
    traffic = counters(world, guest)
    actual = balloon_size(world, guest)
    return {
        "qmpstatus": "paused" if guest.paused else "running",
        "balloon": actual,
        "ballooninfo": {
            "actual": actual,
            "max_mem": guest.memory,
            "total_mem": actual,
            "free_mem": max(0, actual - used.memory),
            "last_update": int(world.now()),
            "major_page_faults": 2000,
            "minor_page_faults": 900_000,
            "mem_swapped_in": 0,
            "mem_swapped_out": 0,
        },
        "freemem": max(0, actual - used.memory),
        "diskread": traffic["diskread"],
        "diskwrite": traffic["diskwrite"],
        "proxmox-support": _SUPPORT,
        "running-machine": _MACHINE,
        "running-qemu": _QEMU_VERSION,
    }


def balloon_size(world: World, guest: Guest) -> int:
    """What the balloon leaves: all, unless the node is above 80 %; never less than the minimum or what the guest uses."""
    least = int(guest.config.get("balloon", "0")) * MIB
    node = world.nodes[guest.node]
    if not least or world.usage.node(node, world.now()).memory < 0.8 * node.memory:
        return guest.memory
    return min(guest.memory, max(least, world.usage.guest(guest).memory))


def disk_sizes(guest: Guest) -> dict[str, int]:
    """Bytes of each of its disks."""
    return {option: parse_size(parts.get("size", "0")) for option, parts in guest.disks.items()}
