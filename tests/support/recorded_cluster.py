"""A cluster in a store, recorded as proxmox_facts reads it, with two weeks of generated history of every kind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record

GIB = 2**30
NOW = 1_763_700_000
STEP = 900
STEPS = 14 * 96
# Cores and bytes that each uses now.
GUESTS = {
    "lxc/101": (1.0, 2 * GIB),
    "lxc/102": (0.5, GIB),
    "lxc/103": (0.5, GIB),
    "lxc/104": (0.5, GIB),
    "qemu/105": (0.0, 0),
    "qemu/106": (0.5, GIB),
    "qemu/107": (2.5, 3 * GIB),
    "qemu/108": (1.0, GIB),
}
_GAP = 5
_SMALL = {"qemu/108": (2.0, 2 * GIB)}


def document(at: int = NOW - 60) -> dict[str, Any]:
    """The cluster document of two nodes."""
    nodes = [
        {
            "name": name, "cpu": 32.0, "memory": 128 * GIB, "online": True, "maintenance": name == "pve2", "ha_state": "online",
            "reserve": {"cpu": 1.0, "memory": GIB}, "overhead": {"cpu": 0.25, "memory": 2 * GIB}, "arc_bytes": 0, "tags": [], "more": {"slots": 9},
            "storages": {"local-lvm": {"bytes": 500 * GIB, "used": 100 * GIB, "shared": False}}, "link_bytes_per_second": 1.25e9,
        }
        for name in ("pve1", "pve2")
    ]  # fmt: skip
    guests = [_guest(name) for name in GUESTS]
    rule = {"kind": "apart", "guests": ["lxc/101", "lxc/102"], "nodes": [], "strict": True, "weight": 1.0, "source": "tag", "name": "web"}
    return {
        "schema": "foresight.cluster/1", "observed_at": at, "machine_id": None, "boot_id": None, "api_skew": 0, "cluster": "prod",
        "host": "prod-api", "version": "9.2.11", "quorate": True, "balancers": ["crs ha-auto-rebalance"], "demand": {"basis": "current"},
        "nodes": nodes, "guests": guests, "rules": [rule], "problems": [],
    }  # fmt: skip


def _guest(name: str) -> dict[str, Any]:
    cpu, memory = GUESTS[name]
    cpu_max, memory_max = _SMALL.get(name, (8.0, 16 * GIB))
    return {
        "id": name, "name": name.replace("/", ""), "node": "pve1", "running": name != "qemu/105", "status": "running", "cpu": cpu, "memory": memory,
        "now": {"cpu": cpu, "memory": memory}, "cpu_max": cpu_max, "memory_max": memory_max, "disks": [{"storage": "local-lvm", "bytes": 8 * GIB}],
        "tags": [], "pool": None, "ha": False, "movable": name != "lxc/102", "unmovable_because": ["is locked (backup)"] if name == "lxc/102" else [],
    }  # fmt: skip


def recorded(path: Path, seen: dict[str, Any] | None = None) -> Path:
    """A store in which the document was recorded once."""
    record(store=str(path), now=NOW - 60, hosts=["prod-api"], lost=[], facts={"prod-api": {"foresight_cluster": seen or document()}})
    return path


def put_history(path: Path) -> None:
    """Write what each guest used before; a day's wave, except as its kind demands."""
    with open_store(str(path)) as notebook:
        entities = {entity.attributes["id"]: entity.id for entity in notebook.find_entities(kinds=["guest"])}
        for name, number in entities.items():
            for metric, unit in (("cpu_cores", "cores"), ("memory_bytes", "bytes")):
                series = notebook.put_series([(number, metric, unit, False)])[number, metric]
                times, values, flags = _history(name, metric)
                notebook.write_samples([series] * len(times), times, values, flags)


def _history(name: str, metric: str) -> tuple[list[int], list[float], list[int]]:
    cpu = metric == "cpu_cores"
    times = [NOW - 60 - STEP * step for step in range(1, STEPS + 1)]
    wave = [1.0 - math.cos(2 * math.pi * (time - NOW) / 86400) for time in times]
    values = [1.0 + one if cpu else (2.0 + one) * GIB for one in wave]
    if name == "qemu/108":
        values = [value * 5 for value in values]
    if name == "lxc/103":
        # What was recorded last is of no use.
        return [NOW - 60, *(time - 86400 for time in times)], [0.0, *values], [_GAP, *(0 for _time in times)]
    if name == "lxc/104":
        return [NOW - 60, *times], [0.0, *values], [_GAP] * (len(times) + 1)
    if name in ("qemu/105", "qemu/106"):
        return [], [], []
    known = 5 if name == "lxc/102" or (name == "qemu/107" and not cpu) else len(times)
    return times[:known], values[:known], [0] * known


def by_id(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The guests of a document by their ids."""
    return {guest["id"]: guest for guest in answer["guests"]}
