# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Open the gate for a plan: check it against the rules, take the lease, say which host may do what."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import playbook_process
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError, PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import inventory_digest
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.budgets import complete
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.describe import utc
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.gate import Decision, Terms, decide
from ansible_collections.foresight.capacity.plugins.plugin_utils.selection import check_exclude
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import LeaseHeld, PlanRow, Store, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import apply_lease
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.apply_runs import VERB, close_run, leftovers, note_withheld
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.gate_terms import kill_switch, known_attributes
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
    :raises PlanError: when the plan may not run at all. StoreError (LeaseHeld): when another run applies changes. InputError: for a wrong option.
    """
    if lease_seconds < 1:
        raise InputError(
            f"The lease would end after {lease_seconds} s, so another controller would not wait for this run; needed is at least 1 "
            "(O(lease_seconds), foresight_lease_seconds)."
        )
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
                stopped=kill_switch(stop, stop_file),
                budgets=limits,
                attributes=known_attributes(opened, row.document),
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
        run_id = store.start_run(VERB, at=terms.now, check=check, detail=detail)
        # a stopped run changes nothing, so it need not wait for another one to end
        if not check and terms.stopped is None:
            lease = apply_lease.take(store, scope, run_id=run_id, me=me, now=terms.now, seconds=settings["lease_seconds"])
            told = [*apply_lease.told(lease, me, terms.now), *_close_leftovers(store, scope, run_id, terms.now)]
            note_withheld(store, row.id, decision, run_id, terms.now)
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


def _headline(row: PlanRow, decision: Decision, hosts: t.Mapping[str, t.Any], *, check: bool) -> str:
    mode = "Check mode: plan" if check else "Plan"
    return (
        f"{mode} {row.id[:12]}: {len(decision.granted)} actions for {len(hosts)} hosts, {len(decision.refused)} refused, "
        f"{len(decision.pending)} left for another run."
    )


def _lines(word: str, entries: t.Sequence[Document]) -> list[str]:
    lines = [f"  {word}: {entry['target']}: {entry['reason']}: {entry['message']}" for entry in entries[:SHOWN]]
    return lines if len(entries) <= SHOWN else [*lines, f"  … and {len(entries) - SHOWN} more {word}"]
