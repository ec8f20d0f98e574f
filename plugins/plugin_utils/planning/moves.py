# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What balancing clusters came to, as parts of a plan: guest_migrate actions in waves, refusals, figures before and after."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.identity import action_id

Document = dict[str, t.Any]
_FIGURES = ("spread", "std", "max", "violations")
_ABOUT_RULES = ("kind", "name", "guests", "nodes")


class Balanced(t.NamedTuple):
    """Parts of a plan that come of clusters."""

    actions: list[Document]
    proposals: list[Document]
    refused: list[Document]
    before: Document
    after: Document


def balanced(clusters: t.Sequence[t.Mapping[str, t.Any]]) -> Balanced:
    """Return what balancing clusters came to as parts of a plan.

    Moves of guests that are not managed are proposals. As the moves of a cluster rest on each other, one of them makes proposals of all.

    :param clusters: of each `document` (the cluster document; a guest with `managed: false` is not managed), `balance` (what cluster_balance made of it:
      moves, refused, before, after) and `waves` (what migration_waves made of the moves). What else it holds does not matter here.
    :raises PlanError: when a document has no name or host, two have the same, or moves and waves do not hold the same moves.
    """
    whole = Balanced([], [], [], {}, {})
    for entry in clusters:
        document, balance = _part(entry, "document"), _part(entry, "balance")
        name, host = document.get("cluster"), document.get("host")
        if not name or not host:
            raise PlanError(
                f"The cluster document has cluster={name!r} and host={host!r}; a plan needs both: the cluster's name and the inventory host "
                "through which it is changed (O(clusters[].document))."
            )
        key = f"cluster:{name}"
        if key in whole.before:
            raise PlanError(f"The cluster {name!r} was given twice; needed is one entry of each cluster (O(clusters)).")
        moves = list(balance.get("moves") or [])
        actions = _migrations(moves, list(entry.get("waves") or []), str(name), str(host))
        unmanaged = {guest["id"] for guest in document.get("guests") or [] if guest.get("managed") is False}
        if unmanaged.isdisjoint(move["guest"] for move in moves):
            whole.actions.extend(actions)
        else:
            whole.proposals.extend(_proposal(action) for action in actions)
        whole.refused.extend(_refusal(refusal, str(name), document) for refusal in balance.get("refused") or [])
        for figures, state in ((whole.before, "before"), (whole.after, "after")):
            figures[key] = {figure: value for figure, value in (balance.get(state) or {}).items() if figure in _FIGURES}
    return whole


def _part(entry: t.Mapping[str, t.Any], key: str) -> t.Mapping[str, t.Any]:
    part = entry.get(key)
    if not isinstance(part, dict):
        raise PlanError(
            f"An entry of clusters has {key}={part!r:.60}; needed are document, balance and waves of each cluster (O(clusters))."
        )
    return part


def _migrations(moves: t.Sequence[Document], waves: t.Sequence[Document], name: str, host: str) -> list[Document]:
    """Return one guest_migrate action per move, in the order of the waves.

    :param waves: as of migration_waves: wave, moves, not_before? (UTC seconds).
    """
    in_waves = [_move_key(move) for wave in waves for move in wave["moves"]]
    asked = [_move_key(move) for move in moves]
    if sorted(in_waves) != sorted(asked):
        odd = sorted(set(asked) ^ set(in_waves)) or sorted(key for key in set(in_waves) if in_waves.count(key) != asked.count(key))
        raise PlanError(
            f"Balance and waves of the cluster {name!r} do not hold the same moves; the first that differs is {' → '.join(odd[0])}. "
            "Needed are the waves that migration_waves made of these very moves (O(clusters[].waves))."
        )
    last_hop: dict[str, str] = {}
    actions = []
    for wave in sorted(waves, key=lambda item: item["wave"]):
        for move in wave["moves"]:
            target = f"guest:{name}/{move['guest']}"
            action = {
                "kind": "guest_migrate",
                "host": host,
                "target": target,
                "expect": {"node": move["from"]},
                "from": {"node": move["from"]},
                "to": {"node": move["to"]},
                "after": [last_hop[target]] if target in last_hop else [],
                "wave": wave["wave"],
                "reason": _reason(move),
                "cost": dict(move.get("cost") or {}),
                "undo": {"to": {"node": move["from"]}},
            }
            if wave.get("not_before") is not None:
                action["window"] = {"not_before": wave["not_before"]}
            actions.append(action)
            last_hop[target] = action_id(action)
    return actions


def _move_key(move: t.Mapping[str, t.Any]) -> tuple[str, str, str]:
    missing = [key for key in ("guest", "from", "to") if not isinstance(move.get(key), str)]
    if missing:
        raise PlanError(
            f"A move has no {', '.join(missing)}: {dict(move)!r:.120}; needed are guest, from and to as texts (O(clusters[].balance))."
        )
    return move["guest"], move["from"], move["to"]


def _reason(move: t.Mapping[str, t.Any]) -> str:
    return ": ".join(str(move[key]) for key in ("kind", "reason") if move.get(key)) or "balance"


def _proposal(action: Document) -> Document:
    return {key: action[key] for key in ("kind", "host", "target", "from", "to", "reason", "cost", "undo")}


def _refusal(entry: t.Mapping[str, t.Any], name: str, document: t.Mapping[str, t.Any]) -> Document:
    """Return a refusal whose guest is named by its entity key, or whose rule is told and not only its number."""
    told = {key: value for key, value in entry.items() if key not in ("guest", "rule")}
    if entry.get("guest") is not None:
        return {"entity": f"guest:{name}/{entry['guest']}", **told}
    rules, number = document.get("rules") or [], entry.get("rule")
    rule = rules[number] if isinstance(number, int) and 0 <= number < len(rules) else {}
    return {"entity": f"cluster:{name}", "rule": {"number": number, **{key: rule[key] for key in _ABOUT_RULES if rule.get(key)}}, **told}
