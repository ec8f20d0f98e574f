"""What runs and what it uses: guests compete for their node's CPUs, limits hold, memory above a limit swaps.

Any moment since the history's start can be asked for.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from .guest import LXC, MIB, Event, Guest
from .load import Demand

if TYPE_CHECKING:
    from .model import Node
    from .world import World

_VM_OVERHEAD = 96 * MIB
_CACHE = 200_000


class Used(NamedTuple):
    """What a guest uses: cores, bytes, and percent of pressure (some)."""

    cores: float
    memory: int
    host_memory: int
    swap: int
    cpu_pressure: float
    memory_pressure: float
    io_pressure: float


NOTHING = Used(0.0, 0, 0, 0, 0.0, 0.0, 0.0)


class NodeUsed(NamedTuple):
    """What a node uses; ``share`` is what its guests get of the CPU they want."""

    cores: float
    memory: int
    share: float
    cpu_pressure: float
    memory_pressure: float


class Usage:
    """Use of guests and nodes, computed from loads, limits and places."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Forget what was computed."""
        self._residents: dict[str, list[Guest]] | None = None
        self._visitors: dict[str, dict[int, Guest]] = defaultdict(dict)
        self._wanted: dict[int, tuple[float, Demand]] = {}
        self._past: dict[tuple[str, int], NodeUsed] = {}
        self._present: dict[tuple[str, int], NodeUsed] = {}

    def moved(self) -> None:
        """A guest came, went or moved."""
        self._residents = None
        self._wanted.clear()

    def changed(self, guest: Guest) -> None:
        """Something of a guest changed now."""
        self._visitors[guest.node][id(guest)] = guest
        self._present.clear()

    def residents(self, node: str) -> list[Guest]:
        """The guests of a node."""
        if self._residents is None:
            found: dict[str, list[Guest]] = defaultdict(list)
            for guest in self._world.guests.values():
                found[guest.node].append(guest)
            self._residents = found
        return self._residents.get(node, [])

    def guest(self, guest: Guest, time: float | None = None) -> Used:
        """What a guest uses, or used at a time of the past; of the present second the beginning."""
        event = guest.at(time) if time is not None else self._present_event(guest)
        if event is None or not event.running or event.node not in self._world.nodes:
            return NOTHING
        time = float(int(time if time is not None else self._world.now()))
        node = self.node(self._world.nodes[event.node], time)
        return self._used(guest, event, time, node)

    def _present_event(self, guest: Guest) -> Event:
        return guest.event(self._world.now(), self._world.nodes[guest.node].cpus)

    def node(self, node: Node, time: float) -> NodeUsed:
        """What a node uses at a time."""
        key = (node.name, int(time))
        cache = self._past if key[1] < int(self._world.now()) else self._present
        found = cache.get(key)
        if found is None:
            if len(cache) > _CACHE:
                cache.clear()
            found = cache[key] = self._node(node, float(key[1]))
        return found

    def _node(self, node: Node, time: float) -> NodeUsed:
        wanted, memory = node.overhead_cpu, node.overhead_memory + node.arcsize
        past = int(time) < int(self._world.now())
        for guest in list(self._visitors[node.name].values()) if past else self.residents(node.name):
            event = guest.at(time) if past else self._present_event(guest)
            if event is None or not event.running or event.node != node.name:
                continue
            demand = self._demand(guest, time)
            wanted += _cores(event, demand)
            memory += min(int(demand.memory * (1 - event.killed)), _most(guest, event)) + _overhead(guest)
        share = min(1.0, node.cpus / wanted) if wanted > 0 else 1.0
        short = max(0.0, memory - node.memory) / node.memory
        return NodeUsed(min(wanted, float(node.cpus)), min(memory, node.memory), share, 100 * (1 - share), min(100.0, 400 * short))

    def _demand(self, guest: Guest, time: float) -> Demand:
        """What a guest wants; the last answer is kept, for a node's sums and its guests ask for the same moment."""
        kept = self._wanted.get(id(guest))
        if kept is not None and kept[0] == time:
            return kept[1]
        demand = guest.load.at(time)
        self._wanted[id(guest)] = (time, demand)
        return demand

    def _used(self, guest: Guest, event: Event, time: float, node: NodeUsed) -> Used:
        demand = self._demand(guest, time)
        wanted = demand.memory * (1 - event.killed)
        memory = min(int(wanted), _most(guest, event))
        short = 100 * (wanted - memory) / wanted if wanted > memory + 1 else 0.0
        cores = _cores(event, demand) * node.share
        throttled = 100 * (1 - cores / demand.cpu) if demand.cpu > cores and event.limit else 0.0
        psi = guest.load.psi
        return Used(
            cores,
            memory,
            memory + _overhead(guest),
            int(min(wanted - memory, event.swap)),
            min(100.0, psi + throttled),
            min(100.0, psi + short + node.memory_pressure),
            min(100.0, psi),
        )


def _cores(event: Event, demand: Demand) -> float:
    """The cores that a guest would use if its node had them."""
    return min(demand.cpu * (1 - event.killed), event.limit)


def _most(guest: Guest, event: Event) -> int:
    """The memory that fits into the limit: a container's kernel keeps a little, a VM's keeps more."""
    return int(event.memory * (0.99 if guest.kind == LXC else 0.95))


def _overhead(guest: Guest) -> int:
    """What a VM's process takes beside its memory."""
    return 0 if guest.kind == LXC else _VM_OVERHEAD
