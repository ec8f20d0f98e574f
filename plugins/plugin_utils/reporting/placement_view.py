# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One placement of guests, before and after its moves, as pictures and tables show it. Pure; memory in bytes, cpu in cores, shares 0..1."""

from __future__ import annotations

import dataclasses
import statistics
import typing as t
from collections.abc import Collection, Iterable, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import axis_unit
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

Document = Mapping[str, t.Any]
BASIC = ("cpu", "memory")
BALANCE = "balance"
# In the place of a goal: nothing was asked, the cluster is shown as it was seen.
OBSERVED = "observed"
# What a node can be.
OPEN, MAINTENANCE, OFFLINE, LEAVING, FREED = "open", "maintenance", "offline", "to be emptied", "freed"


@dataclasses.dataclass(frozen=True)
class ResourceView:
    """One resource: the unit that its amounts are told in, what they are divided by for it, and whether the policy balances it."""

    name: str
    unit: str
    divisor: float
    balanced: bool

    def amount(self, value: float) -> str:
        """Return an amount with its unit."""
        return format_bytes(value) if self.name == "memory" else f"{value:.3g} {self.unit}"


@dataclasses.dataclass(frozen=True)
class NodeView:
    """One node; capacity (as it is built), reserve and overhead by resource."""

    name: str
    state: str
    capacity: Mapping[str, float]
    reserve: Mapping[str, float]
    overhead: Mapping[str, float]

    def usable(self, resource: str) -> float:
        """Return the capacity after the reserve."""
        return max(0.0, self.capacity[resource] - self.reserve[resource])


class Breach(t.NamedTuple):
    """One hard limit that is broken: what, by which guests, and the nodes that it shows on."""

    what: str
    guests: tuple[str, ...]
    nodes: tuple[str, ...]


class Figures(t.NamedTuple):
    """One resource over the nodes that count: standard deviation of the load, and of load / usable capacity its standard deviation, spread and maximum."""

    std: float
    std_ratio: float
    spread: float
    highest: float


@dataclasses.dataclass(frozen=True)
class Side:
    """The cluster before or after the moves. at: node by guest; load: by resource and node; counted: nodes that the figures are of."""

    at: Mapping[str, str]
    load: Mapping[str, Mapping[str, float]]
    figures: Mapping[str, Figures]
    violations: int
    breaches: Sequence[Breach]
    counted: Collection[str]


class MoveView(t.NamedTuple):
    """One move; size in bytes."""

    guest: str
    source: str
    target: str
    kind: str
    reason: str
    size: float
    wave: int


class WaveView(t.NamedTuple):
    """One wave; seconds: None = not known; not_before: UTC seconds, None = at once."""

    number: int
    moves: int
    seconds: float | None
    not_before: int | None


@dataclasses.dataclass(frozen=True)
class PlacementView:
    """What one strategy makes of a cluster. demand: by guest and resource; moves in the order of the waves; found: what goals besides balance tell, a
    sentence each; seconds: of CPU time; detailed: the nodes of which every guest is told, others may hold some as overhead (None = all nodes are).
    """

    cluster: str
    synthetic: bool
    observed_at: float | None
    basis: str
    strategy: str
    goal: str
    verdict: str
    why: str
    resources: Sequence[ResourceView]
    nodes: Sequence[NodeView]
    demand: Mapping[str, Mapping[str, float]]
    names: Mapping[str, str]
    before: Side
    after: Side
    moves: Sequence[MoveView]
    waves: Sequence[WaveView]
    refused: Sequence[str]
    found: Sequence[str]
    seconds: float
    detailed: Collection[str] | None = None

    @property
    def is_answer(self) -> bool:
        """Return whether somebody was asked what to move; else before and after are the same."""
        return self.goal != OBSERVED

    @property
    def balanced(self) -> list[ResourceView]:
        return [resource for resource in self.resources if resource.balanced]

    @property
    def size(self) -> float:
        """Bytes of all moves."""
        return sum(move.size for move in self.moves)

    @property
    def wall_seconds(self) -> float | None:
        """How long the waves take, one after the other; None = not known."""
        known = [wave.seconds for wave in self.waves]
        return None if None in known or not known else sum(second for second in known if second is not None)

    @property
    def moved(self) -> set[str]:
        return {move.guest for move in self.moves}

    def share(self, side: Side, node: NodeView, resource: str) -> float | None:
        """Return load / usable capacity; None where a node has nothing of a resource."""
        usable = node.usable(resource)
        return side.load[resource][node.name] / usable if usable > 0 else None

    def improvement(self, resource: str) -> float | None:
        """Return by which share the standard deviation of load / usable capacity falls; None where there was none, or where nobody wants that."""
        if self.goal != BALANCE:
            return None
        was, now = self.before.figures[resource].std_ratio, self.after.figures[resource].std_ratio
        return None if was <= 0 else (was - now) / was


