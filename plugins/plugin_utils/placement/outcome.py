# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From where a strategy left the items to moves of guests: each with its kind, its reason in words, and what it costs."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import Problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Ints

Document = dict[str, t.Any]


def guests_at(state: State) -> Ints:
    """Return the node of each guest [g]; what has no place yet is where it was."""
    problem = state.problem
    at = problem.cluster.home.copy()
    for item in state.moved:
        at[list(problem.members[item])] = state.at[item]
    return at


def items_of(problem: Problem) -> Ints:
    """Return the item of each guest [g]."""
    found = np.empty(len(problem.cluster.guests), dtype=np.int64)
    for item, members in enumerate(problem.members):
        found[list(members)] = item
    return found


def moves_of(problem: Problem, at: Ints, *, emptied: str = "evacuate", others: str = "balance") -> tuple[list[Document], set[int]]:
    """Return the moves that bring the guests to [g], by kind, then by guest; and the guests whose move mends nothing itself.

    :param emptied: kind of a move from an open node that is to be emptied.
    :param others: kind of a move that mends nothing itself.
    """
    cluster, before, found, item_of = problem.cluster, State(problem), list[Document](), items_of(problem)
    overloaded, mending_nothing = before.overloaded(), set[int]()
    for guest in np.flatnonzero(at != cluster.home).tolist():
        node = int(at[guest])
        why = _why(problem, before, int(item_of[guest]), guest, overloaded, emptied)
        if why is None:
            mending_nothing.add(guest)
        kind, reason = why or _other(problem, before, guest, others)
        found.append(
            {
                "guest": cluster.guests[guest],
                "from": cluster.nodes[int(cluster.home[guest])],
                "to": cluster.nodes[node],
                "kind": kind,
                "reason": reason,
                "cost": cluster.cost_to(guest, node),
            }
        )
    order = {"repair": 0, "evacuate": 1}
    return sorted(found, key=lambda move: (order.get(move["kind"], 2), move["guest"])), mending_nothing


def _why(problem: Problem, before: State, item: int, guest: int, overloaded: Bools, emptied: str) -> tuple[str, str] | None:
    """Return what a move mends."""
    cluster, home = problem.cluster, int(problem.cluster.home[guest])
    name = cluster.nodes[home]
    if not cluster.open[home]:
        return "evacuate", f"{name} is {'in maintenance' if cluster.online[home] else 'offline'}"
    if not problem.open[home]:
        return emptied, f"{name} is to be emptied"
    if problem.home[item] < 0:
        return "repair", "belongs together with guests on other nodes"
    if problem.astray[item]:
        who = "must" if len(problem.members[item]) == 1 else "it, or a guest that it belongs together with, must"
        return "repair", f"{who} not be on {name}"
    if before.breaches_of(item):
        return "repair", f"must be apart from a guest on {name}"
    over = np.flatnonzero(overloaded[home])
    if len(over):
        return "repair", f"{name} is over its capacity of {[*cluster.resources, 'cpu_max', 'memory_max'][int(over[0])]}"
    return None


def _other(problem: Problem, before: State, guest: int, kind: str) -> tuple[str, str]:
    home = int(problem.cluster.home[guest])
    if kind != "balance":
        return kind, f"makes room on {problem.cluster.nodes[home]} for a guest that must leave another node"
    return kind, _share(problem, before, home)


def _share(problem: Problem, before: State, home: int) -> str:
    resources = problem.cluster.resources
    shares = [
        f"{resources[column]} {before.load[home, column] / problem.capacity[home, column]:.0%}"
        for column in problem.resources.tolist()
        if problem.capacity[home, column] > 0
    ]
    return f"{problem.cluster.nodes[home]} uses {', '.join(shares)}"
