# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The function behind the filter cluster_balance: a cluster document and a policy in; moves, figures and a verdict out."""

from __future__ import annotations

import dataclasses
import math
import time
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement import goals
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.chosen import balanced, held, limits_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Cluster, read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.limits import Limits, read_limits
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.measure import Measures, measure
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.ordered import Done, carried_out
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.outcome import guests_at
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import DEFAULT_STRATEGY, Policy, read_policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import Problem, make_problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.repair import Trial, repair
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.settling import begins_above, settled
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.transfers import modes
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verdict import beyond_help, excess, given_up, verdict, worth_it
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Ints

Document = dict[str, t.Any]
# How often balance goes on where its target is out of reach.
FURTHER_RUNS = 5


def cluster_balance(document: t.Any, policy: t.Any = None) -> Document:
    """Return the moves that bring a cluster closest to what a policy wants, and what it is like before and after.

    :param document: a cluster document.
    :param policy: see `read_policy`.
    :raises InputError: for documents that mean nothing.
    """
    # A node that holds something and has nothing is full without measure: that is no news for the terminal.
    with np.errstate(over="ignore"):
        return _balance(document, policy)


def _balance(document: t.Any, policy: t.Any) -> Document:
    begun = time.perf_counter()
    cluster = read_cluster(document)
    wanted = read_policy(policy, cluster.resources, cluster.observed_at)
    cluster = _with_windows(cluster, read_limits(wanted.limits, len(cluster.nodes)))
    leaving = _leaving(cluster, wanted)
    before = measure(cluster, cluster.home, wanted.overcommit, leaving)
    if wanted.goal in ("place", "headroom"):
        return _looked(document, cluster, wanted, before, begun)
    if cluster.balancers:
        names = ", ".join(cluster.balancers)
        why = f"{names} already moves guests of this cluster; two balancers would undo each other's moves. Switch it off first."
        return _answer(cluster, wanted, before, before, [], [], "no_beneficial_move", why, begun)
    waits = held(cluster, wanted)
    emptied = goals.freed(cluster, wanted) if wanted.goal == "consolidate" and not waits else []
    while True:
        problem, gave_way = _kept(cluster, wanted, [*leaving, *emptied])
        trial, done, calm = _best(problem, wanted, waits)
        at = done.at
        freed = [node for node in emptied if not (at == node).any()]
        if len(freed) == len(emptied):
            break
        # A node is emptied whole or not at all: what somebody finds no way from stays as it is.
        emptied = freed
    after = measure(cluster, at, wanted.overcommit, leaving, freed)
    stuck = [cluster.guests[guest] for guest in np.flatnonzero(np.isin(at, leaving)).tolist()]
    empty = [cluster.nodes[node] for node in freed]
    said = verdict(cluster, wanted, after, done.moves, waits or calm, empty, stuck)
    refused = [*beyond_help(trial.search.state, trial.left), *given_up(cluster, at, gave_way), *done.refused]
    answer = _answer(cluster, wanted, before, after, done.moves, refused, *said, begun)
    return {**answer, "freed": empty} if wanted.goal == "consolidate" else answer


def _with_windows(cluster: Cluster, limits: Limits) -> Cluster:
    """Return the cluster in which guests for whose kind of migration no window ever opens are not movable: nothing is planned on their moving."""
    able = np.array([limits.longest(mode) > 0 for mode in modes(cluster)], dtype=bool)
    return dataclasses.replace(cluster, movable=cluster.movable & able)


def _kept(cluster: Cluster, policy: Policy, closed: Sequence[int]) -> tuple[Problem, float]:
    """Return the problem with as many soft rules as leave the fewest hard limits broken, and the weight up to which they gave way."""
    best, fewest, gave_way = make_problem(cluster, policy, closed), math.inf, 0.0
    weights = sorted({rule.weight for rule in cluster.rules if not rule.strict and rule.weight > 0})
    for lightest in [0.0, *weights] if weights else []:
        problem = make_problem(cluster, policy, closed, lightest=lightest)
        at = guests_at(repair(problem, limits_of(problem, policy)).search.state)
        broken = measure(cluster, at, policy.overcommit, closed).violations
        if broken < fewest:
            best, fewest, gave_way = problem, broken, lightest
        if not broken:
            break
    return best, gave_way


