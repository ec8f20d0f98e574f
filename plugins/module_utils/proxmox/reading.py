# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a whole cluster with few calls: a handful for the cluster, at most four per node, none per guest."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Entry, sort_resources
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.rights import check_privileges

CALLS_PER_NODE = 4
IMAGES = ("images", "rootdir")
# Where each privilege is needed; what lists leave out for want of one is not told by the API.
PRIVILEGES = (("/", "Sys.Audit"), ("/nodes", "Sys.Audit"), ("/vms", "VM.Audit"), ("/storage", "Datastore.Audit"), ("/pool", "Pool.Audit"))
# The content of storages shows disks of guests to those who may change them, and to nobody else.
SEES_DISKS = ("/vms", "VM.Config.Disk")
T = t.TypeVar("T")
Place = t.Tuple[str, str]


class Answers(t.NamedTuple):
    """What the API told. ``contents``: volumes by (node, storage), for shared storages of one node for all; ``unread``: places nobody told."""

    version: str
    status: t.List[Entry]
    resources: t.List[Entry]
    options: Entry
    pools: t.List[Entry]
    rules: t.List[Entry]
    groups: t.List[Entry]
    group_members: t.List[Entry]
    api_time: t.Optional[int]
    api_time_at: float
    arc: t.Dict[str, int]
    contents: t.Dict[Place, t.List[Entry]]
    unread: t.Dict[Place, str]
    problems: t.List[str]


def read_cluster(client: Client, *, nodes: t.Sequence[str], parallel: int, clock: t.Callable[[], float]) -> Answers:
    """Read everything that a cluster document is made of.

    :param nodes: the nodes to read, none = all.
    :raises Failure: when something of the whole cluster cannot be read, or a privilege is missing. A node that cannot be read is a problem,
        told among the answers.
    """
    # The first call finds a host that answers, once and not in every thread.
    version = client.version
    hidden = check_privileges(client, PRIVILEGES, [SEES_DISKS])
    with _Runner(parallel) as run:
        whole = {
            "resources": run(client.get, "/cluster/resources"),
            "status": run(client.get, "/cluster/status"),
            "options": run(client.get, "/cluster/options"),
            "pools": run(client.get, "/pools"),
        }
        if client.has_ha_rules:
            whole["rules"] = run(client.get, "/cluster/ha/rules")
        else:
            whole["groups"] = run(client.get, "/cluster/ha/groups")
            whole["group_members"] = run(client.get, "/cluster/ha/resources")
        found: t.Dict[str, t.Any] = {name: ask() for name, ask in whole.items()}
        wanted = _wanted(found["resources"], nodes)
        problems: t.List[str] = []
        local = local_node(found["status"])
        api_time = node_time(client, local, problems)
        asked_at = clock()
        arcs = {name: run(arc_bytes, client, name) for name in wanted if client.has_arc_size}
        places = {} if hidden else _places(found["resources"], wanted, local)
        volumes = {place: run(_volumes, client, *place, content) for place, content in places.items()}
        arc: t.Dict[str, int] = {}
        for name, ask_arc in arcs.items():
            arc[name] = _told(ask_arc, f"The ZFS cache of {name} counts as used", problems) or 0
        contents: t.Dict[Place, t.List[Entry]] = {}
        unread = _beyond(found["resources"], wanted, places, "hidden" if hidden else f"more than {CALLS_PER_NODE - 1} storages")
        if hidden:
            problems.append(
                f"Disks of guests are not known: {client.access.who} lacks {SEES_DISKS[1]} on {SEES_DISKS[0]}, and Proxmox VE shows them to nobody else. "
                "Guests on nodes with a storage that not all nodes share are therefore not movable."
            )
        for place, ask in volumes.items():
            entries = _told(ask, f"Disks on {place[1]} of {place[0]} are not known", problems)
            if entries is None:
                unread[place] = "not read"
            else:
                contents[place] = entries
    return Answers(
        version=".".join(str(part) for part in version),
        status=found["status"],
        resources=found["resources"],
        options=found["options"],
        pools=found["pools"],
        rules=found.get("rules", []),
        groups=found.get("groups", []),
        group_members=found.get("group_members", []),
        api_time=api_time,
        api_time_at=asked_at,
        arc=arc,
        contents=contents,
        unread=unread,
        problems=problems,
    )


