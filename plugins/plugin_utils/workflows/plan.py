# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a plan: build it, check it, keep it in the store, write it to a file."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.collection import collection_version
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import (
    DEFAULT_EXPIRY,
    build_plan,
    inventory_digest,
    summary_lines,
    validate_plan,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.order import growth_bytes, shrunk_bytes
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import PlanRow, Store, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan_pictures import draw_clusters
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.stored_plans import write_plan

Document = dict[str, t.Any]


def plan(
    *,
    store: str | None,
    now: int,
    inventory: t.Sequence[str],
    hosts: t.Sequence[str],
    check: bool = False,
    actions: t.Sequence[Document] = (),
    proposals: t.Sequence[Document] = (),
    refused: t.Sequence[Document] = (),
    clusters: t.Sequence[Document] = (),
    before: Document | None = None,
    after: Document | None = None,
    policy: Document | None = None,
    budgets: Document | None = None,
    observed_at: int | None = None,
    expires_seconds: int = DEFAULT_EXPIRY,
    path: str | None = None,
) -> Document:
    """Make, store and write a plan. See planning.build_plan for what it is made of.

    :param inventory: all hosts of the inventory; hosts: those of this run.
    :param clusters: see planning.moves.balanced; with the policy of each the report knows what was balanced.
    :param path: file or folder to write the plan to; None writes no file.
    :returns: written, plan (id, path, counts, state), summary (lines), document.
    :raises PlanError: for contradictory or malformed input, or a file that cannot be written.
    """
    if not hosts:
        raise PlanError("The plan has no hosts; needed is an inventory: ansible-playbook -i INVENTORY foresight.capacity.plan")
    with open_store(store) as opened:
        known = _what_is_known(opened, actions, hosts)
        if before is None and after is None:
            before, after = _group_space(actions, known)
        document = build_plan(
            now=now,
            inventory=inventory,
            hosts=hosts,
            collection_version=collection_version(),
            actions=actions,
            proposals=proposals,
            refused=refused,
            clusters=clusters,
            before=before,
            after=after,
            policy=_decided_by(policy, clusters),
            budgets=budgets,
            observed_at=_observed_at(actions, clusters, known, hosts) if observed_at is None else observed_at,
            expires_seconds=expires_seconds,
            check=check,
        )
        validate_plan(document, source="The new plan")
        pictures, missing = draw_clusters(clusters)
        with opened.transaction():
            expired = _expire(opened, now)
            state, document = _keep(opened, document, now)
            superseded = _supersede(opened, document, now)
            opened.save_pictures(document["id"], pictures)
            # Nobody looks at a proposal any more that was replaced, and clusters are planned anew every few minutes.
            opened.remove_pictures(superseded)
            run = opened.start_run("plan", at=now, check=check, detail={"plan": document["id"]})
            opened.finish_run(
                run,
                at=now,
                status=state,
                detail={"plan": document["id"], "actions": len(document["actions"]), "scope": inventory_digest(hosts)},
            )
    written = {"plans": 1, "superseded": superseded, "expired": expired, "file": write_plan(document, path) if path else None}
    logger("main").info("plan %s: %d actions, %d refused", document["id"], len(document["actions"]), len(document["refused"]))
    return {
        "written": written,
        "plan": {
            "id": document["id"],
            "path": written["file"],
            "state": state,
            "check": document["check"],
            "created_at": document["created_at"],
            "expires_at": document["expires_at"],
            **{key: len(document[key]) for key in ("actions", "refused", "proposals")},
        },
        "summary": [*summary_lines(document), *missing, *_notes(document, written, state)],
        "document": document,
    }


def _decided_by(policy: Document | None, clusters: t.Sequence[Document]) -> Document:
    """Return the policies without the moment they were looked at: the same policy has the same digest a minute later."""
    of_clusters = {
        str((entry.get("document") or {}).get("cluster")): _without_time(entry["policy"]) for entry in clusters if entry.get("policy")
    }
    return {**_without_time(policy), **({"clusters": of_clusters} if of_clusters else {})}


def _without_time(policy: Document | None) -> Document:
    return {key: value for key, value in (policy or {}).items() if key != "now"}


def _what_is_known(store: Store, actions: t.Sequence[Document], hosts: t.Sequence[str]) -> dict[str, Document]:
    """Return the attributes of the targets, their VGs and the hosts, by entity key."""
    keys = {f"host:{host}" for host in hosts}
    for action in actions:
        target = str(action.get("target", ""))
        keys.update({target, _group_of(target)})
    return {entity.key: entity.attributes for entity in store.find_entities(keys=sorted(keys))}


def _group_of(target: str) -> str:
    return "vg:" + target.removeprefix("lv:").rpartition("/")[0]


def _observed_at(
    actions: t.Sequence[Document], clusters: t.Sequence[Document], known: t.Mapping[str, Document], hosts: t.Sequence[str]
) -> int | None:
    """Return the oldest observation that an action rests on; without actions the newest one of a host."""
    times = [known.get(str(action.get("target")), {}).get("observed_at") for action in actions]
    times.extend((entry.get("document") or {}).get("observed_at") for entry in clusters)
    rested_on = [time for time in times if time is not None]
    if rested_on:
        return min(rested_on)
    return max((time for host in hosts if (time := known.get(f"host:{host}", {}).get("observed_at")) is not None), default=None)


def _group_space(actions: t.Sequence[Document], known: t.Mapping[str, Document]) -> tuple[Document, Document]:
    """Return size and free bytes of each VG that an action touches, before and after."""
    before: Document = {}
    after: Document = {}
    for action in actions:
        group = _group_of(str(action.get("target", "")))
        attributes = known.get(group, {})
        if action.get("kind") != "lv_resize" or attributes.get("free_bytes") is None:
            continue
        before.setdefault(group, {"size_bytes": attributes.get("size_bytes"), "free_bytes": attributes["free_bytes"]})
        space = after.setdefault(group, dict(before[group]))
        cost = action.get("cost") or {}
        taken, freed = cost.get("bytes"), cost.get("freed_bytes")
        space["free_bytes"] -= taken if isinstance(taken, int) else growth_bytes(action)
        space["free_bytes"] += freed if isinstance(freed, int) else shrunk_bytes(action)
    return before, after


def _expire(store: Store, now: int) -> list[str]:
    """Mark the plans whose time is over; return their ids."""
    over = [row.id for row in store.find_plans(["proposed", "approved"]) if row.expires_at <= now]
    return [one for one in over if store.set_plan_state(one, "expired", at=now, expected=["proposed", "approved"])]


def _keep(store: Store, document: Document, now: int) -> tuple[str, Document]:
    """Store the plan; return its state and the document that counts.

    The same plan made again is the same plan (equal id). An approval holds for the dates it was given for; without one the new dates hold.
    """
    row = store.load_plan(document["id"])
    if row is None:
        store.save_plan(document)
        return "proposed", document
    valid = row.expires_at > now and row.state not in ("expired", "superseded")
    if valid and row.approved_by is not None:
        return row.state, row.document
    state = row.state if valid else "proposed"
    store.renew_plan(document, state, at=now)
    return state, document


def _supersede(store: Store, document: Document, now: int) -> list[str]:
    """Mark older proposals that the new plan covers; return their ids. What somebody approved stays until it expires."""
    covered = [row.id for row in store.find_plans(["proposed"]) if row.id != document["id"] and _covers(document, row)]
    return [one for one in covered if store.set_plan_state(one, "superseded", at=now, expected=["proposed"])]


def _covers(document: Document, row: PlanRow) -> bool:
    scope, other = document["scope"], row.document["scope"]
    return row.check == document["check"] and other["inventory"] == scope["inventory"] and set(other["hosts"]) <= set(scope["hosts"])


def _notes(document: Document, written: Document, state: str) -> list[str]:
    notes = []
    if state != "proposed":
        notes.append(f"The same plan was made before; it is {state}.")
    if written["superseded"]:
        notes.append(f"It replaces the proposals {', '.join(one[:12] for one in written['superseded'])}.")
    if document["check"]:
        notes.append("Made in check mode: it is never applied.")
    notes.append(f"Plan id: {document['id']}")
    if written["file"]:
        notes.append(f"Plan file: {written['file']}")
    return notes