def _best(problem: Problem, policy: Policy, waits: str | None) -> tuple[Trial, Done, str | None]:
    """Return repair alone, or with balance where that is wanted, not held, and worth it; and why balance does not begin, where it is settled."""
    cluster, limits = problem.cluster, limits_of(problem, policy)
    closed, calm = np.flatnonzero(cluster.open & ~problem.open).tolist(), None
    least = repair(problem, limits)
    if policy.goal == "balance" and not waits:
        without = measure(cluster, guests_at(least.search.state), policy.overcommit, closed)
        calm = settled(policy, without, cluster.resources, begins_above(cluster, policy))
        if excess(policy, without, cluster.resources) and not calm:
            most = balanced(problem, limits, policy)
            at = _further(problem, guests_at(most.search.state), policy)
            done = carried_out(problem, at, policy)
            if worth_it(policy, without, measure(cluster, done.at, policy.overcommit, closed), cluster.resources):
                return most, done, None
    others = "consolidate" if policy.goal == "consolidate" and closed else "repair"
    return least, carried_out(problem, guests_at(least.search.state), policy, others=others), calm


def _further(problem: Problem, at: Ints, policy: Policy) -> Ints:
    """Return where the guests end when balance goes on from [g] as long as a further run would find something: so that the next one does not.

    Where the target is reached, or there are budgets, which leave the rest to later runs, that is [g].
    """
    cluster = problem.cluster
    closed = np.flatnonzero(cluster.open & ~problem.open).tolist()
    if policy.strategy != DEFAULT_STRATEGY or policy.max_moves is not None or policy.max_bytes is not None:
        return at
    for _run in range(FURTHER_RUNS):
        before = measure(cluster, at, policy.overcommit, closed)
        if not excess(policy, before, cluster.resources):
            break
        there = make_problem(dataclasses.replace(cluster, home=at), policy, closed, lightest=problem.lightest)
        found = guests_at(balanced(there, limits_of(there, policy), policy).search.state)
        if not worth_it(policy, before, measure(cluster, found, policy.overcommit, closed), cluster.resources):
            break
        at = found
    return at


def _looked(document: t.Any, cluster: Cluster, policy: Policy, seen: Measures, begun: float) -> Document:
    """Return the answer of the goals that move nothing."""
    extra: Document
    if policy.goal == "place":
        extra = goals.candidates(document, policy)
        best = [one["node"] for one in extra["candidates"]]
        said = ("balanced", f"{best[0]} is the best of {len(best)} nodes") if best else ("infeasible", "no node may take it, or has room")
    else:
        lost = goals.losses(cluster, policy)
        extra = {"survives": lost}
        unplaced, nodes = lost["worst"]["unplaced"], ", ".join(lost["worst"]["nodes"])
        said = (
            ("infeasible", f"without {nodes}, {len(unplaced)} of the guests find no place")
            if unplaced
            else ("balanced", "all guests find a place")
        )
    return {**_answer(cluster, policy, seen, seen, [], [], *said, begun), **extra}


def _leaving(cluster: Cluster, policy: Policy) -> list[int]:
    """Return the nodes that the goal evacuate names."""
    if policy.goal != "evacuate":
        return []
    for name in policy.nodes:
        if name not in cluster.nodes:
            known = ", ".join(cluster.nodes[:10])
            raise InputError(f"There is no node {name!r} to evacuate; nodes are {known} (O(policy.goal_options.nodes)).")
    return [cluster.nodes.index(name) for name in policy.nodes]


def _answer(
    cluster: Cluster, policy: Policy, before: Measures, after: Measures, moves: list[Document], refused: list[Document],
    verdict: str, why: str, begun: float,
) -> Document:  # fmt: skip
    names = cluster.resources

    def told(seen: Measures) -> Document:
        return {
            "spread": dict(zip(names, seen.spread.tolist(), strict=True)),
            "std": dict(zip(names, seen.std.tolist(), strict=True)),
            "max": dict(zip(names, seen.highest.tolist(), strict=True)),
            "violations": seen.violations,
        }

    def shares(seen: Measures, row: int) -> dict[str, float | None]:
        return {name: None if np.isnan(share) else float(share) for name, share in zip(names, seen.ratios[row], strict=True)}

    return {
        "moves": moves,
        "before": told(before),
        "after": told(after),
        "nodes": [
            {
                "name": name,
                "before": shares(before, row),
                "after": shares(after, row),
            }
            for row, name in enumerate(cluster.nodes)
        ],
        "refused": refused,
        "verdict": verdict,
        "why": why,
        "strategy": policy.strategy,
        "demand": cluster.demand_basis,
        "seconds": round(time.perf_counter() - begun, 3),
    }
