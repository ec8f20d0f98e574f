# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`bin_pack`: what is too much on a node is packed anew, best fit, the largest first."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.mover import Mover
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import NOTHING, Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Floats
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms


def bin_pack(state: State, terms: Terms) -> None:
    """Keep guests where they are as long as their node is below the mean + half of the target spread; pack the others into what is left below that.

    Best fit decreasing (Johnson, Near-optimal bin packing algorithms, 1973): the largest guest first, each on the fullest node that has room.

    Its habits, and what goes wrong with them: a packer fills nodes up to a lid and does not mind those that stay empty, so the spread is
    closed from above only; without the warm start it would take every guest out of its node and move nearly all of them.
    """
    mover, shares = Mover(state, terms), Shares(state)
    if not shares.excess(shares.of(state)):
        return
    lid = shares.mean + shares.target / 2
    overflow = [item for node in shares.nodes.tolist() for item in _overflow(mover, shares, node, lid)]
    items = np.array(overflow, dtype=np.int64)
    for item in items[np.lexsort((items, -shares.absolute(items)))].tolist():
        one = np.array([item])
        _left, come = shares.after(state, one, shares.nodes)
        room = mover.may(one, shares.nodes)[0] & (come[0] <= lid + NOTHING).all(axis=1)
        if room.any():
            level = np.where(room, shares.level(shares.of(state)), -np.inf)
            mover.move(item, int(shares.nodes[np.argmax(level)]))


def _overflow(mover: Mover, shares: Shares, node: int, lid: Floats) -> list[int]:
    """Return items without which a node is below the lid: the smallest that is enough, or else the largest and what is needed besides it."""
    items = mover.on([node])
    items = items[np.lexsort((items, -shares.absolute(items)))]
    parts = shares.parts(items, np.array([node]))[:, 0]
    over = shares.of(mover.state)[np.searchsorted(shares.nodes, node)] - lid
    left = np.flatnonzero((parts[:, over > NOTHING] > 0).any(axis=1)).tolist()
    found = []
    while left and (over > NOTHING).any():
        enough = [row for row in left if (over - parts[row] <= NOTHING).all()]
        row = enough[-1] if enough else left[0]
        left.remove(row)
        found.append(int(items[row]))
        over = over - parts[row]
    return found
