# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let one host through the gate: renew the lease, and hand it its own actions, checked once more."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import playbook_process
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.budgets import tightest
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.describe import utc
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.gate import Terms, Verdict, decide_host
from ansible_collections.foresight.capacity.plugins.plugin_utils.selection import check_exclude
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import PlanRow, RunRow, Store, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import apply_lease
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.apply_runs import find_run, note_withheld, opened_plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.gate_terms import kill_switch, known_attributes

Document = dict[str, t.Any]


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
        row = opened_plan(opened, run, plan)
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
            stopped=kill_switch(stop, detail["stop_file"])
            or kill_switch(False, stop_file)
            or _late(row, now)
            or (_unapproved(row) if require_approval else None),
            budgets=detail["budgets"],
            attributes=known_attributes(opened, row.document, host),
        )
        limit = tightest(row.document["budgets"], detail["budgets"])["failures"]
        if limit is not None and terms.stopped is None:
            terms = _after_failures(opened, row, run, failed, limit, terms)
        decision = decide_host(row.document, host, frozenset(detail["withheld"]), terms)
        if not check:
            with opened.transaction():
                apply_lease.renew(opened, run, me=me, now=now)
                note_withheld(opened, row.id, decision, run.id, now)
                opened.set_actions(row.id, [(action["id"], "started", {}) for action in decision.granted], at=now, run_id=run.id)
    return {"plan_id": row.id, "run_id": run.id, "actions": decision.granted, "pending": decision.pending, "refused": decision.refused}


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


def _after_failures(store: Store, row: PlanRow, run: RunRow, failed: t.Sequence[str], limit: int, terms: Terms) -> Terms:
    """Return the terms for a host that comes after others: stopped when more hosts failed than may."""
    progress = store.find_actions(row.id)
    begun = {action["host"] for action in row.document["actions"] if action["id"] in progress and progress[action["id"]].run_id == run.id}
    lost = sorted(begun.intersection(failed))
    if len(lost) <= limit:
        return terms
    text = f"Hosts failed: {', '.join(lost[:5])}{' …' if len(lost) > 5 else ''}; {limit} may fail before the rest is left alone (O(budgets.failures))."
    return dataclasses.replace(terms, stopped=Verdict("budget", text, pending=True))
