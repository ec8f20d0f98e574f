# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items that may stand for one another: at home on one node, of one size, allowed on the same nodes. Of many that are alike a search looks at a few."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import Problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats, Ints

# How many that are alike and at home are looked at.
FEW = 6


class Alike:
    """Which items of a problem are alike to whoever wants their demand in some columns.

    :param demand: [m, w] what counts.
    :param free: [m] items that may be moved.
    """

    def __init__(self, problem: Problem, demand: Floats, free: Bools) -> None:
        self._free = free
        found = np.flatnonzero(free)
        mean = np.maximum(problem.capacity.mean(axis=0), 1e-300)
        # Of those that are alike, first the ones that move fewer bytes and need less of what does not count.
        needs = (problem.demand[found] / mean).sum(axis=1)
        kinds: dict[tuple[t.Any, ...], int] = {}
        kind = np.array([kinds.setdefault(self._key(problem, demand, item), len(kinds)) for item in found.tolist()], dtype=np.int64)
        order = np.lexsort((found, needs, problem.bytes[found], kind))
        self._order: Ints = found[order]
        counts = np.bincount(kind, minlength=len(kinds)) if len(kind) else np.zeros(0, dtype=np.int64)
        self._begin: Ints = np.repeat(np.cumsum(counts) - counts, counts)
        self._useful = bool(len(found)) and int(counts.max()) > FEW

    @staticmethod
    def _key(problem: Problem, demand: Floats, item: int) -> tuple[t.Any, ...]:
        """Return what items that are alike have in common; no other has it of one that is several guests, or that others must be apart from."""
        if problem.particular[item] or (problem.groups[item] >= 0).any():
            return (item,)
        return int(problem.home[item]), demand[item].tobytes(), problem.may[item].tobytes()

    def some(self, state: State) -> Bools:
        """Return the items to look at [m]: all that are not at home, and a few of those that are and alike."""
        if not self._useful:
            return self._free
        at_home = state.at[self._order] == state.problem.home[self._order]
        before = np.concatenate([[0], np.cumsum(at_home)])
        # How many of its kind that are at home come before each.
        rank = before[:-1] - before[self._begin]
        found = self._free.copy()
        found[self._order] = ~at_home | (rank < FEW)
        return found
