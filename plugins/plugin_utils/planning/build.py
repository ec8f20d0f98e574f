# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan document: actions of one or several capabilities, merged, ordered, kept within the budgets, and signed with their digest."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.budgets import complete, over_budget
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.identity import (
    SCHEMA,
    action_id,
    canonical,
    digest,
    inventory_digest,
    plan_id,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.moves import balanced
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.order import ordered

Document = dict[str, t.Any]
DEFAULT_EXPIRY = 3600


def build_plan(
    *,
    now: int,
    inventory: t.Iterable[str],
    hosts: t.Iterable[str],
    collection_version: str,
    actions: t.Sequence[Document] = (),
    proposals: t.Sequence[Document] = (),
    refused: t.Sequence[Document] = (),
    clusters: t.Sequence[Document] = (),
    before: t.Mapping[str, t.Any] | None = None,
    after: t.Mapping[str, t.Any] | None = None,
    policy: t.Any = None,
    budgets: t.Mapping[str, t.Any] | None = None,
    observed_at: int | None = None,
    expires_seconds: int = DEFAULT_EXPIRY,
    check: bool = False,
) -> Document:
    """Return a plan document. Equal inputs give an equal id, whenever and in whatever order of keys they come.

    Actions beyond the budgets, and what depends on them, become refusals with the reason `budget`.

    :param now: UTC seconds; becomes created_at.
    :param inventory: names of all hosts of the inventory; only their digest enters the plan.
    :param hosts: names of the hosts of this run (what --limit left).
    :param actions: action documents; id and after may be absent, after may name targets or ids.
    :param clusters: what balancing came to, of each cluster its document, balance and waves; see `moves.balanced`.
    :param policy: whatever decided; only its digest enters the plan.
    :param observed_at: time of the oldest observation the actions rest on, UTC seconds.
    :raises PlanError: for contradictory actions, circles, unknown budgets, or content that JSON cannot say.
    """
    if expires_seconds < 1:
        raise PlanError(f"The plan would expire after {expires_seconds} s; needed is at least 1 (O(expires_seconds)).")
    given = {"actions": _sorted_entries(actions), "proposals": _sorted_entries(proposals), "refused": _sorted_entries(refused)}
    moved = balanced(clusters)
    in_order = ordered(_linked(_merged([_completed(action) for action in [*actions, *moved.actions]])))
    limits = complete(budgets)
    excess = over_budget(in_order, limits)
    document: Document = {
        "schema": SCHEMA,
        "id": "",
        "created_at": now,
        "expires_at": now + expires_seconds,
        "observed_at": observed_at,
        "check": check,
        "scope": {"inventory": inventory_digest(inventory), "hosts": sorted(set(hosts))},
        "inputs_digest": digest({**given, "clusters": [_lasting(entry) for entry in clusters]}),
        "policy_digest": digest(policy),
        "collection_version": collection_version,
        "budgets": limits,
        "actions": [action for action in in_order if action["id"] not in excess],
        "before": {**(before or {}), **moved.before},
        "after": {**(after or {}), **moved.after},
        "refused": [
            *_sorted_entries([*refused, *moved.refused]),
            *(_over_budget_entry(action, excess[action["id"]].message) for action in in_order if action["id"] in excess),
        ],
        "proposals": _sorted_entries([*proposals, *moved.proposals]),
    }
    # through JSON and back: what is hashed, stored and written is one and the same document
    plain: Document = json.loads(canonical(document))
    ordered_keys = {key: plain[key] for key in document}
    ordered_keys["id"] = plan_id(plain)
    return ordered_keys


def _completed(action: t.Mapping[str, t.Any]) -> Document:
    missing = [key for key in ("kind", "host", "target", "expect", "from", "to", "reason") if key not in action]
    if missing:
        raise PlanError(f"An action lacks {', '.join(missing)}: {dict(action)!r:.160} (O(actions)).")
    completed = {"id": "", **action}
    completed.setdefault("after", [])
    completed.setdefault("cost", {})
    completed["id"] = action_id(completed)
    return completed


def _merged(actions: t.Sequence[Document]) -> list[Document]:
    """Return the actions without repetitions; two different changes of one volume or guest are a contradiction."""
    by_id: dict[str, Document] = {}
    resized: dict[str, Document] = {}
    for action in actions:
        same = by_id.setdefault(action["id"], action)
        if same is not action:
            if canonical(same) != canonical(action):
                raise PlanError(
                    f"Two capabilities plan the same change of {action['target']} with different details; one of them must exclude it."
                )
            continue
        if action["kind"] == "guest_migrate":
            continue
        other = resized.setdefault(action["target"], action)
        if other is not action:
            raise PlanError(
                f"{action['target']} would be changed twice: to {other['to']} ({other['reason']}) and to {action['to']} ({action['reason']}); "
                "needed is one change per target: let the policy of one capability exclude it."
            )
    return list(by_id.values())


def _linked(actions: t.Sequence[Document]) -> list[Document]:
    """Return the actions with `after` as ids, where a capability may have named targets."""
    ids = {action["id"] for action in actions}
    by_target: dict[str, list[str]] = {}
    for action in actions:
        by_target.setdefault(action["target"], []).append(action["id"])
    linked = []
    for action in actions:
        after: list[str] = []
        for first in action["after"]:
            found = [first] if first in ids else by_target.get(first, [])
            if not found:
                raise PlanError(f"The action on {action['target']} comes after {first!r}, which no action of the plan has as id or target.")
            after.extend(found)
        linked.append({**action, "after": sorted(set(after))})
    return linked


def _lasting(entry: t.Mapping[str, t.Any]) -> Document:
    """Return what was decided on, less when it was looked up and how long the search took: the same cluster makes the same plan.

    Its policy is no input but a part of what decided.
    """
    document, balance = (
        {key: value for key, value in entry[part].items() if key not in ("now", "seconds")} for part in ("document", "balance")
    )
    return {"document": document, "balance": balance, "waves": entry.get("waves")}


def _over_budget_entry(action: Document, message: str) -> Document:
    return {
        "entity": action["target"],
        "reason": "budget",
        "option": "budgets",
        "message": message,
        **{key: action[key] for key in ("host", "kind", "from", "to")},
        "action": action["id"],
    }


def _sorted_entries(entries: t.Iterable[t.Mapping[str, t.Any]]) -> list[Document]:
    return sorted((dict(entry) for entry in entries), key=canonical)
