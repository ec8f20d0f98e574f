# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of apply in the store: find the one that is open, settle one that has ended."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import Process
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import plan_id as digest_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.gate import Decision
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import PlanRow, RunRow, Store

Document = dict[str, t.Any]
VERB = "apply"
STATES = ("applied", "refused", "failed", "unknown", "pending")
_OF_OUTCOME = {"changed": "applied", "ok": "applied", "refused": "refused", "failed": "failed"}


def find_run(store: Store, run_id: int | None, me: Process) -> RunRow:
    """Return a run of apply of this ansible-playbook process: the one of that id, or the newest.

    :raises PlanError: when there is none, or the one of that id belongs to another process.
    """
    if run_id is not None:
        for run in store.find_runs(VERB, run_id=run_id):
            if run.detail["holder"] == list(me):
                return run
            raise PlanError(
                f"Run {run_id} belongs to process {run.detail['holder'][2]}, not to this one ({me.pid}); needed is the run_id of state open."
            )
        raise PlanError(f"The store {store.location} has no apply run {run_id}; needed is the run_id of state open (O(run_id)).")
    # the newest ones are enough: a run of this process began while it lives
    for run in store.find_runs(VERB, limit=100):
        if run.detail["holder"] == list(me):
            return run
    raise PlanError("The gate is not open in this run of ansible-playbook; needed is plan_gate with state open first (O(state)).")


def plan_of_run(store: Store, run: RunRow) -> PlanRow:
    """Return the plan that a run of apply opened.

    :raises PlanError: when the store does not hold it any more.
    """
    row = store.load_plan(run.detail["plan"])
    if row is None:
        raise PlanError(
            f"The plan {run.detail['plan']} of run {run.id} is no longer in the store {store.location}; needed is the store of the run."
        )
    return row


def opened_plan(store: Store, run: RunRow, plan: str | None) -> PlanRow:
    """Return the plan of a run; its digest is taken once more, all else was checked when the gate was opened."""
    row = plan_of_run(store, run)
    if digest_of(row.document) != row.id:
        raise PlanError(f"The plan {row.id[:12]} in the store {store.location} is damaged: its content has another digest. Plan again.")
    if plan is not None and len(plan) == len(row.id) and plan != row.id:
        raise PlanError(f"The gate is open for plan {row.id[:12]}, not for {plan[:12]}; needed is the plan of state open (O(plan)).")
    return row


def leftovers(store: Store, scope: str, run_id: int) -> list[RunRow]:
    """Return the runs of a scope that were never closed, oldest first. Whoever holds the scope's lease knows that they are over."""
    return [
        run
        for run in reversed(store.find_runs(VERB, unfinished=True))
        if run.id < run_id and not run.check and run.detail["scope"] == scope
    ]


def note_withheld(store: Store, plan_id: str, decision: Decision, run_id: int, now: int) -> None:
    """Note what does not run this time, where nothing better is known of the action."""
    done = {action for action, row in store.find_actions(plan_id).items() if row.state in ("applied", "unknown", "failed")}
    rows = [
        (entry["action"], state, {"reason": entry["reason"], "message": entry["message"]})
        for state, entries in (("pending", decision.pending), ("refused", decision.refused))
        for entry in entries
        if entry["action"] not in done
    ]
    store.set_actions(plan_id, rows, at=now, run_id=run_id)


def close_run(store: Store, run: RunRow, *, at: int, status: str) -> Document:
    """Note progress and state of the plan of a run, finish the run, and return {plan_id, run_id, state, counts, failures}.

    An action that was handed out and of which no outcome came back is `unknown`. In check mode only the run itself is noted.
    """
    row = plan_of_run(store, run)
    plan_id = row.id
    rows = store.find_actions(plan_id)
    progress = {action: one.state for action, one in rows.items()}
    mine = [action for action, one in rows.items() if one.run_id == run.id and one.state == "started"]
    found = {outcome.action_id: outcome for outcome in store.find_outcomes(plan_id=plan_id) if outcome.run_id == run.id}
    settled: list[tuple[str, str, Document]] = []
    touched = False
    if not run.check:
        for action in mine:
            outcome = found.get(action)
            if outcome is None:
                settled.append((action, "unknown", {"message": f"Run {run.id} ended without telling what became of it."}))
            else:
                detail = {"outcome": outcome.id, "changed": outcome.changed, "message": outcome.message}
                settled.append((action, _OF_OUTCOME.get(outcome.status, "failed"), detail))
        store.set_actions(plan_id, settled, at=at, run_id=run.id)
        progress.update({action: state for action, state, _detail in settled})
        touched = any(state != "refused" for _action, state, _detail in settled)
    states = [progress.get(action["id"], "pending") for action in row.document["actions"]]
    state = _plan_state(row.state, states, touched)
    if state != row.state and not run.check:
        store.set_plan_state(plan_id, state, at=at, expected=[row.state])
    result = {
        "plan_id": plan_id,
        "run_id": run.id,
        "state": row.state if run.check else state,
        "counts": {name: states.count(name) for name in STATES},
        "failures": sum(1 for _action, end, _detail in settled if end in ("failed", "unknown")),
    }
    store.finish_run(run.id, at=at, status=status, detail={**run.detail, "result": result})
    return result


def _plan_state(state: str, actions: t.Sequence[str], touched: bool) -> str:
    """Return the state of a plan after a run. A run that changed nothing leaves it as it was, so it can still be approved."""
    if all(action == "applied" for action in actions):
        return "applied"
    return "partly_applied" if touched or state in ("applied", "partly_applied") else state
