# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The strategy that the policy names, set to work on what may be moved now."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import Problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.repair import Limits, Trial, repair
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies import STRATEGIES
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools


def held(cluster: Cluster, policy: Policy) -> str | None:
    """Return why no guest may be moved for balance now: the last moves are to settle first. None = some may."""
    if policy.now is None or not policy.hold_seconds or not len(cluster.last_moved):
        return None
    since = policy.now - float(cluster.last_moved.max())
    if since >= policy.hold_seconds:
        return None
    return f"the last move was {max(0.0, since):.0f} s ago, and balance waits for {policy.hold_seconds:g} s after a move (hold_seconds)"


def rested(cluster: Cluster, policy: Policy) -> Bools:
    """Return the guests that were not moved of late [g]."""
    if policy.now is None or not policy.cool_down_seconds:
        return np.ones(len(cluster.guests), dtype=bool)
    return np.asarray(cluster.last_moved <= policy.now - policy.cool_down_seconds)


def limits_of(problem: Problem, policy: Policy) -> Limits:
    """Return what a search keeps to: guests that were moved of late move for no balance."""
    ready, free = rested(problem.cluster, policy), problem.movable.copy()
    if not ready.all():
        free &= np.array([ready[list(members)].all() for members in problem.members], dtype=bool)
    return Limits(free, policy.max_moves, policy.max_bytes, policy.seed)


def balanced(problem: Problem, limits: Limits, policy: Policy) -> Trial:
    """Return where the strategy brings everything; what is broken is repaired first, with balance in mind."""
    low = np.maximum(Shares(State(problem)).mean - problem.target / 2, 0.0)
    trial = repair(problem, limits, low)
    state = trial.search.state
    moves, size = state.cost(list(state.moved))
    terms = Terms(
        free=limits.free,
        max_moves=None if limits.moves is None else max(0, limits.moves - moves),
        max_bytes=None if limits.size is None else max(0.0, limits.size - size),
        seed=limits.seed,
    )
    STRATEGIES[policy.strategy](state, terms)
    return trial
