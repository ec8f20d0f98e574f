# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every answer needs at least, to bring the memory of a cluster within a spread: bytes, and moves. Rules and other resources only add to it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import scipy.optimize
import scipy.sparse

# Branches of the search of the integer program, by how many variables it has at most; beyond these it is not tried.
BRANCHES = {2_000: 5_000, 12_000: 200, 40_000: 1}
# Parts of the range of the lower edge in which the counted bound looks.
GRID = 4_000


@dataclasses.dataclass
class Memory:
    """Memory of open nodes in GiB: capacity, load [n]; sizes of the guests on each that could move; must: guests that have to leave closed nodes."""

    capacity: np.ndarray
    load: np.ndarray
    sizes: list[np.ndarray]
    must: np.ndarray


def least_bytes(memory, spread):
    """B(δ): min over t of max(Σ above (t + δ) × capacity, Σ below t × capacity); what must leave closed nodes adds to the first."""

    def needed(low):
        over = np.maximum(memory.load - (low + spread) * memory.capacity, 0).sum() + memory.must.sum()
        return max(over, np.maximum(low * memory.capacity - memory.load, 0).sum())

    # The first falls and the second grows with t: they cross where the larger of them is least.
    low, high = 0.0, 1.0
    for _halving in range(60):
        middle = (low + high) / 2
        over = np.maximum(memory.load - (middle + spread) * memory.capacity, 0).sum() + memory.must.sum()
        low, high = (middle, high) if over > np.maximum(middle * memory.capacity - memory.load, 0).sum() else (low, middle)
    return min(needed(low), needed(high))


def counted_moves(memory, spread):
    """Lower bound of the moves by counting: a node loses its largest guests, or gets the largest there are, until it is within the window.

    For each part of the range of t, the guests that must leave at its upper end and those that must arrive at its lower end; the larger of both
    is needed, and the least over all parts.
    """
    edges = np.linspace(0.0, 1.0, GRID + 1)
    leaving, arriving = np.full(GRID + 1, float(len(memory.must))), np.zeros(GRID + 1)
    everywhere = np.sort(np.concatenate([*memory.sizes, memory.must]))[::-1]
    all_sums = np.concatenate([[0.0], np.cumsum(everywhere)])
    for capacity, load, sizes in zip(memory.capacity, memory.load, memory.sizes, strict=True):
        sums = np.concatenate([[0.0], np.cumsum(np.sort(sizes)[::-1])])
        leaving += _count(sums, load - (edges + spread) * capacity)
        arriving += _count(all_sums, edges * capacity - load)
    return int(np.maximum(leaving[1:], arriving[:-1]).min())


def _count(sums, needed):
    """Return how many of the largest add up to what is needed; infinite where all are too few."""
    found = np.searchsorted(sums, needed - 1e-9 * max(1.0, sums[-1]), side="left").astype(float)
    return np.where(found < len(sums), found, math.inf)


def programmed_moves(memory, spread):
    """Lower bound of the moves by an integer program over how many guests of each size leave and reach each node; None where it is too large.

    Guests of one size are alike, so whatever leaves one node may reach any. Returns the bound and whether it is exact.
    """
    sizes = np.unique(np.concatenate([*memory.sizes, memory.must])) if len(memory.capacity) else np.empty(0)
    nodes, kinds = len(memory.capacity), len(sizes)
    branches = next((count for most, count in BRANCHES.items() if 2 * nodes * kinds <= most), 0)
    if not kinds or not branches:
        return None
    counts = np.array([[np.count_nonzero(here == size) for size in sizes] for here in memory.sizes])
    must = np.array([np.count_nonzero(memory.must == size) for size in sizes])
    width = 2 * nodes * kinds + 1
    # Columns: what leaves [node, size], what arrives [node, size], t.
    leave, arrive = np.arange(nodes * kinds).reshape(nodes, kinds), np.arange(nodes * kinds, 2 * nodes * kinds).reshape(nodes, kinds)
    rows = scipy.sparse.lil_array((kinds + 2 * nodes, width))
    low, high = np.zeros(kinds + 2 * nodes), np.zeros(kinds + 2 * nodes)
    for kind in range(kinds):
        rows[kind, arrive[:, kind]], rows[kind, leave[:, kind]] = 1.0, -1.0
        low[kind] = high[kind] = must[kind]
    for node in range(nodes):
        above, below = kinds + 2 * node, kinds + 2 * node + 1
        part = sizes / memory.capacity[node]
        for row in (above, below):
            rows[row, arrive[node]], rows[row, leave[node]], rows[row, width - 1] = part, -part, -1.0
        share = memory.load[node] / memory.capacity[node]
        low[above], high[above] = -math.inf, spread - share + 1e-9
        low[below], high[below] = -share - 1e-9, math.inf
    most = np.concatenate([counts.ravel(), np.full(nodes * kinds, float(counts.sum() + must.sum())), [1.0]])
    answer = scipy.optimize.milp(
        np.concatenate([np.ones(nodes * kinds), np.zeros(nodes * kinds + 1)]),
        integrality=np.concatenate([np.ones(2 * nodes * kinds), [0]]),
        bounds=scipy.optimize.Bounds(0, most),
        constraints=scipy.optimize.LinearConstraint(rows.tocsr(), low, high),
        options={"node_limit": branches, "mip_rel_gap": 0.0},
    )
    if answer.status == 2:
        return math.inf, True
    bound = answer.mip_dual_bound if answer.mip_dual_bound is not None else 0.0
    return len(memory.must) + math.ceil(bound - 1e-6), answer.status == 0
