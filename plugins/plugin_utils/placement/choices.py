# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be chosen in a small problem: the places of every item, and what each of them adds to loads, violations, moves and bytes.

What is hard may be no worse than in the state it begins with; what is broken there may remain so, and counts as a violation.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import ROUNDING
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import NOWHERE, State
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats, Ints

# Who comes to a node counts so much in a group that must stay apart; who is there with another already, 1: at most one may come, and only where
# nobody is.
ALONE = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """The p places of an item.

    nodes: [p]; load: [p, n, w] what it adds; taken: [p, g, n] what it adds to groups; violations, moves, bytes: [p].
    """

    item: int
    nodes: Ints
    load: Floats
    taken: Ints
    violations: Ints
    moves: Ints
    bytes: Floats

    def only(self, places: Bools) -> Choice:
        """Return the choice among some of the places."""
        return Choice(
            self.item, self.nodes[places], self.load[places], self.taken[places], self.violations[places], self.moves[places], self.bytes[places]
        )  # fmt: skip


def concerned(state: State, free: Bools) -> list[int]:
    """Return the items that may be placed anew: those that may be moved, that were moved, or that are in breach."""
    movable = np.flatnonzero(state.problem.movable).tolist()
    return [item for item in movable if free[item] or item in state.moved or state.breaches_of(item)]


class Choices:
    """choices: of each item that may be moved or is in breach, the largest first; load: [n, w] of all others; most: [n, w] the most that may be;
    broken: [n, w] where more than `limit` is a violation; taken: [g, n] of all others; strict: [g]; balanced: columns [k] of `load`.

    w are the columns that are balanced or in which there may be too much; the others are left out.
    """

    def __init__(self, state: State, free: Bools) -> None:
        problem = self.problem = state.problem
        items = concerned(state, free)
        self._at = state.at.copy()
        fixed = state.load.copy()
        parts = {item: self._load(item, int(state.at[item]), state) for item in items}
        for part in parts.values():
            fixed -= part
        # Rounding is not to leave a load of less than nothing.
        fixed = np.where(np.abs(fixed) <= ROUNDING * np.abs(state.load), 0.0, fixed)
        limit = problem.capacity * (1.0 + ROUNDING) + ROUNDING
        highest = fixed + sum((np.maximum(part, self._most(item)) for item, part in parts.items()), np.zeros(fixed.shape))
        binding: Bools = np.asarray((highest > limit).any(axis=0))
        binding[problem.resources] = True
        columns = np.flatnonzero(binding)
        self.balanced: Ints = np.searchsorted(columns, problem.resources)
        self.load: Floats = fixed[:, columns]
        self.limit: Floats = limit[:, columns]
        self.most: Floats = np.maximum(limit, state.load * (1.0 + ROUNDING))[:, columns]
        self.broken: Bools = (state.load > limit)[:, columns] & (columns < problem.counted)
        self._groups(state, items)
        self.choices = [self._choice(item, columns, state) for item in self._sorted(items, columns)]

    def _load(self, item: int, node: int, state: State) -> Floats:
        """Return what an item adds to all nodes at a node [n, c]; a group that is torn apart is where its members are."""
        problem = self.problem
        found = np.zeros(problem.capacity.shape)
        if node == NOWHERE:
            for guest in problem.members[item]:
                found[problem.cluster.home[guest]] += state.demand_of(guest)
        else:
            found[node] = problem.demand[item]
        return found

    def _most(self, item: int) -> Floats:
        return np.where(self.problem.may[item][:, None], self.problem.demand[item][None, :], 0.0)

    def _groups(self, state: State, items: list[int]) -> None:
        """Note who is in groups that must stay apart, of items that do not move."""
        problem = self.problem
        involved = sorted({group for item in items for group in problem.groups[item].tolist() if group >= 0})
        self._number = {group: number for number, group in enumerate(involved)}
        self.strict = np.array([group < problem.strict_groups for group in involved], dtype=bool)
        nodes = len(problem.capacity)
        counts = np.zeros((len(involved), nodes), dtype=np.int64)
        members = [item for item in np.flatnonzero((problem.groups >= 0).any(axis=1)).tolist() if state.at[item] >= 0]
        for item in members:
            for number in self._groups_of(item):
                counts[number, state.at[item]] += 1
        self._crowded = counts > 1
        self.taken: Ints = np.zeros(counts.shape, dtype=np.int64)
        for item in set(members) - set(items):
            self.taken += self._takes(item, int(state.at[item]))

    def _groups_of(self, item: int) -> list[int]:
        return [self._number[group] for group in self.problem.groups[item].tolist() if group in self._number]

    def _takes(self, item: int, node: int) -> Ints:
        """Return what an item adds to groups at a node [g, n]."""
        found = np.zeros(self._crowded.shape, dtype=np.int64)
        for number in self._groups_of(item) if node != NOWHERE else ():
            stays = self._crowded[number, node] and self._at[item] == node
            found[number, node] = 1 if stays else ALONE
        return found

    def _sorted(self, items: list[int], columns: Ints) -> list[int]:
        """Return the items, the largest first: what is decided early decides most."""
        problem = self.problem
        scale = np.where(np.isfinite(problem.capacity), problem.capacity, 0.0).mean(axis=0)[columns]
        sizes = (problem.demand[:, columns] / np.where(scale > 0, scale, 1.0)).max(axis=1, initial=0.0)
        return sorted(items, key=lambda item: (-sizes[item], item))

    def _choice(self, item: int, columns: Ints, state: State) -> Choice:
        problem, now = self.problem, int(state.at[item])
        nodes = np.flatnonzero(problem.may[item]).tolist()
        # To stay comes first: of two that are equal, the first is taken.
        nodes = [now, *(node for node in nodes if node != now)]
        bad = now == NOWHERE or bool(problem.astray[item] if now == problem.home[item] else not problem.may[item, now])
        costs = [(0, 0.0) if node == NOWHERE else problem.cost(item, node) for node in nodes]
        violations = np.zeros(len(nodes), dtype=np.int64)
        violations[0] = len(problem.members[item]) if bad else 0
        return Choice(
            item,
            np.array(nodes, dtype=np.int64),
            np.array([self._load(item, node, state)[:, columns] for node in nodes]),
            np.array([self._takes(item, node) for node in nodes], dtype=np.int64),
            violations,
            np.array([moves for moves, _size in costs], dtype=np.int64),
            np.array([size for _moves, size in costs], dtype=np.float64),
        )
