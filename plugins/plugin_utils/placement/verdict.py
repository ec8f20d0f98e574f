# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether moves are worth it, and what is said of a cluster afterwards: the verdict, and what nothing could help."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.measure import Measures, breakers
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Ints

Document = dict[str, t.Any]
# Less than this is no gain: sums of floating point numbers differ by as much.
NOTHING = 1e-9


def excess(policy: Policy, seen: Measures, names: Sequence[str]) -> dict[str, float]:
    """Return the resources of which the spread is above its target, and that spread.

    :param names: of the cluster's resources.
    """
    spread = {name: float(seen.spread[names.index(name)]) for name in policy.resources}
    return {name: value for name, value in spread.items() if value > policy.target_spread[name] + NOTHING}


def worth_it(policy: Policy, without: Measures, after: Measures, names: Sequence[str]) -> bool:
    """Return whether moves for balance bring enough, compared with a cluster that is only repaired.

    The spread above its target (weighted, over the resources) must fall. Several nodes may be as full as the fullest, so that it stays as it is
    when one of them gets better; where no gain is asked for, it is enough then that the standard deviation falls. Both only ever fall, so runs on the same
    loads come to an end.
    """
    if after.violations != without.violations:
        return after.violations < without.violations
    far, near = (_above(policy, seen, names) for seen in (without, after))
    if not far or near > far + NOTHING:
        return False
    if policy.min_gain:
        gains = [without.spread[names.index(name)] - after.spread[names.index(name)] for name in policy.resources]
        return near < far - NOTHING and max(gains) >= policy.min_gain - NOTHING
    wide, narrow = (_deviation(policy, seen, names) for seen in (without, after))
    return near < far - NOTHING or narrow < wide - NOTHING


def _above(policy: Policy, seen: Measures, names: Sequence[str]) -> float:
    return sum(policy.resources[name] * (value - policy.target_spread[name]) for name, value in excess(policy, seen, names).items())


def _deviation(policy: Policy, seen: Measures, names: Sequence[str]) -> float:
    return sum(weight * float(seen.std[names.index(name)]) for name, weight in policy.resources.items())


def verdict(
    cluster: Cluster, policy: Policy, after: Measures, moves: Sequence[Document], waits: str | None, empty: Sequence[str], stuck: Sequence[str]
) -> tuple[str, str]:  # fmt: skip
    """Return the verdict, and why.

    :param waits: why no guest may be moved for balance now; None = some may.
    :param empty: nodes that consolidate freed.
    :param stuck: guests on nodes that were to be emptied.
    """
    if policy.goal == "evacuate":
        return _emptied(policy, after, moves, stuck)
    broken = (
        [f"{_some(after.violations, 'limit')} {'stays' if after.violations == 1 else 'stay'} broken{_which(after)}"]
        if after.violations
        else []
    )
    if policy.goal == "consolidate" and (empty or not broken):
        return _consolidated(policy, moves, waits, empty, broken)
    wide = _told(excess(policy, after, cluster.resources)) if policy.goal == "balance" else ""
    if moves:
        return "improved", "; ".join([_some(len(moves), "move"), *([f"the spread stays {wide}"] if wide else []), *broken])
    if broken:
        return "infeasible", f"{_are_broken(after)}, and no move that is allowed helps"
    if not wide:
        even = "nothing is broken, and the nodes are as even as asked for"
        return "balanced", even if policy.goal == "balance" else "nothing is broken"
    if 0 in (policy.max_moves, policy.max_bytes):
        waits = waits or f"{'max_moves' if policy.max_moves == 0 else 'max_bytes'} is 0, which allows no move"
    gain = f"brings the nodes closer by {policy.min_gain:.1%} or more" if policy.min_gain else "brings the nodes closer"
    return "no_beneficial_move", f"the spread is {wide}, but {waits or f'no move that is allowed {gain}'}"


def _consolidated(policy: Policy, moves: Sequence[Document], waits: str | None, empty: Sequence[str], broken: list[str]) -> tuple[str, str]:
    names = f"{', '.join(empty[:10])}{' …' if len(empty) > 10 else ''}"
    if moves:
        return "improved", "; ".join(
            [
                _some(len(moves), "move"),
                f"{_some(len(empty), 'node')} {'is' if len(empty) == 1 else 'are'} empty then{': ' * bool(empty)}{names}",
                *broken,
            ]
        )
    if empty:
        return "balanced", f"{names}: empty already, and no other node can be emptied"
    return "no_beneficial_move", waits or f"no node can be emptied so that the others survive the loss of {policy.spare_nodes}"


def _emptied(policy: Policy, after: Measures, moves: Sequence[Document], stuck: Sequence[str]) -> tuple[str, str]:
    names = ", ".join(policy.nodes)
    if stuck:
        return (
            "infeasible",
            f"{_some(len(stuck), 'guest')} {'stays' if len(stuck) == 1 else 'stay'} on {names}: {', '.join(stuck[:5])}{' …' if len(stuck) > 5 else ''}",
        )
    if not moves:
        return ("infeasible", _are_broken(after)) if after.violations else ("balanced", f"{names}: no guests, nothing is broken")
    return "improved", f"{_some(len(moves), 'move')}; no guest stays on {names}"


def _are_broken(seen: Measures) -> str:
    return f"{_some(seen.violations, 'limit')} {'is' if seen.violations == 1 else 'are'} broken{_which(seen)}"


def _which(seen: Measures) -> str:
    """Return the overloads among what is broken; guests and rules are in `refused`."""
    shown = f"{', '.join(seen.overloaded[:5])}{' …' if len(seen.overloaded) > 5 else ''}"
    return f" (over capacity: {shown})" if shown else ""


def _some(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _told(wide: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.1%}" for name, value in wide.items())


def beyond_help(state: State, left: Sequence[int]) -> list[Document]:
    """Return the rules and guests that nothing could help, and why.

    :param left: items in breach that found no place.
    """
    problem = state.problem
    cluster, open_ = problem.cluster, np.flatnonzero(problem.open)
    found: list[Document] = [{"rule": number, "reason": why} for number, why in problem.unmet]
    still = [item for item in range(len(problem.members)) if state.breaches_of(item)]
    for item in sorted({*left, *still}):
        if not state.breaches_of(item):
            continue
        first = problem.members[item][0]
        if not cluster.online[cluster.home[first]]:
            why = "nothing can leave a node that is offline"
        elif not problem.movable[item]:
            why = "it must not be moved, or there is no window for it"
        elif not problem.may[item].any():
            why = "no open node may take it"
        elif state.fits(np.array([item]), open_).any():
            why = "max_moves or max_bytes is used up"
        else:
            why = "no node that may take it has room"
        found += [
            {"guest": cluster.guests[guest], "reason": f"stays on {cluster.nodes[int(cluster.home[guest])]}: {why}"}
            for guest in problem.members[item]
        ]
    return found


def given_up(cluster: Cluster, at: Ints, weight: float) -> list[Document]:
    """Return the soft rules up to a weight that are broken when the guests are at [g], and were not before."""
    return [
        {"rule": rule.number, "reason": f"it is not strict (weight {rule.weight:g}) and gave way so that a hard limit is kept"}
        for rule in cluster.rules
        if not rule.strict and 0 < rule.weight <= weight and breakers(rule, at) and not breakers(rule, cluster.home)
    ]
