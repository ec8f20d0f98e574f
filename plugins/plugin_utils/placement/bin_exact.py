# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The best packing of a few items, by trying all that could be better than what is known (branch and bound), within a number of steps."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import Packing
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_heuristics import NOWHERE
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_improvement import Worth
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import Ints

ITEMS, STEPS = 16, 30_000


class Exact:
    """Looks for a packing that is worth more than one that is known; `complete` is whether there is none better than what it found."""

    def __init__(self, packing: Packing, known: Ints, worth: Worth, minimise: str) -> None:
        self.best, self.worth = known.copy(), worth
        self._packing, self._minimise = packing, minimise
        size = (packing.demand * packing.scale).sum(axis=1)
        self._order = np.argsort(-size, kind="stable").tolist()
        self._demand = packing.demand.tolist()
        self._free = packing.limit.tolist()
        self._kind = packing.kind.tolist()
        self._cost = packing.cost.tolist()
        self._count = [0] * len(packing.bins)
        self._at = [NOWHERE] * len(packing.items)
        self._steps = 0
        self._search(0, 0, 0, 0.0)

    @property
    def complete(self) -> bool:
        """Return whether all packings that could be better were tried."""
        return self._steps <= STEPS

    def _worth(self, left_out: int, bins: int, cost: float) -> Worth:
        cost = round(cost, 9)
        return (left_out, float(bins), cost) if self._minimise == "bins" else (left_out, cost, float(bins))

    def _search(self, depth: int, left_out: int, bins: int, cost: float) -> None:
        self._steps += 1
        worth = self._worth(left_out, bins, cost)
        if self._steps > STEPS or worth >= self.worth:
            return
        if depth == len(self._order):
            self.best, self.worth = np.array(self._at, dtype=np.int64), worth
            return
        item = self._order[depth]
        demand = self._demand[item]
        tried = set()
        for place, free in enumerate(self._free):
            # Bins of one kind that are equally full are one choice.
            state = (self._kind[place], self._count[place] > 0, *free)
            if state in tried or any(more > room for more, room in zip(demand, free, strict=True)):
                continue
            tried.add(state)
            new = not self._count[place]
            self._free[place] = [room - more for more, room in zip(demand, free, strict=True)]
            self._count[place] += 1
            self._at[item] = place
            self._search(depth + 1, left_out, bins + new, cost + (self._cost[place] if new else 0.0))
            self._free[place] = free
            self._count[place] -= 1
        self._at[item] = NOWHERE
        self._search(depth + 1, left_out + 1, bins, cost)
