# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`greedy`: from the fullest node to the emptiest, one guest at a time, the smallest first."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.mover import Mover
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import NOTHING, Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms

FULL = 0.8
STEPS = 1000


def greedy(state: State, terms: Terms) -> None:
    """Move the smallest guest that helps from the fullest node to the emptiest, until the spread is within the target.

    Its habits, and what goes wrong with them: it halts when the nodes are more than 80 % full on average, which is when a node at 100 % needs
    help most; it takes small guests first, which takes several times the moves; it looks at one pair of nodes at a time, so that it stops where
    the fullest has nothing for the emptiest though others have; several resources become one figure of a node, so that one that is full in
    one of them and empty in another seems to be in order; and it gives up after 1,000 steps.
    """
    mover, shares = Mover(state, terms), Shares(state)
    if not len(shares.nodes) or (shares.mean > FULL).any():
        return
    for _step in range(STEPS):
        now = shares.of(state)
        if not shares.excess(now):
            return
        level = shares.level(now)
        source, target = int(shares.nodes[np.argmax(level)]), shares.nodes[[np.argmin(level)]]
        items = mover.on([source])
        items = items[np.lexsort((items, shares.absolute(items)))]
        helps = mover.may(items, target)[:, 0] & (shares.gains(state, items, target)[:, 0] > NOTHING)
        if not helps.any():
            return
        mover.move(int(items[np.argmax(helps)]), int(target[0]))
