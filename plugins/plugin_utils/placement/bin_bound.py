# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many bins, or how much capacity, the items need at least."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import ROUNDING, Packing
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import Floats

# Of how many sizes of items the bound of Martello and Toth is taken.
SIZES = 200
# Bins that have so little, in units of the largest one, do not help.
TINY = 1e-9


def least_bins(packing: Packing, demand: Floats) -> int:
    """Return a number of bins below which the items cannot be packed.

    Of each resource: so many of the largest bins as hold the sum, and the bound L2 (Martello, Toth: Knapsack Problems, 1990, section 8.3) as if all bins
    were as large as the largest one.

    :param demand: [k, r] of the items that are to be packed.
    """
    if not len(demand):
        return 0
    most = 1
    for row in range(demand.shape[1]):
        largest = np.cumsum(-np.sort(-packing.limit[:, row]))
        most = max(most, int(np.searchsorted(largest, math.fsum(demand[:, row].tolist()) * (1.0 - ROUNDING))) + 1)
        most = max(most, _martello_toth(demand[:, row], float(packing.limit[:, row].max())))
    return min(most, len(packing.bins))


def least_capacity(packing: Packing, demand: Floats) -> float:
    """Return a cost of bins below which the items cannot be packed: of each resource, bins with the most of it for their cost, the last one in part."""
    found = 0.0
    if not len(demand):
        return found
    for row in range(demand.shape[1]):
        capacity = packing.limit[:, row]
        useful = np.flatnonzero(capacity > TINY)
        order = useful[np.argsort(packing.cost[useful] / capacity[useful], kind="stable")]
        whole = np.cumsum(capacity[order])
        wanted = math.fsum(demand[:, row].tolist()) * (1.0 - ROUNDING)
        last = int(np.searchsorted(whole, wanted))
        if wanted <= 0 or last >= len(order):
            continue
        before = whole[last - 1] if last else 0.0
        part = (wanted - before) / capacity[order[last]]
        found = max(found, float(packing.cost[order[:last]].sum() + part * packing.cost[order[last]]))
    return found


def _martello_toth(sizes: Floats, capacity: float) -> int:
    """Return the bound L2 for one resource: large items need bins of their own, and what these leave takes no item of at least some size."""
    if capacity <= 0:
        return 0
    sizes = np.sort(sizes[sizes > 0])
    sums = np.r_[0.0, np.cumsum(sizes)]
    many = len(sizes)
    halves = int(np.searchsorted(sizes, capacity / 2.0, side="right"))
    small = np.unique(sizes[:halves])
    least = small[np.linspace(0, len(small) - 1, min(SIZES, len(small))).astype(np.int64)]
    alone, first = np.searchsorted(sizes, capacity - least, side="right"), np.searchsorted(sizes, least, side="left")
    # Items larger than half a bin, without those that nothing of at least this size goes with, leave so much.
    left = (alone - halves) * capacity - (sums[alone] - sums[halves])
    more = np.ceil((sums[halves] - sums[first] - left) / capacity - 1e-6)
    return many - halves + int(np.maximum(more, 0.0).max(initial=0.0))
