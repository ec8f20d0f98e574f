# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The search that `greedy_tight` and `greedy_loose` have in common: every node into a band around the mean, the largest guests first."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.mover import Mover
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import NOTHING, Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms


def into_band(state: State, terms: Terms, width: float) -> None:
    """Move guests from nodes above the mean to nodes below it until all are within the mean ± width × target spread.

    A move must not take the source below the band nor the target above it. The fullest source goes first, the emptiest target first, the largest
    guest first.
    """
    mover, shares = Mover(state, terms), Shares(state)
    if not shares.excess(shares.of(state)):
        return
    margin = width * shares.target
    for _step in range(4 * len(mover.items)):
        now = shares.of(state)
        outside: Bools = np.any(np.abs(now - shares.mean) > margin + NOTHING, axis=1)
        if not outside.any() or not _moved(mover, shares, shares.level(now), outside, margin):
            return


def _moved(mover: Mover, shares: Shares, level: Floats, outside: Bools, margin: Floats) -> bool:
    """Make the first move that keeps to the band; return whether there was one."""
    state, order = mover.state, np.argsort(level, kind="stable")
    middle = shares.level(shares.mean[None])[0]
    for place in order[::-1].tolist():
        if level[place] < middle:
            return False
        # One of the two has to be outside the band: else both are well.
        receivers = order if outside[place] else order[outside[order]]
        targets = shares.nodes[receivers[level[receivers] < level[place]]]
        items = mover.on([int(shares.nodes[place])])
        if not len(targets) or not len(items):
            continue
        items = items[np.lexsort((items, -shares.absolute(items)))]
        left, come = shares.after(state, items, targets)
        kept = np.all(left >= shares.mean - margin, axis=1)[:, None] & (come <= shares.mean + margin).all(axis=2)
        found = kept & mover.may(items, targets) & (shares.gains(state, items, targets) > NOTHING)
        if found.any():
            column, row = divmod(int(np.argmax(found.T)), len(items))
            mover.move(int(items[row]), int(targets[column]))
            return True
    return False
