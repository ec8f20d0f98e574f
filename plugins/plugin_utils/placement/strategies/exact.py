# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`exact`: what is best, proven, for small clusters; what the others are measured by in tests."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import ROUNDING
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.exact_model import Model
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.small import unfit
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, scipy_optimize

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Floats, Ints
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms

# Guests × nodes beyond which even a first solution may take minutes.
LARGEST = 300
# Branches of the search for each aim; beyond them the best that was found counts, unproven.
BRANCHES = 20_000
# What an aim may lose to a later one: the solver's own rounding.
SLACK = 1e-5


def exact(state: State, terms: Terms) -> None:
    """Find the placement with the fewest violations; of these the one with the least spread above the target; of these the fewest moves; of
    these the fewest bytes (integer programming, HiGHS, one aim after the other).

    Its habits, and what goes wrong with them: what it takes grows exponentially with guests and nodes, so it refuses clusters that are not
    small, and stops after a number of branches with what it has.

    :raises InputError: for a cluster that is too large.
    """
    solve(state, terms)


def solve(state: State, terms: Terms) -> bool:
    """Do what `exact` does; return whether the answer is proven to be the best."""
    shares = Shares(state)
    if not state.moved and not unfit(state) and not shares.excess(shares.of(state)):
        return True
    guests, nodes = len(state.problem.cluster.guests), len(shares.nodes)
    if guests * nodes > LARGEST:
        raise InputError(
            f"The strategy exact was asked to place {guests} guests on {nodes} nodes; it takes up to {LARGEST} guests × nodes. "
            "Choose another (O(policy.strategy)), for example foresight."
        )
    model = Model(state, shares, terms)
    best, proven = _lexicographic(model)
    placement = model.placement(best)
    if not _sound(state, placement):
        return False
    for item in np.flatnonzero(placement != state.at).tolist():
        state.move(item, int(placement[item]))
    return proven


def _lexicographic(model: Model) -> tuple[Floats, bool]:
    """Return the best variables, by one aim after the other, and whether they are proven to be."""
    best, proven, whole = model.now(), True, np.array(model.whole)
    for aim in model.aims:
        size = max(aim.values(), default=0.0)
        if not size:
            continue
        costs = np.zeros(len(best))
        costs[list(aim)] = [value / size for value in aim.values()]
        if costs @ best > SLACK:
            answer = scipy_optimize.milp(
                costs,
                integrality=whole.astype(np.int64),
                bounds=scipy_optimize.Bounds(0.0, np.array(model.most)),
                constraints=scipy_optimize.LinearConstraint(model.rows.matrix(len(best)), model.rows.low, model.rows.high),
                options={"node_limit": BRANCHES, "mip_rel_gap": 0.0},
            )
            proven = proven and answer.status == 0
            if answer.x is not None and costs @ answer.x < costs @ best:
                best = np.where(whole, np.round(answer.x), answer.x)
        model.rows.add({variable: float(costs[variable]) for variable in aim}, high=float(costs @ best) + SLACK)
    return best, proven


def _sound(state: State, placement: Ints) -> bool:
    """Return whether a placement keeps to what is hard as well as the state does, by the arithmetic of the state."""
    problem = state.problem
    items = np.flatnonzero(placement != state.at)
    after = State(problem)
    for item in np.flatnonzero((placement >= 0) & (placement != problem.home)).tolist():
        after.move(item, int(placement[item]))
    limit = np.maximum(problem.capacity * (1.0 + ROUNDING) + ROUNDING, state.load * (1.0 + ROUNDING))
    return bool((after.load <= limit).all()) and not any(after.breaches_of(item) for item in items.tolist())
