# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Open the gate for a plan, hand each host its own actions, close the gate and note how far the plan has come."""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import playbook_process
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import inventory_digest, plan_id
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.budgets import complete, tightest
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.describe import utc
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.gate import (
    Decision,
    Terms,
    Verdict,
    check_exclude,
    decide,
    decide_host,
    group_of,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import LeaseHeld, PlanRow, RunRow, Store, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import apply_lease
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.apply_runs import (
    VERB,
    close_run,
    find_run,
    leftovers,
    plan_of_run,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.stored_plans import find_plan

Document = dict[str, t.Any]
SHOWN = 20
POLL_SECONDS = 1.0


def open_gate(
    *,
    store: str | None,
    now: int,
    plan: str,
    inventory: t.Sequence[str],
    play: t.Sequence[str],
    reachable: t.Sequence[str],
    check: bool = False,
    require_approval: bool = False,
    lease_seconds: int = 900,
    lock_wait: int = 0,
    stop: bool = False,
    stop_file: str | None = None,
    exclude: t.Sequence[str] = (),
    budgets: Document | None = None,
) -> Document:
    """Check a plan against the rules, take the lease, and say which host may do what.

    :param plan: id or file.
    :param inventory: all hosts of the inventory; play: those that --limit left; reachable: those of them that still answer.
    :param lock_wait: seconds to wait for another run's lease.
    :returns: plan_id, run_id, lease, hosts, pending, refused, summary.
    :raises PlanError: when the plan may not run at all. StoreError (LeaseHeld): when another run applies changes.
    """
    check_exclude(exclude)
    limits = complete(budgets)
    begun = time.monotonic()
    with open_store(store, create=False) as opened:
        while True:
            waited = int(time.monotonic() - begun)
            row = find_plan(opened, plan)
            _may_run(opened, row, now + waited, check=check, require_approval=require_approval)
            terms = Terms(
                now=now + waited,
                inventory=frozenset(inventory),
                play=frozenset(play),
                reachable=frozenset(reachable),
                exclude=tuple(exclude),
                stopped=_stopped(stop, stop_file),
                budgets=limits,
                attributes=_attributes(opened, row.document),
            )
            settings = {"exclude": list(exclude), "stop_file": stop_file, "lease_seconds": lease_seconds, "budgets": limits}
            try:
                return _open(opened, row, terms, settings, check=check, waited=waited)
            except LeaseHeld:
                left = lock_wait - (time.monotonic() - begun)
                if left <= 0:
                    raise
                time.sleep(min(POLL_SECONDS, left))


def _open(store: Store, row: PlanRow, terms: Terms, settings: Document, *, check: bool, waited: int) -> Document:
    me, scope = playbook_process(), f"inventory:{inventory_digest(terms.inventory)}"
    decision = decide(row.document, terms)
    detail = {
        **settings,
        "plan": row.id,
        "scope": scope,
        "holder": list(me),
        "withheld": [entry["action"] for entry in (*decision.pending, *decision.refused)],
    }
    lease, told = None, []
    with store.transaction():
        # what is recorded from here on, under the lease, are outcomes of this run
        detail["last_outcome"] = max((outcome.id for outcome in store.find_outcomes(plan_id=row.id)), default=-1)
        run_id = store.start_run(VERB, at=terms.now, check=check, detail=detail)
        # a stopped run changes nothing, so it need not wait for another one to end
        if not check and terms.stopped is None:
            lease = apply_lease.take(store, scope, run_id=run_id, me=me, now=terms.now, seconds=settings["lease_seconds"])
            told = [*apply_lease.told(lease, me, terms.now), *_close_leftovers(store, scope, run_id, terms.now)]
            _note(store, row.id, decision, run_id, terms.now)
    for line in told:
        logger("main").warning("%s", line)
    logger("main").info("apply run %d of plan %s: %d actions granted", run_id, row.id, len(decision.granted))
    hosts: dict[str, list[Document]] = {}
    for action in decision.granted:
        hosts.setdefault(action["host"], []).append(action)
    return {
        "plan_id": row.id,
        "run_id": run_id,
        "lease": None if lease is None else apply_lease.shown(lease, waited),
        "hosts": hosts,
        "pending": decision.pending,
        "refused": decision.refused,
        "summary": [
            _headline(row, decision, hosts, check=check),
            *told,
            *_lines("refused", decision.refused),
            *_lines("pending", decision.pending),
        ],
    }


def host_gate(
    *,
    store: str | None,
    now: int,
    host: str,
    failed: t.Sequence[str],
    plan: str | None = None,
    run_id: int | None = None,
    check: bool = False,
    require_approval: bool = False,
    stop: bool = False,
    stop_file: str | None = None,
    exclude: t.Sequence[str] = (),
) -> Document:
    """Renew the lease and hand one host its actions, checked once more.

    The last four are the host's own: a gate that opens once for all hosts sees the variables of the first one only. They hold
    besides those that the gate was opened with.

    :param plan: id of the plan that was opened, if it is to be checked.
    :param failed: hosts of the play that failed or do not answer any more.
    :returns: plan_id, run_id, actions, pending, refused.
    :raises PlanError: when there is no open run. StoreError (LeaseLost): when the lease is gone.
    """
    check_exclude(exclude)
    me = playbook_process()
    with open_store(store, create=False) as opened:
        run = find_run(opened, run_id, me)
        detail = run.detail
        row = _opened_plan(opened, run, plan)
        if run.check and not check:
            raise PlanError(
                f"Run {run.id} was opened in check mode, but this task is not in check mode; needed is one mode for the whole apply (check_mode)."
            )
        if run.finished_at is not None:
            raise PlanError(
                f"Run {run.id} has ended ({run.status}): its lease was taken over, or the gate was closed. Needed is a new run of apply."
            )
        mine = {host}
        terms = Terms(
            now=now,
            inventory=frozenset(mine),
            play=frozenset(mine),
            reachable=frozenset(mine),
            exclude=(*detail["exclude"], *exclude),
            stopped=_stopped(stop, detail["stop_file"])
            or _stopped(False, stop_file)
            or _late(row, now)
            or (_unapproved(row) if require_approval else None),
            budgets=detail["budgets"],
            attributes=_attributes(opened, row.document, host),
        )
        limit = tightest(row.document["budgets"], detail["budgets"])["failures"]
        if limit is not None and terms.stopped is None:
            terms = _after_failures(opened, row, run, failed, limit, terms)
        decision = decide_host(row.document, host, frozenset(detail["withheld"]), terms)
        if not check:
            with opened.transaction():
                apply_lease.renew(opened, run, me=me, now=now)
                _note(opened, row.id, decision, run.id, now)
                opened.set_actions(row.id, [(action["id"], "started", {}) for action in decision.granted], at=now, run_id=run.id)
    return {"plan_id": row.id, "run_id": run.id, "actions": decision.granted, "pending": decision.pending, "refused": decision.refused}


def close_gate(*, store: str | None, now: int, plan: str | None = None, run_id: int | None = None) -> Document:
    """Note from the recorded outcomes how far the plan has come, and release the lease. Closing again changes nothing.

    :returns: plan_id, run_id, state (of the plan), counts (of its actions), failures, summary.
    :raises PlanError: when there is no such run.
    """
    me = playbook_process()
    with open_store(store, create=False) as opened:
        run = find_run(opened, run_id, me)
        row = _opened_plan(opened, run, plan)
        if run.finished_at is not None:
            return {**run.detail["result"], "summary": [f"Run {run.id} was closed before ({run.status})."]}
        with opened.transaction():
            result = close_run(opened, run, at=now, status="finished")
            apply_lease.release(opened, run)
    logger("main").info("apply run %d of plan %s: %s", run.id, row.id, result["state"])
    counts = ", ".join(f"{number} {state}" for state, number in result["counts"].items() if number)
    mode = " (check mode: nothing was noted)" if run.check else ""
    return {**result, "summary": [f"Plan {row.id[:12]} is {result['state']}: {counts or 'no actions'}{mode}."]}


def _may_run(store: Store, row: PlanRow, now: int, *, check: bool, require_approval: bool) -> None:
    name, again = f"Plan {row.id[:12]}", "Plan again: ansible-playbook -i INVENTORY foresight.capacity.plan"
    if row.check and not check:
        raise PlanError(f"{name} was made in check mode and is never applied. {again} (without --check).")
    if row.expires_at <= now or row.state == "expired":
        if not check:
            store.set_plan_state(row.id, "expired", at=now, expected=["proposed", "approved"])
        raise PlanError(
            f"{name} expired at {utc(row.expires_at)}; it is {utc(now)}. {again}; a longer life is set with foresight_plan_expires (O(expires_seconds))."
        )
    if row.state == "superseded":
        raise PlanError(
            f"{name} was superseded by a newer plan for the same hosts. Needed is the newest one (foresight_plan); approve a plan to keep it."
        )
    if require_approval and row.approved_by is None and not row.check:
        raise PlanError(
            f"{name} is {row.state}, not approved. Needed is an approval: ansible-playbook -i INVENTORY foresight.capacity.approve -e foresight_plan={row.id} "
            "(O(require_approval), foresight_require_approval)."
        )


def _opened_plan(store: Store, run: RunRow, plan: str | None) -> PlanRow:
    """Return the plan of a run; its digest is taken once more, all else was checked when the gate was opened."""
    row = plan_of_run(store, run)
    if plan_id(row.document) != row.id:
        raise PlanError(f"The plan {row.id[:12]} in the store {store.location} is damaged: its content has another digest. Plan again.")
    if plan is not None and len(plan) == len(row.id) and plan != row.id:
        raise PlanError(f"The gate is open for plan {row.id[:12]}, not for {plan[:12]}; needed is the plan of state open (O(plan)).")
    return row


def _stopped(stop: bool, stop_file: str | None) -> Verdict | None:
    if stop:
        return Verdict("stopped", "Stopped by the kill switch foresight_stop (O(stop)); nothing is changed.")
    if stop_file is not None and os.path.exists(os.path.expanduser(stop_file)):
        return Verdict("stopped", f"Stopped by the file {stop_file}; nothing is changed until it is gone (O(stop_file)).")
    return None


def _late(row: PlanRow, now: int) -> Verdict | None:
    return (
        Verdict("expired", f"The plan expired at {utc(row.expires_at)} while it was applied. Plan again.")
        if row.expires_at <= now
        else None
    )


def _unapproved(row: PlanRow) -> Verdict | None:
    if row.approved_by is not None or row.check:
        return None
    return Verdict("not_approved", f"Plan {row.id[:12]} is not approved, which this host needs (foresight_require_approval).", pending=True)


def _attributes(store: Store, document: Document, host: str | None = None) -> dict[str, Document]:
    actions = [action for action in document["actions"] if host in (None, action["host"])]
    keys = {key for action in actions for key in (action["target"], f"host:{action['host']}", group_of(action)) if key is not None}
    return {entity.key: entity.attributes for entity in store.find_entities(keys=sorted(keys))}


def _after_failures(store: Store, row: PlanRow, run: RunRow, failed: t.Sequence[str], limit: int, terms: Terms) -> Terms:
    """Return the terms for a host that comes after others: stopped when more hosts failed than may."""
    progress = store.find_actions(row.id)
    begun = {action["host"] for action in row.document["actions"] if action["id"] in progress and progress[action["id"]].run_id == run.id}
    lost = sorted(begun.intersection(failed))
    if len(lost) <= limit:
        return terms
    text = f"Hosts failed: {', '.join(lost[:5])}{' …' if len(lost) > 5 else ''}; {limit} may fail before the rest is left alone (O(budgets.failures))."
    return dataclasses.replace(terms, stopped=Verdict("budget", text, pending=True))


def _close_leftovers(store: Store, scope: str, run_id: int, now: int) -> list[str]:
    """Close the runs of the scope that were cut off; return a line for each."""
    lines = []
    for run in leftovers(store, scope, run_id):
        closed = close_run(store, run, at=now, status="killed")
        lines.append(
            f"Run {run.id} was cut off and is closed now: plan {closed['plan_id'][:12]} is {closed['state']}; {closed['counts']['unknown']} of its actions "
            "are unknown and are looked at again when it is applied."
        )
    return lines


def _note(store: Store, plan_id: str, decision: Decision, run_id: int, now: int) -> None:
    """Note what does not run this time, where nothing better is known of the action."""
    done = {action for action, row in store.find_actions(plan_id).items() if row.state in ("applied", "unknown", "failed")}
    rows = [
        (entry["action"], state, {"reason": entry["reason"], "message": entry["message"]})
        for state, entries in (("pending", decision.pending), ("refused", decision.refused))
        for entry in entries
        if entry["action"] not in done
    ]
    store.set_actions(plan_id, rows, at=now, run_id=run_id)


def _headline(row: PlanRow, decision: Decision, hosts: t.Mapping[str, t.Any], *, check: bool) -> str:
    mode = "Check mode: plan" if check else "Plan"
    return (
        f"{mode} {row.id[:12]}: {len(decision.granted)} actions for {len(hosts)} hosts, {len(decision.refused)} refused, "
        f"{len(decision.pending)} left for another run."
    )


def _lines(word: str, entries: t.Sequence[Document]) -> list[str]:
    lines = [f"  {word}: {entry['target']}: {entry['reason']}: {entry['message']}" for entry in entries[:SHOWN]]
    return lines if len(entries) <= SHOWN else [*lines, f"  … and {len(entries) - SHOWN} more {word}"]
