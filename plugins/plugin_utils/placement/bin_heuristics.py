# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways to pack items into bins one after the other, for several resources at once.

First fit and best fit decreasing by several measures of size, and the two that choose items for a bin: dot product and norm (Panigrahy, Talwar, Uyeda,
Wieder: Heuristics for Vector Bin Packing, Microsoft Research 2011).
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import Packing
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import Floats, Ints

NOWHERE = -1
UNUSED = 1e300
# From so many amounts × bins on, one order of the bins must do.
LARGE = 3_000_000


def beginnings(packing: Packing, heuristics: t.Collection[str]) -> Iterator[Ints]:
    """Return packings, made in all ways that were chosen: the bin of each item [m], −1 = none."""
    orders = _orders(packing)
    sizes = measures(packing)
    for order in orders:
        for size in sizes:
            items = np.argsort(-size, kind="stable")
            if "first_fit" in heuristics:
                yield _fit(packing, items, order, best=False)
            if "best_fit" in heuristics:
                yield _fit(packing, items, order, best=True)
        if "dot_product" in heuristics:
            yield _fill(packing, order, dot=True)
        if "norm" in heuristics:
            yield _fill(packing, order, dot=False)


def measures(packing: Packing) -> list[Floats]:
    """Return sizes of the items [m], of those measures that tell them apart differently."""
    shares = packing.demand * packing.scale
    scarce = shares * _scarcity(packing)
    weighted = shares[:, packing.scale > 0] if (packing.scale > 0).any() else shares
    highest = weighted.max(axis=1) if weighted.shape[1] else np.zeros(len(shares))
    found: dict[bytes, Floats] = {}
    for size in (shares.sum(axis=1), scarce.sum(axis=1), highest, np.log1p(1e6 * weighted).sum(axis=1), (scarce * scarce).sum(axis=1)):
        found.setdefault(np.argsort(-size, kind="stable").tobytes(), size)
    return list(found.values())


def _scarcity(packing: Packing) -> Floats:
    """Return how much of each resource is wanted, of what there is [r]."""
    whole = packing.capacity.sum(axis=0)
    return np.divide(packing.demand.sum(axis=0), whole, out=np.zeros(len(whole)), where=whole > 0)


def _orders(packing: Packing) -> list[Ints]:
    """Return orders in which bins are opened: the largest first; of what is not large also the smallest first and as given."""
    found: dict[bytes, Ints] = {}
    for order in (np.argsort(-packing.cost, kind="stable"), np.argsort(packing.cost, kind="stable"), np.arange(len(packing.bins))):
        found.setdefault(packing.kind[order].tobytes(), order)
    return list(found.values())[: None if packing.demand.size * len(packing.bins) <= LARGE else 1]


def _fit(packing: Packing, items: Ints, order: Ints, *, best: bool) -> Ints:
    """Put each item in the first bin with room, or in that of those in use in which least stays free; where none has any, in the next empty one."""
    at = np.full(len(packing.items), NOWHERE, dtype=np.int64)
    free = packing.limit[order].T.copy()
    rows = list(free)
    # What is free of each bin; of one that is not in use, more than of any that is.
    slack = np.full(len(order), UNUSED)
    whole, size = (packing.limit[order] * packing.scale).sum(axis=1), (packing.demand * packing.scale).sum(axis=1).tolist()
    kinds = packing.kind[order]
    # Where the bins of each kind begin, and end: of a kind all are alike.
    starts = np.flatnonzero(np.r_[True, kinds[1:] != kinds[:-1]]).tolist()
    ends = [*starts[1:], len(kinds)]
    seen, demands = 0, packing.demand.tolist()
    for item in items.tolist():
        demand = demands[item]
        place = NOWHERE
        if seen:
            fits = np.ones(seen, dtype=bool)
            for row, amount in zip(rows, demand, strict=True):
                if amount > 0:
                    fits &= row[:seen] >= amount
            place = int(np.argmin(np.where(fits, slack[:seen], np.inf))) if best else int(np.argmax(fits))
            if not fits[place] or (best and slack[place] >= UNUSED):
                place = int(np.argmax(fits)) if fits.any() else NOWHERE
        if place < 0:
            place = _next(free, packing.demand[item], seen, starts, ends)
            if place < 0:
                continue
        at[item] = order[place]
        free[:, place] -= packing.demand[item]
        slack[place] = (whole[place] if slack[place] >= UNUSED else slack[place]) - size[item]
        seen = max(seen, place + 1)
    return at


def _next(free: Floats, demand: Floats, seen: int, starts: list[int], ends: list[int]) -> int:
    """Return the first bin that was not looked at yet and that holds the demand."""
    for start, end in zip(starts, ends, strict=True):
        place = max(start, seen)
        if place < end and bool((free[:, place] >= demand).all()):
            return place
    return NOWHERE


def _fill(packing: Packing, order: Ints, *, dot: bool) -> Ints:
    """Fill one bin after the other, each time with the item that fits and whose demand is most like what is free: by dot product, or by distance."""
    at = np.full(len(packing.items), NOWHERE, dtype=np.int64)
    left = np.arange(len(packing.items))
    weights = np.sqrt(packing.scale * packing.scale * np.maximum(_scarcity(packing), 1e-9))
    nothing_fits: set[int] = set()
    for place in order.tolist():
        kind = int(packing.kind[place])
        if not len(left) or kind in nothing_fits:
            continue
        free = packing.limit[place].copy()
        fitting = left[(packing.demand[left] <= free).all(axis=1)]
        if not len(fitting):
            nothing_fits.add(kind)
            continue
        demand = packing.demand[fitting].T.copy()
        weighted = demand * weights[:, None]
        squares = (weighted * weighted).sum(axis=0)
        fits = np.ones(len(fitting), dtype=bool)
        while fits.any():
            score = (2.0 * free * weights) @ weighted - (0.0 if dot else squares)
            chosen = int(np.argmax(np.where(fits, score, -np.inf)))
            at[fitting[chosen]] = place
            free -= demand[:, chosen]
            fits[chosen] = False
            for row, room in zip(demand, free.tolist(), strict=True):
                fits &= row <= room
        left = left[at[left] < 0]
    return at
