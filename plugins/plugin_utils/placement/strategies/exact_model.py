# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The placement problem as an integer program: variables, rows and the four aims of `exact`.

Items that are alike in everything are one kind, so that the solver does not try them in every order. What is in breach now may remain so, at
the cost of the first aim; nothing else may come to be.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import ROUNDING
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import NOWHERE, State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, scipy_sparse

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Floats, Ints
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms

# The solver's tolerance is absolute; at this scale it is a billionth of a capacity.
SCALE = 1000.0

Parts = dict[int, float]


@dataclasses.dataclass(slots=True)
class Rows:
    """Linear rows: low ≤ Σ coefficient × variable ≤ high."""

    parts: list[Parts] = dataclasses.field(default_factory=list)
    low: list[float] = dataclasses.field(default_factory=list)
    high: list[float] = dataclasses.field(default_factory=list)

    def add(self, parts: Parts, low: float = float("-inf"), high: float = float("inf")) -> None:
        """Add a row, if there is anything in it."""
        if parts:
            self.parts.append(parts)
            self.low.append(low)
            self.high.append(high)

    def matrix(self, width: int) -> t.Any:
        """Return the rows as a sparse matrix."""
        pairs = [(row, column, value) for row, one in enumerate(self.parts) for column, value in one.items()]
        rows, columns, values = zip(*pairs, strict=True) if pairs else ((), (), ())
        return scipy_sparse.csr_array((values, (rows, columns)), shape=(len(self.parts), width))


