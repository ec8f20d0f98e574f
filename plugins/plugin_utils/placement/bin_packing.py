# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Vector bin packing: as many items as possible into as few bins, or as little capacity, as possible."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_bound import least_bins, least_capacity
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import (
    Packing,
    PackingPolicy,
    read_packing,
    refusals,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_exact import ITEMS, Exact
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_heuristics import NOWHERE, beginnings
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_improvement import Filling
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import Bools, Ints


def bin_pack(items: t.Any, bins: t.Any, policy: t.Any = None) -> dict[str, t.Any]:
    """Return which item goes into which bin.

    :param items: `{id, resources}` each.
    :param bins: `{id, capacity, count}` each.
    :param policy: heuristics, seed, resources (weights), minimise, rounds.
    :raises InputError: for documents that mean nothing.
    """
    packing, wanted = read_packing(items, bins, policy)
    at, proven = _pack(packing, wanted) if packing.bins else (np.full(len(packing.items), NOWHERE, dtype=np.int64), True)
    filling = Filling(packing, at, wanted.minimise)
    reached, least = filling.worth()[1], _least(packing, at >= 0, wanted.minimise)
    if proven:
        least = reached
    return {
        "assignment": {name: packing.bins[place] for name, place in zip(packing.items, at.tolist(), strict=True) if place >= 0},
        "bins_used": int((filling.count > 0).sum()),
        "unplaced": refusals(packing, at) if packing.bins else [{"id": name, "reason": "There is no bin."} for name in packing.items],
        "bound": {
            "minimise": wanted.minimise,
            "reached": round(reached, 6),
            "least": round(least, 6),
            "gap": round(reached / least - 1.0, 6) if least > 0 else 0.0,
        },
    }


def _pack(packing: Packing, wanted: PackingPolicy) -> tuple[Ints, bool]:
    """Return the bin of each item [m], −1 = none, and whether nothing better is possible."""
    fits = _fits_somewhere(packing)
    aim = (int((~fits).sum()), _least(packing, fits, wanted.minimise) + 1e-9)
    best = min((Filling(packing, at, wanted.minimise) for at in beginnings(packing, wanted.heuristics)), key=Filling.worth)
    if wanted.rounds:
        best.place_rest()
        best.empty_bins()
        best.shrink()
    if len(packing.items) <= ITEMS and best.worth()[:2] > aim and wanted.rounds:
        exact = Exact(packing, best.at, best.worth(), wanted.minimise)
        best = Filling(packing, exact.best, wanted.minimise)
        if exact.complete:
            return best.at, True
    random = np.random.default_rng(wanted.seed)
    for _round in range(wanted.rounds):
        if best.worth()[:2] <= aim:
            break
        best.round(random)
    return best.at, False


def _fits_somewhere(packing: Packing) -> Bools:
    """Return which items fit into some empty bin [m]."""
    fits = np.zeros(len(packing.items), dtype=bool)
    for limit in packing.limit[np.unique(packing.kind, return_index=True)[1]]:
        fits |= (packing.demand <= limit).all(axis=1)
    return fits


def _least(packing: Packing, items: Bools, minimise: str) -> float:
    """Return what some items need at least."""
    demand = packing.demand[items]
    return float(least_bins(packing, demand)) if minimise == "bins" else least_capacity(packing, demand)
