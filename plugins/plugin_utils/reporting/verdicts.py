# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the plan says about each volume, and how far that has come."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import (
    action_reason,
    change_text,
    refusal_text,
    short_key,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.volume import (
    DONE,
    FAILED,
    PARTIAL,
    PLANNED,
    PROPOSED,
    QUIET,
    REFUSED,
    UNTOUCHED,
    VolumeView,
)

Document = Mapping[str, t.Any]
# The state of an action in the store → what that means for its volume.
_STATES = {
    "applied": (DONE, "grown"),
    "failed": (FAILED, "failed"),
    "refused": (REFUSED, "refused when applied"),
    "unknown": (FAILED, "cut off, outcome unknown"),
    "started": (PLANNED, "under way"),
}


class Progress(t.NamedTuple):
    """How far an action of the plan has come: its state in the store, and why."""

    state: str
    message: str


def place_plan(
    volumes: Sequence[VolumeView], plan: Document | None, state: str | None = None, progress: Mapping[str, Progress] | None = None
) -> None:
    """Write into each volume what the plan says about it.

    :param state: of the plan; one that is expired or replaced is no promise.
    :param progress: by action id.
    """
    if plan is None:
        for volume in volumes:
            volume.verdict = "no plan yet" if volume.at_risk else volume.verdict
        return
    named = {volume.entity: volume for volume in volumes}
    covered = set(plan.get("scope", {}).get("hosts", []))
    for volume in volumes:
        if volume.at_risk:
            volume.verdict = "the plan has nothing for it" if volume.host in covered else "its host is not in this plan"
    for refusal in plan.get("refused", []):
        if (refused := named.get(str(refusal.get("entity")))) is not None:
            _write(refused, REFUSED, f"refused: {refusal.get('reason')}", refusal_text(refusal))
    for proposal in plan.get("proposals", []):
        if (proposed := _resized(named, proposal)) is not None:
            if _shrinks(proposal):
                _write(proposed, PROPOSED, f"could make room: {change_text(proposal)}", str(proposal.get("message") or ""))
            else:
                _write(
                    proposed, PROPOSED, f"not managed; it would take {change_text(proposal)}", "Name it in volumes_manage to have it done."
                )
            proposed.planned_size = int(proposal["to"]["size"])
    for action in plan.get("actions", []):
        if (planned := _resized(named, action)) is not None:
            _place_action(planned, action, plan, state, (progress or {}).get(str(action.get("id"))))


def _resized(named: Mapping[str, VolumeView], action: Document) -> VolumeView | None:
    return named.get(str(action.get("target"))) if action.get("kind") == "lv_resize" else None


def _place_action(volume: VolumeView, action: Document, plan: Document, state: str | None, come: Progress | None) -> None:
    rest = volume.reason if volume.verdict_kind == REFUSED else ""
    change = change_text(action)
    if volume.recorded and (come is None or come.state in ("pending", "refused")):
        _write(volume, UNTOUCHED, f"planned, never applied: {change}", "Its host is a recording (recorded_host).")
    elif come is not None and come.state in _STATES:
        kind, word = _STATES[come.state]
        word = "shrunk" if word == "grown" and _shrinks(action) else word
        _write(volume, PARTIAL if rest and kind in (DONE, PLANNED) else kind, f"{word}: {change}", come.message or rest)
        if kind == DONE:
            return
    elif plan.get("check") or state in ("expired", "superseded"):
        why = "made in check mode" if plan.get("check") else "its plan is expired" if state == "expired" else "its plan was replaced"
        _write(volume, QUIET, f"not done: {change}", f"{why}; it is never applied.")
    else:
        verb = "makes room" if _shrinks(action) else "grows in part" if rest else "grows"
        _write(volume, PARTIAL if rest else PLANNED, f"{verb}: {change}", rest)
    volume.planned_size = int(action["to"]["size"])


def _shrinks(action: Document) -> bool:
    before, after = ((action.get(key) or {}).get("size") for key in ("from", "to"))
    return before is not None and after is not None and after < before


def _write(volume: VolumeView, kind: str, verdict: str, reason: str) -> None:
    volume.verdict_kind, volume.verdict, volume.reason = kind, verdict, reason


def action_row(action: Document, come: Progress | None = None, otherwise: str = "planned") -> dict[str, str]:
    """Return an action or a proposal as the cells of a table.

    :param otherwise: its state if it has made no progress.
    """
    target = str(action.get("target") or action.get("entity") or action.get("vg") or "")
    return {
        "target": short_key(target),
        "change": change_text(action),
        "reason": action_reason(action),
        "state": otherwise if come is None else come.state,
        "message": "" if come is None else come.message,
    }


def refused_row(refusal: Document) -> dict[str, str]:
    """Return a refusal as the cells of a table."""
    target = str(refusal.get("entity") or refusal.get("guest") or refusal.get("rule") or "")
    return {"target": short_key(target), "code": str(refusal.get("reason")), "reason": refusal_text(refusal)}
