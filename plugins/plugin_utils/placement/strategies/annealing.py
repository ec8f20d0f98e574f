# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`annealing`: moves and exchanges by chance, fewer and fewer of them for the worse."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.mover import Mover
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms

# How many steps at most, and for each item; temperatures of the first and the last of them; how often two items change places.
STEPS, STEPS_EACH = 30_000, 200
HOT, COLD = 0.02, 0.005
EXCHANGES = 0.2
# What a guest that is not where it was costs, beside so much of a share outside the mean ± half of the target.
MOVE, UNIT = 0.05, 0.05


def annealing(state: State, terms: Terms) -> None:
    """Take a guest and a node, or two guests, by chance; make the change if it is for the better, and if not, the more seldom the worse and later
    it is (Metropolis; Kirkpatrick, Gelatt, Vecchi, Optimization by simulated annealing, 1983). What was best on the way is what remains.

    Its habits, and what goes wrong with them: most of what chance proposes is of no use, and the number of steps that it takes grows with guests ×
    nodes, so that large clusters are hardly better at the end than at the beginning; at the heat of the start guests move that never needed to.
    """
    mover, shares, random = Mover(state, terms), Shares(state), terms.random()
    best = _key(mover, shares)
    if not best[0] or not len(mover.items) or len(shares.nodes) < 2:
        return
    steps, mark = min(STEPS, STEPS_EACH * len(mover.items)), mover.mark()
    for step in range(steps):
        before = mover.mark()
        moves, (item, other) = mover.moves, random.choice(mover.items, 2).tolist()
        node = int(shares.nodes[random.integers(len(shares.nodes))])
        if random.random() < EXCHANGES:
            node = int(state.at[other])
            touched = np.array([state.at[item], node])
            energy = shares.outside(state, touched) / UNIT
            if touched[0] == node or not mover.may_exchange(item, other):
                continue
            mover.move(other, int(touched[0]))
            mover.move(item, node)
        else:
            touched = np.array([state.at[item], node])
            energy = shares.outside(state, touched) / UNIT
            if not mover.moved(item, node):
                continue
        worse = shares.outside(state, touched) / UNIT - energy + MOVE * (mover.moves - moves)
        heat = HOT * (COLD / HOT) ** (step / steps)
        if worse > 0 and random.random() >= math.exp(-worse / heat):
            mover.back(before)
            continue
        now = _key(mover, shares)
        if now < best:
            best, mark = now, mover.mark()
    mover.back(mark)


def _key(mover: Mover, shares: Shares) -> tuple[float, int, float]:
    return shares.excess(shares.of(mover.state)), mover.moves, mover.bytes
