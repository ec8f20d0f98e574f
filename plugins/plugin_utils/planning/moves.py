# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moves of a cluster, with their waves, become guest_migrate actions."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.identity import action_id

Document = dict[str, t.Any]


def migrations(moves: t.Sequence[Document], waves: t.Sequence[Document], cluster: t.Mapping[str, t.Any]) -> list[Document]:
    """Return one guest_migrate action per move, in the order of the waves.

    :param moves: as of cluster_balance: guest, from, to, kind, reason, cost.
    :param waves: as of migration_waves: wave, moves, not_before? (UTC seconds).
    :param cluster: the cluster document; its `host` is the inventory host that carries the moves out.
    :raises PlanError: when the cluster has no name or host, or moves and waves do not hold the same moves.
    """
    name, host = cluster.get("cluster"), cluster.get("host")
    if not name or not host:
        raise PlanError(
            f"The cluster document has cluster={name!r} and host={host!r}; a plan needs both: the cluster's name and the inventory host "
            "through which it is changed (O(cluster))."
        )
    in_waves = [_move_key(move) for wave in waves for move in wave["moves"]]
    asked = [_move_key(move) for move in moves]
    if sorted(in_waves) != sorted(asked):
        odd = sorted(set(asked) ^ set(in_waves)) or sorted(key for key in set(in_waves) if in_waves.count(key) != asked.count(key))
        raise PlanError(
            f"O(moves) and O(waves) do not hold the same moves; the first that differs is {' → '.join(odd[0])}. "
            "Needed are the waves that migration_waves made of these very moves."
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
        raise PlanError(f"A move has no {', '.join(missing)}: {dict(move)!r:.120}; needed are guest, from and to as texts (O(moves)).")
    return move["guest"], move["from"], move["to"]


def _reason(move: t.Mapping[str, t.Any]) -> str:
    return ": ".join(str(move[key]) for key in ("kind", "reason") if move.get(key)) or "balance"
