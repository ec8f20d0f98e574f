# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Proxmox VE cluster as a source of history: what it has, and the points of one entity in some timeframes."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import GUESTS, put_together
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.reading import PRIVILEGES, local_node, node_time
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.rights import check_privileges
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.cluster_metrics import KINDS, read_points
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.timeframes import TIMEFRAMES, Points, Question
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.cluster import storage_key
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.lxc import guest_key
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import is_host, is_name, show

# Up to this many seconds a point is one measurement, and the mean of it the same as the highest.
_ONE_MEASUREMENT = 60


class Source(t.NamedTuple):
    """One node, guest or storage: its entity key, where its metrics lie, and its capacities as of now, by metric (None = not known)."""

    key: str
    kind: str
    path: str
    capacities: Mapping[str, float | None]
    attributes: Mapping[str, t.Any]


class Told(t.NamedTuple):
    """What the API told of one entity: the points of each metric, a part for each timeframe, and how far each timeframe is known now."""

    parts: dict[str, list[Points]]
    known: dict[str, int]


class Cluster(t.NamedTuple):
    """A cluster and what has a history in it; problems: what cannot be asked."""

    name: str
    release: tuple[int, ...]
    time: int | None
    sources: list[Source]
    problems: list[str]


def read_sources(client: Client) -> Cluster:
    """Return what the cluster has: five calls.

    :raises Failure: when it cannot be read, or a privilege is missing.
    """
    check_privileges(client, PRIVILEGES)
    resources = client.get("/cluster/resources")
    status = client.get("/cluster/status")
    overview = put_together(resources, status)
    name, nodes = overview.cluster, overview.lists.nodes
    if not is_host(name):
        raise Failure(failures.REFUSED, f"The cluster is called {show(name)}", "Needed is a name without slashes or blanks", sent=False)
    problems: list[str] = []
    time = node_time(client, local_node(status), problems)
    sources: dict[str, Source] = {}
    for entry in sorted(resources, key=lambda entry: (KINDS.index(_kind(entry) or "node"), str(entry.get("id")))):
        kind = _kind(entry)
        source = None if kind is None else _SOURCES[kind](str(name), entry, nodes, problems)
        if source is not None:
            sources.setdefault(source.key, source)
    return Cluster(str(name), client.version, time, list(sources.values()), problems)


def ask(client: Client, source: Source, questions: Sequence[Question], *, peaks: bool) -> Told:
    """Ask the history of one entity; one call for each question.

    :param peaks: of guests, where a point stands for more than a minute, the highest minute in it and not the mean.
    :raises Failure: when it is not told, or makes no sense.
    """
    told = Told({}, {})
    for question in questions:
        step = TIMEFRAMES[question.asked].step
        function = "MAX" if peaks and source.kind == "guest" and step > _ONE_MEASUREMENT else "AVERAGE"
        try:
            rows = client.get(source.path, timeframe=question.asked, cf=function)
            points = read_points(source.kind, rows or [], step)
            newest = max((int(row["time"]) for row in rows or []), default=0)
        except Failure as failure:
            if "RRD error" not in failure.seen:
                raise
            # Nothing was measured of it yet.
            points, newest = {}, 0
        except (TypeError, ValueError, OverflowError) as error:
            raise Failure(failures.REFUSED, f"GET {source.path} gave no history: {error}", "Needed are rows of numbers") from None
        if newest:
            told.known[question.wanted] = max(newest, question.after)
        for metric, some in points.items():
            new = some.times > question.after
            told.parts.setdefault(metric, []).append(Points(some.step, some.times[new], some.values[new]))
    return told


def _kind(entry: Mapping[str, t.Any]) -> str | None:
    kind = str(entry.get("type"))
    return "guest" if kind in GUESTS else kind if kind in KINDS else None


def _node(cluster: str, entry: Mapping[str, t.Any], _nodes: Mapping[str, t.Any], problems: list[str]) -> Source | None:
    name = str(entry["node"])
    if not is_name(name):
        problems.append(f"The node {show(name)} has a name that is no part of an entity key; its history is left out.")
        return None
    capacities = {"cpu_cores": entry.get("maxcpu"), "memory_bytes": entry.get("maxmem")}
    return Source(f"node:{cluster}/{name}", "node", f"/nodes/{name}/rrddata", capacities, {"name": name, "status": entry.get("status")})


def _guest(cluster: str, entry: Mapping[str, t.Any], _nodes: Mapping[str, t.Any], _problems: list[str]) -> Source | None:
    key = guest_key(cluster, entry.get("id"))
    if key is None or entry.get("template"):
        return None
    told = {name: entry.get(name) for name in ("id", "name", "node", "status", "pool", "tags")}
    return Source(key, "guest", f"/nodes/{entry['node']}/{entry['id']}/rrddata", {}, told)


def _storage(cluster: str, entry: Mapping[str, t.Any], nodes: Mapping[str, t.Any], problems: list[str]) -> Source | None:
    name, node = str(entry["storage"]), str(entry["node"])
    key = storage_key(cluster, node, name, shared=bool(entry.get("shared")))
    if not (is_name(name) and is_name(node)):
        problems.append(f"The storage {show(name)} of {show(node)} has a name that is no part of an entity key; its history is left out.")
        return None
    online = nodes.get(node, {}).get("status") == "online"
    if not online or entry.get("status") != "available":
        # A shared one is asked at another node.
        if not entry.get("shared"):
            problems.append(f"{key} is left out this time: {'it is not available' if online else f'{node} is not online'}.")
        return None
    told = {"name": name, "node": None if entry.get("shared") else node, "shared": bool(entry.get("shared"))}
    return Source(key, "storage", f"/nodes/{node}/storage/{name}/rrddata", {}, told)


_SOURCES: dict[str, t.Callable[[str, Mapping[str, t.Any], Mapping[str, t.Any], list[str]], Source | None]] = {
    "node": _node,
    "guest": _guest,
    "storage": _storage,
}
