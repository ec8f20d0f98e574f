# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans and the progress of their actions."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

STATES = ("proposed", "approved", "applied", "partly_applied", "expired", "superseded")


class PlanRow(t.NamedTuple):
    """A stored plan; ``check`` marks one that was made in check mode."""

    id: str
    document: dict[str, t.Any]
    state: str
    created_at: int
    expires_at: int
    check: bool
    approved_by: str | None
    approved_at: int | None


class ActionRow(t.NamedTuple):
    """How far an action of a plan has come."""

    plan_id: str
    action_id: str
    state: str
    at: int
    run_id: int | None
    detail: dict[str, t.Any]


class Plans(Session):
    """Reading and writing of plans; a document is immutable, its state is not."""

    def save_plan(self, document: Mapping[str, t.Any], state: str = "proposed") -> None:
        """Store a plan with its id; one that is there already keeps its document and its state.

        :raises StoreError: for an unknown state.
        """
        _check_state(state)
        table = tables().plan
        row = {
            "id": document["id"],
            "document": dict(document),
            "state": state,
            "created_at": int(document["created_at"]),
            "expires_at": int(document["expires_at"]),
            "check_mode": bool(document.get("check", False)),
            "state_changed_at": int(document["created_at"]),
        }
        with self.transaction() as connection:
            if connection.scalar(sa.select(table.c.id).where(table.c.id == row["id"])) is None:
                connection.execute(sa.insert(table), [row])

    def renew_plan(self, document: Mapping[str, t.Any], state: str, *, at: int) -> None:
        """Give a stored plan the dates of the same plan made anew (equal id, so equal content) and a state; an approval ends.

        :raises StoreError: for an unknown state or a plan that is not in the store.
        """
        _check_state(state)
        table = tables().plan
        values = {
            "document": dict(document),
            "created_at": int(document["created_at"]),
            "expires_at": int(document["expires_at"]),
            "state": state,
        }
        change = (
            sa.update(table).where(table.c.id == document["id"]).values(**values, state_changed_at=at, approved_by=None, approved_at=None)
        )
        with self.transaction() as connection:
            if connection.execute(change).rowcount != 1:
                raise StoreError(
                    f"Cannot renew plan {document['id']}: the store {self.location} has none of that id; needed is a saved plan."
                )

    def load_plan(self, plan_id: str) -> PlanRow | None:
        """Return the plan, or None when the store has none of that id."""
        table = tables().plan
        with self.reading() as connection:
            row = connection.execute(_select_plan().where(table.c.id == plan_id)).first()
        return None if row is None else PlanRow(*row)

    def find_plans(self, states: Collection[str] | None = None) -> list[PlanRow]:
        """Return the plans in one of the states (default: all), newest first."""
        table = tables().plan
        query = _select_plan().order_by(table.c.created_at.desc(), table.c.id)
        if states is not None:
            query = query.where(self.among(table.c.state, states))
        with self.reading() as connection:
            return [PlanRow(*row) for row in connection.execute(query)]

    def set_plan_state(self, plan_id: str, state: str, *, at: int, by: str | None = None, expected: Sequence[str] | None = None) -> bool:
        """Set the state and return True; return False when the plan is unknown or in none of the expected states.

        :param by: who; kept (with ``at``) when the state is ``approved``.
        """
        _check_state(state)
        table = tables().plan
        change = sa.update(table).where(table.c.id == plan_id).values(state=state, state_changed_at=at)
        if state == "approved":
            change = change.values(approved_by=by, approved_at=at)
        if expected is not None:
            change = change.where(self.among(table.c.state, expected))
        with self.transaction() as connection:
            return connection.execute(change).rowcount == 1

    def set_action(self, plan_id: str, action_id: str, state: str, *, at: int, run_id: int | None, detail: Mapping[str, t.Any]) -> None:
        """Store how far an action has come.

        :raises StoreError: when the plan or the run is not in the store.
        """
        self.set_actions(plan_id, [(action_id, state, detail)], at=at, run_id=run_id)

    def set_actions(self, plan_id: str, rows: Iterable[tuple[str, str, Mapping[str, t.Any]]], *, at: int, run_id: int | None) -> None:
        """Store how far several actions have come: (action id, state, detail) each, in one statement.

        :raises StoreError: when the plan or the run is not in the store.
        """
        names = ("plan_id", "action_id", "state", "at", "run_id", "detail")
        values = [dict(zip(names, (plan_id, action, state, at, run_id, dict(detail)), strict=True)) for action, state, detail in rows]
        if not values:
            return
        with self.transaction() as connection:
            connection.execute(self.upsert(tables().plan_action, ("plan_id", "action_id"), names), values)

    def find_actions(self, plan_id: str) -> dict[str, ActionRow]:
        """Return how far each action has come, by action id; one that has not begun is absent."""
        table = tables().plan_action
        query = (
            sa.select(*(table.c[name] for name in ActionRow._fields))
            .where(table.c.plan_id == plan_id)
            .order_by(table.c.at, table.c.action_id)
        )
        with self.reading() as connection:
            return {row.action_id: ActionRow(*row) for row in connection.execute(query)}

    def find_actions_in(self, states: Collection[str], *, since: int) -> list[ActionRow]:
        """Return the actions of all plans that are in one of these states since a time (UTC seconds) or later, oldest first."""
        table = tables().plan_action
        query = (
            sa.select(*(table.c[name] for name in ActionRow._fields))
            .where(self.among(table.c.state, states), table.c.at >= since)
            .order_by(table.c.at, table.c.plan_id, table.c.action_id)
        )
        with self.reading() as connection:
            return [ActionRow(*row) for row in connection.execute(query)]


def _select_plan() -> sa.Select[t.Any]:
    table = tables().plan
    names = ("id", "document", "state", "created_at", "expires_at", "check_mode", "approved_by", "approved_at")
    return sa.select(*(table.c[name] for name in names))


def _check_state(state: str) -> None:
    if state not in STATES:
        raise StoreError(f"A plan cannot be {state!r}; needed is one of {', '.join(STATES)}.")
