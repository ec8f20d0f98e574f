# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the strategies solve: items (guests, or guests that must be together) on nodes, with what each node has room for and who may be where.

Hard limits become columns: each resource, the limits of guests where overcommitting is bounded, and each storage that is not shared. What a rule
forbids becomes a matrix of who may be where, and groups of which a node may hold one item only.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Cluster, Rule
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.groups import join
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats, Ints

# Sums of floating point numbers that were added in another order still fit.
ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """m items on n nodes, c columns.

    members: guests of each item; home: [m] where it is (a group that is torn apart: −1); stays: [m, n] sparse: by item, {node: members
    that are there already}; demand: [m, c]; capacity: [n, c], other: [n, c] what is used by no item; counted: columns (from the left) in which
    a node that is over its capacity is a breach: in the others only arrivals are refused; may: [m, n] where the item may go;
    astray: [m] it must not stay where it is, by a strict rule or as its node is closed; movable: [m]; groups: [m, a] of which a node may hold one
    item each, −1 = none, the first strict_groups of the group_count of them by strict rules; bytes: [m] to most nodes;
    particular: [m] there are nodes to which it is more or less; open: [n]; resources: [k] columns to
    be balanced, with weights and target (spread) [k]; unmet: rules that cannot be met, and why; lightest: the weight up to which soft rules
    are left out.
    """

    cluster: Cluster
    members: tuple[tuple[int, ...], ...]
    home: Ints
    stays: dict[int, dict[int, int]]
    demand: Floats
    capacity: Floats
    other: Floats
    counted: int
    may: Bools
    astray: Bools
    movable: Bools
    groups: Ints
    group_count: int
    strict_groups: int
    bytes: Floats
    particular: Bools
    open: Bools
    resources: Ints
    weights: Floats
    target: Floats
    unmet: tuple[tuple[int, str], ...]
    lightest: float

    def moves(self, item: int, node: int) -> int:
        """Return how many guests move when an item is at a node."""
        return len(self.members[item]) - self.stays.get(item, {}).get(node, int(self.home[item] == node) * len(self.members[item]))

    def cost(self, item: int, node: int) -> tuple[int, float]:
        """Return the guests that move when an item is at a node, and their bytes."""
        return self.moves(item, node), self.size(item, node)

    def size(self, item: int, node: int) -> float:
        """Return the bytes that move when an item is at a node."""
        cluster, members = self.cluster, self.members[item]
        home = cluster.home
        if len(members) == 1:
            return 0.0 if home[members[0]] == node else cluster.bytes_to(members[0], node)
        return sum(cluster.bytes_to(guest, node) for guest in members if home[guest] != node)


def make_problem(cluster: Cluster, policy: Policy, closed: Sequence[int] = (), *, lightest: float = 0.0) -> Problem:
    """Return the problem of a cluster.

    :param closed: nodes that take no guest besides those that are offline or in maintenance.
    :param lightest: rules that are not strict are kept where they weigh more than this; infinite = none of them.
    """
    # Strict ones first: the groups of the others come behind theirs.
    rules = [rule for rule in cluster.rules if rule.strict]
    rules += [rule for rule in cluster.rules if not rule.strict and rule.weight > lightest]
    open_ = cluster.open.copy()
    open_[list(closed)] = False
    movable = cluster.movable & cluster.online[cluster.home]
    must, may = (_allowed(cluster, rules, open_, strict=strict) for strict in (True, False))
    unmet: list[tuple[int, str]] = []
    members, frozen = join(cluster, rules, must, movable, unmet)
    of_guest = np.empty(len(cluster.guests), dtype=np.int64)
    for number, group in enumerate(members):
        of_guest[list(group)] = number
    demand, capacity, other, counted = _columns(cluster, policy)
    first = np.array([group[0] for group in members], dtype=np.int64)
    single = np.array([len(group) == 1 for group in members], dtype=bool)
    item_demand, item_bytes, item_may, item_home = (
        demand[first].copy(),
        cluster.bytes[first].copy(),
        may[first].copy(),
        cluster.home[first].copy(),
    )
    item_movable = movable[first].copy()
    astray = ~must[first, item_home]
    stays: dict[int, dict[int, int]] = {}
    for number in np.flatnonzero(~single).tolist():
        inside = list(members[number])
        item_demand[number], item_bytes[number] = demand[inside].sum(axis=0), cluster.bytes[inside].sum()
        item_may[number] = may[inside].all(axis=0)
        if not item_may[number].any():
            item_may[number] = must[inside].all(axis=0)
        homes = cluster.home[inside]
        places, counts = np.unique(homes, return_counts=True)
        stays[number] = dict(zip(places.tolist(), counts.tolist(), strict=True))
        item_home[number] = places[0] if len(places) == 1 else -1
        astray[number] = len(places) > 1 or not must[inside, homes].all()
        item_movable[number] = movable[inside].all() or len(places) > 1
        for guest in inside:
            if not movable[guest]:
                item_may[number] &= np.arange(len(cluster.nodes)) == cluster.home[guest]
    item_movable[sorted({int(of_guest[guest]) for guest in frozen})] = False
    groups, group_count = _apart(rules, of_guest, len(members), unmet)
    named = np.array([cluster.resources.index(name) for name in policy.resources], dtype=np.int64)
    return Problem(
        cluster=cluster,
        members=tuple(members),
        home=item_home,
        stays=stays,
        demand=item_demand,
        capacity=capacity,
        other=other,
        counted=counted,
        may=item_may,
        astray=astray,
        movable=item_movable,
        groups=groups,
        group_count=group_count,
        strict_groups=sum(rule.strict and rule.kind == "apart" for rule in rules),
        bytes=item_bytes,
        particular=np.array([_is_particular(cluster, group) for group in members], dtype=bool),
        open=open_,
        resources=named,
        weights=np.array(list(policy.resources.values()), dtype=np.float64),
        target=np.array([policy.target_spread[name] for name in policy.resources], dtype=np.float64),
        unmet=tuple(unmet),
        lightest=lightest,
    )


