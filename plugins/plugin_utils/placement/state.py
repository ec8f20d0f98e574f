# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the items are, while a strategy looks for something better: loads, groups that must stay apart, and what may move where."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import ROUNDING, Problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats, Ints

NOWHERE = -1


class State:
    """A placement of all items of a problem that can be changed; it begins with where they are.

    at: [m] node of each item; load: [n, c]; on: items of each node; moved: items that are not at home; gone: those of each node that were at home there.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        nodes = len(problem.capacity)
        self.at: Ints = problem.home.copy()
        self.load: Floats = problem.other.copy()
        self.on: list[list[int]] = [[] for _node in range(nodes)]
        self.gone: list[list[int]] = [[] for _node in range(nodes)]
        self.moved: dict[int, None] = {}
        self._limit = problem.capacity * (1.0 + ROUNDING) + ROUNDING
        # The last row stands for "in no group".
        self._taken = np.zeros((problem.group_count + 1, nodes), dtype=np.int64)
        placed = np.flatnonzero(self.at >= 0)
        np.add.at(self.load, self.at[placed], problem.demand[placed])
        for item in placed.tolist():
            self.on[self.at[item]].append(item)
        for column in range(problem.groups.shape[1]):
            rows = placed[problem.groups[placed, column] >= 0]
            np.add.at(self._taken, (problem.groups[rows, column], self.at[rows]), 1)
        for item in np.flatnonzero(self.at < 0).tolist():
            # A group that is torn apart is where its members are until it is put together.
            for guest in problem.members[item]:
                self.load[problem.cluster.home[guest]] += self.demand_of(guest)

        self.keep()

    def keep(self) -> None:
        """Take the limits that are broken now as the most that may be: see `sound`."""
        self._ceiling = np.maximum(self._limit, self.load + ROUNDING)
        self._most = np.maximum(self._taken[:-1], 1)

    def move(self, item: int, node: int) -> None:
        """Put an item on a node; a group that was torn apart may be so again (NOWHERE)."""
        problem = self.problem
        source = int(self.at[item])
        if source >= 0:
            self.load[source] -= problem.demand[item]
            self.on[source].remove(item)
            self._taken[problem.groups[item], source] -= 1
        else:
            for guest in problem.members[item]:
                self.load[problem.cluster.home[guest]] -= self.demand_of(guest)
        if node >= 0:
            self.load[node] += problem.demand[item]
            self.on[node].append(item)
            self._taken[problem.groups[item], node] += 1
        else:
            for guest in problem.members[item]:
                self.load[problem.cluster.home[guest]] += self.demand_of(guest)
        self._taken[-1] = 0
        self.at[item] = node
        home = int(problem.home[item])
        if node == home:
            del self.moved[item]
            if home >= 0:
                self.gone[home].remove(item)
        elif item not in self.moved:
            self.moved[item] = None
            if home >= 0:
                self.gone[home].append(item)

    def room(self, nodes: Ints) -> Floats:
        """Return what nodes have left of each column [q, c]; less than nothing where they have too much."""
        return self._limit[nodes] - self.load[nodes]

    def taken(self, groups: Ints, nodes: Ints) -> Ints:
        """Return how many items of apart groups, one of each of k items [g, k], are on nodes [g, q, k]; of no group (−1) none."""
        return self._taken[groups[:, None, :], nodes[:, :, None]]

    def adopt(self, at: Ints) -> None:
        """Put every item to where it is in [m]."""
        for item in np.flatnonzero(at != self.at).tolist():
            self.move(item, int(at[item]))

    def fits(self, items: Ints, nodes: Ints) -> Bools:
        """Return whether each item could move to each node now [k, q]; not to where it is."""
        problem = self.problem
        found = problem.may[items[:, None], nodes[None, :]] & (self.at[items][:, None] != nodes[None, :])
        # What takes nothing of a thing may come to a node that has too much of it.
        room = np.maximum(self.room(nodes), 0.0)
        for column in range(room.shape[1]):
            found &= problem.demand[items, column][:, None] <= room[None, :, column]
        return t.cast("Bools", found & ~self._clash(items, nodes))

    def can_exchange(self, mine: Ints, theirs: Ints, node: int) -> Bools:
        """Return whether items on a node could change places with items of other nodes [k, q]."""
        problem = self.problem
        there, here = self.at[theirs], np.array([node])
        found = problem.may[mine[:, None], there[None, :]] & problem.may[theirs, node][None, :]
        more = problem.demand[theirs][None] - problem.demand[mine][:, None]
        # What a storage or a node has too much of already may become less.
        found &= ((more <= 0) | (self.load[node] + more <= self._limit[node])).all(axis=2)
        found &= ((more >= 0) | (self.load[there][None] - more <= self._limit[there][None])).all(axis=2)
        # Two of one group that change places stay apart, but that is seldom worth the look.
        return t.cast("Bools", found & ~self._clash(mine, there) & ~self._clash(theirs, here).T)

    def sound(self, nodes: Ints) -> bool:
        """Return whether on these nodes no limit is broken further than at the last `keep`: items that go home are not asked whether they fit."""
        fits = (self.load[nodes] <= self._ceiling[nodes]).all()
        return bool(fits and (self._taken[:-1, nodes] <= self._most[:, nodes]).all())

    def _clash(self, items: Ints, nodes: Ints) -> Bools:
        """Return whether a node holds something that an item must be apart from [k, q]."""
        groups = self.problem.groups
        found = np.zeros((len(items), len(nodes)), dtype=bool)
        for column in range(groups.shape[1]):
            found |= self._taken[groups[items, column][:, None], nodes[None, :]] > 0
        return found

    def breaches_of(self, item: int) -> bool:
        """Return whether an item is where it must not be: on a closed or forbidden node, or with one that it must be apart from."""
        node, problem = int(self.at[item]), self.problem
        if node < 0 or (problem.astray[item] if node == problem.home[item] else not problem.may[item, node]):
            return True
        strict = [group for group in problem.groups[item].tolist() if 0 <= group < problem.strict_groups]
        return bool((self._taken[strict, node] > 1).any())

    def overloaded(self) -> Bools:
        """Return [n, counted] where a node is over its capacity."""
        counted = self.problem.counted
        return self.load[:, :counted] > self._limit[:, :counted]

    def cost(self, items: Sequence[int]) -> tuple[int, float]:
        """Return the guests of these items that are not where they were, and their bytes."""
        costs = [self.problem.cost(item, int(self.at[item])) for item in items if self.at[item] >= 0]
        return sum(moves for moves, _size in costs), sum(size for _moves, size in costs)

    def demand_of(self, guest: int) -> Floats:
        """Return what a guest adds to each column [c]."""
        cluster = self.problem.cluster
        parts = [cluster.demand[guest]]
        if self.problem.counted > len(cluster.resources):
            parts.append(cluster.most[guest])
        if cluster.storages:
            parts.append(cluster.disks[guest])
        return np.concatenate(parts)
