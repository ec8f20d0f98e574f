# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups of nodes planned anew: moves are taken back and others made, the best one first (ruin and recreate: Schrimpf et al., Journal of
Computational Physics 2000), in all groups of a board at once, and in several copies of each with different luck.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.regions import Board
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.window import REACHED, Window
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats, Ints

# How much chance there is in what counts as the best move, and in what a move is worth.
NOISE, WORTH = 0.25, 0.1
# How many more moves a group may have for a while than it had.
MORE = 4
# Copies that are done are put aside when fewer than this part of them is not.
KEEP = 0.8


class Anew:
    """Copies of the groups of a board: b = groups × copies. Columns of the window and of the capacities are lists of arrays.

    :param back: [g, k] items that are taken home first.
    :param price: how far outside the window one more move has to bring the nodes nearer.
    :param copies: of each group.
    """

    def __init__(
        self, state: State, window: Window, board: Board, back: Bools, price: float, copies: int, random: np.random.Generator
    ) -> None:
        problem, nodes = state.problem, board.nodes
        at = np.where(back, board.home, board.at)
        self._at: Ints = at
        low, high = window.limits(nodes)
        self._low, self._high = _columns(low), _columns(high)
        self._demand = board.demand(window.demand)
        self._load = _columns(window.scaled(state, nodes.ravel()).reshape(low.shape))
        self.outside_before: Floats = self._outside().sum(axis=1)
        self._needs, self._room = board.demand(problem.demand), _columns(state.room(nodes.ravel()).reshape(*nodes.shape, -1))
        rows, which = np.nonzero(back)
        for left, takes, sign in [(self._load, self._demand, 1.0), (self._room, self._needs, -1.0)]:
            for amounts, each in zip(left, takes, strict=True):
                np.subtract.at(amounts, (rows, board.at[rows, which]), sign * each[rows, which])
                np.add.at(amounts, (rows, board.home[rows, which]), sign * each[rows, which])
        self._groups = np.where(board.real[:, :, None], problem.groups[board.items], -1) if problem.group_count else None
        self._clash = self._clashes(state, board, back) if self._groups is not None else None
        worth = price * np.exp(WORTH * random.standard_normal((len(nodes) * copies, 1, 1)))
        moves, _bytes = board.cost(board.at)
        self._most: Ints = np.repeat(moves, copies) + MORE
        self._may: Bools = board.may
        self._price: Floats = board.moves.astype(np.float64)
        if copies > 1:
            self._each(lambda array: np.repeat(array, copies, axis=0), but="_most")
        self._price = worth * self._price
        self._luck = np.exp(NOISE * random.standard_normal(self._price.shape, dtype=np.float32)).astype(np.float64)
        self._paid: Floats = np.take_along_axis(self._price, np.maximum(self._at, 0)[:, None, :], axis=1)[:, 0]
        # What became of the copies that are done; the arrays above are of the others.
        self._rows = np.arange(len(self._at))
        self.at: Ints = self._at.copy()
        self.outside: Floats = np.zeros(len(self._at))

    def plan(self) -> None:
        """Make the best move of each copy, again and again, until all its nodes are inside the window or no move is worth its price."""
        copies, places, _items = self._price.shape
        rows, columns = (grid.ravel() for grid in np.mgrid[:copies, :places])
        self._arrive = self._arriving(rows, columns).reshape(self._price.shape)
        for step in range(int(self._most.max(initial=0))):
            # Who is done stays done.
            live = (self._outside().sum(axis=1) > REACHED) & (step < self._most)
            if np.count_nonzero(live) < KEEP * len(live):
                self._keep(live)
                live = np.ones(len(self._rows), dtype=bool)
            if not len(live):
                return
            score = self._arrive + self._leaving()[:, None, :]
            score *= self._luck
            flat = score.reshape(len(score), -1)
            best = flat.argmax(axis=1)
            live &= flat[np.arange(len(best)), best] > REACHED
            which = np.flatnonzero(live)
            if not len(which):
                break
            target, one = np.divmod(best[which], self._at.shape[1])
            source = self._at[which, one]
            self._move(which, one, source, target)
            rows, columns = np.concatenate([which, which]), np.concatenate([source, target])
            self._arrive[rows, columns] = self._arriving(rows, columns)
        self._keep(np.zeros(len(self._rows), dtype=bool))

    def _keep(self, live: Bools) -> None:
        """Go on with some copies, and write down the others."""
        done = self._rows[~live]
        self.at[done], self.outside[done] = self._at[~live], self._outside()[~live].sum(axis=1)
        self._each(lambda array: array[live])

    def _each(self, change: Callable[[t.Any], t.Any], but: str = "") -> None:
        """Change every array of which each copy has a row."""
        for name in ("_low", "_high", "_demand", "_load", "_needs", "_room"):
            setattr(self, name, [change(column) for column in getattr(self, name)])
        for name in ("_groups", "_clash", "_may", "_price", "_at", "_most", "_luck", "_paid", "_rows", "_arrive"):
            if name != but and getattr(self, name, None) is not None:
                setattr(self, name, change(getattr(self, name)))

    def _outside(self) -> Floats:
        """Return how far nodes are outside [b, q]."""
        found = np.zeros(self._load[0].shape if self._load else (len(self._at), 1))
        for load, low, high in zip(self._load, self._low, self._high, strict=True):
            found += np.maximum(np.maximum(load - high, low - load), 0.0)
        return found

    def _leaving(self) -> Floats:
        """Return how much nearer its node comes without an item, and what is saved if it goes home [b, k]."""
        found = self._paid.copy()
        where = np.maximum(self._at, 0) + (np.arange(len(self._at)) * self._price.shape[1])[:, None]
        for load, low, high, demand in zip(self._load, self._low, self._high, self._demand, strict=True):
            here, least, most = load.take(where), low.take(where), high.take(where)
            found += np.maximum(np.maximum(here - most, least - here), 0.0)
            here -= demand
            found -= np.maximum(np.maximum(here - most, least - here), 0.0)
        return found

    def _arriving(self, rows: Ints, places: Ints) -> Floats:
        """Return how much nearer some nodes come by each item, less its price [r, k]; −inf where it may not go; rows, places: [r]."""
        found = -self._price[rows, places]
        possible = self._may[rows, places] & (self._at[rows] != places[:, None])
        for load, low, high, demand in zip(self._load, self._low, self._high, self._demand, strict=True):
            here, least, most = load[rows, places][:, None], low[rows, places][:, None], high[rows, places][:, None]
            then = demand[rows]
            then += here
            found -= np.maximum(np.maximum(then - most, least - then), 0.0)
            found += np.maximum(np.maximum(here - most, least - here), 0.0)
        for room, needs in zip(self._room, self._needs, strict=True):
            possible &= needs[rows] <= np.maximum(room[rows, places], 0.0)[:, None]
        if self._clash is not None:
            possible &= self._clash[rows, places] == 0
        found[~possible] = -np.inf
        return found

    def _move(self, which: Ints, one: Ints, source: Ints, target: Ints) -> None:
        for load, demand in zip(self._load, self._demand, strict=True):
            load[which, source] -= demand[which, one]
            load[which, target] += demand[which, one]
        for room, needs in zip(self._room, self._needs, strict=True):
            room[which, source] += needs[which, one]
            room[which, target] -= needs[which, one]
        self._at[which, one] = target
        self._paid[which, one] = self._price[which, target, one]
        if self._groups is not None and self._clash is not None:
            for row, item, left, there in zip(*(each.tolist() for each in (which, one, source, target)), strict=True):
                _shift(self._clash[row], self._groups[row], item, left, there)

    def _clashes(self, state: State, board: Board, back: Bools) -> Ints:
        """Return how many items there are that an item must be apart from [g, q, k]."""
        groups = t.cast("Ints", self._groups)
        found = np.zeros(board.may.shape, dtype=np.int64)
        for column in range(groups.shape[2]):
            found += state.taken(groups[:, :, column], board.nodes)
        for row, item in zip(*np.nonzero(back), strict=True):
            _shift(found[row], groups[row], item, int(board.at[row, item]), int(board.home[row, item]))
        return found


def _columns(of: Floats) -> list[Floats]:
    return [np.ascontiguousarray(of[..., column]) for column in range(of.shape[-1])]


def _shift(clash: Ints, groups: Ints, item: int, source: int, target: int) -> None:
    """Count an item at its new place for all that are in a group with it; clash: [q, k], groups: [k, a]."""
    for group in groups[item].tolist():
        if group >= 0:
            alike = (groups == group).any(axis=1)
            clash[source, alike] -= 1
            clash[target, alike] += 1
