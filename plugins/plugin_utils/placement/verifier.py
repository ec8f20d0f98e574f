# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verifier of answers of `cluster_balance`: what must be true afterwards, checked from the documents alone.

It shares no code with the optimisers: neither it nor the modules beside it that it uses import anything else of this package.
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Collection, Iterable, Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_claims import (
    check_candidates,
    check_figures,
    check_verdict,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_facts import At, Document, Facts, Limit, is_strict
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_waves import verify_waves

__all__ = ["verify", "verify_waves"]

KINDS = ("repair", "evacuate", "balance", "consolidate", "park")
BYTES_TOLERANCE = 1e-6


def verify(cluster: Document, answer: Document, policy: Document | None) -> list[str]:
    """Return a line for everything that is wrong with an answer; an empty list means that all is well.

    `violations` of a state are counted so: each strict together or apart rule that is broken, once; each guest that is where it must not be, once
    (on a node that is offline, in maintenance or to be evacuated, outside its pinned_to or its strict on_nodes, on a node of its strict
    not_on_nodes); each resource of each node that holds more than its usable capacity, and each sum of cpu_max or memory_max beyond `overcommit`.
    Guests that nothing can help are among them. (Of data/clusters/50x20_rules_s1: 29 rules and 57 guests, 3 of which nothing can help: one that
    must not move and two that are pinned to nodes in maintenance only; the 83 of its description are the rest.)

    A breach that was there before may remain if the answer lists it in `refused`; none may be new or larger.

    :param cluster: a cluster document that `read_cluster` accepts.
    :param answer: what cluster_balance returned for it.
    :param policy: its policy.
    """
    policy = policy or {}
    options: Document = policy.get("goal_options") or {}
    goal = policy.get("goal") or "balance"
    leaving = options.get("nodes") or [] if goal == "evacuate" else []
    facts = Facts(cluster, leaving, policy.get("overcommit"))
    moves: list[Document] = list(answer.get("moves") or [])
    at, wrong = _walk(facts, moves)
    return [
        *wrong,
        *_allowed(cluster, policy, goal, moves, answer.get("freed") or []),
        *_kinds(facts, goal, moves),
        *_rest(facts, policy, moves, cluster),
        *_budget(policy, moves),
        *_state(facts, at),
        *(_listed(facts, at, answer) if not cluster.get("balancers") and goal not in ("place", "headroom") else []),
        *check_figures(facts, at, answer, policy),
        *check_verdict(facts, at, answer, policy),
        *(check_candidates(facts, answer, options.get("guest") or {}) if goal == "place" else []),
    ]


def _walk(facts: Facts, moves: Iterable[Document]) -> tuple[At, list[str]]:
    """Return where the guests are after all moves, and what is wrong with the moves themselves."""
    at = dict(facts.home)
    wrong: list[str] = []
    moved: dict[str, Document] = {}
    for number, move in enumerate(moves):
        guest, source, target = move.get("guest"), move.get("from"), move.get("to")
        name = f"Move {number} ({guest}, {source} to {target})"
        if guest not in facts.guests or source not in facts.nodes or target not in facts.nodes:
            wrong.append(f"{name}: the document has no such guest or node.")
            continue
        wrong += [f"{name}: {what}." for what in _faults(facts, at, move)]
        if moved.setdefault(guest, move) is not move and moved[guest].get("kind") != "park":
            wrong.append(f"{name}: the guest was moved before, and not to park it.")
        moved[guest] = move
        at[guest] = target
    return at, wrong + [f"{guest} is left where it was parked." for guest, move in moved.items() if _is_left(facts, move)]


def _faults(facts: Facts, at: At, move: Document) -> Iterable[str]:
    guest, source, target = move["guest"], move["from"], move["to"]
    whole = facts.guests[guest]
    if move.get("kind") not in KINDS:
        yield f"its kind is {move.get('kind')!r}, not one of {', '.join(KINDS)}"
    if at[guest] != source:
        yield f"the guest is then on {at[guest]}"
    if source == target:
        yield "it goes nowhere"
    if whole.get("movable") is False:
        yield "the guest must not move"
    if source in facts.offline:
        yield "nothing can leave a node that is offline"
    barred = facts.barred(guest, target)
    if barred:
        yield f"it must not arrive there: {barred}"
    if facts.unreachable(whole, target):
        yield "the target lacks a storage of its disks"
    claimed, real = (move.get("cost") or {}).get("bytes"), facts.bytes_of_move(guest, target)
    if claimed is None or abs(claimed - real) > 0.5 + 1e-9 * real:
        yield f"its cost is {claimed} bytes, but it is {real:.0f}"


def _is_left(facts: Facts, last: Document) -> bool:
    return last.get("kind") == "park" and last.get("to") != facts.home[last["guest"]]


def _allowed(cluster: Document, policy: Document, goal: str, moves: list[Document], freed: Collection[str]) -> Iterable[str]:
    """What forbids moves altogether, or some kinds of them."""
    if moves and cluster.get("balancers"):
        yield f"There are moves although the document names other balancers: {', '.join(cluster['balancers'])}."
    if moves and goal in ("place", "headroom"):
        yield f"There are moves although the goal is {goal}."
    kinds = {move.get("kind") for move in moves}
    if "balance" in kinds and goal in ("repair_only", "evacuate"):
        yield f"There are balance moves although the goal is {goal}."
    if "consolidate" in kinds and goal != "consolidate":
        yield f"There are consolidate moves although the goal is {goal}."
    entered = {move.get("to") for move in moves}
    for number, move in enumerate(moves):
        if move.get("to") in freed:
            yield f"Move {number} ({move.get('guest')}): it arrives on {move['to']}, which is being freed."
        if move.get("kind") == "consolidate" and move.get("from") not in freed and move.get("from") not in entered:
            yield f"Move {number} ({move.get('guest')}): it is called consolidate, but {move.get('from')} is not freed, nor needs room."


def _kinds(facts: Facts, goal: str, moves: list[Document]) -> Iterable[str]:
    """What is called repair or evacuation and is neither: such moves need not wait for a cool-down."""
    closed = facts.closed
    hurt = {*facts.astray(facts.home)}
    for number in facts.broken(facts.home, strict=False):
        hurt.update(facts.rules[number].get("guests") or [])
    # Who belongs together with a guest that must go goes with it.
    bound = [set(rule.get("guests") or []) for rule in facts.rules if rule["kind"] == "together" and is_strict(rule)]
    while any(guests & hurt and not guests <= hurt for guests in bound):
        hurt = hurt.union(*(guests for guests in bound if guests & hurt))
    over = {limit.node for limit, used in facts.used(facts.home).items() if limit.exceeded_by(used)}
    entered = {move.get("to") for move in moves if move.get("kind") in ("repair", "evacuate", "park")}
    for number, move in enumerate(moves):
        guest, source = move.get("guest"), facts.home.get(move.get("guest", ""))
        if move.get("kind") == "evacuate" and source not in closed:
            yield f"Move {number} ({guest}): it is called evacuate, but {source} is not closed."
        if move.get("kind") == "repair" and not (
            guest in hurt or source in over or _softly_astray(facts, guest, source) or source in entered
        ):
            yield f"Move {number} ({guest}): it is called repair, but nothing was broken there, nor does it make room for such a move."


def _softly_astray(facts: Facts, guest: t.Any, node: str | None) -> bool:
    bound = [rule for rule in facts.rules if rule["kind"] in ("on_nodes", "not_on_nodes") and guest in (rule.get("guests") or [])]
    return any((node in (rule.get("nodes") or [])) != (rule["kind"] == "on_nodes") for rule in bound)


def _rest(facts: Facts, policy: Document, moves: Iterable[Document], cluster: Document) -> Iterable[str]:
    """Balance and consolidation wait: for a guest until its cool-down is over, for all until the last move was `hold_seconds` ago."""
    now = policy.get("now") if policy.get("now") is not None else cluster.get("observed_at")
    if now is None:
        return
    last = max(
        (float(guest["last_moved_at"]) for guest in facts.guests.values() if guest.get("last_moved_at") is not None), default=-math.inf
    )
    cool_down, hold = float(policy.get("cool_down_seconds") or 0.0), float(policy.get("hold_seconds") or 0.0)
    for number, move in enumerate(moves):
        if move.get("kind") not in ("balance", "consolidate") or move.get("guest") not in facts.guests:
            continue
        moved = facts.guests[move["guest"]].get("last_moved_at")
        # A clock that is ahead of ours makes a time to come of the last move; that matters only to who waits.
        if cool_down and moved is not None and now - moved < cool_down:
            yield f"Move {number} ({move['guest']}): it was moved {now - moved:g} s ago, its cool-down is {cool_down:g} s."
        if hold and now - last < hold:
            yield f"Move {number} ({move['guest']}): the last move was {now - last:g} s ago, the policy holds for {hold:g} s."


def _budget(policy: Document, moves: list[Document]) -> Iterable[str]:
    most, size = policy.get("max_moves"), policy.get("max_bytes")
    total = math.fsum(float((move.get("cost") or {}).get("bytes") or 0.0) for move in moves)
    if most is not None and len(moves) > most:
        yield f"There are {len(moves)} moves; max_moves is {most}."
    if size is not None and total > size * (1.0 + BYTES_TOLERANCE):
        yield f"The moves carry {total:.0f} bytes; max_bytes is {size:.0f}."


def _state(facts: Facts, at: At) -> Iterable[str]:
    """What is newly broken, or more than before, once all moves are done."""
    before: Mapping[Limit, float] = facts.used(facts.home)
    for limit, used in facts.used(at).items():
        if limit.exceeded_by(used) and used > before[limit] + 1e-9 * abs(limit.most):
            yield f"{limit} ends with {used:g} of {limit.most:g}, after {before[limit]:g}."
    was = facts.broken(facts.home)
    for number, size in facts.broken(at).items():
        if size > was.get(number, 0):
            yield f"Rule {number} ({facts.rules[number]['kind']}) ends with {size} guests too many or elsewhere, after {was.get(number, 0)}."


def _listed(facts: Facts, at: At, answer: Document) -> Iterable[str]:
    """What is still in breach and not told in `refused`."""
    refused = list(answer.get("refused") or [])
    guests = {entry.get("guest") for entry in refused if entry.get("guest") is not None}
    rules = [entry["rule"] for entry in refused if entry.get("rule") is not None]
    for entry in refused:
        if not entry.get("reason"):
            yield f"What is refused has no reason: {dict(entry)!r:.100}."
        if entry.get("guest") is not None and entry["guest"] not in facts.guests:
            yield f"What is refused is no guest: {entry['guest']!r:.60}."
    for guest, why in facts.astray(at).items():
        if guest not in guests:
            yield f"{guest} stays on {at[guest]} ({why}) and is not listed in refused."
    for number in facts.broken(at):
        rule = facts.rules[number]
        if number not in rules and str(number) not in rules and rule not in rules and not guests & set(rule.get("guests") or []):
            yield f"Rule {number} ({rule['kind']}) stays broken and is not listed in refused."