class Model:
    """kinds: items of each kind; aims: the objectives, the most important first; whole: [variables] which are integers; most: [variables]."""

    def __init__(self, state: State, shares: Shares, terms: Terms) -> None:
        self._state, self._shares, self._problem = state, shares, state.problem
        self.rows, self.whole, self.most = Rows(), list[bool](), list[float]()
        self._violations, self._excess, self._moves, self._bytes = Parts(), Parts(), Parts(), Parts()
        # What variables are in the state as it is, those of places apart.
        self._now: Parts = {}
        self.kinds = self._kinds(terms)
        # Of each kind, the variable of each node where it may be.
        self._at: list[dict[int, int]] = [self._places(items) for items in self.kinds]
        self._load = self._loads()
        self._capacity()
        self._groups()
        self._spread()
        self._limits(terms)
        self.aims = (self._violations, self._excess, self._moves, self._bytes)

    def now(self) -> Floats:
        """Return the variables of the state as it is [variables]: it keeps to all rows."""
        found = np.zeros(len(self.most))
        found[list(self._now)] = list(self._now.values())
        for items, places in zip(self.kinds, self._at, strict=True):
            found[places[int(self._state.at[items[0]])]] = len(items)
        return found

    def placement(self, values: Floats) -> Ints:
        """Return the node of each item [m]; items of a kind that can stay where they are do."""
        found = self._state.at.copy()
        for items, places in zip(self.kinds, self._at, strict=True):
            now = int(found[items[0]])
            counts = {node: round(float(values[variable])) for node, variable in places.items()}
            left = items[counts.pop(now, 0) :]
            for node, count in counts.items():
                found[left[:count]] = node
                left = left[count:]
        return found

    def _variable(self, most: float, whole: bool = True) -> int:
        self.most.append(most)
        self.whole.append(whole)
        return len(self.most) - 1

    def _kinds(self, terms: Terms) -> list[list[int]]:
        """Return items that may be moved, those that are alike together: free ones, and what was moved before or has to move."""
        state, problem = self._state, self._problem
        found: dict[t.Any, list[int]] = {}
        for item in np.flatnonzero(problem.movable).tolist():
            if not (terms.free[item] or item in state.moved or state.breaches_of(item)):
                continue
            alike: t.Any = item
            if not problem.particular[item] and (problem.groups[item] < 0).all():
                place = (int(state.at[item]), int(problem.home[item]))
                alike = (*place, problem.bytes[item], problem.demand[item].tobytes(), problem.may[item].tobytes())
            found.setdefault(alike, []).append(item)
        return list(found.values())

    def _places(self, items: list[int]) -> dict[int, int]:
        """Make the variables of a kind: how many of its items are on each node where they may be, or are now."""
        problem, item, now = self._problem, items[0], int(self._state.at[items[0]])
        nodes = [*np.flatnonzero(problem.may[item]).tolist()]
        if now not in nodes:
            nodes.append(now)
        places = {node: self._variable(len(items)) for node in nodes}
        self.rows.add(dict.fromkeys(places.values(), 1.0), len(items), len(items))
        if now == NOWHERE or (problem.astray[item] if now == problem.home[item] else not problem.may[item, now]):
            self._violations[places[now]] = float(len(problem.members[item]))
        for node, variable in places.items():
            moves, size = (0, 0.0) if node == NOWHERE else problem.cost(item, node)
            if moves:
                self._moves[variable], self._bytes[variable] = moves, size
        return places

    def _loads(self) -> tuple[Floats, dict[int, list[tuple[int, Floats]]]]:
        """Return the load that stays whatever is done [n, c], and by node, variables with what one item of each adds."""
        state, problem = self._state, self._problem
        fixed, parts = state.load.copy(), dict[int, list[tuple[int, t.Any]]]()
        for items, places in zip(self.kinds, self._at, strict=True):
            for node, variable in places.items():
                if node == NOWHERE:
                    # A group that is torn apart and stays so is where its members are: one variable adds to several nodes.
                    for guest in problem.members[items[0]]:
                        home, demand = int(problem.cluster.home[guest]), state.demand_of(guest)
                        fixed[home] -= demand
                        parts.setdefault(home, []).append((variable, demand))
                else:
                    parts.setdefault(node, []).append((variable, problem.demand[items[0]]))
                    if node == state.at[items[0]]:
                        fixed[node] -= problem.demand[items[0]] * len(items)
        return fixed, parts

    def _sum(self, node: int, column: int, scale: float) -> tuple[float, Parts]:
        """Return the load of a node in a column: what is fixed, and what variables add."""
        fixed, parts = self._load
        found = Parts()
        for variable, demand in parts.get(node, []):
            if demand[column]:
                found[variable] = found.get(variable, 0.0) + float(demand[column]) / scale
        return float(fixed[node, column]) / scale, found

    def _capacity(self) -> None:
        """No node may come to be over its capacity; one that is over it already may remain so, and not get worse."""
        problem, load = self._problem, self._state.load
        largest = problem.demand.max(axis=0, initial=1e-300)
        for node, column in np.ndindex(*load.shape):
            room, now = float(problem.capacity[node, column]), float(load[node, column])
            if room == np.inf:
                continue
            scale = max(room, now, float(largest[column])) / SCALE
            fixed, parts = self._sum(node, column, scale)
            if now > room * (1.0 + ROUNDING) + ROUNDING and column < problem.counted:
                over = self._variable(1)
                self._violations[over] = self._now[over] = 1.0
                self.rows.add({**parts, over: -(now - room) / scale}, high=room / scale - fixed)
            else:
                self.rows.add(parts, high=max(room, now) / scale - fixed)

    def _groups(self) -> None:
        """No node may hold two of a group that must stay apart; a group of which one does already may remain so, and not get worse."""
        problem, at = self._problem, self._state.at
        variables = {items[0]: places for items, places in zip(self.kinds, self._at, strict=True)}
        for group in range(problem.group_count):
            items = np.flatnonzero((problem.groups == group).any(axis=1)).tolist()
            counts = np.bincount(at[[item for item in items if at[item] >= 0]], minlength=len(problem.capacity))
            broken = self._variable(1) if (counts > 1).any() else None
            if broken is not None:
                self._now[broken] = 1.0
                if group < problem.strict_groups:
                    self._violations[broken] = 1.0
            for node, count in enumerate(counts.tolist()):
                parts = {variables[item][node]: 1.0 for item in items if node in variables.get(item, {})}
                fixed = sum(1 for item in items if at[item] == node and item not in variables)
                if count < 2:
                    self.rows.add(parts, high=1 - fixed)
                    continue
                self.rows.add({**parts, t.cast("int", broken): 1.0 - count}, high=1 - fixed)
                # Those that are there may stay; who comes must be alone.
                come = [variables[item][node] for item in items if at[item] != node and node in variables.get(item, {})]
                for one in come:
                    self.rows.add({one: 1.0}, high=1 - min(fixed, 1))
                    for other in parts:
                        if other != one:
                            self.rows.add({one: 1.0, other: 1.0}, high=1)

    def _spread(self) -> None:
        """Each open node lies between the least and the greatest share; what these are apart above the target is the excess."""
        shares = self._shares
        now = shares.of(self._state) * SCALE
        for number, column in enumerate(self._problem.resources.tolist()):
            low, high, excess = (self._variable(np.inf, whole=False) for _name in range(3))
            self._excess[excess] = float(shares.weights[number])
            bottom, top = (float(now[:, number].min()), float(now[:, number].max())) if len(now) else (0.0, 0.0)
            self._now.update({low: bottom, high: top, excess: max(0.0, top - bottom - float(shares.target[number]) * SCALE)})
            self.rows.add({high: 1.0, low: -1.0, excess: -1.0}, high=float(shares.target[number]) * SCALE)
            for node in shares.nodes.tolist():
                if shares.capacity[node, number] > 0:
                    fixed, parts = self._sum(node, column, float(shares.capacity[node, number]) / SCALE)
                    self.rows.add({**parts, low: -1.0}, low=-fixed)
                    self.rows.add({**parts, high: -1.0}, high=-fixed)

    def _limits(self, terms: Terms) -> None:
        """The moves may grow by what the terms allow, from what they are now."""
        costs = [self._problem.cost(item, int(self._state.at[item])) for item in self._state.moved]
        moves, size = sum(cost[0] for cost in costs), sum(cost[1] for cost in costs)
        if terms.max_moves is not None:
            self.rows.add(dict(self._moves), high=moves + terms.max_moves)
        if terms.max_bytes is not None:
            most = size + terms.max_bytes
            scale = max(most, float(self._problem.bytes.max(initial=0.0)), 1e-300) / SCALE
            self.rows.add({variable: value / scale for variable, value in self._bytes.items()}, high=most / scale)
