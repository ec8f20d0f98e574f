# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Improvement of a packing: place what has no bin yet, empty the bins that hold least, and take smaller ones.

Bounded by rounds, never by the clock. A round takes the items out of a few bins and packs them anew (ruin and recreate: Schrimpf et al., Journal of
Computational Physics 2000).
"""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import Packing
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_heuristics import NOWHERE
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import Floats, Ints

# How many small items are tried to be moved away for a larger one, how many bins are packed anew with the one that is to be emptied.
TRIES, PARTNERS, NOISE = 8, 3, 0.3

Worth = tuple[int, float, float]


class Filling:
    """Which item is in which bin, changeable, with a record of what was changed.

    at: [m]; free: [b, r] of the limits; count: [b] of items; size: [m] of the items, comparable.
    """

    def __init__(self, packing: Packing, at: Ints, minimise: str) -> None:
        self.packing, self.minimise = packing, minimise
        self.at = at.copy()
        self.free: Floats = packing.limit.copy()
        placed = np.flatnonzero(self.at >= 0)
        np.subtract.at(self.free, self.at[placed], packing.demand[placed])
        self.count = np.bincount(self.at[placed], minlength=len(packing.bins))
        self.size: Floats = (packing.demand * packing.scale).sum(axis=1)
        self._record: list[tuple[int, int]] = []

    def worth(self) -> Worth:
        """Return what is to be small: items without a bin, what is minimised, and the other."""
        used = self.count > 0
        bins, cost = float(used.sum()), round(float(self.packing.cost[used].sum()), 9)
        first, second = (bins, cost) if self.minimise == "bins" else (cost, bins)
        return int((self.at < 0).sum()), first, second

    def evenness(self) -> float:
        """Return what is to be small among packings of equal worth: bins that are about equally full are far from one that is empty."""
        filled = ((self.packing.limit - self.free) * self.packing.scale).sum(axis=1)
        return -round(float((filled * filled).sum()), 9)

    def put(self, item: int, place: int) -> None:
        """Put an item into a bin, or nowhere."""
        before = int(self.at[item])
        self._record.append((item, before))
        if before >= 0:
            self.free[before] += self.packing.demand[item]
            self.count[before] -= 1
        if place >= 0:
            self.free[place] -= self.packing.demand[item]
            self.count[place] += 1
        self.at[item] = place

    def begin(self) -> None:
        """Forget what was changed before: from here on it can be undone."""
        self._record.clear()

    def undo(self) -> None:
        """Put everything back that was changed since `begin`."""
        free = self.free
        for item, place in reversed(self._record.copy()):
            self.put(item, place)
        self._record.clear()
        # Adding and subtracting leaves dust, which must not gather over many rounds.
        empty = self.count == 0
        free[empty] = self.packing.limit[empty]

    def place_rest(self) -> None:
        """Find bins for items that have none."""
        for item in sorted(np.flatnonzero(self.at < 0).tolist(), key=lambda one: (self.size[one], one)):
            self.begin()
            if not self._insert(item, NOWHERE) and not self._open(item, cheapest=True):
                self.undo()

    def empty_bins(self) -> None:
        """Empty bins, those that hold least first, as long as the others have room for all that is in them."""
        tried: set[int] = set()
        while True:
            used = [place for place in np.flatnonzero(self.count > 0).tolist() if place not in tried]
            if len(used) < 2:
                return
            filled = ((self.packing.limit[used] - self.free[used]) * self.packing.scale).sum(axis=1)
            target = used[int(np.argmin(filled))]
            tried.add(target)
            self.begin()
            items = np.flatnonzero(self.at == target)
            for item in items[np.argsort(-self.size[items], kind="stable")].tolist():
                if not self._insert(item, target):
                    self.undo()
                    break

    def shrink(self, among: Ints | None = None) -> None:
        """Let smaller bins that are empty take what larger ones hold.

        :param among: only what these bins hold.
        """
        cost, used = self.packing.cost, np.flatnonzero(self.count > 0) if among is None else among
        for place in used[np.argsort(-cost[used], kind="stable")].tolist():
            held = np.flatnonzero(self.at == place)
            amount = self.packing.demand[held].sum(axis=0)
            others = np.flatnonzero((self.count == 0) & (cost < cost[place] - 1e-12) & (self.packing.limit >= amount).all(axis=1))
            if len(others):
                for item in held.tolist():
                    self.put(item, int(others[np.argmin(cost[others])]))

    def round(self, random: np.random.Generator) -> None:
        """Pack a few bins anew, one of them rather empty, and leave it so if that is no worse."""
        used = np.flatnonzero(self.count > 0)
        if len(used) < 1:
            return
        before = (*self.worth(), self.evenness())
        pair = used[random.integers(len(used), size=2)]
        wasted = (self.free[pair] * self.packing.scale).sum(axis=1)
        chosen = {int(pair[int(np.argmax(wasted))]), *used[random.integers(len(used), size=PARTNERS)].tolist()}
        self.begin()
        items = np.flatnonzero(np.isin(self.at, sorted(chosen)) | (self.at < 0))
        order = items[np.argsort(-self.size[items] * np.exp(NOISE * random.standard_normal(len(items))), kind="stable")].tolist()
        for item in items.tolist():
            self.put(item, NOWHERE)
        cheapest = bool(random.random() < 0.5)
        for item in order:
            place = self._best_fit(item, NOWHERE)
            if place >= 0:
                self.put(item, place)
            elif not self._open(item, cheapest=cheapest):
                self._insert(item, NOWHERE)
        self.shrink(np.unique(self.at[items][self.at[items] >= 0]))
        if (*self.worth(), self.evenness()) > before:
            self.undo()

    def _best_fit(self, item: int, without: int) -> int:
        """Return the bin in use in which least stays free, −1 = none has room."""
        fits = (self.count > 0) & (self.free >= self.packing.demand[item]).all(axis=1)
        if without >= 0:
            fits[without] = False
        places = np.flatnonzero(fits)
        if not len(places):
            return NOWHERE
        return int(places[np.argmin((self.free[places] * self.packing.scale).sum(axis=1))])

    def _open(self, item: int, *, cheapest: bool) -> bool:
        places = np.flatnonzero((self.count == 0) & (self.packing.limit >= self.packing.demand[item]).all(axis=1))
        if not len(places):
            return False
        cost = self.packing.cost[places]
        self.put(item, int(places[np.argmin(cost) if cheapest else np.argmax(cost)]))
        return True

    def _insert(self, item: int, without: int) -> bool:
        """Put an item into a bin in use, if need be in place of a smaller one that another bin has room for."""
        place = self._best_fit(item, without)
        if place >= 0:
            self.put(item, place)
            return True
        demand = self.packing.demand
        others = np.flatnonzero((self.at >= 0) & (self.at != without) & (self.size < self.size[item]))
        others = others[(self.free[self.at[others]] + demand[others] >= demand[item]).all(axis=1)]
        for other in others[np.argsort(self.size[others], kind="stable")][:TRIES].tolist():
            there = int(self.at[other])
            # Where it is it must not stay: what it leaves is needed.
            fits = (self.count > 0) & (self.free >= demand[other]).all(axis=1)
            fits[there] = False
            if without >= 0:
                fits[without] = False
            places = np.flatnonzero(fits)
            if len(places):
                self.put(other, int(places[np.argmin((self.free[places] * self.packing.scale).sum(axis=1))]))
                self.put(item, there)
                return True
        return False