class _Runner:
    """Start calls in threads; each gives a function that waits for the answer. After a failure, those that have not begun never do."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads)
        self._started: t.List[t.Any] = []

    def __enter__(self) -> _Runner:
        return self

    def __exit__(self, kind: t.Any, error: t.Any, trace: t.Any) -> None:
        for future in self._started if kind else ():
            future.cancel()
        self._pool.shutdown()

    def __call__(self, function: t.Callable[..., T], *arguments: t.Any) -> t.Callable[[], T]:
        future = self._pool.submit(function, *arguments)
        self._started.append(future)
        return future.result


def _wanted(resources: t.Sequence[Entry], nodes: t.Sequence[str]) -> t.List[str]:
    """The nodes to ask, those that are online.

    :raises Failure: for a name that the cluster does not have.
    """
    known = sort_resources(resources).nodes
    unknown = sorted(set(nodes) - set(known))
    if unknown:
        raise Failure(
            failures.PARAMETERS,
            f"The cluster has no node {', '.join(unknown)}; it has {', '.join(sorted(known)[:20])}",
            "Needed are names of its nodes, or none for all (O(nodes))",
        )
    online = [name for name in sorted(known) if (not nodes or name in nodes) and known[name].get("status") == "online"]
    for name in online:
        if known[name].get("maxcpu") is None:
            raise Failure(
                failures.FORBIDDEN,
                f"The API tells no size of node {name}",
                f"Needed is Sys.Audit on /nodes/{name} (the role in docs/proxmox.md)",
                privilege="Sys.Audit",
                path=f"/nodes/{name}",
            )
    return online


def local_node(status: t.Sequence[Entry]) -> t.Optional[str]:
    """The node that answered."""
    return next((str(entry["name"]) for entry in status if entry.get("type") == "node" and entry.get("local")), None)


def node_time(client: Client, local: t.Optional[str], problems: t.List[str]) -> t.Optional[int]:
    """The clock of the node that was asked."""
    if local is None:
        return None
    try:
        return int(client.get(f"/nodes/{local}/time")["time"])
    except Failure as failure:
        problems.append(f"The API's clock is not known: {failure}")
        return None


def arc_bytes(client: Client, node: str) -> int:
    """Bytes of the ZFS cache in the newest point that tells."""
    points = client.get(f"/nodes/{node}/rrddata", timeframe="hour", cf="AVERAGE")
    return next((int(point["arcsize"]) for point in reversed(points) if point.get("arcsize") is not None), 0)


def _image_storages(resources: t.Sequence[Entry], wanted: t.Sequence[str]) -> t.List[Entry]:
    """Storages of these nodes that can hold disks of guests."""
    names = set(wanted)
    return [
        entry
        for entry in resources
        if entry.get("type") == "storage" and entry.get("node") in names and set(str(entry.get("content", "")).split(",")) & set(IMAGES)
    ]


def _places(resources: t.Sequence[Entry], wanted: t.Sequence[str], local: t.Optional[str]) -> t.Dict[Place, t.Optional[str]]:
    """Where to list volumes, and of which kind (None = all): of each node the storages of its own that hold most, each shared storage once.

    :param local: the node whose clock is asked for as well.
    """
    found: t.Dict[Place, t.Optional[str]] = {}
    # One call of each node is for its ZFS cache.
    left = {name: CALLS_PER_NODE - 1 - (name == local) for name in wanted}
    usable = [entry for entry in _image_storages(resources, wanted) if entry.get("status") == "available"]
    shared: t.Dict[str, t.List[Entry]] = {}
    for entry in sorted(usable, key=lambda entry: (-int(entry.get("disk") or 0), str(entry["id"]))):
        if entry.get("shared"):
            shared.setdefault(str(entry["storage"]), []).append(entry)
        elif left[str(entry["node"])] > 0:
            left[str(entry["node"])] -= 1
            found[str(entry["node"]), str(entry["storage"])] = _only_kind(str(entry["content"]).split(","))
    for storage, entries in sorted(shared.items()):
        entry = max(entries, key=lambda entry: left[str(entry["node"])])
        if left[str(entry["node"])] > 0:
            left[str(entry["node"])] -= 1
            found[str(entry["node"]), storage] = _only_kind(str(entry["content"]).split(","))
    return found


def _only_kind(contents: t.Sequence[str]) -> t.Optional[str]:
    """The one kind of disk to ask for where the storage has one; more are asked for together with all the rest."""
    kinds = [kind for kind in IMAGES if kind in contents]
    return kinds[0] if len(kinds) == 1 else None


def _volumes(client: Client, node: str, storage: str, content: t.Optional[str]) -> t.List[Entry]:
    entries = client.get(f"/nodes/{node}/storage/{storage}/content", content=content)
    return [entry for entry in entries if entry.get("content") in IMAGES and entry.get("vmid")]


def _beyond(resources: t.Sequence[Entry], wanted: t.Sequence[str], places: t.Mapping[Place, t.Any], otherwise: str) -> t.Dict[Place, str]:
    """Places that are not asked: the storage is off, or why else they were left out."""
    shared = {storage for entry in _image_storages(resources, wanted) if entry.get("shared") for storage in [str(entry["storage"])]}
    asked = {storage for _node, storage in places}
    found = {}
    for entry in _image_storages(resources, wanted):
        storage, node = str(entry["storage"]), str(entry["node"])
        if (node, storage) in places or (storage in shared and storage in asked):
            continue
        found[node, storage] = "storage is not available" if entry.get("status") != "available" else otherwise
    return found


def _told(ask: t.Callable[[], T], otherwise: str, problems: t.List[str]) -> t.Optional[T]:
    """The answer; None and a problem where one node gave none. A missing privilege, or an API that takes no connection, concerns all."""
    try:
        return ask()
    except Failure as failure:
        if failure.kind in (failures.FORBIDDEN, failures.UNAUTHENTICATED) or not failure.sent:
            raise
        problems.append(f"{otherwise}: {failure}")
        return None
