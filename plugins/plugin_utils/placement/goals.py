# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Goals besides balance: how many nodes can be freed, which node is best for a new guest, and which losses of nodes a cluster survives."""

from __future__ import annotations

import dataclasses
import itertools
import math
import typing as t
from collections import Counter
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.chosen import limits_of, rested
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import BASIC, Cluster, read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_parts import within
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.outcome import guests_at, items_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import Problem, make_problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.repair import repair
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.search import Search
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.window import Window
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Ints

Document = dict[str, t.Any]
# Sets of lost nodes that are tried; of more, those of the fullest nodes.
MOST_LOSSES = 2000
_NEW = "(new)"


def losses(cluster: Cluster, policy: Policy) -> Document:
    """Return whether the guests of any `k` (1) lost nodes find a place: {k, worst: {nodes, unplaced}, tried, of}.

    A lost node takes its guests nowhere: they start anew on others, so what could not be moved alive counts as well.
    """
    k = policy.k
    nodes = np.flatnonzero(cluster.open).tolist()
    every = math.comb(len(nodes), k) if k <= len(nodes) else 0
    heavy = _few(_heaviest(cluster, nodes), k)
    worst: tuple[int, ...] = ()
    unplaced: list[str] = []
    tried = 0
    for lost in itertools.combinations(sorted(heavy), min(k, len(heavy))):
        tried += 1
        found = without(cluster, policy, lost)
        if len(found) > len(unplaced) or not worst:
            worst, unplaced = lost, found
    return {
        "k": k,
        "worst": {"nodes": [cluster.nodes[node] for node in worst], "unplaced": unplaced},
        "tried": tried,
        "of": every,
    }


def without(cluster: Cluster, policy: Policy, lost: Sequence[int]) -> list[str]:
    """Return the guests of some nodes that find no place on the others."""
    problem = make_problem(cluster, policy, lost, lightest=math.inf)
    movable = problem.movable.copy()
    gone = [item for item in range(len(problem.members)) if any(int(cluster.home[guest]) in lost for guest in problem.members[item])]
    movable[gone] = True
    state = State(problem)
    search = Search(state, Window(problem, None), np.zeros(len(movable), dtype=bool), np.random.default_rng(policy.seed), must=gone)
    return [cluster.guests[guest] for item in search.settle() for guest in problem.members[item]]


def freed(cluster: Cluster, policy: Policy) -> list[int]:
    """Return the nodes that can be emptied, the least loaded first, so that the rest still survives the loss of any `spare_nodes` of them.

    A node is emptied whole, within max_moves and max_bytes, or not at all.
    """
    load = cluster.load(cluster.home)
    share = (load / np.maximum(cluster.capacity, 1e-300)).max(axis=1)
    stays = np.zeros(len(cluster.nodes), dtype=bool)
    stays[cluster.home[~(cluster.movable & rested(cluster, policy))]] = True
    closed: list[int] = []
    placements: list[Ints] = []
    for node in sorted(np.flatnonzero(cluster.open & ~stays).tolist(), key=lambda one: (float(share[one]), one)):
        trial = [*closed, node]
        if int(cluster.open.sum()) - len(trial) <= policy.spare_nodes:
            break
        at = _without_guests(cluster, policy, trial)
        if at is not None and _survives(cluster, at, policy, trial, quick=True):
            closed = trial
            placements.append(at)
    while closed and not _survives(cluster, placements.pop(), policy, closed, quick=False):
        closed.pop()
    return closed


def _without_guests(cluster: Cluster, policy: Policy, closed: Sequence[int]) -> Ints | None:
    """Return where the guests are once some nodes are empty; None = they cannot be emptied."""
    problem = make_problem(cluster, policy, closed)
    trial = repair(problem, limits_of(problem, policy))
    at = guests_at(trial.search.state)
    return None if np.isin(at, closed).any() else at


def _survives(cluster: Cluster, at: Ints, policy: Policy, closed: Sequence[int], *, quick: bool) -> bool:
    """Return whether the emptied cluster survives the loss of any of its nodes.

    :param quick: ask only for the fullest ones.
    """
    if not policy.spare_nodes:
        return True
    emptied = dataclasses.replace(cluster, home=at)
    nodes = _heaviest(emptied, [node for node in np.flatnonzero(cluster.open).tolist() if node not in closed])
    nodes = nodes[: policy.spare_nodes + 2] if quick else _few(nodes, policy.spare_nodes)
    return not any(without(emptied, policy, [*closed, *lost]) for lost in itertools.combinations(sorted(nodes), policy.spare_nodes))


def _heaviest(cluster: Cluster, nodes: Sequence[int]) -> list[int]:
    """Return nodes, first those that hold the largest part of what all of them have room for: these leave most behind."""
    load = cluster.load(cluster.home)
    part = (load / np.maximum(cluster.capacity[list(nodes)].sum(axis=0), 1e-300)).max(axis=1)
    return sorted(nodes, key=lambda node: (-float(part[node]), node))


