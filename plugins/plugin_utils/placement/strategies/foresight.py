# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`foresight`, ours: into a window of the wanted spread with few moves and bytes."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.search import Search
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import NOWHERE, State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.greedy_batch import greedy_batch
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.small import thoroughly, unfit
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.window import Window
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Ints
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms


def foresight(state: State, terms: Terms) -> None:
    """Begin anew from where everything is at home, with windows of the height of the target at several places around the mean; what has to leave
    its node goes where the window wants it. The best of them are searched on.

    Where the window lies decides how many moves it takes: a high one asks the full nodes to give little and the empty ones to take much. All of
    it is bounded by steps, never by the clock.
    """
    shares = Shares(state)
    excess = shares.excess(shares.of(state))
    if (excess or state.moved or unfit(state)) and terms.free.any():
        thoroughly(state, terms, Run(state, terms, shares).best if excess else state.at.copy)


class Attempt(t.NamedTuple):
    """A search, and the items in breach that found no place."""

    search: Search
    left: list[int]


class Run:
    """One call of the strategy."""

    def __init__(self, state: State, terms: Terms, shares: Shares) -> None:
        self._state, self._terms, self._shares = state, terms, shares
        moves, size = state.cost(list(state.moved))
        self._moves = None if terms.max_moves is None else moves + terms.max_moves
        # Sums that were added in another order are still within the limit.
        self._size = None if terms.max_bytes is None else (size + terms.max_bytes) * (1.0 + 1e-12)
        self._nodes = len(shares.nodes)

    def best(self) -> Ints:
        """Return the best placement that is found [m]."""
        plan = plan_of(self._nodes)
        attempts = [self._attempt(part) for part in plan.below]
        if self._moves is None and self._size is None:
            for one in attempts:
                one.search.improve(plan.first, DEAR, FAIR, plan.copies)
            attempts.sort(key=lambda one: (len(one.left), one.search.energy(FAIR)))
        done: list[Attempt] = []
        for one in attempts[:MOST]:
            self._finish(one, plan)
            done.append(one)
            if one.search.reached():
                break
        best = min([*done, *self._plain(plan)], key=self._rank)
        if not best.search.reached() and self._moves is None and self._size is None:
            best = self._shifted(best)
        if self._nodes <= SMALL and not best.search.reached() and self._moves is None and self._size is None:
            best = self._narrowed(best)
        return best.search.state.at

    def _plain(self, plan: Plan) -> list[Attempt]:
        """Return what the plainest way leads to, with fewer moves where there are any to save: it needs no window, so that no answer that was begun
        with one should take more moves. Nothing where it misses the target, moves are limited, or the cluster is large."""
        if self._moves is not None or self._size is not None or self._nodes > PLAIN:
            return []
        problem, terms = self._state.problem, self._terms
        state = State(problem)
        must = [item for item in np.flatnonzero(problem.movable).tolist() if state.breaches_of(item)]
        state.adopt(np.where(self._state.at >= 0, self._state.at, state.at))
        greedy_batch(state, terms)
        shares = self._shares.of(state)
        if self._shares.excess(shares):
            return []
        state.keep()
        low = np.maximum((shares.max(axis=0) + shares.min(axis=0) - problem.target) / 2.0, 0.0)
        search = Search(state, Window(problem, low), terms.free, terms.random(), must=must)
        left = [item for item in must if state.breaches_of(item)]
        search.improve(plan.last, LAST, LAST, min(plan.copies, 2), last=True)
        return [Attempt(search, left)]

    def _shifted(self, one: Attempt) -> Attempt:
        """Return a search whose window begins where the lowest node is, or ends where the highest is, in what is too far apart: a node that nothing
        brings nearer, as what it holds is too large or must stay, is what the others have to come to."""
        problem = self._state.problem
        for _try in range(SHIFTS):
            shares = self._shares.of(one.search.state)
            spread, least = self._shares.spread(shares), shares.min(axis=0)
            wide = spread > problem.target
            if one.search.window.low is None or not self._shares.excess(shares):
                break
            lows = [np.where(wide, least + place * (spread - problem.target), one.search.window.low) for place in (0.0, 1.0)]
            nearest = min((self._from(one, Window(problem, low)) for low in lows), key=self._rank)
            if self._rank(nearest) >= self._rank(one):
                break
            one = nearest
        return one

    def _narrowed(self, one: Attempt) -> Attempt:
        """Return a search that brings the nodes as near to one another as may be, where the target is out of reach: through windows that are higher
        than the target, but not as high as the spread, at its lower end, its middle and its upper end."""
        problem, part = self._state.problem, 0.5
        for _try in range(NARROWER):
            shares = self._shares.of(one.search.state)
            spread, least = self._shares.spread(shares), shares.min(axis=0)
            height = np.where(spread > problem.target, problem.target + (spread - problem.target) * (1.0 - part), problem.target)
            tries = [self._from(one, Window(problem, least + place * (spread - height), height)) for place in (0.0, 0.5, 1.0)]
            nearest = min(tries, key=self._rank)
            if self._rank(nearest) < self._rank(one):
                one = nearest
            else:
                part /= 2
        return one

    def _from(self, one: Attempt, window: Window) -> Attempt:
        """Return a search for another window that begins where one has ended."""
        state, terms = State(self._state.problem), self._terms
        must = [item for item in np.flatnonzero(state.problem.movable).tolist() if state.breaches_of(item)]
        state.adopt(one.search.state.at)
        state.keep()
        search = Search(state, window, terms.free, terms.random(), must=must)
        search.trade()
        search.mend(MEND // 2, LAST, MEND_COPIES)
        search.approach()
        search.improve(MEND // 2, LAST, LAST, MEND_COPIES, last=True)
        return Attempt(search, one.left)

    def _finish(self, one: Attempt, plan: Plan) -> None:
        """Search on from an attempt."""
        search = one.search
        if self._moves is None and self._size is None:
            search.improve(plan.sweeps, FAIR, CHEAP, plan.copies, drift=True)
        before = search.energy(0.0)
        for _again in range(AGAIN):
            search.trade()
            search.mend(MEND, LAST, MEND_COPIES)
            search.approach()
            outside = search.energy(0.0)
            if search.reached() or outside >= before:
                break
            before = outside
        search.improve(plan.last, LAST, LAST, min(plan.copies, 2), last=True)

    def _attempt(self, below: float) -> Attempt:
        """Return a search whose window has so much of its height below the mean."""
        problem, terms = self._state.problem, self._terms
        low = np.maximum(self._shares.mean - below * problem.target, 0.0)
        search = Search(State(problem), Window(problem, low), terms.free, terms.random(), moves=self._moves, size=self._size)
        left = search.settle()
        if self._moves is not None or self._size is not None:
            search.approach()
        return Attempt(search, left)

    def _rank(self, one: Attempt) -> tuple[bool, int, float, float, float, int, float]:
        """Return what is compared, the smaller the better: groups that were put together and are not, items without a place, overloads, spread above
        the target, how far nodes are outside the middle, moves, bytes."""
        state, shares = one.search.state, self._shares
        torn = bool(((state.at == NOWHERE) & (self._state.at != NOWHERE)).any())
        excess = round(shares.excess(shares.of(state)), 9)
        moves, size = state.cost(list(state.moved))
        outside = round(shares.outside(state, shares.nodes), 9) if excess else 0.0
        return torn, len(one.left), float(state.overloaded().sum()), excess, outside, moves, size


class Plan(t.NamedTuple):
    """How long is searched. below: places of the windows, how much of their height lies below the mean; first: sweeps of each; sweeps: of the best,
    while moves become cheaper; last: those for fewer bytes; copies: see `Search.improve`."""

    below: tuple[float, ...]
    first: int
    sweeps: int
    last: int
    copies: int


# Prices of a move in the first sweep, in the last one of each window, in the last one of the best, and when nodes are brought in at any price.
DEAR, FAIR, CHEAP, LAST = 1.0, 0.3, 0.03, 1e-3
# How many windows are searched to the end where none is reached, and how often the nodes that are outside are looked at then.
MOST, AGAIN = 2, 4
# How often the window is shifted to the nodes that are left outside.
SHIFTS = 4
# Sweeps over nodes that are outside, and copies of each group.
MEND, MEND_COPIES = 6, 16
# Up to how many open nodes the plainest way is gone as well.
PLAIN = 300
# Up to how many open nodes a target that is out of reach is approached through narrower and narrower windows, and how many of them.
SMALL, NARROWER = 8, 5
# By the most open nodes it is for: small clusters are searched in more places, as few moves decide where; large ones in one.
PLANS = {
    15: Plan((0.3, 0.4, 0.5), 3, 20, 20, 8),
    70: Plan((0.38, 0.43, 0.48, 0.55), 10, 40, 20, 4),
    300: Plan((0.42, 0.46, 0.5), 16, 160, 20, 2),
}
LARGE = Plan((0.45,), 20, 120, 20, 1)


def plan_of(nodes: int) -> Plan:
    """Return how long a cluster of so many open nodes is searched."""
    return next((plan for most, plan in PLANS.items() if nodes <= most), LARGE)
