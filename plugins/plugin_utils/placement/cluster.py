# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster document, checked once and then trusted: nodes and guests as arrays, rules by their positions."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_parts import (
    Migration,
    read_migration,
    read_pins,
    read_storage,
    within,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

BASIC = ("cpu", "memory")
RULES = ("together", "apart", "on_nodes", "not_on_nodes")
# proxmox_facts tells besides where a rule comes from.
_RULE = ("kind", "guests", "nodes", "strict", "weight", "source", "name")


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule: positions of its guests and nodes; a soft one (not strict) has a weight."""

    number: int
    kind: str
    guests: tuple[int, ...]
    nodes: tuple[int, ...]
    strict: bool
    weight: float


@dataclasses.dataclass(frozen=True, slots=True)
class Cluster:
    """n nodes, g guests, r resources (cpu, memory, then those of `more` by name).

    capacity, overhead: [n, r], capacity after the reserve; demand: [g, r], nothing for a stopped guest; most: [g, 2] cpu_max and memory_max of
    running guests, their demand where none is given; online, open (online and not in maintenance): [n]; home: [g] position of the node;
    running, movable: [g]; pins: [g, n] where its pins let a guest be; reachable: the same, where its disks can be had besides; bytes: [g] that a
    move costs: what is predicted, else its memory while it runs, and its disks on storage that is not shared; storages: names of those; disks:
    [g, s] bytes on them; free: [n, s] bytes left there, infinite = not known; priority: [g]; last_moved: [g] UTC seconds, −inf = never; links:
    [n] bytes a second, NaN = not known; migrations: by guest, None = nothing known; cluster, host: names, None = not told; observed_at: UTC
    seconds, None = not told; balancers: other tools that move these guests.
    """

    cluster: str | None
    host: str | None
    observed_at: float | None
    balancers: tuple[str, ...]
    demand_basis: str
    nodes: tuple[str, ...]
    guests: tuple[str, ...]
    names: tuple[str, ...]
    resources: tuple[str, ...]
    capacity: Floats
    overhead: Floats
    demand: Floats
    most: Floats
    online: Bools
    open: Bools
    home: Ints
    running: Bools
    movable: Bools
    pins: Bools
    reachable: Bools
    bytes: Floats
    storages: tuple[str, ...]
    disks: Floats
    free: Floats
    priority: Floats
    last_moved: Floats
    links: Floats
    migrations: tuple[Migration | None, ...]
    rules: tuple[Rule, ...]

    def load(self, at: Ints) -> Floats:
        """Return the load of each node [n, r] when the guests are at [g]."""
        found = self.overhead.copy()
        np.add.at(found, at, self.demand)
        return found

    def bytes_to(self, guest: int, node: int) -> float:
        """Return the bytes of a move to a node, which a prediction may know for this node alone."""
        told = self.predicted(guest, node, "bytes")
        return float(self.bytes[guest]) if told is None else told

    def predicted(self, guest: int, node: int, what: t.Literal["bytes", "seconds", "downtime_seconds"]) -> float | None:
        """Return what is predicted of a move to a node: for this node, or else for any; None = nothing is."""
        migration = self.migrations[guest]
        if migration is None:
            return None
        there = migration.targets.get(node)
        told: float | None = None if there is None else getattr(there, what)
        return t.cast("float | None", getattr(migration, what)) if told is None else told

    def cost_to(self, guest: int, node: int) -> dict[str, float]:
        """Return what a move to a node costs: bytes, and where a prediction is there, seconds and downtime."""
        told = {"seconds": self.predicted(guest, node, "seconds"), "downtime_seconds": self.predicted(guest, node, "downtime_seconds")}
        return {"bytes": round(self.bytes_to(guest, node)), **{name: value for name, value in told.items() if value is not None}}


def read_cluster(document: t.Any) -> Cluster:
    """Return a cluster document as arrays.

    :raises InputError: for anything else, naming the node, guest or rule and the key.
    """
    fields = Fields(document, "The cluster document", "cluster")
    # In the order of their names: the answer does not depend on how the document was put together.
    nodes = sorted(
        (_named(item, "Node", "name", f"cluster.nodes[{number}]") for number, item in enumerate(fields.items("nodes"))), key=_name
    )
    guests = sorted(
        (_named(item, "Guest", "id", f"cluster.guests[{number}]") for number, item in enumerate(fields.items("guests"))), key=_name
    )
    if not nodes:
        raise InputError("The cluster document has no nodes; needed is at least one (O(cluster.nodes)).")
    names, ids = [node.text("name") for node in nodes], [guest.text("id") for guest in guests]
    at = _positions(names, "nodes", "name")
    who = _positions(ids, "guests", "id")
    resources = _resources(nodes, guests)
    running = np.array([guest.flag("running", True) for guest in guests], dtype=bool)
    home = np.array([_node_of(guest, at) for guest in guests], dtype=np.int64)
    demand = _amounts(guests, resources) * running[:, None]
    most = np.array(
        [[guest.number(f"{name}_max", float(guest.number(name))) for name in BASIC] for guest in guests], dtype=np.float64
    ).reshape(-1, 2)
    online = np.array([node.flag("online", True) for node in nodes], dtype=bool)
    maintenance = np.array([node.flag("maintenance", False) for node in nodes], dtype=bool)
    storages, disks, free, stored = read_storage(nodes, guests, home)
    pins = read_pins(guests, at)
    migrations = [read_migration(guest.inner("migration"), at) for guest in guests]
    plain = demand[:, 1] + disks.sum(axis=1)
    predicted = np.array([np.nan if one is None or one.bytes is None else one.bytes for one in migrations], dtype=np.float64)
    return Cluster(
        cluster=fields.optional_text("cluster"),
        host=fields.optional_text("host"),
        observed_at=fields.optional_moment("observed_at"),
        balancers=tuple(fields.texts("balancers")),
        demand_basis=_basis(fields),
        nodes=tuple(names),
        guests=tuple(ids),
        names=tuple(guest.optional_text("name") or guest.text("id") for guest in guests),
        resources=resources,
        capacity=np.maximum(_amounts(nodes, resources) - _parts(nodes, "reserve", resources), 0.0),
        overhead=_parts(nodes, "overhead", resources),
        demand=demand,
        most=most * running[:, None],
        online=online,
        open=online & ~maintenance,
        home=home,
        running=running,
        movable=np.array([guest.flag("movable", True) for guest in guests], dtype=bool),
        pins=pins,
        reachable=pins & stored,
        bytes=np.where(np.isnan(predicted), plain, predicted),
        storages=storages,
        disks=disks,
        free=free,
        priority=np.array([guest.number("priority", 1.0, above=0) for guest in guests], dtype=np.float64),
        last_moved=np.array(
            [guest.moment("last_moved_at") if guest.has("last_moved_at") else -np.inf for guest in guests], dtype=np.float64
        ),
        links=np.array(
            [node.number("link_bytes_per_second", above=0) if node.has("link_bytes_per_second") else np.nan for node in nodes],
            dtype=np.float64,
        ),
        migrations=tuple(migrations),
        rules=tuple(_rules(fields, who, at)),
    )


def _named(item: t.Any, kind: str, key: str, option: str) -> Fields:
    fields = Fields(item, f"{kind} {option.rsplit('[', 1)[1][:-1]}", option)
    fields.name = f"{kind} {fields.text(key)}"
    return fields


def _name(fields: Fields) -> str:
    return fields.name


def _positions(names: Sequence[str], option: str, key: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for position, name in enumerate(names):
        if found.setdefault(name, position) != position:
            raise InputError(f"The {key} {name!r} appears twice among the {option}; each must be its own (O(cluster.{option}[].{key})).")
    return found


def _node_of(guest: Fields, at: Mapping[str, int]) -> int:
    node = guest.text("node")
    if node not in at:
        raise guest.wrong("node", node, "the name of a node of the document")
    return at[node]


def _resources(nodes: Sequence[Fields], guests: Sequence[Fields]) -> tuple[str, ...]:
    told = set()
    for node in nodes:
        for name in within(node, "more"):
            if not isinstance(name, str) or name in BASIC:
                raise node.wrong("more", name, f"a text that names another resource than {' and '.join(BASIC)}")
            told.add(name)
    for guest in guests:
        for name in within(guest, "more"):
            if name not in told:
                raise guest.wrong("more", name, f"a resource that a node has (more: {', '.join(sorted(told)) or 'none is told'})")
    return (*BASIC, *sorted(told))


def _amounts(items: Sequence[Fields], resources: tuple[str, ...]) -> Floats:
    """Return amounts [len(items), r]; of what is not told in `more`, nothing."""
    found = np.zeros((len(items), len(resources)))
    for row, item in enumerate(items):
        found[row, : len(BASIC)] = [item.number(name) for name in BASIC]
        more = item.inner("more")
        if more:
            found[row, len(BASIC) :] = [more.number(name, 0.0) for name in resources[len(BASIC) :]]
    return found


def _parts(nodes: Sequence[Fields], key: str, resources: tuple[str, ...]) -> Floats:
    found = np.zeros((len(nodes), len(resources)))
    for row, node in enumerate(nodes):
        inner = node.inner(key)
        if inner:
            inner.only(resources)
            found[row] = [inner.number(name, 0.0) for name in resources]
    return found


def _basis(fields: Fields) -> str:
    inner = fields.inner("demand")
    return inner.choice("basis", ("current", "predicted_peak"), "current") if inner else "current"


def _required(fields: Fields, key: str, kind: str) -> list[str]:
    """Return the guests or nodes of a rule; one that names none by mistake would be no rule."""
    if not fields.has(key):
        raise fields.wrong(key, None, f"a list of {kind}")
    return fields.texts(key)


def _rules(document: Fields, who: Mapping[str, int], at: Mapping[str, int]) -> list[Rule]:
    found = []
    for number, item in enumerate(document.items("rules")):
        fields = Fields(item, f"Rule {number}", f"cluster.rules[{number}]")
        fields.only(_RULE)
        kind = fields.choice("kind", RULES, "")
        if not kind:
            raise fields.wrong("kind", None, f"one of {', '.join(RULES)}")
        nodes = _required(fields, "nodes", "names of nodes") if kind.endswith("nodes") else fields.texts("nodes")
        found.append(
            Rule(
                number=number,
                kind=kind,
                # Guests that are gone leave a rule for those that are there.
                guests=tuple(sorted({who[name] for name in _required(fields, "guests", "ids of guests") if name in who})),
                nodes=tuple(sorted({at[name] for name in nodes if name in at})),
                strict=fields.flag("strict", True),
                weight=fields.number("weight", 1.0),
            )
        )
    return found
