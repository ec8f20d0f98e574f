# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Balance as a window: when every open node's share of its capacity lies between t and t + spread, for each resource, the aim is reached.

How far the nodes are outside says how far there is to go, and what a move brings. Nodes over their capacity, in whatever resource, count
heavily besides.
"""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import Problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Floats, Ints

OVERLOAD = 10.0
REACHED = 1e-9
# By how much of its height a window may be shifted at once.
_STEP = 0.01
_REACH = 10


class Window:
    """Limits of each node between which its load is to lie.

    :param low: [k] share of capacity below which no node is to be, of each resource that is balanced; None = only overloads count.
    :param height: [k] how far above that no node is to be; None = the target of the problem.
    """

    def __init__(self, problem: Problem, low: Floats | None, height: Floats | None = None) -> None:
        self._problem, self.height = problem, problem.target if height is None else height
        # No move makes a node overloaded, so the columns are needed only where one is so already.
        self._counted = problem.counted if State(problem).overloaded().any() or low is None else 0
        mean = problem.capacity[problem.open].mean(axis=0) if problem.open.any() else problem.capacity.mean(axis=0)
        # What no open node has any of is out of reach of every move.
        inverse = np.where(mean > 0, 1.0 / np.where(mean > 0, mean, 1.0), 0.0)
        columns, weights = np.arange(self._counted), np.full(self._counted, OVERLOAD)
        if low is not None:
            columns = np.concatenate([columns, problem.resources])
            weights = np.concatenate([weights, problem.weights / problem.weights.mean()])
        self._columns = columns
        self._factor = weights * inverse[columns]
        self.demand: Floats = problem.demand[:, columns] * self._factor
        self._place(low)

    def _place(self, low: Floats | None) -> None:
        self.low = low
        problem, counted = self._problem, self._counted
        capacity = problem.capacity[:, self._columns]
        # A closed node is not balanced, nor is one in what it has nothing of; whether it may hold what it holds is not a matter of load.
        balanced = problem.open[:, None] & (capacity > 0)
        balanced[:, :counted] = False
        self._low, self._high = np.full(capacity.shape, -np.inf), np.full(capacity.shape, np.inf)
        self._high[:, :counted] = capacity[:, :counted] * self._factor[:counted]
        if low is not None:
            least, most = np.zeros(len(self._columns)), np.zeros(len(self._columns))
            least[counted:], most[counted:] = low, low + self.height
            self._low = np.where(balanced, least * capacity * self._factor, self._low)
            self._high = np.where(balanced, most * capacity * self._factor, self._high)
        # Where there is no window, nothing is the middle: a huge half makes the square vanish.
        self._half = np.where(balanced, np.maximum((self._high - self._low) / 2.0, 1e-12), 1e300)
        self._middle = np.where(balanced, self._low, 0.0) + np.where(balanced, self._half, 0.0)

    def nearer(self, state: State) -> Window:
        """Return the window a little higher or lower, where the nodes are least outside."""
        problem, low = self._problem, self.low
        if low is None:
            return self
        low, steps = low.copy(), np.arange(-_REACH, _REACH + 1) * _STEP
        for number, column in enumerate(problem.resources.tolist()):
            capacity = np.where(problem.open, problem.capacity[:, column], 0.0)
            load, height = state.load[:, column], self.height[number]
            places = np.maximum(low[number] + height * steps, 0.0)[:, None]
            outside = np.where(
                capacity > 0, np.maximum(load - (places + height) * capacity, 0.0) + np.maximum(places * capacity - load, 0.0), 0.0
            )
            total = outside.sum(axis=1) / max(float(capacity.sum()), 1e-300)
            low[number] = places[np.lexsort((np.abs(steps), np.round(total, 12)))[0], 0]
        other = copy.copy(self)
        other._place(low)
        return other

    def limits(self, nodes: Ints) -> tuple[Floats, Floats]:
        """Return the lower and the upper limits of nodes [..., w] on the scale of the window."""
        return self._low[nodes], self._high[nodes]

    def scaled(self, state: State, nodes: Ints) -> Floats:
        """Return the loads of nodes [q, w] on the scale of the window."""
        return t.cast("Floats", state.load[nodes[:, None], self._columns] * self._factor)

    def outside(self, load: Floats, nodes: Ints) -> Floats:
        """Return how far loads [..., w] of these nodes [...] are outside; it is a sum over the resources."""
        over = np.maximum(load - self._high[nodes], 0.0)
        over += np.maximum(self._low[nodes] - load, 0.0)
        return t.cast("Floats", over.sum(axis=-1))

    def over_and_under(self, state: State, nodes: Ints) -> tuple[Floats, Floats]:
        """Return how far each node [q] is above and below the window."""
        load = self.scaled(state, nodes)
        return np.maximum(load - self._high[nodes], 0.0).sum(axis=1), np.maximum(self._low[nodes] - load, 0.0).sum(axis=1)

    def total(self, state: State, nodes: Ints) -> float:
        """Return how far nodes are outside together."""
        return float(self.outside(self.scaled(state, nodes), nodes).sum())

    def gains(self, state: State, items: Ints, nodes: Ints, *, centre: float = 0.0) -> Floats:
        """Return how good it is to move each item to each node [k, q]: by how much the nodes come closer to the window; −inf where they do not, or
        where the item may not go.

        :param centre: how much it counts besides that the nodes come closer to the middle of the window.
        """
        source = state.at[items]
        demand = self.demand[items]
        load, there = self.scaled(state, source), self.scaled(state, nodes)
        arrived, targets = there[None] + demand[:, None], np.broadcast_to(nodes, (len(items), len(nodes)))
        closer = (self.outside(load, source) - self.outside(load - demand, source))[:, None]
        closer = closer + self.outside(there, nodes)[None, :] - self.outside(arrived, targets)
        possible = (closer > REACHED) & state.fits(items, nodes)
        if not centre:
            return np.where(possible, closer, -np.inf)
        nearer = (self._off_centre(load, source) - self._off_centre(load - demand, source))[:, None]
        nearer = nearer + self._off_centre(there, nodes)[None, :] - self._off_centre(arrived, targets)
        return np.where(possible, closer + centre * nearer, -np.inf)

    def _off_centre(self, load: Floats, nodes: Ints) -> Floats:
        """Return how far loads are from the middle of the window: its square inside, growing evenly outside (Huber)."""
        middle, half = self._middle[nodes], self._half[nodes]
        away = np.abs(load - middle)
        return t.cast("Floats", np.where(away <= half, away * away / half, 2.0 * away - half).sum(axis=-1))
