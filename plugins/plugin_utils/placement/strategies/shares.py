# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How evenly nodes are loaded: the share of its usable capacity that each open node carries, of each resource that is balanced."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import Problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Floats, Ints

# What floating point numbers leave of a difference that is none.
NOTHING = 1e-9


class Shares:
    """nodes: [q] open nodes; target: [k] how far apart their shares may be; weights: [k], 1 on average; mean: [k] share of all open nodes together
    once they hold what can leave the others, which moves do not change."""

    def __init__(self, state: State) -> None:
        problem: Problem = state.problem
        self.nodes: Ints = np.flatnonzero(problem.open)
        self.target: Floats = problem.target
        self.weights: Floats = problem.weights / problem.weights.mean()
        self._columns = problem.resources
        self.capacity: Floats = problem.capacity[:, self._columns]
        # A node that has none of a resource has no share of it, nor has a closed one.
        self._has = (self.capacity > 0) & problem.open[:, None]
        self._inverse = np.where(self._has, 1.0 / np.where(self._has, self.capacity, 1.0), 0.0)
        self.demand: Floats = problem.demand[:, self._columns]
        total = np.where(self._has, self.capacity, 0.0).sum(axis=0)
        used = np.where(self._has, state.load[:, self._columns], 0.0).sum(axis=0) + self._leaving(state)
        self.mean: Floats = used / np.where(total > 0, total, 1.0)

    def _leaving(self, state: State) -> Floats:
        """Return what the items on closed nodes take that can leave them [k]."""
        problem = state.problem
        items = np.flatnonzero(problem.movable & (state.at >= 0) & ~problem.open[state.at])
        able = problem.may[items].any(axis=1)
        return t.cast("Floats", self.demand[items[able]].sum(axis=0))

    def of(self, state: State) -> Floats:
        """Return the shares of the open nodes [q, k]; the mean where a node has none of a resource."""
        return self.at(state, self.nodes)

    def spread(self, shares: Floats) -> Floats:
        """Return the spread of each resource [k]."""
        return shares.max(axis=0) - shares.min(axis=0) if len(shares) else np.zeros(len(self.target))

    def excess(self, shares: Floats) -> float:
        """Return by how much the spreads are above the target, weighted; next to nothing is nothing."""
        over = self.spread(shares) - self.target
        return float((self.weights * np.where(over > NOTHING, over, 0.0)).sum())

    def level(self, shares: Floats) -> Floats:
        """Return one figure of each open node [q]: the weighted mean of its shares."""
        return shares @ self.weights / len(self.weights)

    def parts(self, items: Ints, nodes: Ints) -> Floats:
        """Return the share of each node that each item takes up [k, q, r]."""
        return self.demand[items][:, None] * self._inverse[nodes][None]

    def after(self, state: State, items: Ints, nodes: Ints) -> tuple[Floats, Floats]:
        """Return the shares of the source [k, r] and of the target [k, q, r] when each item has moved to each node."""
        source = state.at[items]
        left = self.at(state, source) - self.demand[items] * self._inverse[source]
        return left, self.at(state, nodes)[None] + self.parts(items, nodes)

    def gains(self, state: State, items: Ints, nodes: Ints) -> Floats:
        """Return by how much the squared deviations from the mean shrink when each item moves to each node [k, q], whether it may or not."""
        left, come = self.after(state, items, nodes)
        leaving = self._squares(self.at(state, state.at[items])) - self._squares(left)
        return leaving[:, None] + self._squares(self.at(state, nodes))[None, :] - self._squares(come)

    def outside(self, state: State, nodes: Ints) -> float:
        """Return how far nodes are outside the mean ± half of the target, together."""
        far = np.abs(self.at(state, nodes) - self.mean) - self.target / 2
        return float((np.maximum(far, 0.0) @ self.weights).sum())

    def absolute(self, items: Ints) -> Floats:
        """Return one size of each item: its demand as a part of the mean capacity of a node, weighted over the resources."""
        scale = np.where(self._has, self.capacity, 0.0).sum(axis=0) / np.maximum(self._has.sum(axis=0), 1)
        return (self.demand[items] / np.where(scale > 0, scale, 1.0)) @ self.weights

    def at(self, state: State, nodes: Ints) -> Floats:
        """Return the shares of some nodes [q, k]."""
        return np.where(self._has[nodes], state.load[nodes[:, None], self._columns] * self._inverse[nodes], self.mean)

    def _squares(self, shares: Floats) -> Floats:
        return (shares - self.mean) ** 2 @ self.weights
