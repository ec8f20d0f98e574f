# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chains of moves (ejection chains): an item that finds room nowhere comes to a node from which others are moved away, where need be after others
have made room for these in turn.
"""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats, Ints

# Moves of a chain at most, the first one included; tries of all chains together.
LONGEST, TRIES = 4, 1_000
# How many nodes, and how many items of each, are tried in the first link, and in those behind it.
WIDTH, NARROW = 24, 6


class Chains:
    """Looks for chains in a state, the shortest first; a chain that leads nowhere is taken back.

    :param free: [m] items that may be moved out of the way.
    :param moves, size (bytes): the most that may be moved in the state; None = no limit.
    """

    def __init__(self, state: State, free: Bools, *, moves: int | None = None, size: float | None = None) -> None:
        self._state, self._free = state, free & state.problem.movable
        self._moves, self._size = moves, size
        self._open: Ints = np.flatnonzero(state.problem.open)
        self._tries = TRIES
        self._fixed: Floats | None = None
        self._chain: list[tuple[int, int]] = []

    def place(self, item: int) -> bool:
        """Move an item that is in breach to where it may be, with others out of its way; return whether it is in breach no more."""
        state = self._state
        if not state.breaches_of(item):
            return True
        nodes = self._hopeful(item)
        for length in range(1, LONGEST + 1) if len(nodes) else ():
            self._chain = []
            if self._left(item, nodes, length, WIDTH) and not state.breaches_of(item):
                return True
            self._undo(0)
        return False

    def relieve(self, node: int) -> bool:
        """Move items away from a node that is over its capacity, with others out of their way; return whether it is within it."""
        for length in range(1, LONGEST + 1):
            self._chain = []
            if self._cleared(node, length, WIDTH):
                return True
            self._undo(0)
        return False

    def _hopeful(self, item: int) -> Ints:
        """Return nodes on which an item would fit if all that is free were away, those first where it lacks least."""
        state, problem = self._state, self._state.problem
        if self._fixed is None:
            self._fixed = state.load.copy()
            away = np.flatnonzero(self._free & (state.at >= 0))
            np.subtract.at(self._fixed, state.at[away], problem.demand[away])
        nodes = self._open[problem.may[item, self._open] & (self._open != state.at[item])]
        need = problem.demand[item]
        roomy = ((need <= 0) | (self._fixed[nodes] + need <= problem.capacity[nodes] * (1 + 1e-9) + 1e-9)).all(axis=1)
        return self._ordered(nodes[roomy], need)

    def _ordered(self, nodes: Ints, need: Floats) -> Ints:
        """Return nodes, those first that lack least for what is needed."""
        problem = self._state.problem
        scale = np.where(problem.capacity[nodes] > 0, problem.capacity[nodes], 1.0)
        lack = (np.maximum(need - self._state.room(nodes), 0.0) * (need > 0) / scale).sum(axis=1)
        return nodes[np.argsort(lack, kind="stable")]

    def _left(self, item: int, nodes: Ints, length: int, width: int) -> bool:
        """Return whether an item has left its node for one of some nodes, in a chain of so many moves at most."""
        state = self._state
        direct = nodes[state.fits(np.array([item]), nodes)[0]] if len(nodes) else nodes
        if len(direct):
            # A node that is nearly full is left with the least: larger items find more room elsewhere.
            room = np.maximum(state.room(direct), 0.0)[:, : state.problem.counted]
            scale = np.maximum(state.problem.capacity[direct][:, : state.problem.counted], 1e-300)
            costs = [state.problem.moves(item, node) for node in direct.tolist()]
            best = np.lexsort(((room / scale).sum(axis=1), costs))[0]
            return self._moved(item, int(direct[best]))
        if length < 2:
            return False
        for node in nodes[:width].tolist():
            mark = len(self._chain)
            if not self._moved(item, node):
                return False
            if self._cleared(node, length - 1, width if length == 2 else NARROW):
                return True
            self._undo(mark)
        return False

    def _cleared(self, node: int, length: int, width: int) -> bool:
        """Return whether a node is made right by moving items away, in so many moves at most."""
        state, problem = self._state, self._state.problem
        over = np.maximum(-state.room(np.array([node]))[0], 0.0)
        clash = self._clashing(node)
        if not over.any() and not clash:
            return True
        if length < 1:
            return False
        chained = {item for item, _node in self._chain}
        items = [item for item in (clash or state.on[node]) if self._free[item] and item not in chained]
        scale = np.where(problem.capacity[node] > 0, problem.capacity[node], 1.0)
        missing = {item: float((np.maximum(over - problem.demand[item], 0.0) / scale).sum()) for item in items}
        if length == 1 and not clash:
            items = [item for item in items if not missing[item]]
        others = self._open[~np.isin(self._open, self._path(node))]
        if length == 1 and items:
            # The last link: who finds no room as things are cannot go.
            able = np.flatnonzero(state.fits(np.array(items), others).any(axis=1))
            items = [items[position] for position in able.tolist()]
        # First what makes it right alone, what was moved anyway, and the smallest of these.
        items.sort(key=lambda item: (missing[item], item not in state.moved, float((problem.demand[item] / scale).sum()), item))
        for item in items[:width]:
            mark = len(self._chain)
            nodes = self._ordered(others[problem.may[item, others]], problem.demand[item])
            if self._left(item, nodes, length, NARROW) and self._cleared(node, length - (len(self._chain) - mark), NARROW):
                return True
            self._undo(mark)
        return False

    def _clashing(self, node: int) -> list[int]:
        """Return the items on a node that must be apart from the last one that came there."""
        groups = self._state.problem.groups
        came = next((item for item, _before in reversed(self._chain) if self._state.at[item] == node), None)
        if came is None or not groups.shape[1]:
            return []
        its = [group for group in groups[came].tolist() if group >= 0]
        return (
            [item for item in self._state.on[node] if item != came and any(group in its for group in groups[item].tolist())] if its else []
        )

    def _path(self, node: int) -> list[int]:
        """Return the nodes to which a chain must not come again."""
        return [node, *(int(self._state.at[item]) for item, _before in self._chain)]

    def _moved(self, item: int, node: int) -> bool:
        """Move an item, if moves and bytes allow for it and not too much was tried; return whether it is moved."""
        state = self._state
        if self._tries <= 0:
            return False
        self._tries -= 1
        before = int(state.at[item])
        self._chain.append((item, before))
        state.move(item, node)
        if self._moves is not None or self._size is not None:
            moves, size = state.cost(list(state.moved))
            if (self._moves is not None and moves > self._moves) or (self._size is not None and size > self._size):
                self._undo(len(self._chain) - 1)
                return False
        return True

    def _undo(self, mark: int) -> None:
        """Take back the moves of the chain from a position on."""
        while len(self._chain) > mark:
            item, before = self._chain.pop()
            self._state.move(item, before)