def _few(nodes: list[int], k: int) -> list[int]:
    """Return as many of the first nodes as there can be tried all sets of k of."""
    most = len(nodes)
    while most > k and math.comb(most, k) > MOST_LOSSES:
        most -= 1
    return nodes[:most]


def candidates(document: Mapping[str, t.Any], policy: Policy) -> Document:
    """Return the nodes for a guest, `candidates`: the best first, {node, score, reasons}, and `unfit`: those that cannot take it, {node, reasons}.

    The score is the share of the node that stays free, of what is scarcest of the balanced resources; nodes where a soft rule would be broken come
    last. A guest with the id of one that is there stands for it: it is asked where that one were best.
    """
    cluster, name = _with_guest(document, policy)
    problem = make_problem(cluster, policy, lightest=math.inf)
    state = State(problem)
    guest = cluster.guests.index(name)
    item = int(items_of(problem)[guest])
    nodes = np.array([node for node in range(len(cluster.nodes)) if cluster.nodes[node] != _NEW], dtype=np.int64)
    fits = state.fits(np.array([item]), nodes)[0]
    # Where soft rules count they join guests: the items are others.
    gentle = make_problem(cluster, policy)
    liked = State(gentle).fits(items_of(gentle)[[guest]], nodes)[0]
    found: list[tuple[bool, Document]] = []
    unfit: list[Document] = []
    for node, possible, good in zip(nodes.tolist(), fits.tolist(), liked.tolist(), strict=True):
        if not possible:
            unfit.append({"node": cluster.nodes[node], "reasons": _obstacles(problem, state, item, node)})
            continue
        after = state.load[node] + problem.demand[item]
        shares = {cluster.resources[column]: _share(after[column], problem.capacity[node, column]) for column in problem.resources.tolist()}
        reasons = [f"{resource} {share:.0%} used then" for resource, share in shares.items()] + ["a soft rule is against it"] * (not good)
        found.append((not good, {"node": cluster.nodes[node], "score": round(1.0 - max(shares.values()), 4), "reasons": reasons}))
    found.sort(key=lambda one: (one[0], -one[1]["score"], one[1]["node"]))
    return {"candidates": [one for _disliked, one in found], "unfit": unfit}


def _with_guest(document: Mapping[str, t.Any], policy: Policy) -> tuple[Cluster, str]:
    """Return the cluster with the requested guest on a node that is not there, so that nothing of it counts anywhere yet, and its id."""
    wanted = Fields(policy.guest, "The guest to place", "policy.goal_options.guest")
    for resource in BASIC:
        wanted.number(resource)
    known = {str(one) for node in document["nodes"] for one in node.get("more") or {}}
    for resource in within(wanted, "more"):
        if resource not in known:
            raise wanted.wrong("more", resource, f"a resource that a node has (more: {', '.join(sorted(known)) or 'none is told'})")
    name = wanted.optional_text("id") or _NEW
    guest = {"running": True, **wanted.document, "id": name, "node": _NEW, "movable": True}
    others = [one for one in document.get("guests") or [] if one["id"] != name]
    at = {one["id"]: one["node"] for one in others}
    rules = [part for rule in document.get("rules") or [] for part in _parted(rule, name, at)]
    nowhere = {"name": _NEW, "cpu": 0, "memory": 0, "online": False}
    changed = {"nodes": [*document["nodes"], nowhere], "guests": [*others, guest], "rules": rules}
    return read_cluster({**document, **changed}), name


def _parted(rule: Mapping[str, t.Any], name: str, at: Mapping[str, str]) -> list[Mapping[str, t.Any]]:
    """Return a rule in which the requested guest goes to the others that it belongs together with: they do not come to it."""
    if rule["kind"] != "together" or name not in (rule.get("guests") or []):
        return [rule]
    others = [one for one in dict.fromkeys(rule["guests"]) if one != name and one in at]
    counts = Counter(at[one] for one in others)
    most = [node for node, count in counts.items() if count == max(counts.values())]
    follows = [{**rule, "kind": "on_nodes", "guests": [name], "nodes": most}] if most else []
    return [{**rule, "guests": others}, *follows]


def _share(load: float, capacity: float) -> float:
    """Return the share that is used; what nobody has and nobody wants is not used."""
    return float(load / capacity) if capacity > 0 else 0.0


def _obstacles(problem: Problem, state: State, item: int, node: int) -> list[str]:
    cluster = problem.cluster
    if not cluster.open[node]:
        return ["in maintenance" if cluster.online[node] else "offline"]
    names = [*cluster.resources, *(["cpu_max", "memory_max"] if problem.counted > len(cluster.resources) else []), *cluster.storages]
    room = np.maximum(problem.capacity[node] - state.load[node], 0.0)
    short = [
        f"{names[column]}: {float(room[column]):g} free, {float(problem.demand[item, column]):g} needed"
        for column in range(len(names))
        if problem.demand[item, column] > room[column]
    ]
    if short:
        return short
    if not problem.may[item, node]:
        return ["a rule, a pin or its storage keeps it from there"]
    return ["it must be apart from a guest there"]
