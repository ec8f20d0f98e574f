# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From where a strategy wants the guests to the moves that can be carried out: those that have an order and are paid for, parking included."""

from __future__ import annotations

import dataclasses
import math
import typing as t
from collections.abc import Callable, Collection

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.limits import read_limits
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.moves import PARK, URGENT, Move
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.outcome import items_of, moves_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import ROUNDING, Problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import Ordered, order

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Ints

Document = dict[str, t.Any]


class Done(t.NamedTuple):
    """at: [g] nodes of the guests after the moves; refused: guests that would have been moved, and why they are not."""

    at: Ints
    moves: list[Document]
    refused: list[Document]


def carried_out(problem: Problem, at: Ints, policy: Policy, *, others: str = "balance") -> Done:
    """Return the moves towards [g] that can be carried out.

    What must be together is moved as a whole or not at all. A move over a parking node is two moves: where these are more than the policy pays for,
    it is left out, the least urgent first. Who would only make room for others stays where these do not come.

    :param others: kind of a move that mends nothing itself.
    """
    cluster, at = problem.cluster, at.copy()
    documents, makers = moves_of(problem, at, emptied="consolidate" if policy.goal == "consolidate" else "evacuate", others=others)
    if others == "balance":
        makers = set()
    nodes = {name: position for position, name in enumerate(cluster.nodes)}
    guests = {name: position for position, name in enumerate(cluster.guests)}
    asked = [Move(guests[move["guest"]], nodes[move["from"]], nodes[move["to"]], move["kind"]) for move in documents]
    # What is to be emptied is no place to park on.
    open_ = dataclasses.replace(cluster, open=problem.open)
    limits = read_limits(policy.limits, len(cluster.nodes))
    refused: dict[int, str] = {}
    needless: set[int] = set()
    while True:
        ordered = order(open_, asked, limits)
        refused |= {move.guest: f"not moved to {cluster.nodes[move.target]}: {why}" for move, why in ordered.impossible}
        others_left = _with_them(problem, asked, refused)
        refused |= others_left
        asked = [move for move in asked if move.guest not in refused]
        if others_left:
            continue
        absent = refused.keys() | needless
        more = _needless(problem, asked, makers, {int(at[guest]) for guest in absent}, lambda moves: order(open_, moves, limits))
        if more:
            needless |= more
            asked = [move for move in asked if move.guest not in more]
            continue
        kept = _as_moves(problem, [one for one in documents if guests[one["guest"]] not in absent], ordered, guests)
        unpaid = _unpaid(problem, kept, asked, ordered, policy)
        if not unpaid:
            break
        refused |= unpaid
        asked = [move for move in asked if move.guest not in refused]
    stay = [*refused, *needless]
    at[stay] = cluster.home[stay]
    return Done(at, kept, [{"guest": cluster.guests[guest], "reason": refused[guest]} for guest in sorted(refused)])


def _needless(
    problem: Problem, asked: list[Move], makers: Collection[int], awaited: Collection[int], ordered: Callable[[list[Move]], Ordered]
) -> set[int]:
    """Return guests that would only make room on a node which somebody does not come to, where all others can be moved without that; or none.

    :param makers: guests whose move mends nothing itself.
    :param awaited: nodes that somebody does not come to.
    """
    item_of = items_of(problem)
    for item in sorted({int(item_of[move.guest]) for move in asked if move.guest in makers and move.source in awaited}):
        members = set(problem.members[item])
        if members <= set(makers) and not ordered([move for move in asked if move.guest not in members]).impossible:
            return members
    return set()


def _with_them(problem: Problem, asked: list[Move], without: dict[int, str]) -> dict[int, str]:
    """Return who else must stay: guests that belong together with those that are not moved."""
    item_of = items_of(problem)
    torn = {int(item_of[guest]): guest for guest in without if len(problem.members[int(item_of[guest])]) > 1}
    return {
        move.guest: f"belongs together with {problem.cluster.guests[torn[int(item_of[move.guest])]]}, which is not moved"
        for move in asked
        if int(item_of[move.guest]) in torn and move.guest not in without
    }


def _unpaid(problem: Problem, kept: list[Document], asked: list[Move], ordered: Ordered, policy: Policy) -> dict[int, str]:
    """Return the guest to leave out, and who belongs together with it, where the moves cost more than the policy pays for."""
    size = math.fsum(move["cost"]["bytes"] for move in kept)
    most = math.inf if policy.max_bytes is None else policy.max_bytes * (1.0 + ROUNDING)
    if (policy.max_moves is None or len(kept) <= policy.max_moves) and size <= most:
        return {}
    last = max(asked, key=lambda move: (move.guest in ordered.parked, move.kind not in URGENT, move.guest))
    reason = {last.guest: f"not moved to {problem.cluster.nodes[last.target]}: max_moves or max_bytes is used up"}
    return reason | _with_them(problem, asked, reason)


def _as_moves(problem: Problem, documents: list[Document], ordered: Ordered, guests: dict[str, int]) -> list[Document]:
    """Return the moves, two of each guest that is parked."""
    cluster = problem.cluster
    parking = {move.guest: move.target for wave in ordered.waves for move in wave.moves if move.kind == PARK}
    found: list[Document] = []
    for document in documents:
        guest = guests[document["guest"]]
        if guest in parking:
            stop = parking[guest]
            reason = f"waits there until {document['to']} has room"
            found.append({**document, "to": cluster.nodes[stop], "kind": PARK, "reason": reason, "cost": cluster.cost_to(guest, stop)})
            document = {**document, "from": cluster.nodes[stop]}
        found.append(document)
    return found
