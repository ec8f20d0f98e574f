# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small clusters: all placements are looked through, and the search is asked only where that takes too many steps."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.thorough import FEW, MANY, Thorough, is_small

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Ints
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms


def thoroughly(state: State, terms: Terms, search: Callable[[], Ints]) -> None:
    """Bring a state to the best placement that is found: by looking through all of them where the problem is small; where that proves nothing, or
    the problem is large, by the search.

    :param search: returns a placement [m], and leaves the state as it is.
    """
    if not is_small(state, terms.free):
        state.adopt(search())
        return
    moves, size = state.cost(list(state.moved))
    thorough = Thorough(
        state,
        terms.free,
        moves=None if terms.max_moves is None else moves + terms.max_moves,
        size=None if terms.max_bytes is None else size + terms.max_bytes,
    )
    at, proven = thorough.best(FEW, state.at.copy())
    if not proven:
        # What was found with few steps leaves fewer to look at with many.
        at, proven = thorough.best(MANY, at)
    if not proven:
        found = search()
        if thorough.better(found, at):
            at, _proven = thorough.best(MANY, found)
    state.adopt(at)


def unfit(state: State) -> bool:
    """Return whether there is anything in breach."""
    return bool(state.overloaded().any()) or any(state.breaches_of(item) for item in range(len(state.at)))
