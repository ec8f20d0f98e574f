# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(foresight_cluster) documents → the nodes, guests and storages of a cluster."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.cluster_parts import numbers, storages, summary
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.lxc import guest_key
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import (
    INVALID_NAME,
    MISSING,
    Attributes,
    Issue,
    ObservedEntity,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import (
    Part,
    Samples,
    is_host,
    show,
    tell_duplicate,
)

Measured = tuple[float | int | None, str | None]


def storage_key(cluster: str, node: str, name: str, *, shared: bool) -> str:
    """Return the entity key of a storage; a shared one belongs to no node."""
    return f"storage:{cluster}/{name}" if shared else f"storage:{cluster}/{node}/{name}"


def observe_cluster(
    host: str,
    document: t.Mapping[str, t.Any],
    *,
    at: int,
    recorded: dict[str, t.Any] | None,
    samples: Samples,
    issues: list[Issue],
) -> tuple[list[ObservedEntity], dict[str, set[str]], Attributes | None]:
    """Map one cluster document. Use is sampled from what the guests use now; a predicted demand is no observation.

    :param host: the inventory host through which the cluster was read.
    :param at: the controller's time of the read, UTC seconds.
    :returns: the entities, per kind the identities of everything the document lists, and what is of the whole cluster.
    """
    part = Part(document, f"host:{host}", issues)
    cluster = part.data.get("cluster", host)
    if not is_host(cluster):
        part.tell("cluster", INVALID_NAME, f"is {show(cluster)}; needed is a name without slashes or blanks")
        return [], {}, None
    reader = _Reader(host, str(cluster), at, recorded, samples, issues)
    basis = part.inner("demand").text("basis") or "current"
    used: dict[str, dict[str, float]] = {}
    for data in part.items("guests"):
        reader.guest(data, is_current=basis == "current", used=used)
    for data in part.items("nodes"):
        reader.node(data, used=used)
    return reader.entities, dict(reader.seen), summary(part, str(cluster), at)


class _Reader:
    def __init__(
        self,
        host: str,
        cluster: str,
        at: int,
        recorded: dict[str, t.Any] | None,
        samples: Samples,
        issues: list[Issue],
    ) -> None:
        self.entities: list[ObservedEntity] = []
        self.seen: dict[str, set[str]] = {"node": set(), "guest": set(), "storage": set()}
        self._host, self._cluster, self._at, self._recorded = host, cluster, at, recorded
        self._samples, self._issues = samples, issues

    def guest(self, data: t.Any, *, is_current: bool, used: dict[str, dict[str, float]]) -> None:
        part = Part(data, f"host:{self._host}", self._issues, "guests.")
        key = guest_key(self._cluster, part.data.get("id"))
        if key is None:
            part.tell("id", INVALID_NAME, f"is {show(part.data.get('id'))}; needed is a guest id such as lxc/101")
            return
        part = Part(data, key, self._issues)
        if not self._admit(part, "guest", key):
            return
        issues_before = len(self._issues)
        running = part.truth("running")
        cpu, memory = self._current_use(part, is_current=is_current)
        if running is not False:
            self._samples.add(key, "cpu_cores", cpu)
            self._samples.add(key, "memory_bytes", memory)
            node = used.setdefault(part.text("node") or "", {"cpu": 0.0, "memory": 0.0})
            node["cpu"] += _good(cpu)
            node["memory"] += _good(memory)
        cpu_max, memory_max = part.measured("cpu_max"), part.measured("memory_max")
        self._samples.add(key, "cpu_cores_limit", cpu_max)
        self._samples.add(key, "memory_limit_bytes", memory_max)
        attributes: Attributes = {
            "cluster": self._cluster,
            "id": part.data["id"],
            "name": part.text("name"),
            "node": part.text("node"),
            "moving": part.truth("moving"),
            "moving_to": part.text("moving_to"),
            "running": running,
            "cpu_cores_limit": None if cpu_max[1] else cpu_max[0],
            "memory_limit_bytes": None if memory_max[1] else memory_max[0],
            "tags": part.texts("tags"),
            "pool": part.text("pool"),
            "ha": part.truth("ha"),
            "movable": part.truth("movable"),
            "unmovable_because": part.texts("unmovable_because"),
            # The container's own node tells limits too, of its own; placement reckons with these.
            "now": {"cpu": None if cpu[1] else cpu[0], "memory": None if memory[1] else memory[0]},
            "most": {"cpu": None if cpu_max[1] else cpu_max[0], "memory": None if memory_max[1] else memory_max[0]},
            "more": numbers(part, "more"),
            "pinned_to": part.texts("pinned_to"),
            "priority": part.number("priority"),
            "last_moved_at": part.integer("last_moved_at"),
            "disks": [disk for data in part.items("disks") if (disk := self._disk(data, part)) is not None],
            "observed_at": self._at,
            "recorded": self._recorded,
        }
        # What was left out may have been a pin, a disk, or that it stays.
        attributes["doubtful"] = len(self._issues) > issues_before
        self.entities.append(ObservedEntity(key, key, "guest", self._host, attributes, self._at))

    def node(self, data: t.Any, *, used: dict[str, dict[str, float]]) -> None:
        part = Part(data, f"host:{self._host}", self._issues, "nodes.")
        name = part.name("name")
        if name is None:
            return
        key = f"node:{self._cluster}/{name}"
        part = Part(data, key, self._issues)
        if not self._admit(part, "node", key):
            return
        cpu, memory = part.number("cpu"), part.number("memory")
        for field, value in (("cpu", cpu), ("memory", memory)):
            if value is None and part.data.get(field) is None:
                part.tell(field, MISSING, "is missing; needed is the node's capacity")
        online = part.truth("online")
        overhead, guests = part.inner("overhead"), used.get(name, {"cpu": 0.0, "memory": 0.0})
        if online is not False:
            self._samples.add(key, "cpu_cores", _sum(overhead.measured("cpu"), guests["cpu"], cpu))
            self._samples.add(key, "memory_bytes", _sum(overhead.measured("memory"), guests["memory"], memory))
        attributes: Attributes = {
            "cluster": self._cluster,
            "name": name,
            "cores": cpu,
            "memory_total_bytes": memory,
            "online": online,
            "maintenance": part.truth("maintenance"),
            "tags": part.texts("tags"),
            "reserve": numbers(part, "reserve"),
            "overhead": numbers(part, "overhead"),
            "more": numbers(part, "more"),
            "storages": storages(part),
            "link_bytes_per_second": part.number("link_bytes_per_second"),
            "observed_at": self._at,
            "recorded": self._recorded,
        }
        self.entities.append(ObservedEntity(key, key, "node", self._host, attributes, self._at))
        for storage, told in attributes["storages"].items():
            self._storage(name, storage, told)

    def _storage(self, node: str, name: str, told: Attributes) -> None:
        shared = told.get("shared") is True
        key = storage_key(self._cluster, node, name, shared=shared)
        # One that is shared is told by every node that has it; the first one counts.
        if key in self.seen["storage"]:
            return
        self.seen["storage"].add(key)
        self._samples.add(key, "used_bytes", (told.get("used"), None))
        self._samples.add(key, "size_bytes", (told.get("bytes"), None))
        attributes: Attributes = {
            "cluster": self._cluster,
            "name": name,
            "node": None if shared else node,
            "shared": shared,
            "size_bytes": told.get("bytes"),
            "used_bytes": told.get("used"),
            "observed_at": self._at,
            "recorded": self._recorded,
        }
        self.entities.append(ObservedEntity(key, key, "storage", self._host, attributes, self._at))

    def _current_use(self, part: Part, *, is_current: bool) -> tuple[Measured, Measured]:
        if part.data.get("now") is not None:
            part = part.inner("now")
        elif not is_current:
            return (None, None), (None, None)
        return part.measured("cpu"), part.measured("memory")

    def _disk(self, data: t.Any, guest: Part) -> Attributes | None:
        disk = Part(data, guest.entity, self._issues, "disks.")
        storage, size = disk.text("storage"), disk.integer("bytes")
        return None if storage is None or size is None else {"storage": storage, "bytes": size}

    def _admit(self, part: Part, kind: str, key: str) -> bool:
        if key in self.seen[kind]:
            tell_duplicate(part, key)
            return False
        self.seen[kind].add(key)
        return True


def _good(measured: Measured) -> float:
    value, flag = measured
    return 0.0 if flag or value is None else float(value)


def _sum(overhead: Measured, guests: float, capacity: float | int | None) -> Measured:
    """Return what a node uses; more than it has twice over is no use but a misread number."""
    value, flag = overhead
    if flag:
        return value, flag
    total = guests + (value or 0.0)
    return total, "impossible" if capacity is not None and total > 2 * capacity else None
