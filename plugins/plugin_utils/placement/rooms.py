# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Room on the nodes while guests migrate: a guest takes room on its target from the beginning, and leaves its source at the end."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import BASIC, Cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import ROUNDING
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats

Amounts = list[tuple[int, float]]


class Rooms:
    """What is on each node, column by column: every resource, then what guests may use where that is limited, then every storage that is not shared.

    load, limit: [n][c]; what is over its limit may only lose. amounts: what a guest takes, only columns of which it takes anything;
    may: [g, n] where a guest may be at all; names: of the columns; groups: numbers of the strict apart rules of each guest;
    members: how many of a rule's guests are on a node.

    :param overcommit: by which factor cpu_max and memory_max of the guests may exceed the usable capacity; None = without limit.
    """

    def __init__(self, cluster: Cluster, overcommit: float | None) -> None:
        self.cluster = cluster
        bounded = len(BASIC) if overcommit is not None else 0
        beside = np.hstack([cluster.most[:, :bounded], cluster.disks])
        used = np.zeros((len(cluster.nodes), beside.shape[1]))
        np.add.at(used, cluster.home, beside)
        takes = np.hstack([cluster.demand, beside])
        most = cluster.capacity[:, :bounded] * (overcommit or 0.0)
        limit: Floats = np.hstack([cluster.capacity, most, cluster.free + used[:, bounded:]])
        self.names = (*cluster.resources, *(f"{name}_max" for name in BASIC[:bounded]), *cluster.storages)
        self.load: list[list[float]] = np.hstack([cluster.load(cluster.home), used]).tolist()
        self.limit: list[list[float]] = (limit * (1.0 + ROUNDING) + ROUNDING).tolist()
        self.amounts: list[Amounts] = [[(column, amount) for column, amount in enumerate(row) if amount > 0] for row in takes.tolist()]
        self.groups: list[tuple[int, ...]] = [() for _guest in cluster.guests]
        self.members: dict[tuple[int, int], int] = {}
        for rule in cluster.rules:
            if rule.kind == "apart" and rule.strict:
                for guest in rule.guests:
                    self.groups[guest] += (rule.number,)
        for guest, home in enumerate(cluster.home.tolist()):
            self._count(guest, home, 1)
        self.may = allowed(cluster)

    def copy(self) -> Rooms:
        """Return the same rooms, to be changed on their own."""
        other = copy.copy(self)
        other.load, other.members = [list(row) for row in self.load], dict(self.members)
        return other

    def lacks(self, guest: int, node: int) -> int | None:
        """Return the first column in which a node has no room for a guest."""
        load, limit = self.load[node], self.limit[node]
        return next((column for column, amount in self.amounts[guest] if load[column] + amount > limit[column]), None)

    def clashes(self, guest: int, node: int) -> int | None:
        """Return the rule that keeps a guest apart from one on a node."""
        return next((group for group in self.groups[guest] if self.members.get((group, node))), None)

    def fits(self, guest: int, node: int) -> bool:
        """Return whether a guest could come to a node now."""
        return self.lacks(guest, node) is None and self.clashes(guest, node) is None

    def come(self, guest: int, node: int) -> None:
        """Put a guest on a node."""
        load = self.load[node]
        for column, amount in self.amounts[guest]:
            load[column] += amount
        self._count(guest, node, 1)

    def go(self, guest: int, node: int) -> None:
        """Take a guest from a node."""
        load = self.load[node]
        for column, amount in self.amounts[guest]:
            load[column] -= amount
        self._count(guest, node, -1)

    def why_not(self, guest: int, node: int) -> str | None:
        """Return in words what keeps a guest from coming to a node now."""
        name, column = self.cluster.nodes[node], self.lacks(guest, node)
        if column is not None:
            what, plain = self.names[column], (*self.cluster.resources, f"{BASIC[0]}_max")
            in_bytes = what == BASIC[1] or what not in plain
            show = format_bytes if in_bytes else "{:.4g}".format
            free = max(0.0, self.limit[node][column] - self.load[node][column])
            needed = dict(self.amounts[guest])[column]
            return f"{name} has {show(free)} of {what} left, needed are {show(needed)}"
        rule = self.clashes(guest, node)
        return None if rule is None else f"rule {rule} keeps it apart from a guest that is on {name}"

    def _count(self, guest: int, node: int, change: int) -> None:
        for group in self.groups[guest]:
            self.members[group, node] = self.members.get((group, node), 0) + change


def allowed(cluster: Cluster) -> Bools:
    """Return where each guest may go [g, n]: open nodes that have its storage, to which it is pinned and strict rules let it go."""
    found = cluster.reachable & cluster.open[None, :]
    for rule in cluster.rules:
        if not rule.strict or not rule.guests or rule.kind not in ("on_nodes", "not_on_nodes"):
            continue
        named = np.zeros(len(cluster.nodes), dtype=bool)
        named[list(rule.nodes)] = True
        found[list(rule.guests)] &= named if rule.kind == "on_nodes" else ~named
    return found
