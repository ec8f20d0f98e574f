# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a database says when something is wrong, in the words of the user: seen, needed, option."""

from __future__ import annotations

import contextlib
import sqlite3
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import psycopg, sa

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.foresight.capacity.plugins.plugin_utils.store.location import Location

BUSY_SECONDS = 60
"""How long a writer waits for another one before it gives up."""

_OPTION = "O(store), foresight_store or E(FORESIGHT_STORE)"

# SQLite's primary result codes (https://www.sqlite.org/rescode.html)
_SQLITE = {
    5: f"another process has been writing for more than {BUSY_SECONDS} s; needed is its end. See which one with: fuser FILE",
    6: f"another process has been writing for more than {BUSY_SECONDS} s; needed is its end. See which one with: fuser FILE",
    8: "it may only be read; needed is the right to write the file and its directory",
    10: "the disk reports an input/output error; needed is a healthy file system (see the kernel log)",
    11: "the file is damaged; needed is a sound store: restore a backup (FILE.v*.bak), or move the file away to begin a new one",
    13: "the disk is full; nothing of this transaction was kept and everything before it is safe. Needed is free space",
    14: "it cannot be opened; needed is the right to write the file and its directory",
    19: "a row refers to something that is not in the store; needed are ids that the store gave",
    26: "the file is not an SQLite database; needed is a store's file or a path where none is yet. It was left as it is",
}

# PostgreSQL's error classes and codes (https://www.postgresql.org/docs/current/errcodes-appendix.html)
_POSTGRESQL = {
    "23": "a row refers to something that is not in the store; needed are ids that the store gave",
    "28": "the server refused the user; needed are the right user in the URL and FORESIGHT_STORE_PASSWORD or PGPASSFILE",
    "3D": "the database does not exist; needed is: createdb DATABASE",
    "42501": "the user lacks a right; needed is the ownership of the store's tables, or CREATE on the schema for a new store",
    "53": "the server is out of a resource (disk, memory or connections); nothing of this transaction was kept",
    "55P03": f"another process has been writing for more than {BUSY_SECONDS} s; needed is its end (see pg_stat_activity)",
    "57": "the server stopped the statement or is shutting down; nothing of this transaction was kept",
}


@contextlib.contextmanager
def told(location: Location) -> Iterator[None]:
    """Turn what the database reports inside the block into a StoreError.

    :raises StoreError: with the location, what was seen, what is needed and the option that names the store.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise StoreError(_explain(location, _first_of(error))) from error
    except sa.exc.SQLAlchemyError as error:
        raise StoreError(f"Cannot use the store {location}: {_first_line(error)} ({_OPTION}).") from error
    except _driver_errors(location) as error:
        raise StoreError(_explain(location, error)) from error


@contextlib.contextmanager
def told_of_files(location: Location) -> Iterator[None]:
    """Turn what the operating system reports inside the block into a StoreError.

    :raises StoreError: with the location, what was seen, what is needed and the option that names the store.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"Cannot use the store {location}: {error.strerror or error}; needed is a directory that may be written ({_OPTION})."
        ) from error


def _driver_errors(location: Location) -> type[Exception]:
    return psycopg.Error if location.dialect == "postgresql" else sqlite3.Error


def _explain(location: Location, error: BaseException) -> str:
    seen = _first_line(error)
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        reason = _SQLITE.get(code & 0xFF)
    else:
        state = getattr(error, "sqlstate", None)
        if state is None and location.dialect == "postgresql":
            # libpq gives no code for a connection that failed, and its text may be in any language
            reason = (
                "the server cannot be reached, or refuses this user or database; needed are a running PostgreSQL at this address, an existing database "
                "(createdb), and the user's password in FORESIGHT_STORE_PASSWORD or PGPASSFILE"
            )
        else:
            reason = _POSTGRESQL.get(state or "", _POSTGRESQL.get((state or "")[:2]))
    return f"Cannot use the store {location}: {reason or 'the database refused a statement'} ({_OPTION}). It says: {seen}"


def _first_of(error: sa.exc.DBAPIError) -> BaseException:
    """Return what the database said first: out of disk, SQLite ends the whole transaction, and its savepoint is then missed."""
    seen: BaseException | None = error
    while seen is not None:
        orig = getattr(seen, "orig", None) or seen
        if isinstance(orig, sqlite3.Error) and "no such savepoint" not in str(orig):
            return orig
        seen = seen.__context__
    return error.orig or error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
