# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a search for an order: which hops were made, who still waits for which node, and where a guest could be parked."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.moves import Move
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.rooms import Rooms
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

# How many nodes are tried for parking where no one is better than the others for certain.
PLACES = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Hop:
    """One migration: a move, or one of the two halves of one that goes over a parking node."""

    guest: int
    source: int
    target: int


class Journey:
    """Hops that are made one after the other and can be undone.

    moves: by guest; where: each of them is; waiting: by node, guests that are to come there; hops: made so far.
    """

    def __init__(self, rooms: Rooms, moves: Sequence[Move]) -> None:
        self.rooms, self.hops = rooms, list[Hop]()
        self.moves = {move.guest: move for move in moves}
        self.where = {move.guest: move.source for move in moves}
        self.waiting: dict[int, set[int]] = {}
        self._pending: dict[int, list[float]] = {}
        self._parked = Counter[int]()
        for move in moves:
            self._expect(move, True)
        load, limit = np.array(rooms.load), np.array(rooms.limit)
        self._free = limit - load
        # Nodes that nobody wants first, then the emptiest: a guest that waits there is in nobody's way.
        wanted = np.array([node in self.waiting for node in range(len(load))], dtype=bool)
        self._places = np.lexsort((np.arange(len(load)), (load / limit).max(axis=1), wanted))

    def away(self, guest: int) -> bool:
        """Return whether a guest is on a parking node."""
        return self.where[guest] not in (self.moves[guest].source, self.moves[guest].target)

    def left(self, guests: Iterable[int]) -> list[int]:
        """Return the guests that are not at their targets."""
        return [guest for guest in guests if self.where[guest] != self.moves[guest].target]

    def go(self, guest: int, node: int) -> int:
        """Move a guest; return the node that it left."""
        source, move = self.where[guest], self.moves[guest]
        self._put(guest, source, node)
        self.hops.append(Hop(guest, source, node))
        if node == move.target:
            self._expect(move, False)
        else:
            self._parked[node] += 1
        return source

    def back(self, mark: int) -> None:
        """Undo all but the first hops."""
        while len(self.hops) > mark:
            hop = self.hops.pop()
            self._put(hop.guest, hop.target, hop.source)
            if hop.target == self.moves[hop.guest].target:
                self._expect(self.moves[hop.guest], True)
            else:
                self._parked[hop.target] -= 1

    def replay(self, mark: int, hops: Iterable[Hop]) -> bool:
        """Go back to the first hops and make these; return whether each had room."""
        self.back(mark)
        for hop in hops:
            if not self.rooms.fits(hop.guest, hop.target):
                return False
            self.go(hop.guest, hop.target)
        return True

    def settle(self, nodes: Iterable[int]) -> list[int]:
        """Make all moves into nodes that have room for all that will come, beginning with these nodes; return these and those that were left."""
        stack = list(nodes)[::-1]
        seen = dict.fromkeys(stack)
        while stack:
            node = stack.pop()
            if not self.waiting.get(node) or not self._roomy(node):
                continue
            for guest in sorted(self.waiting[node]):
                if self.rooms.clashes(guest, node) is None:
                    stack.append(self.go(guest, node))
                    seen[stack[-1]] = None
        return list(seen)

    def parts(self, guests: Iterable[int]) -> list[list[int]]:
        """Return those of the guests that still wait, together where the nodes that they wait for depend on each other."""
        left = sorted(self.left(guests))
        root = {self.moves[guest].target: self.moves[guest].target for guest in left}

        def find(node: int) -> int:
            while root[node] != node:
                root[node] = root[root[node]]
                node = root[node]
            return node

        for guest in left:
            if self.where[guest] in root:
                root[find(self.where[guest])] = find(self.moves[guest].target)
        found: dict[int, list[int]] = {}
        for guest in left:
            found.setdefault(find(self.moves[guest].target), []).append(guest)
        return list(found.values())

    def blocks(self, guest: int) -> bool:
        """Return whether a guest is at home, and something that waits for its node does not fit."""
        home = self.moves[guest].source
        return self.where[guest] == home and any(not self.rooms.fits(other, home) for other in self.waiting.get(home, ()))

    def parking(self, guest: int, *, all_places: bool = False) -> list[int]:
        """Return where a guest could wait: the least used node that nobody wants, or else some that have room now.

        :param all_places: return some that have room in any case.
        """
        move = self.moves[guest]
        room = self.rooms.may[guest].copy()
        room[[move.source, move.target]] = False
        for column, amount in self.rooms.amounts[guest]:
            room &= self._free[:, column] >= amount
        found = [node for node in self._places[room[self._places]].tolist() if self.rooms.fits(guest, node)]
        unwanted = [node for node in found if not self.waiting.get(node)]
        # Those that wait on different nodes can come there, and leave, at the same time.
        return [min(unwanted, key=self._parked.__getitem__)] if unwanted and not all_places else found[:PLACES]

    def share(self, guest: int) -> float:
        """Return the largest part of its target that a guest takes."""
        limit = self.rooms.limit[self.moves[guest].target]
        return max((amount / limit[column] for column, amount in self.rooms.amounts[guest]), default=0.0)

    def _put(self, guest: int, source: int, target: int) -> None:
        self.rooms.come(guest, target)
        self.rooms.go(guest, source)
        self.where[guest] = target
        for column, amount in self.rooms.amounts[guest]:
            self._free[target, column] -= amount
            self._free[source, column] += amount

    def _expect(self, move: Move, comes: bool) -> None:
        waiting = self.waiting.setdefault(move.target, set())
        (waiting.add if comes else waiting.remove)(move.guest)
        pending = self._pending.setdefault(move.target, [0.0] * len(self.rooms.limit[move.target]))
        for column, amount in self.rooms.amounts[move.guest]:
            pending[column] += amount if comes else -amount

    def _roomy(self, node: int) -> bool:
        """Return whether a node has room for all that will come to it."""
        return all(
            load + more <= limit or more <= 0
            for load, more, limit in zip(self.rooms.load[node], self._pending[node], self.rooms.limit[node], strict=True)
        )


def moved(hops: Collection[Hop]) -> int:
    """Return how many guests the hops move."""
    return len({hop.guest for hop in hops})
