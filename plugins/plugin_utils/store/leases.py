# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leases: who applies changes right now (DESIGN.md, rule 8)."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa

if t.TYPE_CHECKING:
    from collections.abc import Callable


class Holder(t.NamedTuple):
    """The process behind a run; pid and its start time together name it for ever on one boot."""

    controller: str
    boot_id: str
    pid: int
    pid_start: int


class Lease(t.NamedTuple):
    """A held scope. ``taken_over_from`` is the lease of a dead or expired holder that this one replaced."""

    scope: str
    run_id: int
    holder: Holder
    acquired_at: int
    renewed_at: int
    expires_at: int
    taken_over_from: Lease | None = None


class LeaseHeld(StoreError):
    """Another run holds the scope; ``lease`` says which."""

    def __init__(self, lease: Lease, now: int) -> None:
        self.lease = lease
        holder = lease.holder
        super().__init__(
            f"Another run applies changes: run {lease.run_id}, process {holder.pid} on controller {holder.controller}, "
            f"last heard of {now - lease.renewed_at} s ago, "
            f"its lease ends in {lease.expires_at - now} s. Needed is its end; wait for it with foresight_lock_wait (O(lock_wait))."
        )


class LeaseLost(StoreError):
    """The lease is no longer ours: it was taken over or released."""


class Leases(Session):
    """Compare-and-set on the lease table; the write transaction makes it safe against other processes."""

    def acquire_lease(
        self, scope: str, *, run_id: int, holder: Holder, now: int, seconds: int, alive: Callable[[Holder], bool | None]
    ) -> Lease:
        """Take the lease of a scope.

        A lease of a process that is dead on this controller is taken over at once, one of another controller after its
        expiry, one of a living process never. The same run and process may ask again: that renews.

        :param alive: True or False for a process of this controller, None for one of another controller.
        :raises LeaseHeld: when another run holds it.
        """
        with self.transaction() as connection:
            table = tables().lease
            row = connection.execute(_select().where(table.c.scope == scope)).first()
            held = None if row is None else _lease(row)
            mine = held is not None and held.run_id == run_id and held.holder == holder
            if held is not None and not mine and not _ended(held, now, alive):
                raise LeaseHeld(held, now)
            acquired = held.acquired_at if held is not None and mine else now
            values = {
                "scope": scope,
                "run_id": run_id,
                **holder._asdict(),
                "acquired_at": acquired,
                "renewed_at": now,
                "expires_at": now + seconds,
            }
            connection.execute(self.upsert(table, ("scope",), tuple(values)), [values])
            return Lease(scope, run_id, holder, acquired, now, now + seconds, None if mine else held)

    def renew_lease(self, lease: Lease, now: int, seconds: int) -> Lease:
        """Move the expiry of a lease to now + seconds.

        :raises LeaseLost: when another run has taken it over, or it was released.
        """
        table = tables().lease
        with self.transaction() as connection:
            change = sa.update(table).where(*_mine(lease)).values(renewed_at=now, expires_at=now + seconds)
            if connection.execute(change).rowcount != 1:
                raise LeaseLost(
                    f"The lease of run {lease.run_id} (process {lease.holder.pid}) is gone: taken over after its expiry, or released. "
                    "Needed is a new run; a longer lease is set with foresight_lease_seconds (O(lease_seconds))."
                )
        return lease._replace(renewed_at=now, expires_at=now + seconds)

    def release_lease(self, lease: Lease) -> bool:
        """Give a lease back; return whether it was still ours."""
        with self.transaction() as connection:
            return connection.execute(sa.delete(tables().lease).where(*_mine(lease))).rowcount == 1

    def find_leases(self) -> list[Lease]:
        """Return every lease there is, ordered by scope."""
        with self.reading() as connection:
            return [_lease(row) for row in connection.execute(_select().order_by(tables().lease.c.scope))]


def _ended(lease: Lease, now: int, alive: Callable[[Holder], bool | None]) -> bool:
    living = alive(lease.holder)
    return lease.expires_at <= now if living is None else not living


def _select() -> sa.Select[t.Any]:
    table = tables().lease
    names = ("scope", "run_id", "controller", "boot_id", "pid", "pid_start", "acquired_at", "renewed_at", "expires_at")
    return sa.select(*(table.c[name] for name in names))


def _lease(row: t.Any) -> Lease:
    return Lease(
        row.scope, row.run_id, Holder(row.controller, row.boot_id, row.pid, row.pid_start), row.acquired_at, row.renewed_at, row.expires_at
    )


def _mine(lease: Lease) -> list[sa.ColumnElement[bool]]:
    table = tables().lease
    same = {"scope": lease.scope, "run_id": lease.run_id, **lease.holder._asdict()}
    return [table.c[name] == value for name, value in same.items()]
