# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`min_cost_flow`: load flows from nodes with too much to nodes with too little, and is rounded to guests."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.mover import Mover
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import NOTHING, Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import networkx, np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Floats, Ints
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms

# The solver needs whole numbers: so many are the mean capacity of a node.
UNITS = 10_000
# How many targets a source has arcs of its own to; all others are reached through a hub, at a higher cost.
ARCS = 6
# How often the flow is found anew for what rounding left.
ROUNDS = 4


def min_cost_flow(state: State, terms: Terms) -> None:
    """Let what is above the mean + half of the target flow from nodes to others, and to what is below the mean − half of it, at the least cost; then
    move guests along the arcs, the largest that fit into the flow first. Each resource has a flow of its own, the others are kept.

    An arc costs the less the more alike what the one has too much and the other too little are, so that few arcs carry much (network simplex of
    networkx).

    Its habits, and what goes wrong with them: a flow can be split at will and a guest cannot, so rounding leaves a rest on every arc, most where
    guests are large; what flows is one resource, and what guests carry of another, or whether they may go there, it does not know.
    """
    mover, shares = Mover(state, terms), Shares(state)
    for _round in range(ROUNDS):
        now = shares.of(state)
        if len(shares.nodes) < 2 or not shares.excess(now):
            return
        over = (shares.spread(now) - shares.target) * shares.weights
        moved = 0
        for column in np.argsort(-over, kind="stable").tolist():
            if over[column] > NOTHING:
                for source, target, part in _flow(state, shares, column):
                    moved += _round_off(mover, shares, column, (source, target), part)
        if not moved:
            return


def _flow(state: State, shares: Shares, column: int) -> list[tuple[int, int, float]]:
    """Return what is to flow, as arcs: source, target, amount in units of the mean capacity; the largest first."""
    nodes = shares.nodes[shares.capacity[shares.nodes, column] > 0]
    capacity = shares.capacity[nodes, column]
    unit = capacity.mean() / UNITS
    share = shares.at(state, nodes)[:, column]
    high, low = shares.mean[column] + shares.target[column] / 2, shares.mean[column] - shares.target[column] / 2
    units = (capacity / unit)[:, None] * np.stack([share - high, low - share, share - low, high - share], axis=1)
    surplus, deficit, spare, room = np.maximum(units, 0).astype(np.int64).T
    given, taken = _filled(surplus, spare, int(deficit.sum())), _filled(deficit, room, int(surplus.sum()))
    total = min(given.sum(), taken.sum())
    given, taken = _cut(given, surplus, total), _cut(taken, deficit, total)
    arcs = _solved(given, taken)
    return [(int(nodes[source]), int(nodes[target]), amount / UNITS) for source, target, amount in arcs]


def _filled(must: Ints, could: Ints, wanted: int) -> Ints:
    """Return what nodes give or take: what they must, and as much more as is wanted, in proportion to what they could."""
    left, more = max(0, wanted - int(must.sum())), np.maximum(could - must, 0)
    return must + (more * min(1.0, left / more.sum())).astype(np.int64) if more.sum() else must


def _cut(amounts: Ints, must: Ints, total: int) -> Ints:
    """Return amounts that add up to a total: less of what is not needed first, then less of the largest."""
    found, left = amounts.copy(), int(amounts.sum()) - int(total)
    for least in (np.minimum(must, amounts), np.zeros_like(amounts)):
        for place in np.argsort(-(found - least), kind="stable").tolist():
            less = min(left, int(found[place] - least[place]))
            found[place] -= less
            left -= less
    return found


def _solved(given: Ints, taken: Ints) -> list[tuple[int, int, int]]:
    """Return the cheapest flow from what is given to what is taken, as arcs of positions and amounts."""
    graph = networkx.DiGraph()
    sources, targets = np.flatnonzero(given).tolist(), np.flatnonzero(taken).tolist()
    if not sources or not targets:
        return []
    for source in sources:
        graph.add_node(("from", source), demand=-int(given[source]))
        graph.add_edge(("from", source), "hub", weight=2 * UNITS)
        unlike = np.abs(taken[targets] - given[source])
        for place in np.argsort(unlike, kind="stable")[:ARCS].tolist():
            graph.add_edge(("from", source), ("to", targets[place]), weight=UNITS + min(int(unlike[place]), UNITS))
    for target in targets:
        graph.add_node(("to", target), demand=int(taken[target]))
        graph.add_edge("hub", ("to", target), weight=2 * UNITS)
    _cost, flow = networkx.network_simplex(graph)
    arcs = [(one[1], other[1], amount) for one in flow if one != "hub" for other, amount in flow[one].items() if other != "hub" and amount]
    into = [[one[1], ends["hub"]] for one, ends in flow.items() if ends.get("hub")]
    for other, amount in flow.get("hub", {}).items():
        while amount:
            part = min(amount, into[-1][1])
            arcs.append((into[-1][0], other[1], part))
            amount -= part
            into[-1][1] -= part
            if not into[-1][1]:
                into.pop()
    return sorted(arcs, key=lambda arc: (-arc[2], arc[0], arc[1]))


def _round_off(mover: Mover, shares: Shares, column: int, arc: tuple[int, int], part: float) -> int:
    """Move guests along an arc, as near as whole guests come to what flows; return how many."""
    state, (source, target) = mover.state, arc
    mean: Floats = shares.capacity[shares.nodes, column]
    left, moved, there = part * float(mean[mean > 0].mean()), 0, np.array([target])
    items = mover.on([source])
    size = shares.demand[items, column]
    for item, amount in sorted(zip(items.tolist(), size.tolist(), strict=True), key=lambda one: (-one[1], one[0])):
        # The last guest may be larger than the rest, if that is nearer to the flow than nothing.
        if amount <= 0 or amount > 2 * left:
            continue
        one = np.array([item])
        if shares.gains(state, one, there)[0, 0] > NOTHING and mover.moved(item, target):
            left -= amount
            moved += 1
    return moved
