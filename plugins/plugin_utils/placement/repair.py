# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repair: what must not be where it is goes elsewhere, and nodes over their capacity are relieved, with few moves."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.chains import Chains
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import Problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.search import Search
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.thorough import FEW, Thorough, is_small
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.window import Window
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats


class Limits(t.NamedTuple):
    """What a search keeps to; free: [m] items that may be moved for balance; moves, size (bytes): None = no limit."""

    free: Bools
    moves: int | None
    size: float | None
    seed: int


class Trial(t.NamedTuple):
    """What a search led to; left: items that are in breach and found no place."""

    search: Search
    left: list[int]


def repair(problem: Problem, limits: Limits, low: Floats | None = None) -> Trial:
    """Return the state in which nothing is where it must not be, and no node is over its capacity, as far as that can be.

    :param low: lower edge of the window [k] that guests who have to move anyway may help to reach; None = the fewest moves are all that matters.
    """
    state, random = State(problem), np.random.default_rng(limits.seed)
    search = Search(state, Window(problem, low), limits.free, random, moves=limits.moves, size=limits.size)
    left = search.settle()
    if low is not None:
        search = Search(state, Window(problem, None), limits.free, random, moves=limits.moves, size=limits.size, must=())
    search.approach()
    _relieved(state, limits)
    _mended(search, limits, fewest=low is None)
    return Trial(search, [item for item in left if search.state.breaches_of(item)])


def _mended(search: Search, limits: Limits, *, fewest: bool) -> None:
    """Bring a small problem to the placement with the fewest violations, where the search has not found it; with the fewest moves, where wanted."""
    problem = search.state.problem
    home = State(problem)
    if not is_small(home, limits.free):
        return
    thorough = Thorough(home, limits.free, moves=limits.moves, size=limits.size, spread=False)
    known = thorough.aims(search.state.at)
    if known is None or not (known.violations or (fewest and known.moves)):
        return
    at, _proven = thorough.best(FEW, search.state.at)
    better = thorough.aims(at)
    if fewest or (better is not None and better.violations < known.violations):
        search.state.adopt(at)
        search.state.keep()


def _relieved(state: State, limits: Limits) -> None:
    """Relieve nodes that are over their capacity still by chains of moves."""
    chains = Chains(state, limits.free & state.problem.movable, moves=limits.moves, size=limits.size)
    for node in np.flatnonzero(state.overloaded().any(axis=1)).tolist():
        chains.relieve(node)
    state.keep()
