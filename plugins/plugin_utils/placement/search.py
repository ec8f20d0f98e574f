# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search for few moves: first one move after the other, always the one that brings the nodes closest to the window; then groups of nodes
are planned anew, with a price of a move that falls (simulated annealing over large neighbourhoods).
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable
from random import Random as Chance

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.alike import Alike
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.anew import Anew
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.chains import Chains
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.regions import Board, boards, tied
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.window import REACHED, Window
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats, Ints

# How many of the fullest and emptiest nodes are looked at for the next move, and how many where none of these helps.
NARROW, WIDE = 10, 40
# How often all nodes that are outside are looked at for items to change places.
ROUNDS = 4
CENTRE = 0.5
# How many nodes are planned anew together; after how many sweeps the window follows them.
TOGETHER, WIDER, DRIFT = 6, 8, 1
# What bytes count beside moves: as much as the mean guest's beside one; how much worse a group may become by chance, in prices of a move.
BYTES, LAST_BYTES, WARMTH = 0.05, 10.0, 0.05


class Search:
    """Looks for moves in a state.

    :param free: [m], the items that may be moved for balance; those that must not be where they are may always.
    :param moves, size (bytes): the most that may be moved; None = no limit.
    :param must: items that must not be where they are; None = all that may be moved and are in breach.
    """

    def __init__(
        self,
        state: State,
        window: Window,
        free: Bools,
        random: np.random.Generator,
        *,
        moves: int | None = None,
        size: float | None = None,
        must: Iterable[int] | None = None,
    ) -> None:
        self.state, self.window, self._random = state, window, random
        self._chance = Chance(int(random.integers(2**62)))
        self._moves, self._size = moves, size
        self._open = np.flatnonzero(state.problem.open)
        if must is None:
            must = (item for item in np.flatnonzero(state.problem.movable).tolist() if state.breaches_of(item))
        self.must = set(must)
        self._free = free & state.problem.movable
        self._free[sorted(self.must)] = True
        self._fixed = np.zeros(len(free), dtype=bool)
        self._fixed[sorted(self.must)] = True
        self._alike = Alike(state.problem, window.demand, self._free)

    def settle(self) -> list[int]:
        """Move what must not be where it is, the largest first, each to where it brings the nodes closest, others out of its way if it must be; return
        what found no place."""
        demand = self.window.demand.sum(axis=1)
        left = [item for item in sorted(self.must, key=lambda one: (-demand[one], one)) if not self._placed(item)]
        left = [item for item in left if not self._placed(item)]
        if left:
            chains = Chains(self.state, self._free, moves=self._moves, size=self._size)
            left = [item for item in left if not chains.place(item)]
        # Of two that must be apart, either may be at home again.
        problem = self.state.problem
        self._fixed &= problem.astray
        self.state.keep()
        return left

    def approach(self) -> None:
        """Bring the nodes into the window, as far as one move after the other, or two items that change places, can."""
        over, under = self.window.over_and_under(self.state, self._open)
        fill = self._fill(self._open)
        place = {int(node): number for number, node in enumerate(self._open)}
        while max(over.max(initial=0.0), under.max(initial=0.0)) > REACHED:
            # A node may be too full of one thing and too empty of another, and so be in both lists.
            full, empty = np.lexsort((-fill, -over)), np.lexsort((fill, -under))
            step = self._step(full, empty, NARROW) or self._step(full, empty, WIDE) or self._exchange(over + under)
            if not step or not self._affordable([item for item, _node in step]):
                break
            nodes = np.array(sorted({node for item, target in step for node in (int(self.state.at[item]), target)}), dtype=np.int64)
            for item, target in step:
                self.state.move(item, target)
            changed = nodes[[int(node) in place for node in nodes]]
            rows = [place[int(node)] for node in changed]
            over[rows], under[rows] = self.window.over_and_under(self.state, changed)
            fill[rows] = self._fill(changed)
        self.state.keep()

    def improve(self, sweeps: int, dear: float, cheap: float, copies: int = 1, *, drift: bool = False, last: bool = False) -> None:
        """Plan groups of nodes anew, again and again, for fewer moves that leave the nodes as near to the window, and for fewer bytes.

        As long as moves are dear the nodes are left outside where it would take many to bring them in; while moves become cheaper, they come in
        with those that serve best. Where moves or bytes are limited, neither grows in any group.

        :param dear, cheap: price of a move in the first and in the last sweep, in guests of the mean size that are outside for it.
        :param copies: how often each group is planned in a sweep, with different luck.
        :param drift: let the window follow the nodes.
        :param last: no more moves than there are, and bytes count more.
        """
        unit = self._unit()
        for sweep in range(sweeps if unit else 0):
            price = unit * dear * (cheap / dear) ** (sweep / max(1, sweeps - 1))
            for board in boards(self.state, self._alike.some(self.state), tied(self.state, self.window, TOGETHER, self._chance)):
                self._sweep(board, price, copies, last=last)
            if drift and sweep % DRIFT == DRIFT - 1:
                self.window = self.window.nearer(self.state)

    def reached(self) -> bool:
        """Return whether all nodes are inside the window."""
        return self.window.total(self.state, self._open) <= REACHED

    def energy(self, price: float) -> float:
        """Return what is made small: how far the nodes are outside, and what the moves cost; see `improve`."""
        moves, size = self.state.cost(list(self.state.moved))
        return self.window.total(self.state, self._open) + self._unit() * price * (moves + self._bytes() * size)

    def _bytes(self) -> float:
        """Return what a byte costs, in moves."""
        return BYTES / max(float(self.state.problem.bytes[self._free].mean()), 1e-300) if self._free.any() else 0.0

    def mend(self, sweeps: int, price: float, copies: int) -> None:
        """Plan the nodes outside the window anew, with others, until there are none."""
        unit = self._unit()
        for _sweep in range(sweeps if unit else 0):
            if self.reached():
                return
            groups = tied(self.state, self.window, WIDER, self._chance, astray=True)
            for board in boards(self.state, self._alike.some(self.state), groups):
                self._sweep(board, unit * price, copies)

    def _unit(self) -> float:
        """Return the mean size of what may be moved, on the scale of the window."""
        sizes = self.window.demand[self._free].sum(axis=1)
        return float(sizes[sizes > 0].mean()) if (sizes > 0).any() else 0.0

    def _sweep(self, board: Board, price: float, copies: int, *, last: bool = False) -> None:
        """Plan the groups of a board anew; keep what is better, or hardly worse."""
        count = len(board.nodes)
        back = board.real & (board.home >= 0) & (board.home != board.at) & ~self._fixed[board.items]
        anew = Anew(self.state, self.window, board, back, price, copies, self._random)
        anew.plan()
        size = self._bytes() * (LAST_BYTES if last else 1.0)
        moves, bytes_ = board.cost(board.at)
        before = anew.outside_before + price * (moves + size * bytes_)
        worst = before + WARMTH * price * self._random.exponential(size=count)
        limited = self._moves is not None or self._size is not None
        energies, more = [], []
        for number in range(copies):
            then, its = board.cost(anew.at[number::copies])
            energies.append(anew.outside[number::copies] + price * (then + size * its))
            more.append((then > moves) | ((its > bytes_) & limited))
        energy, grows = np.array(energies), np.array(more)
        if limited or last:
            energy = np.where(grows, np.inf, energy)
        best = energy.argmin(axis=0)
        at = anew.at[np.arange(count) * copies + best]
        for group in np.flatnonzero(energy[best, np.arange(count)] <= worst).tolist():
            changes = board.changes(at, group)
            before_them = [(item, int(self.state.at[item])) for item, _node in changes]
            for item, node in changes:
                self.state.move(item, node)
            if changes and not self.state.sound(board.nodes[group]):
                for item, node in before_them:
                    self.state.move(item, node)

    def _placed(self, item: int) -> bool:
        """Move an item that is in breach, if there is a place; a group that is torn apart comes together with the fewest moves."""
        state, window, nodes = self.state, self.window, self._open
        if not state.breaches_of(item):
            return True
        if not len(nodes):
            return False
        there = window.scaled(state, nodes)
        gains = window.outside(there, nodes) - window.outside(there + window.demand[item], nodes)
        moves = np.array([state.problem.moves(item, node) for node in nodes.tolist()])
        gains = np.where(state.fits(np.array([item]), nodes)[0], gains, -np.inf)
        best = int(np.lexsort((-gains, np.where(np.isfinite(gains), moves, np.iinfo(np.int64).max)))[0])
        if not np.isfinite(gains[best]) or not self._affordable([item]):
            return False
        state.move(item, int(nodes[best]))
        return True

    def _within_limits(self, items: Ints) -> Ints:
        """Return those of some items of which one more may be moved."""
        if self._moves is None and self._size is None:
            return items
        return np.array([item for item in items.tolist() if self._affordable([item])], dtype=np.int64)

    def _affordable(self, items: list[int]) -> bool:
        """Return whether some more items may be moved."""
        if self._moves is None and self._size is None:
            return True
        problem = self.state.problem
        moves, moved = self.state.cost(list(self.state.moved))
        moves += sum(len(problem.members[item]) for item in items)
        moved += float(problem.bytes[items].sum())
        return (self._moves is None or moves <= self._moves) and (self._size is None or moved <= self._size)

    def _items(self, nodes: Iterable[int]) -> Ints:
        return np.array([item for node in nodes for item in self.state.on[node] if self._free[item]], dtype=np.int64)

    def _fill(self, nodes: Ints) -> Floats:
        """Return how full nodes are, over the resources that are balanced."""
        problem = self.state.problem
        capacity = np.maximum(problem.capacity[nodes][:, problem.resources], 1e-300)
        return t.cast("Floats", (self.state.load[nodes][:, problem.resources] / capacity).sum(axis=1))

    def _step(self, full: Ints, empty: Ints, width: int) -> list[tuple[int, int]]:
        """Return the move that helps most, from one of the fullest nodes to one of the emptiest."""
        receivers = self._open[empty[:width]]
        items = self._within_limits(self._items(self._open[full[:width]].tolist()))
        if not len(items):
            return []
        # What is balanced in several resources is better kept in the middle of all of them: the next move will want room there.
        centre = CENTRE if len(self.state.problem.resources) > 1 else 0.0
        gains = self.window.gains(self.state, items, receivers, centre=centre)
        row, column = divmod(int(np.argmax(gains)), gains.shape[1])
        return [(int(items[row]), int(receivers[column]))] if np.isfinite(gains[row, column]) else []

    def trade(self) -> None:
        """Let items change places where that brings the nodes nearer to the window and moves no more guests: one that goes home for another that
        leaves it, or two that move anyway."""
        for _round in range(ROUNDS):
            outside = self.window.outside(self.window.scaled(self.state, self._open), self._open)
            found = False
            for place in np.flatnonzero(outside > REACHED)[np.argsort(-outside[outside > REACHED], kind="stable")].tolist():
                _gain, steps = self._best_exchange(int(self._open[place]), free=True)
                for item, node in steps:
                    self.state.move(item, node)
                found = found or bool(steps)
            if not found:
                return

    def _exchange(self, outside: Floats) -> list[tuple[int, int]]:
        """Return the two moves by which two items change places, one of them on a node that is far outside; nothing where that does not help."""
        worst = [place for place in np.argsort(-outside, kind="stable")[:NARROW].tolist() if outside[place] > REACHED]
        return max((self._best_exchange(int(self._open[place])) for place in worst), key=lambda one: one[0], default=(0.0, []))[1]

    def _best_exchange(self, node: int, *, free: bool = False) -> tuple[float, list[tuple[int, int]]]:
        """Return what it brings if an item of a node and another change places, and how; nothing where that does not help.

        :param free: only if no more guests are moved then.
        """
        state, window = self.state, self.window
        mine, theirs = self._items([node]), self._items(self._open[self._open != node].tolist())
        if not len(mine) or not len(theirs):
            return 0.0, []
        here, there = np.array([node]), state.at[theirs]
        change = window.demand[theirs][None] - window.demand[mine][:, None]
        near, far = window.scaled(state, here), window.scaled(state, there)
        after = window.outside(near[None] + change, np.full(change.shape[:2], node))
        after += window.outside(far[None] - change, np.broadcast_to(there, change.shape[:2]))
        gains = (window.outside(near, here) + window.outside(far, there))[None, :] - after
        possible = gains > REACHED
        if free:
            possible &= self._free_of_charge(mine, theirs, node)
        rows, columns = np.nonzero(possible)
        if not len(rows):
            return 0.0, []
        some, others = np.unique(rows), np.unique(columns)
        can = np.zeros(possible.shape, dtype=bool)
        can[np.ix_(some, others)] = state.can_exchange(mine[some], theirs[others], node)
        gains = np.where(possible & can, gains, -np.inf)
        row, column = divmod(int(np.argmax(gains)), gains.shape[1])
        if not np.isfinite(gains[row, column]):
            return 0.0, []
        first, second = int(mine[row]), int(theirs[column])
        return float(gains[row, column]), [(first, int(state.at[second])), (second, node)]

    def _free_of_charge(self, mine: Ints, theirs: Ints, node: int) -> Bools:
        """Return whether no more guests are moved if items of a node and others change places [k, q]; not of items that are several guests."""
        state, problem = self.state, self.state.problem
        home, others, there = problem.home[mine], problem.home[theirs], state.at[theirs]
        before = (home != node).astype(np.int64)[:, None] + (others != there)[None, :]
        after = (home[:, None] != there[None, :]).astype(np.int64) + (others != node)[None, :]
        plain = ~problem.particular
        return t.cast("Bools", (after <= before) & plain[mine][:, None] & plain[theirs][None, :])
