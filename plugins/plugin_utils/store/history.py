# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs and the outcomes of applied actions."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class OutcomeRow(t.NamedTuple):
    """What an applied action really cost and brought."""

    id: int
    plan_id: str
    action_id: str
    run_id: int | None
    host: str
    target: str
    status: str
    changed: bool
    started_at: int
    seconds: float | None
    before: t.Any
    after: t.Any
    message: str


class RunRow(t.NamedTuple):
    """One run of a verb; ``finished_at`` is None while it runs and for ever when it was killed."""

    id: int
    verb: str
    check: bool
    started_at: int
    finished_at: int | None
    status: str | None
    detail: dict[str, t.Any]


class History(Session):
    """Reading and writing of runs and outcomes."""

    def add_outcomes(self, rows: Iterable[Mapping[str, t.Any]]) -> None:
        """Store outcomes; the same plan, action and start is the same row, so telling one twice adds nothing.

        :param rows: mappings with plan_id, action_id, run_id, host, target, status, changed, started_at, seconds, before, after, message.
        """
        names = OutcomeRow._fields[1:]
        values = [{name: row[name] for name in names} for row in rows]
        if not values:
            return
        with self.transaction() as connection:
            connection.execute(self.upsert(tables().outcome, ("plan_id", "action_id", "started_at"), names), values)

    def find_outcomes(self, plan_id: str | None = None, target: str | None = None, since: int | None = None) -> list[OutcomeRow]:
        """Return the outcomes that match every condition given, oldest first.

        :param since: only what started at that time (UTC seconds) or later.
        """
        table = tables().outcome
        query = sa.select(*(table.c[name] for name in OutcomeRow._fields)).order_by(table.c.started_at, table.c.id)
        if plan_id is not None:
            query = query.where(table.c.plan_id == plan_id)
        if target is not None:
            query = query.where(table.c.target == target)
        if since is not None:
            query = query.where(table.c.started_at >= since)
        with self.reading() as connection:
            return [OutcomeRow(*row) for row in connection.execute(query)]

    def start_run(self, verb: str, *, at: int, check: bool, detail: Mapping[str, t.Any]) -> int:
        """Note that a run began and return its id."""
        with self.transaction() as connection:
            row = {"verb": verb, "started_at": at, "check_mode": check, "detail": dict(detail)}
            created = connection.execute(sa.insert(tables().run).values(row).returning(tables().run.c.id))
            return t.cast(int, created.scalar_one())

    def finish_run(self, run_id: int, *, at: int, status: str, detail: Mapping[str, t.Any] | None = None) -> None:
        """Note how a run ended; without a detail the one of its start stays.

        :raises StoreError: when there is no such run.
        """
        table = tables().run
        change = sa.update(table).where(table.c.id == run_id).values(finished_at=at, status=status)
        if detail is not None:
            change = change.values(detail=dict(detail))
        with self.transaction() as connection:
            if connection.execute(change).rowcount != 1:
                raise StoreError(
                    f"Cannot finish run {run_id}: the store {self.location} has none of that id; needed is the id of start_run."
                )

    def find_runs(
        self, verb: str | None = None, limit: int | None = None, *, run_id: int | None = None, unfinished: bool = False
    ) -> list[RunRow]:
        """Return the runs (of one verb, of that id, only those that have not finished), newest first."""
        table = tables().run
        names = ("id", "verb", "check_mode", "started_at", "finished_at", "status", "detail")
        query = sa.select(*(table.c[name] for name in names)).order_by(table.c.id.desc()).limit(limit)
        if verb is not None:
            query = query.where(table.c.verb == verb)
        if run_id is not None:
            query = query.where(table.c.id == run_id)
        if unfinished:
            query = query.where(table.c.finished_at.is_(None))
        with self.reading() as connection:
            return [RunRow(*row) for row in connection.execute(query)]