def _is_particular(cluster: Cluster, members: Sequence[int]) -> bool:
    migration = cluster.migrations[members[0]]
    return len(members) > 1 or (migration is not None and any(there.bytes is not None for there in migration.targets.values()))


def _allowed(cluster: Cluster, rules: Sequence[Rule], open_: Bools, *, strict: bool) -> Bools:
    """Return where guests may be [g, n]: by strict rules only, or by all."""
    may = np.asarray(cluster.reachable & open_[None, :])
    for rule in rules:
        guests, nodes = np.array(rule.guests, dtype=np.int64), np.array(rule.nodes, dtype=np.int64)
        if strict and not rule.strict:
            continue
        if rule.kind == "on_nodes":
            may[np.ix_(guests, np.setdiff1d(np.arange(len(open_)), nodes))] = False
        elif rule.kind == "not_on_nodes":
            may[np.ix_(guests, nodes)] = False
    return may


def _columns(cluster: Cluster, policy: Policy) -> tuple[Floats, Floats, Floats, int]:
    """Return demand [g, c], capacity [n, c], what no guest uses [n, c], and how many columns count as breaches."""
    demand, capacity, other = [cluster.demand], [cluster.capacity], [cluster.overhead]
    if policy.overcommit is not None:
        demand.append(cluster.most)
        capacity.append(cluster.capacity[:, :2] * policy.overcommit)
        other.append(np.zeros((len(cluster.nodes), 2)))
    counted = sum(part.shape[1] for part in demand)
    if cluster.storages:
        used = np.zeros(cluster.free.shape)
        np.add.at(used, cluster.home, cluster.disks)
        demand.append(cluster.disks)
        capacity.append(cluster.free + used)
        other.append(np.zeros(cluster.free.shape))
    return np.hstack(demand), np.hstack(capacity), np.hstack(other), counted


def _apart(rules: Sequence[Rule], of_guest: Ints, items: int, unmet: list[tuple[int, str]]) -> tuple[Ints, int]:
    """Return the apart groups of each item [m, a], −1 = none."""
    found: list[list[int]] = [[] for _item in range(items)]
    count = 0
    for rule in rules:
        if rule.kind != "apart":
            continue
        inside = of_guest[list(rule.guests)].tolist()
        if len(set(inside)) < len(inside):
            unmet.append((rule.number, "a together rule wants some of its guests on one node"))
        for item in sorted(set(inside)):
            found[item].append(count)
        count += 1
    width = max((len(one) for one in found), default=0)
    groups = np.full((items, width), -1, dtype=np.int64)
    for item, one in enumerate(found):
        groups[item, : len(one)] = one
    return groups, count