def placement_view(
    document: Document,
    answer: Document,
    waves: Sequence[Document],
    *,
    balanced: Sequence[str],
    goal: str,
    leaving: Collection[str] = (),
    breaches: tuple[Sequence[Breach], Sequence[Breach]] = ((), ()),
    seconds: float,
    detailed: Collection[str] | None = None,
) -> PlacementView:
    """Return what pictures and tables show.

    :param document: a cluster document that `read_cluster` accepts.
    :param answer: what `cluster_balance` returned for it; waves: its moves in their order.
    :param balanced: resources that the policy balances; leaving: nodes that it empties.
    :param breaches: hard limits that are broken before and after.
    :param seconds: CPU time that the answer took; detailed: the nodes of which the document tells every guest, None = all.
    """
    names = resource_names(document)
    freed = set(answer.get("freed") or ())
    nodes = [_node(node, names, leaving, freed) for node in sorted(document["nodes"], key=lambda one: str(one["name"]))]
    guests = {str(guest["id"]): guest for guest in document.get("guests") or []}
    demand = {name: {resource: _demand(guest, resource) for resource in names} for name, guest in guests.items()}
    home = {name: str(guest["node"]) for name, guest in guests.items()}
    at = {**home, **{str(move["guest"]): str(move["to"]) for move in answer["moves"]}}
    ordered = [_move(move, int(wave["wave"])) for wave in waves for move in wave["moves"]]
    closed = {node.name for node in nodes if node.state in (MAINTENANCE, OFFLINE, LEAVING)}
    return PlacementView(
        cluster=str(document.get("cluster") or "cluster"),
        synthetic=bool(document.get("synthetic")),
        observed_at=document.get("observed_at"),
        basis=str(answer.get("demand") or "current"),
        strategy=str(answer["strategy"]),
        goal=goal,
        verdict=str(answer["verdict"]),
        why=str(answer["why"]),
        resources=_resources(names, nodes, balanced),
        nodes=nodes,
        demand=demand,
        names={name: str(guest.get("name") or name) for name, guest in guests.items()},
        before=_side(nodes, demand, home, answer["before"], breaches[0], closed),
        after=_side(nodes, demand, at, answer["after"], breaches[1], closed | freed),
        moves=ordered,
        waves=[WaveView(int(wave["wave"]), len(wave["moves"]), wave.get("seconds"), wave.get("not_before")) for wave in waves],
        refused=[f"{_what(entry)}: {entry['reason']}" for entry in answer.get("refused") or []],
        found=_found(answer),
        seconds=seconds,
        detailed=detailed,
    )


def resource_names(document: Document) -> list[str]:
    """Return the resources that a cluster document tells of, in the order of its answers."""
    return [*BASIC, *sorted({str(name) for node in document["nodes"] for name in node.get("more") or {}})]


def _resources(names: Sequence[str], nodes: Sequence[NodeView], balanced: Sequence[str]) -> list[ResourceView]:
    """Return the resources, those that are balanced first."""
    unit, divisor = axis_unit(node.capacity["memory"] for node in nodes)
    units = {"memory": (unit, divisor), "cpu": ("cores", 1.0)}
    first = [*(name for name in names if name in balanced), *(name for name in names if name not in balanced)]
    return [ResourceView(name, *units.get(name, (name, 1.0)), name in balanced) for name in first]


def _node(node: Document, names: Iterable[str], leaving: Collection[str], freed: Collection[str]) -> NodeView:
    name = str(node["name"])
    closed = OFFLINE if node.get("online") is False else MAINTENANCE if node.get("maintenance") else None
    state = closed or (LEAVING if name in leaving else FREED if name in freed else OPEN)
    parts = {key: {one: float((node.get(key) or {}).get(one) or 0.0) for one in names} for key in ("reserve", "overhead")}
    return NodeView(name, state, {one: amount_of(node, one) for one in names}, parts["reserve"], parts["overhead"])


def _side(
    nodes: Sequence[NodeView], demand: Mapping[str, Mapping[str, float]], at: Mapping[str, str], told: Document, breaches: Sequence[Breach],
    left_out: Collection[str],
) -> Side:  # fmt: skip
    names = list(nodes[0].capacity)
    load = {resource: {node.name: node.overhead[resource] for node in nodes} for resource in names}
    for guest, node in at.items():
        for resource in names:
            load[resource][node] += demand[guest][resource]
    counted = [node for node in nodes if node.name not in left_out]
    figures = {}
    for resource in names:
        loads = [load[resource][node.name] for node in counted if node.usable(resource) > 0]
        figures[resource] = Figures(
            statistics.pstdev(loads) if loads else 0.0, told["std"][resource], told["spread"][resource], told["max"][resource]
        )
    return Side(at, load, figures, int(told["violations"]), list(breaches), {node.name for node in counted})


def _move(move: Document, wave: int) -> MoveView:
    cost = move.get("cost") or {}
    return MoveView(
        guest=str(move["guest"]), source=str(move["from"]), target=str(move["to"]), kind=str(move.get("kind") or "balance"),
        reason=str(move.get("reason") or ""), size=float(cost.get("bytes") or 0.0), wave=wave,
    )  # fmt: skip


def _demand(guest: Document, resource: str) -> float:
    return 0.0 if guest.get("running") is False else amount_of(guest, resource)


def amount_of(thing: Document, resource: str) -> float:
    """Return how much of a resource a node has, or a guest takes while it runs."""
    value = thing.get(resource) if resource in BASIC else (thing.get("more") or {}).get(resource)
    return float(value or 0.0)


def _found(answer: Document) -> list[str]:
    """Return what the goals consolidate, place and headroom tell besides moves."""
    told = [f"Free of guests then: {', '.join(answer['freed'])}"] if answer.get("freed") else []
    told += [f"{one['node']}: score {one['score']:.2f}; {', '.join(one['reasons'])}" for one in answer.get("candidates") or []]
    told += [f"{one['node']} cannot take it: {', '.join(one['reasons'])}" for one in answer.get("unfit") or []]
    survives = answer.get("survives")
    if survives:
        worst = survives["worst"]
        left = (
            f"{len(worst['unplaced'])} guests find no place: {', '.join(worst['unplaced'][:10])}"
            if worst["unplaced"]
            else "all guests find a place"
        )
        told.append(f"Worst loss of {survives['k']}: {', '.join(worst['nodes']) or 'no node'}; {left}")
    return told


def _what(entry: Document) -> str:
    return str(entry["guest"]) if entry.get("guest") is not None else f"rule {entry.get('rule')}"
