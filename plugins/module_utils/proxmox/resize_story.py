# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a resize tells: of one guest, and of all of a task."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.limits import Limits, show
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.pending import State
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.resize_requests import Request

Result = t.Dict[str, t.Any]


def restart_required(request: Request, state: State) -> t.List[str]:
    """What of it waits for a restart."""
    return sorted(request.to.keys() & state.pending.keys())


def already(request: Request, state: State, managed: bool) -> str:
    """There was nothing to do."""
    told = ", ".join(f"{key} {show(key, value)}" for key, value in sorted(request.to.items()))
    return f"{request.guest} has {told} already{_waiting(request, state, managed)}."


def done(request: Request, node: str, before: State, after: State, changes: Limits, managed: bool) -> str:
    """What was done, or would be."""
    steps = ", ".join(f"{key} {show(key, before.wanted[key])} → {show(key, after.wanted[key])}" for key in sorted(changes))
    return f"Resized {request.guest} on {node}: {steps}{_waiting(request, after, managed)}."


def _waiting(request: Request, state: State, managed: bool) -> str:
    keys = restart_required(request, state)
    if not keys:
        return ""
    return f"; waiting for a restart{' by the HA manager' if managed else ''}: {', '.join(keys)}"


def summary(results: t.Sequence[Result]) -> t.Dict[str, t.Any]:
    """What the module returns."""
    bad = [result for result in results if result["status"] in ("refused", "failed")]
    changed = sum(result["changed"] for result in results)
    told = f"{len(results)} {'guest' if len(results) == 1 else 'guests'}: {changed} changed, {len(bad)} refused or failed"
    return {
        "changed": bool(changed),
        "msg": told + "".join(f"; {result['guest']}: {result['message']}" for result in bad),
        "outcomes": list(results),
        "restart_required": {result["guest"]: result["restart_required"] for result in results if result["restart_required"]},
        "diff": [
            {
                "before_header": result["guest"],
                "after_header": result["guest"],
                "before": result["before"] or {},
                "after": result["after"] or {},
            }
            for result in results
            if result["changed"]
        ],
    }
