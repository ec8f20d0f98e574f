"""What the nodes tell each other about their guests and storages every few seconds: lists of the cluster show it, so their figures lag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import figures

if TYPE_CHECKING:
    from .guest import Guest
    from .model import Node, Storage
    from .world import World

CYCLE = 10.0
FORGOTTEN = 300.0

Figures = dict[str, Any]


class Broadcast:
    """The last figures of everything. A cycle is taken when somebody asks in it, so 20,000 guests cost nothing while nobody looks."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Nobody has told anything."""
        self._taken: dict[str, float] = {}
        self._guests: dict[int, tuple[float, str, Figures]] = {}
        self._nodes: dict[str, tuple[float, Figures]] = {}
        self._storages: dict[tuple[str, str], tuple[float, Figures]] = {}

    def refresh(self, *, force: bool = False) -> None:
        """Take what is due: once per cycle and node."""
        now = self._world.now()
        for node in self._world.nodes.values():
            taken = self._taken.get(node.name)
            if node.in_cluster and (force or taken is None or now // CYCLE > taken // CYCLE):
                self._take(node, now)

    def _take(self, node: Node, now: float) -> None:
        self._taken[node.name] = now
        self._nodes[node.name] = (now, figures.of_node(self._world, node))
        for guest in self._world.guests_on(node.name):
            self._guests[guest.vmid] = (now, node.name, figures.broadcast_guest(self._world, guest))
        for storage in self._world.storages.values():
            if storage.on(node.name):
                self._storages[storage.id, node.name] = (now, figures.of_storage(self._world, storage, node.name))

    def guest(self, guest: Guest) -> Figures | None:
        """Its last figures, None where there are none or they are too old."""
        found = self._guests.get(guest.vmid)
        if found is None or self._world.now() - found[0] > FORGOTTEN:
            return None
        return found[2]

    def forget(self, vmid: int) -> None:
        """The guest is gone."""
        self._guests.pop(vmid, None)

    def node(self, node: Node) -> Figures | None:
        """A node's last figures."""
        found = self._nodes.get(node.name)
        return found[1] if found else None

    def storage(self, storage: Storage, node: Node) -> Figures | None:
        """A storage's last figures on a node."""
        found = self._storages.get((storage.id, node.name))
        if found is None or self._world.now() - found[0] > FORGOTTEN:
            return None
        return found[1]
