# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Approve a plan: note who allowed it, and when."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import summary_lines
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.describe import utc
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.stored_plans import find_plan


def approve(*, store: str | None, now: int, plan: str, approved_by: str, check: bool = False) -> dict[str, t.Any]:
    """Approve a plan until it expires. Approving it again changes nothing.

    :param plan: id or file.
    :param approved_by: who; kept with the plan.
    :returns: plan_id, state, approved_by, approved_at, written, summary.
    :raises PlanError: when the plan expired, was superseded, or was made in check mode.
    """
    if not approved_by.strip():
        raise PlanError("Nobody is named who approves; needed is a name (O(approved_by), foresight_approved_by).")
    with open_store(store, create=False) as opened:
        row = find_plan(opened, plan)
        name = f"Plan {row.id[:12]}"
        if row.check:
            raise PlanError(
                f"{name} was made in check mode and is never applied, so it cannot be approved. Needed is a plan made without --check."
            )
        if row.expires_at <= now:
            raise PlanError(
                f"{name} expired at {utc(row.expires_at)}; needed is a new plan, or a longer life (O(expires_seconds), foresight_plan_expires)."
            )
        if row.state in ("expired", "superseded"):
            raise PlanError(f"{name} is {row.state}; needed is a plan that is proposed, such as the newest one (O(plan), foresight_plan).")
        if row.approved_by is not None:
            who, when, written = row.approved_by, row.approved_at, False
        elif check:
            who, when, written = approved_by, now, False
        else:
            written = opened.set_plan_state(row.id, "approved", at=now, by=approved_by, expected=["proposed", "partly_applied", "applied"])
            if not written:
                raise PlanError(f"{name} was superseded or expired just now; needed is the newest plan (O(plan), foresight_plan).")
            who, when = approved_by, now
        state = "approved" if written or row.approved_by is None else row.state
    told = f"{name} is approved by {who} since {utc(when or now)}, until {utc(row.expires_at)}."
    return {
        "plan_id": row.id,
        "state": state,
        "approved_by": who,
        "approved_at": when,
        "written": {"approvals": int(written)},
        "summary": [*summary_lines(row.document), f"Check mode: not noted. {told}" if check and row.approved_by is None else told],
    }
