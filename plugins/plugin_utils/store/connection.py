# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections and transactions: one writer at a time on both engines, readers on a snapshot of their own.

SQLite runs in WAL mode with ``synchronous=FULL``: what was committed survives a kill and a power cut, and a
transaction cut off in the middle never happened. Writers queue by ``BEGIN IMMEDIATE``. On PostgreSQL an advisory
lock gives the same order, so that neither deadlocks nor half-seen roll-ups are possible.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import failures
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa, sa_postgresql, sa_sqlite

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.foresight.capacity.plugins.plugin_utils.store.location import Location

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('foresight.capacity'), hashtext(current_schema()))"


class Session:
    """The open database behind a store; each thread that uses it has its own connection."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self.dialect = location.dialect
        self._engine = _engine(location)
        self._active = threading.local()

    def close(self) -> None:
        """Close every connection; the object can be used again (it connects anew)."""
        self._engine.dispose()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Open one write transaction: all of it is kept, or, after an error or a kill, nothing.

        Inside another one of the same thread it joins that one; an error that leaves the inner block undoes the inner part.

        :raises StoreError: when another process writes for longer than BUSY_SECONDS, or the database reports a problem.
        """
        outer = self._connection()
        if outer is not None:
            with failures.told(self.location), outer.begin_nested():
                yield outer
            return
        with failures.told(self.location), self._engine.connect() as connection:
            writer = connection.execution_options(foresight_write=True)
            with writer.begin():
                if self.dialect == "postgresql":
                    _take_turn(writer)
                self._active.connection = writer
                try:
                    yield writer
                finally:
                    self._active.connection = None

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open one snapshot to read from; inside a write transaction of the same thread it sees what that one wrote."""
        outer = self._connection()
        if outer is not None:
            with failures.told(self.location):
                yield outer
            return
        with failures.told(self.location), self._engine.connect() as connection:
            reader = connection
            if self.dialect == "postgresql":
                reader = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with reader.begin():
                yield reader

    @contextlib.contextmanager
    def upgrading(self) -> Iterator[sa.Connection]:
        """Open the write transaction of an upgrade: on SQLite without foreign keys, because a table is rebuilt by dropping the old one."""
        with failures.told(self.location), self._engine.connect() as connection:
            if self.dialect == "sqlite":
                raw_connection(connection).execute("PRAGMA foreign_keys = OFF")
            writer = connection.execution_options(foresight_write=True)
            try:
                with writer.begin():
                    if self.dialect == "postgresql":
                        _take_turn(writer)
                    yield writer
            finally:
                connection.invalidate()

    def in_transaction(self) -> bool:
        """Return whether this thread is inside a write transaction."""
        return self._connection() is not None

    def among(self, column: sa.ColumnElement[t.Any], values: t.Iterable[t.Any]) -> sa.ColumnElement[bool]:
        """Return the condition that column is one of values; any number of them fits into one statement."""
        wanted = list(values)
        if self.dialect == "postgresql":
            return column == sa.any_(sa.bindparam(None, wanted, type_=sa.ARRAY(column.type)))
        listed = sa.func.json_each(to_json(wanted)).table_valued("value")
        return column.in_(sa.select(listed.c.value))

    def upsert(self, table: sa.Table, key: t.Collection[str], names: t.Collection[str]) -> sa.sql.dml.Insert:
        """Return the statement that inserts rows with these columns, and where the key is there already replaces the other columns."""
        if self.dialect == "postgresql":
            statement: t.Any = sa_postgresql.insert(table)
        else:
            statement = sa_sqlite.insert(table)
        replaced = {name: statement.excluded[name] for name in names if name not in key}
        return t.cast("sa.sql.dml.Insert", statement.on_conflict_do_update(index_elements=list(key), set_=replaced))

    def _connection(self) -> sa.Connection | None:
        return getattr(self._active, "connection", None)


def to_json(value: t.Any) -> str:
    """Return value as JSON text.

    :raises StoreError: for a value that JSON cannot hold (NaN, an infinity, an object, half a surrogate pair).
    """
    try:
        text = _ENCODER.encode(value)
        if not text.isascii():
            text.encode()
        return text
    except (TypeError, ValueError) as error:
        raise StoreError(f"Cannot store a document: {error}; needed are built-in types, finite numbers and Unicode text.") from error


def raw_connection(connection: sa.Connection) -> t.Any:
    """Return the driver's own connection (sqlite3 or psycopg), inside the same transaction."""
    return connection.connection.driver_connection


def _take_turn(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{failures.BUSY_SECONDS}s'")
    connection.exec_driver_sql(_LOCK)


def _engine(location: Location) -> sa.Engine:
    with failures.told(location):
        if location.dialect == "postgresql":
            password = os.environ.get("FORESIGHT_STORE_PASSWORD")
            arguments: dict[str, t.Any] = {"connect_timeout": 10, "keepalives_idle": 30, "application_name": "foresight"}
            if password:
                arguments["password"] = password
            url = sa.make_url(t.cast(str, location.url)).set(drivername="postgresql+psycopg")
            return sa.create_engine(url, connect_args=arguments, json_serializer=to_json, pool_size=1, max_overflow=-1)
        engine = sa.create_engine(
            sa.URL.create("sqlite", database=location.path),
            connect_args={"timeout": failures.BUSY_SECONDS},
            json_serializer=to_json,
            pool_size=1,
            max_overflow=-1,
        )
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: t.Any, _record: t.Any) -> None:
    connection.isolation_level = None  # the driver's own implicit BEGIN is never IMMEDIATE and leaves out DDL
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA cache_size = -65536")


def _switch_to_wal(connection: t.Any) -> None:
    """Alone among the statements this one does not wait for another process that makes a new store at the same moment."""
    deadline = time.monotonic() + failures.BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.01)


def _begin_sqlite(connection: sa.Connection) -> None:
    write = connection.get_execution_options().get("foresight_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
