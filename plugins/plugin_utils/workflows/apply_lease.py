# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease of an apply: one run per inventory and store changes hosts at a time."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import Process, alive
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Holder, Lease, RunRow, Store

Document = dict[str, t.Any]


def take(store: Store, scope: str, *, run_id: int, me: Process, now: int, seconds: int) -> Lease:
    """Take the lease of a scope for a run of this ansible-playbook process.

    :raises StoreError: LeaseHeld, when another run has it.
    """
    return store.acquire_lease(
        scope, run_id=run_id, holder=Holder(*me), now=now, seconds=seconds, alive=lambda holder: _other_lives(holder, me)
    )


def renew(store: Store, run: RunRow, *, me: Process, now: int) -> None:
    """Renew the lease of a run.

    :raises StoreError: LeaseLost, when another run has it.
    """
    lease = Lease(run.detail["scope"], run.id, Holder(*me), run.started_at, run.started_at, now)
    store.renew_lease(lease, now, run.detail["lease_seconds"])


def release(store: Store, run: RunRow) -> None:
    """Give the lease of a run back, if it still has one."""
    for lease in store.find_leases():
        if lease.run_id == run.id:
            store.release_lease(lease)


def told(lease: Lease, me: Process, now: int) -> list[str]:
    """Return the line that says whose lease was taken over, and why that was right."""
    old = lease.taken_over_from
    if old is None:
        return []
    if tuple(old.holder) == tuple(me):
        why = "it was not closed"
    elif _other_lives(old.holder, me) is False:
        why = f"its process {old.holder.pid} on this controller is gone"
    else:
        why = f"the lease of controller {old.holder.controller} ended {now - old.expires_at} s ago"
    return [f"Took over the lease of run {old.run_id}: {why}."]


def shown(lease: Lease, waited: int) -> Document:
    """Return what a result says of a lease."""
    old = lease.taken_over_from
    holder = (
        None
        if old is None
        else {"run_id": old.run_id, "controller": old.holder.controller, "pid": old.holder.pid, "expires_at": old.expires_at}
    )
    return {"scope": lease.scope, "expires_at": lease.expires_at, "taken_over_from": holder, "waited_seconds": waited}


def _other_lives(holder: Holder, me: Process) -> bool | None:
    # an earlier run of this very process that was never closed is over: playbooks run one after the other
    return False if tuple(holder) == tuple(me) else alive(Process(*holder), me)
