# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one host's actions did, noted as outcomes right after them: also when the closing play never starts."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import playbook_process
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.apply_runs import find_run, plan_of_run

Document = dict[str, t.Any]
STATUSES = ("changed", "ok", "refused", "failed")
NOT_STARTED = "not_started"
_NOT_BEGUN = "It was not begun, as a task before it failed."
_LONGEST_SECONDS = 30 * 86400


def host_done(
    *,
    store: str | None,
    now: int,
    host: str,
    results: t.Sequence[Document],
    not_begun: t.Sequence[Document] = (),
    plan: str | None = None,
    run_id: int | None = None,
    check: bool = False,
) -> Document:
    """Write one outcome for each result of a loop over the host's actions. In check mode nothing is noted, nor of what was skipped.

    An action whose turn did not come (status not_started), or whose task was not begun at all, is open again, for another run.

    :param results: what the loop registered; each has its action under the name of the loop variable, and what the module returned. What
        it cost, where the module tells (bytes, downtime_seconds of a migration), is kept with the state after it.
    :param not_begun: actions of which nothing was registered, as a task before theirs failed.
    :param plan: id of the plan that was opened, if it is to be checked.
    :returns: outcomes {status: number}, written.
    :raises InputError: for a result without its action. PlanError: when the gate is not open in this run.
    """
    rows = [_outcome(host, result, now) for result in results if not result.get("skipped")]
    left = [(_action(host, one)["id"], str(one.get("message", ""))) for one in results if one.get("status") == NOT_STARTED]
    left += [(str(one.get("id")), _NOT_BEGUN) for one in not_begun]
    counts = {status: sum(row["status"] == status for row in rows) for status in STATUSES}
    if check or not (rows or left):
        return {"outcomes": counts, "written": {"outcomes": 0}}
    with open_store(store, create=False) as opened:
        run = find_run(opened, run_id, playbook_process())
        row = plan_of_run(opened, run)
        known = {action["id"] for action in row.document["actions"] if action["host"] == host}
        foreign = sorted({one["action_id"] for one in rows}.union(action for action, _message in left) - known)
        if foreign or (plan is not None and plan != row.id):
            raise InputError(
                f"The results of {host} are of actions {', '.join(foreign[:3]) or 'of another plan'}, which plan {row.id[:12]} does not have for this host; "
                "needed are the results of the actions that plan_gate gave out with state host (O(results), O(not_begun))."
            )
        opened.set_actions(
            row.id, [(action, "pending", {"reason": NOT_STARTED, "message": message}) for action, message in left], at=now, run_id=run.id
        )
        opened.add_outcomes({**one, "plan_id": row.id, "run_id": run.id} for one in rows)
    for one in rows:
        category = "guests" if one["target"].startswith("guest:") else "lvm"
        logger(category).log(
            30 if one["status"] in ("refused", "failed") else 20, "%s: %s: %s", one["target"], one["status"], one["message"]
        )
    return {"outcomes": counts, "written": {"outcomes": len(rows)}}


def _action(host: str, result: Document) -> Document:
    action = result.get(str(result.get("ansible_loop_var", "item")))
    if not isinstance(action, dict) or not {"id", "target"} <= set(action):
        raise InputError(
            f"A result of {host} has no action with id and target; needed is what a loop over the actions registered (O(results))."
        )
    return action


def _outcome(host: str, result: Document, now: int) -> Document:
    action = _action(host, result)
    status = result.get("status")
    if status not in STATUSES:
        # The module did not get as far as to say it: it was killed, or Python failed on the target.
        status = "failed" if result.get("failed") or result.get("unreachable") else "changed" if result.get("changed") else "ok"
    seconds = _seconds(result.get("seconds"))
    return {
        "action_id": action["id"],
        "host": host,
        "target": action["target"],
        "status": status,
        "changed": bool(result.get("changed")),
        "started_at": now - round(seconds or 0),
        "seconds": seconds,
        "before": result.get("before") or {},
        "after": {**(result.get("after") or {}), **({"cost": result["cost"]} if result.get("cost") else {})},
        "message": str(result.get("message") or result.get("msg") or ""),
    }


def _seconds(told: t.Any) -> float | None:
    """Return how long an action took, or None where the host tells nonsense."""
    return float(told) if isinstance(told, (int, float)) and 0 <= told <= _LONGEST_SECONDS else None
