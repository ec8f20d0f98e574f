"""rrddata of nodes, guests and storages, and /cluster/metrics/export. Nothing is stored: loads are functions of the time, places and limits are remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import figures
from .api import Call, api
from .errors import Refused
from .guest import Guest
from .load import noise
from .model import Node, Storage
from .routes_guests import for_both
from .world import World

# Frame: number of points, seconds per point.
FRAMES = {"hour": (60, 60), "day": (1440, 60), "week": (336, 1800), "month": (1440, 1800), "year": (1440, 21600), "decade": (570, 604800)}
_SAMPLES = 3  # moments that a coarse point is the mean or the maximum of
_GAP = 0.985  # of the noise: above it a point is missing
_FOLDERS = {"guest": "pve-vm-9.0", "node": "pve-node-9.0", "storage": "pve-storage-9.0"}

Row = dict[str, float]


def points(call: Call, salt: int, row: Callable[[float], Row | None]) -> list[dict[str, Any]]:
    """The points of a frame; ``row`` gives the values of a moment, None where nothing was measured."""
    count, step = FRAMES[call.get("timeframe")]
    biggest = call.get("cf", "AVERAGE") == "MAX"
    end = int(call.now // step) * step
    found = []
    for time in range(end - (count - 1) * step, end + 1, step):
        missing = step == 60 and noise(salt, time // step) > _GAP
        rows = [] if missing else [one for moment in _moments(time, step) if moment <= call.now and (one := row(moment)) is not None]
        found.append({"time": time} | {key: _gather([one[key] for one in rows], biggest=biggest) for key in (rows[0] if rows else ())})
    if len(found[-1]) == 1:
        found.pop()
    return found


def _moments(time: int, step: int) -> Iterator[float]:
    if step <= 60:
        yield time
        return
    for i in range(_SAMPLES):
        yield time - step + (i + 1) * step / _SAMPLES


def _gather(values: list[float], *, biggest: bool) -> float:
    return max(values) if biggest else sum(values) / len(values)


def _error(kind: str, name: str) -> Refused:
    return Refused(f"RRD error: opening '/var/lib/rrdcached/db/{_FOLDERS[kind]}/{name}': No such file or directory")


def guest_row(world: World, guest: Guest, time: float) -> Row | None:
    """A guest's values at a moment."""
    event = guest.at(time)
    if event is None or not _measured(world.nodes[event.node], time):
        return None
    used = world.usage.guest(guest, time)
    running = float(event.running)
    swing = 1 + 0.3 * noise(guest.vmid, int(time // 60))
    row = {
        "cpu": used.cores / event.cpus if event.cpus else 0.0,
        "maxcpu": float(event.cpus),
        "mem": float(used.memory),
        "maxmem": float(event.memory),
        "memhost": float(used.host_memory),
        "disk": float(int(guest.maxdisk * 0.2)) if event.running and guest.kind == "lxc" else 0.0,
        "maxdisk": float(guest.maxdisk),
        "netin": guest.load.net * swing * running,
        "netout": guest.load.net / 2 * swing * running,
        "diskread": guest.load.disk * swing * running,
        "diskwrite": guest.load.disk / 2 * swing * running,
    }
    for name, some in (("cpu", used.cpu_pressure), ("io", used.io_pressure), ("memory", used.memory_pressure)):
        row |= {f"pressure{name}some": some, f"pressure{name}full": some / 2}
    return row


def _measured(node: Node, time: float) -> bool:
    """A node without power measures nothing."""
    return node.alive or node.down_since is None or time < node.down_since


def node_row(world: World, node: Node, time: float) -> Row | None:
    """A node's values at a moment."""
    if time < world.seeded_at - world.history or not _measured(node, time):
        return None
    used = world.usage.node(node, time)
    return {
        "cpu": used.cores / node.cpus,
        "iowait": 0.001 * (1 + noise(node.nodeid, int(time // 60))),
        "loadavg": used.cores,
        "maxcpu": float(node.cpus),
        "memtotal": float(node.memory),
        "memused": float(used.memory),
        "memavailable": float(node.memory - used.memory),
        "swaptotal": float(node.swap),
        "swapused": 0.0,
        "roottotal": float(node.rootfs),
        "rootused": float(figures.rootfs_used(node)),
        "netin": 50_000.0 * (1 + 0.2 * noise(node.nodeid, int(time // 60))),
        "netout": 40_000.0 * (1 + 0.2 * noise(node.nodeid, int(time // 60))),
        "arcsize": float(node.arcsize),
        "pressurecpusome": used.cpu_pressure,
        "pressureiosome": 0.0,
        "pressureiofull": 0.0,
        "pressurememorysome": used.memory_pressure,
        "pressurememoryfull": used.memory_pressure / 2,
    }


@api("GET", "/nodes/{node}/rrddata")
def node_rrddata(call: Call) -> Any:
    node = _node(call)
    if node is None:
        raise _error("node", call.get("node"))
    return points(call, node.nodeid, lambda time: node_row(call.world, node, time))


def _node(call: Call) -> Node | None:
    return call.node if call.get("node") == "localhost" else call.world.nodes.get(call.get("node"))


def _guest(call: Call) -> Guest:
    """The metrics lie under the guest's number on every node, whatever its kind, so only an unknown number has none."""
    guest = call.world.guests.get(call.vmid)
    if guest is None:
        raise _error("guest", call.get("vmid"))
    return guest


@for_both("GET", "/{vmid}/rrddata")
def guest_rrddata(call: Call, kind: str) -> Any:
    guest = _guest(call)
    return points(call, guest.vmid, lambda time: guest_row(call.world, guest, time))


@for_both("GET", "/{vmid}/rrd")
def guest_rrd(call: Call, kind: str) -> Any:
    guest = _guest(call)
    return {"filename": f"/var/lib/rrdcached/db/pve-vm-9.0/{guest.vmid}_{call.get('timeframe')}_{call.get('ds').replace(',', '_')}.png"}


def storage_row(world: World, storage: Storage, node: str, time: float) -> Row | None:
    """A storage's values at a moment; before the sandbox started it filled slowly."""
    if time < world.seeded_at - world.history or not _measured(world.nodes[node], time):
        return None
    amounts = figures.of_storage(world, storage, node)
    grown = 1.0 if time >= world.seeded_at else 1 - 0.3 * (world.seeded_at - time) / max(world.history, 1.0)
    return {"total": float(amounts["total"]), "used": amounts["used"] * grown}


@api("GET", "/nodes/{node}/storage/{storage}/rrddata")
def storage_rrddata(call: Call) -> Any:
    storage = call.world.storages.get(call.get("storage"))
    if storage is None or not storage.on(call.node.name):
        raise _error("storage", f"{call.node.name}/{call.get('storage')}")
    return points(call, call.node.nodeid + 1000, lambda time: storage_row(call.world, storage, call.node.name, time))


@api("GET", "/cluster/metrics/export")
def export(call: Call) -> Any:
    world = call.world
    wanted = call.get("node-list").split(",") if call.has("node-list") else list(world.nodes)
    if call.flag("local-only"):
        wanted = [call.node.name]
    # A history is what the nodes keep of the last half hour; without it only the last moment.
    first = max(call.number("start-time"), int(call.now) - 1800) if call.flag("history") else int(call.now)
    found = []
    for time in range(int(call.now) // 10 * 10 if not call.flag("history") else -(-first // 10) * 10, int(call.now) + 1, 10):
        for node in world.nodes.values():
            if node.name not in wanted or not node.in_cluster:
                continue
            found += _metrics(f"node/{node.name}", time, node_row(world, node, time))
            for guest in world.guests_on(node.name):
                found += _metrics(guest.id, time, guest_row(world, guest, time))
            for storage in world.storages.values():
                if storage.on(node.name):
                    found += _metrics(f"storage/{node.name}/{storage.id}", time, storage_row(world, storage, node.name, time))
    return {"data": found}


def _metrics(name: str, time: int, row: Row | None) -> list[dict[str, Any]]:
    derived = ("netin", "netout", "diskread", "diskwrite")
    return [
        {"id": name, "metric": key, "timestamp": time, "type": "derive" if key in derived else "gauge", "value": value}
        for key, value in (row or {}).items()
    ]
