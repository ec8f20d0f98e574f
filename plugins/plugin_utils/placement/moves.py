# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list of moves, reduced to one for each guest: from where it is to where it ends."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Cluster

KINDS = ("repair", "evacuate", "consolidate", "balance", "park")
"""The most urgent first."""
URGENT = ("repair", "evacuate")
PARK = "park"


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """A guest that goes from one node to another, by their positions in the cluster."""

    guest: int
    source: int
    target: int
    kind: str


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """A move, and what the list says of it; several: the list had more than one of this guest."""

    move: Move
    document: dict[str, t.Any]
    several: bool


def read_moves(document: t.Any, cluster: Cluster) -> list[Asked]:
    """Return at most one move of each guest, in the order of the guests; what cancels out vanishes.

    The order of the list does not matter: the moves of a guest lead from its node to one end, or back.

    :raises InputError: for anything that is no list of moves, and for moves that do not begin where their guest is.
    """
    if not isinstance(document, list):
        raise InputError(
            f"The moves are {document!r:.60} ({type(document).__name__}); needed is the list that cluster_balance calls moves (O(moves))."
        )
    nodes = {name: position for position, name in enumerate(cluster.nodes)}
    guests = {name: position for position, name in enumerate(cluster.guests)}
    found: dict[int, list[tuple[Move, dict[str, t.Any]]]] = {}
    for number, item in enumerate(document):
        fields = Fields(item, f"Move {number}", f"moves[{number}]")
        guest = _position(fields, "guest", guests, "the id of a guest")
        source, target = (_position(fields, key, nodes, "the name of a node") for key in ("from", "to"))
        kind = fields.choice("kind", KINDS, "balance")
        found.setdefault(guest, []).append((Move(guest, source, target, kind), {**fields.document, "kind": kind}))
    asked = (_reduced(cluster, guest, found[guest]) for guest in sorted(found))
    return [one for one in asked if one is not None]


def _position(fields: Fields, key: str, known: dict[str, int], what: str) -> int:
    name = fields.text(key)
    if name not in known:
        raise fields.wrong(key, name, f"{what} of the cluster document")
    return known[name]


def _reduced(cluster: Cluster, guest: int, hops: Sequence[tuple[Move, dict[str, t.Any]]]) -> Asked | None:
    home = int(cluster.home[guest])
    end = _end(cluster, home, [move for move, _document in hops])
    if end == home:
        return None
    if len(hops) == 1:
        return Asked(hops[0][0], hops[0][1], False)
    move, document = min(hops, key=lambda hop: (KINDS.index(hop[0].kind), hop[0].target != end, sorted(map(repr, hop[1].items()))))
    whole = {**document, "from": cluster.nodes[home], "to": cluster.nodes[end]}
    return Asked(Move(guest, home, end, move.kind), whole, True)


def _end(cluster: Cluster, home: int, hops: Sequence[Move]) -> int:
    """Return where a walk over all hops that begins at home ends (Euler: it leaves every other node as often as it comes there)."""
    surplus = dict.fromkeys([home], 1)
    for hop in hops:
        surplus[hop.source] = surplus.get(hop.source, 0) - 1
        surplus[hop.target] = surplus.get(hop.target, 0) + 1
    reached, left = {home}, list(hops)
    while ready := [hop for hop in left if hop.source in reached]:
        left = [hop for hop in left if hop.source not in reached]
        reached.update(hop.target for hop in ready)
    ends = [node for node, count in surplus.items() if count]
    if not left and len(ends) == 1:
        return ends[0]
    name = cluster.guests[hops[0].guest]
    told = ", ".join(sorted(f"from {cluster.nodes[hop.source]} to {cluster.nodes[hop.target]}" for hop in hops))
    raise InputError(
        f"The moves of {name} are {told}; needed are moves that begin where it is, on {cluster.nodes[home]}, and follow one another "
        "(O(moves[].from))."
    )
