# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests that the HA manager holds: a call only queues, the manager acts later or drops it, and the guest's node tells which."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure

_GUESTS = {"ct": "lxc", "vm": "qemu"}
MOVING = ("migrate", "relocate", "request_start_balance")
_AT_REST = ("started", "stopped", "ignored")


def guest_of(sid: str) -> t.Optional[str]:
    """ct:101 → lxc/101; None for what is no guest."""
    kind, _unused, number = sid.partition(":")
    return f"{_GUESTS[kind]}/{number}" if kind in _GUESTS and number.isdigit() else None


def services(client: Client) -> t.Dict[str, t.Dict[str, t.Any]]:
    """What the manager knows of the guests it holds: guest → entry with node, crm_state, request_state."""
    found = {}
    for entry in client.get("/cluster/ha/status/current"):
        guest = guest_of(str(entry.get("sid", ""))) if entry.get("type") == "service" else None
        if guest is not None:
            found[guest] = entry
    return found


def wait_until_there(
    client: Client,
    guest: str,
    node: str,
    *,
    timeout: float,
    begin: float = 90.0,
    poll: float = 2.0,
    clock: t.Callable[[], float] = time.monotonic,
) -> t.Dict[str, t.Any]:
    """Wait until the manager has the guest on the node and is at rest; the queueing task says nothing of it.

    :param begin: seconds in which it must have begun; a command that the manager drops leaves no other trace.
    :raises Failure: V(blocked) when it did not begin, V(task_failed) when it ended elsewhere, V(timed_out), or of a call.
    """
    started, moving = clock(), False
    first: t.Optional[str] = None
    while True:
        entry = services(client).get(guest)
        if entry is None:
            raise Failure(failures.REFUSED, f"The HA manager does not hold {guest} any more", "Needed is a look at where it is")
        at, state = str(entry.get("node")), str(entry.get("crm_state"))
        first = first or at
        if at == node and state in _AT_REST and (state != "started" or entry.get("state") in ("started", None)):
            return entry
        if state in ("error", "fence", "recovery"):
            raise Failure(
                failures.TASK_FAILED, f"The HA manager has {guest} on {at} in state {state}", "Needed is a look at its tasks there"
            )
        if moving and state in _AT_REST and at != node:
            raise Failure(
                failures.TASK_FAILED,
                f"The HA manager has {guest} at rest on {at} after it tried to move it to {node}",
                "Needed is a look at the task on its source, and a target that HA rules and maintenance allow",
            )
        moving = moving or state in MOVING or at != first
        waited = clock() - started
        if not moving and waited >= begin:
            raise Failure(
                failures.BLOCKED,
                f"The HA manager has not begun to move {guest} from {at} to {node} in {begin:g} seconds",
                "Needed is a target that is online and not in maintenance, and that its HA rules allow",
            )
        if waited >= timeout:
            raise Failure(
                failures.TIMED_OUT,
                f"The HA manager has {guest} on {at} in state {state} after {timeout:g} seconds, not on {node}",
                "It may still move it; needed is more patience (O(timeout))",
            )
        client.sleep(poll)
