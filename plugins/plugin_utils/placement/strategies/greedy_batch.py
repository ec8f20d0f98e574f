# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`greedy_batch`: the best of a batch of moves, again and again."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.mover import Mover
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import NOTHING, Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms

NODES = 4


def greedy_batch(state: State, terms: Terms) -> None:
    """In each round, try every guest of the four fullest nodes on the four emptiest and make the move that helps most.

    Its habits, and what goes wrong with them: what helps most is measured by squared deviations from the mean, so the last guests go on moving
    nodes towards the mean that are within the target already, while those that are not have no single move; it never takes a move back, and never
    exchanges two guests, so that it stops at what no single move improves; and the extremes are all that it sees.
    """
    mover, shares = Mover(state, terms), Shares(state)
    # Each move lowers the squares; the bound is one of steps all the same.
    for _round in range(4 * len(mover.items)):
        now = shares.of(state)
        if not shares.excess(now):
            return
        order = shares.nodes[np.argsort(shares.level(now), kind="stable")]
        items, targets = mover.on(order[::-1][:NODES]), order[:NODES]
        if not len(items):
            return
        gains = np.where(mover.may(items, targets), shares.gains(state, items, targets), -np.inf)
        row, column = divmod(int(np.argmax(gains)), gains.shape[1])
        if not gains[row, column] > NOTHING:
            return
        mover.move(int(items[row]), int(targets[column]))
