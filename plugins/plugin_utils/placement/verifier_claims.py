# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures that an answer of `cluster_balance` claims, computed anew."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Collection, Iterable, Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_facts import At, Document, Facts

VERDICTS = ("balanced", "improved", "no_beneficial_move", "infeasible")
TOLERANCE = 1e-6
DEFAULT_SPREAD = 0.05


def check_figures(facts: Facts, at: At, answer: Document, policy: Document) -> Iterable[str]:
    """Return what is wrong with `before`, `after` and `nodes`. Nodes that were freed are not counted in `after`: they can be switched off."""
    balanced = policy.get("resources") or {"memory": 1.0}
    freed = list(answer.get("freed") or [])
    for moment, places, unused in (("before", facts.home, []), ("after", at, freed)):
        claimed = answer.get(moment) or {}
        figures = _figures(facts, places, unused)
        for name, real in figures.items():
            told = claimed.get(name) or {}
            yield from (f"{moment}.{name} does not tell {resource}." for resource in balanced if resource not in told)
            for resource, value in told.items():
                if resource not in facts.resources:
                    yield f"{moment}.{name} tells {resource}, which the cluster does not have."
                elif not _same(value, real[resource]):
                    yield f"{moment}.{name}.{resource} is {value}, but it is {real[resource]:.6g}."
        violations = facts.violations(places)
        if claimed.get("violations") != violations:
            yield f"{moment}.violations is {claimed.get('violations')}, but it is {violations}."
    yield from _check_nodes(facts, at, answer.get("nodes") or [])
    if freed and policy.get("goal") != "consolidate":
        yield "There are freed nodes although the goal is not consolidate."
    for node in freed:
        if node not in facts.nodes or node in facts.closed or node in at.values():
            yield f"freed: {node} is no open node without guests."


def check_verdict(facts: Facts, at: At, answer: Document, policy: Document) -> Iterable[str]:
    """Return what is wrong with the verdict."""
    verdict, moves = answer.get("verdict"), answer.get("moves") or []
    if verdict not in VERDICTS:
        yield f"The verdict is {verdict!r}, not one of {', '.join(VERDICTS)}."
    if verdict in ("no_beneficial_move", "infeasible") and not answer.get("why"):
        yield f"The verdict {verdict} has no why."
    if verdict == "no_beneficial_move" and moves:
        yield f"The verdict is no_beneficial_move, but there are {len(moves)} moves."
    if verdict == "improved" and not moves:
        yield "The verdict is improved, but there is no move."
    if verdict == "balanced" and (policy.get("goal") or "balance") == "balance":
        spread = _figures(facts, at)["spread"]
        for resource in policy.get("resources") or {"memory": 1.0}:
            target = policy.get("target_spread")
            most = target.get(resource) if isinstance(target, Mapping) else target
            if spread.get(resource, 0.0) > (DEFAULT_SPREAD if most is None else most) + TOLERANCE:
                yield f"The verdict is balanced, but the spread of {resource} is {spread[resource]:.6g}."


def check_candidates(facts: Facts, answer: Document, guest: Document) -> Iterable[str]:
    """Return what is wrong with the candidates for a requested guest: each must have room for it and be allowed to hold it; all others are unfit."""
    seen: set[str] = set()
    for key in ("candidates", "unfit"):
        for entry in answer.get(key) or []:
            node = entry.get("node")
            if node not in facts.nodes or node in seen:
                yield f"{'Candidate' if key == 'candidates' else 'Unfit'} {node}: no such node, or named twice."
                continue
            seen.add(node)
            obstacles = list(_obstacles(facts, guest, node))
            if key == "candidates":
                yield from (f"Candidate {node}: {obstacle}." for obstacle in obstacles)
            elif not obstacles:
                yield f"Unfit {node}: nothing is against it."
    yield from (f"Candidate {node}: it is neither offered nor unfit." for node in facts.nodes if node not in seen)


def _obstacles(facts: Facts, guest: Document, node: str) -> Iterable[str]:
    """Return what keeps a requested guest from a node; one with the id of a guest that is there stands for that one."""
    name, used = str(guest.get("id") or ""), facts.used(facts.home, nodes={node})
    others = {other: place for other, place in facts.home.items() if other != name}
    barred = facts.barred(name, node, guest)
    if barred:
        yield barred
    if facts.unreachable(guest, node):
        yield "it lacks a storage of the guest's disks"
    broken = facts.broken(others)
    for number, size in facts.broken({**others, name: node}).items():
        if size > broken.get(number, 0):
            yield f"rule {number} ({facts.rules[number]['kind']}) would be broken"
    here = facts.home.get(name) == node
    for limit, amount in used.items():
        more = facts.demand(guest, limit.kind, limit.name)
        less = facts.demand(facts.guests[name], limit.kind, limit.name) if here else 0.0
        if more and limit.exceeded_by(amount - less + more):
            yield f"{limit} would hold {amount - less + more:g} of {limit.most:g}"


def _figures(facts: Facts, at: At, unused: Collection[str] = ()) -> dict[str, dict[str, float]]:
    """Return spread, std and max by resource over the open nodes that have something of it, but for those that are not used any more."""
    found: dict[str, dict[str, float]] = {"spread": {}, "std": {}, "max": {}}
    ratios = facts.ratios(at)
    for resource in facts.resources:
        open_ = [ratios[node][resource] for node in facts.nodes if node not in facts.closed and node not in unused]
        seen = [ratio for ratio in open_ if ratio is not None] or [0.0]
        mean = math.fsum(seen) / len(seen)
        found["spread"][resource] = max(seen) - min(seen)
        found["std"][resource] = math.sqrt(math.fsum((ratio - mean) ** 2 for ratio in seen) / len(seen))
        found["max"][resource] = max(seen)
    return found


def _check_nodes(facts: Facts, at: At, claimed: Iterable[Document]) -> Iterable[str]:
    before, after, seen = facts.ratios(facts.home), facts.ratios(at), set()
    for entry in claimed:
        name = entry.get("name")
        if name not in facts.nodes or name in seen:
            yield f"nodes: {name} is no node, or there twice."
            continue
        seen.add(name)
        for moment, real in (("before", before[name]), ("after", after[name])):
            for resource, value in (entry.get(moment) or {}).items():
                if resource not in real:
                    yield f"nodes: {name} tells {resource}, which the cluster does not have."
                elif not _same(value, real[resource]):
                    yield f"nodes: {resource} of {name} is {value} {moment}, but it is {real[resource] or 0.0:.6g}."
    yield from (f"nodes: {name} is missing." for name in facts.nodes if name not in facts.closed and name not in seen)


def _same(claimed: t.Any, real: float | None) -> bool:
    """Return whether a claimed figure is right; of a node without capacity it is 0 or null."""
    if claimed is None or real is None:
        return real is None and not claimed
    return isinstance(claimed, (int, float)) and math.isfinite(claimed) and abs(claimed - real) <= TOLERANCE * max(1.0, abs(real))
