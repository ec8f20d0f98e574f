# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moves in an order that can be carried out: waves of migrations that run at the same time."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Cluster, read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.journey import Hop
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.limits import Limits, read_limits
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.moves import PARK, URGENT, Asked, Move, read_moves
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.packing import Packer
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.rooms import Rooms
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.sequence import find_sequence
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.transfers import Durations, modes

Document = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Wave:
    """Moves that run at the same time, by guest; not_before: UTC seconds of the window that they wait for; seconds: None = not known."""

    moves: tuple[Move, ...]
    not_before: int | None
    seconds: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Ordered:
    """waves: one after the other; parked: guests that stop on a third node (two moves, the first of kind `park`); impossible: moves without an order
    beside the others, and why.
    """

    waves: tuple[Wave, ...]
    parked: tuple[int, ...]
    impossible: tuple[tuple[Move, str], ...]


def order(cluster: Cluster, moves: Sequence[Move], limits: Limits) -> Ordered:
    """Return the order of all moves for which there is one.

    No node is over its capacity while a guest is on both nodes, and strict apart rules hold all the time; what is over its capacity or breaks a rule
    already only gets better.

    :param moves: at most one of each guest, from where it is.
    """
    usual, durations = modes(cluster), Durations(cluster, limits.bandwidth)
    before = Rooms(cluster, limits.overcommit)
    impossible, possible = list[tuple[Move, str]](), list[Move]()
    for move in sorted(moves, key=lambda one: one.guest):
        why = _never(before, move, limits, usual[move.guest])
        if why:
            impossible.append((move, why))
        else:
            possible.append(move)
    while True:
        after = before.copy()
        hops = find_sequence(after, possible, cluster.bytes.tolist())
        slow = {hop.guest for hop in hops if (durations.of([hop])[0] or 0.0) > limits.longest(usual[hop.guest])}
        if not slow:
            break
        impossible += [
            (move, f"it takes longer than the longest window for {usual[move.guest]}, or than a year")
            for move in possible
            if move.guest in slow
        ]
        possible = [move for move in possible if move.guest not in slow]
    made = {hop.guest for hop in hops}
    for move in possible:
        if move.guest not in made:
            impossible.append((move, after.why_not(move.guest, move.target) or "no order was found"))
    kinds = {move.guest: move.kind for move in possible}
    urgent = [kinds[hop.guest] in URGENT for hop in hops]
    packed = Packer(before.copy(), hops, limits, urgent, usual, durations).waves()
    if any(urgent) and not all(urgent):
        # What is urgent goes first only where that costs no wave.
        other = Packer(before.copy(), hops, limits, [False] * len(hops), usual, durations).waves()
        packed = min(packed, other, key=len)
    ends = {move.guest: move.target for move in possible}

    def as_move(hop: Hop) -> Move:
        return Move(hop.guest, hop.source, hop.target, kinds[hop.guest] if hop.target == ends[hop.guest] else PARK)

    return Ordered(
        waves=tuple(
            Wave(tuple(sorted((as_move(hops[number]) for number in wave.hops), key=lambda one: one.guest)), wave.not_before, wave.seconds)
            for wave in packed
        ),
        parked=tuple(sorted(hop.guest for hop in hops if hop.target != ends[hop.guest])),
        impossible=tuple(sorted(impossible, key=lambda pair: pair[0].guest)),
    )


def migration_waves(moves: t.Any, cluster: t.Any, limits: t.Any = None) -> list[Document]:
    """Return the waves of a list of moves, as documents.

    :param moves: as of cluster_balance; reduced to one for each guest.
    :param cluster: the cluster document.
    :param limits: global, per_node_in, per_node_out, bandwidth_bytes_per_second, now, windows, overcommit.
    :raises InputError: for documents that mean nothing, and for moves without an order, naming them.
    """
    known = read_cluster(cluster)
    bounds = read_limits(limits, len(known.nodes))
    asked = {one.move.guest: one for one in read_moves(moves, known)}
    ordered = order(known, [one.move for one in asked.values()], bounds)
    if ordered.impossible:
        names = "; ".join(f"{_name(known, move)} ({why})" for move, why in ordered.impossible)
        raise InputError(
            f"There is no order for {len(ordered.impossible)} of {len(asked)} moves: {names}. Needed is one in which no node is over its capacity "
            "while a guest is on both nodes, if need be over a third node with room; make room, or leave these moves out (O(moves))."
        )
    durations, stopped = Durations(known, bounds.bandwidth), set(ordered.parked)
    return [
        {
            "wave": number,
            "not_before": wave.not_before,
            "moves": [_document(known, move, asked[move.guest], move.guest in stopped, durations) for move in wave.moves],
            "seconds": wave.seconds,
        }
        for number, wave in enumerate(ordered.waves, start=1)
    ]


def _never(rooms: Rooms, move: Move, limits: Limits, mode: str) -> str | None:
    """Return why a guest can never come to its target."""
    cluster = rooms.cluster
    source, target = cluster.nodes[move.source], cluster.nodes[move.target]
    if not cluster.movable[move.guest]:
        return "it must not move"
    if not cluster.online[move.source]:
        return f"{source} is offline"
    if not cluster.open[move.target]:
        return f"{target} is {'in maintenance' if cluster.online[move.target] else 'offline'}"
    if not cluster.reachable[move.guest, move.target]:
        return f"it is pinned to other nodes than {target}, or {target} lacks its storage"
    if not rooms.may[move.guest, move.target]:
        return f"a strict rule keeps it from {target}"
    return None if limits.longest(mode) else f"no window is for {mode}"


def _name(cluster: Cluster, move: Move) -> str:
    return f"{cluster.guests[move.guest]} from {cluster.nodes[move.source]} to {cluster.nodes[move.target]}"


def _document(cluster: Cluster, move: Move, asked: Asked, stopped: bool, durations: Durations) -> Document:
    """Return what the list says of a move; with its own cost, and its own reason for a stop, where the list has no such move."""
    ends = {"from": cluster.nodes[move.source], "to": cluster.nodes[move.target]}
    if not stopped and not asked.several:
        return {**asked.document, **ends}
    found = {**asked.document, **ends, "kind": move.kind, "cost": _cost(cluster, move, durations)}
    if stopped and move.kind == PARK:
        found["reason"] = f"It waits here until {cluster.nodes[asked.move.target]} has room."
    return found


def _cost(cluster: Cluster, move: Move, durations: Durations) -> Document:
    seconds = durations.of([Hop(move.guest, move.source, move.target)])[0]
    return {**cluster.cost_to(move.guest, move.target), **({} if seconds is None else {"seconds": seconds})}
