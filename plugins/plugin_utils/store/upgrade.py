# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schema's version: creating a new store, upgrading an old one in place, refusing one that is too new."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sqlite3
import time
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import failures
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import VERSION, VERSION_TABLE, tables, views
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import alembic_command, alembic_config, sa

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session

MIGRATIONS = str(pathlib.Path(__file__).parent / "migrations")


def prepare(session: Session, *, create: bool, version: str = VERSION, migrations: str = MIGRATIONS) -> None:
    """Create the tables of an empty store or bring older ones to this version; of several processes exactly one does it.

    :param create: False refuses a store that has no tables yet.
    :param version: the version of this code.
    :param migrations: Alembic's script directory.
    :raises StoreError: when there is no store to read, it belongs to something else, or it is newer than this code.
    """
    found = _version(session)
    if found is None and not create:
        raise nothing_recorded(session)
    if found is not None:
        _refuse_newer(session, found, version)
    if found == version:
        return
    with session.upgrading() as connection:
        found = _version_in(connection)  # another process may have been faster
        if found is None:
            _create(session, connection, version)
        elif found != version:
            _refuse_newer(session, found, version)
            _upgrade(session, connection, found, version, migrations)


def nothing_recorded(session: Session) -> StoreError:
    """Return the error for a store that is not there yet."""
    return StoreError(
        f"There is no store at {session.location} yet; needed is a recorded observation: run the playbook foresight.capacity.observe or "
        "foresight.capacity.import first, or name another store with O(store), foresight_store or E(FORESIGHT_STORE)."
    )


def _version(session: Session) -> str | None:
    with session.reading() as connection:
        return _version_in(connection)


def _version_in(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    return t.cast("str | None", connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar())


def _refuse_newer(session: Session, found: str, version: str) -> None:
    if found > version:
        raise StoreError(
            f"The store {session.location} has schema version {found}, written by a newer foresight.capacity; this one knows {version}. Needed is the newer "
            "collection (ansible-galaxy collection install -U foresight.capacity) or another store (O(store), foresight_store or E(FORESIGHT_STORE))."
        )


def _create(session: Session, connection: sa.Connection, version: str) -> None:
    theirs = set(sa.inspect(connection).get_table_names()) & set(tables().metadata.tables)
    if theirs:
        raise StoreError(
            f"The database {session.location} already holds tables of the names {', '.join(sorted(theirs))} "
            "that are not a store's; needed is an empty database, "
            "or for PostgreSQL an empty schema (O(store), foresight_store or E(FORESIGHT_STORE))."
        )
    tables().metadata.create_all(connection)
    _create_views(session, connection)
    connection.exec_driver_sql(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.exec_driver_sql(f"INSERT INTO {VERSION_TABLE} VALUES ('{version}')")
    logger("store").info("Created the store %s, schema version %s", session.location, version)


def _create_views(session: Session, connection: sa.Connection) -> None:
    for name, query in views(session.dialect).items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {query}")


def _upgrade(session: Session, connection: sa.Connection, found: str, version: str, migrations: str) -> None:
    backup = _back_up(session, found) if session.dialect == "sqlite" else "none: make one beforehand with pg_dump"
    logger("store").warning("Upgrading the store %s from schema version %s to %s (backup: %s)", session.location, found, version, backup)
    config = alembic_config.Config(attributes={"connection": connection, "version_table": VERSION_TABLE})
    config.set_main_option("script_location", migrations.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    for name in sa.inspect(connection).get_view_names():
        if name in views(session.dialect):  # they would stand in the way of rebuilding a table
            connection.exec_driver_sql(f"DROP VIEW {name}")
    alembic_command.upgrade(config, version)
    _create_views(session, connection)
    if session.dialect == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise StoreError(
                f"Upgrading the store {session.location} to schema version {version} would break a reference in table {broken[0]}; nothing was changed."
            )


def _back_up(session: Session, found: str) -> str:
    """Copy the file beside itself with SQLite's backup API; the caller holds the write lock, so nothing can be missed."""
    path = t.cast(str, session.location.path)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    target = f"{path}.v{found}.{stamp}.bak"
    partial = f"{target}.partial"
    with failures.told(session.location), failures.told_of_files(session.location):
        try:
            with (
                contextlib.closing(sqlite3.connect(path, timeout=failures.BUSY_SECONDS)) as source,
                contextlib.closing(sqlite3.connect(partial)) as copy,
            ):
                source.backup(copy)
            os.replace(partial, target)
        finally:
            pathlib.Path(partial).unlink(missing_ok=True)
    return target
