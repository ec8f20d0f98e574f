# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moves within the terms, and back: what strategies share."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Iterable

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats, Ints


class Mover:
    """Moves the free items of a state as long as they fit and the terms allow it.

    items: those that are free; moves, bytes: of all guests that are not where they were; most_moves, most_bytes: what the terms allow of them.
    """

    def __init__(self, state: State, terms: Terms) -> None:
        self.state, problem = state, state.problem
        self._free = terms.free & problem.movable & (state.at >= 0)
        self.items: Ints = np.flatnonzero(self._free)
        self.moves, self.bytes = 0, 0.0
        for item in state.moved:
            moves, size = problem.cost(item, int(state.at[item]))
            self.moves, self.bytes = self.moves + moves, self.bytes + size
        self.most_moves = math.inf if terms.max_moves is None else self.moves + terms.max_moves
        # Sums that were added in another order are still within the limit.
        self.most_bytes = math.inf if terms.max_bytes is None else (self.bytes + terms.max_bytes) * (1.0 + 1e-12)
        self._trail: list[tuple[int, int]] = []

    def on(self, nodes: Iterable[int]) -> Ints:
        """Return the free items of some nodes."""
        return np.array([item for node in nodes for item in self.state.on[int(node)] if self._free[item]], dtype=np.int64)

    def may(self, items: Ints, nodes: Ints) -> Bools:
        """Return whether each item could be moved to each node now [k, q]."""
        found = self.state.fits(items, nodes)
        if math.isfinite(self.most_moves) or math.isfinite(self.most_bytes):
            moves, size = self._more(items, nodes)
            found &= (self.moves + moves <= self.most_moves) & (self.bytes + size <= self.most_bytes)
        return found

    def may_exchange(self, first: int, second: int) -> bool:
        """Return whether two items on different nodes could change places now."""
        state = self.state
        here, there = int(state.at[first]), int(state.at[second])
        if not state.can_exchange(np.array([first]), np.array([second]), here)[0, 0]:
            return False
        (one, its), (other, others) = self.more(first, there), self.more(second, here)
        return self.moves + one + other <= self.most_moves and self.bytes + its + others <= self.most_bytes

    def more(self, item: int, node: int) -> tuple[int, float]:
        """Return by how many guests and bytes the moves grow, or shrink, when an item goes to a node."""
        problem = self.state.problem
        (then, size), (now, its) = problem.cost(item, node), problem.cost(item, int(self.state.at[item]))
        return then - now, size - its

    def move(self, item: int, node: int) -> None:
        """Put an item on a node."""
        moves, size = self.more(item, node)
        self._trail.append((item, int(self.state.at[item])))
        self.state.move(item, node)
        self.moves, self.bytes = self.moves + moves, self.bytes + size

    def moved(self, item: int, node: int) -> bool:
        """Put an item on a node if it may be there; return whether it is."""
        if not self.may(np.array([item]), np.array([node]))[0, 0]:
            return False
        self.move(item, node)
        return True

    def mark(self) -> int:
        """Return the point to which `back` may take the state."""
        return len(self._trail)

    def back(self, mark: int) -> None:
        """Take back all moves since a mark."""
        while len(self._trail) > mark:
            item, node = self._trail.pop()
            moves, size = self.more(item, node)
            self.state.move(item, node)
            self.moves, self.bytes = self.moves + moves, self.bytes + size

    def _more(self, items: Ints, nodes: Ints) -> tuple[Ints, Floats]:
        """Return `more` for each item and node [k, q]."""
        problem, at, home = self.state.problem, self.state.at[items], self.state.problem.home[items]
        moves = (home[:, None] != nodes[None, :]).astype(np.int64) - (home != at)[:, None]
        size = problem.bytes[items][:, None] * moves
        for row, item in enumerate(items.tolist()):
            if problem.particular[item]:
                for column, node in enumerate(nodes.tolist()):
                    moves[row, column], size[row, column] = self.more(item, node)
        return moves, size
