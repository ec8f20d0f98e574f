# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All placements of a handful of guests, one after the other."""

from __future__ import annotations

import itertools

import numpy as np

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from support.placement_aims import aims


def clashes(state, item):
    """Return whether an item is with one that a strict or soft rule wants apart from it."""
    groups = state.problem.groups
    return any(
        other != item and state.at[other] == state.at[item] and group in groups[other]
        for group in groups[item][groups[item] >= 0]
        for other in range(len(state.at))
    )


def every_placement(state):
    """Return the aims of every placement that is no worse in anything hard than a state."""
    problem, found = state.problem, []
    choices = []
    for item, now in enumerate(state.at.tolist()):
        nodes = np.flatnonzero(problem.may[item] & problem.movable[item]).tolist()
        choices.append(nodes if now in nodes else [now, *nodes])
    for nodes in itertools.product(*choices):
        other = State(problem)
        for item, node in enumerate(nodes):
            if node >= 0 and node != other.at[item]:
                other.move(item, node)
        fits = (other.load <= np.maximum(problem.capacity, state.load) * (1 + 1e-9) + 1e-9).all()
        came = [item for item, node in enumerate(nodes) if node != state.at[item]]
        if fits and not any(other.breaches_of(item) or clashes(other, item) for item in came):
            found.append(aims(other))
    return found
