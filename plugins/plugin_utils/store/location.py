# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the store lies: the option, the environment and the XDG default become one location."""

from __future__ import annotations

import os
import pathlib
import re
import typing as t
import urllib.parse
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError

_OPTION = "O(store), foresight_store or E(FORESIGHT_STORE)"
_POSTGRESQL = ("postgresql", "postgres", "postgresql+psycopg")
_CONNINFO = re.compile(r"(^|\s)(host|dbname|user|password)\s*=")
_PASSWORD = re.compile(r"[?&](ssl)?password=", re.IGNORECASE)


class Location(t.NamedTuple):
    """A store that can be connected to; ``path`` for SQLite, ``url`` (without a password) for PostgreSQL."""

    dialect: str
    path: str | None
    url: str | None

    def __str__(self) -> str:
        return self.path or self.url or ""


def resolve(location: str | None, environment: Mapping[str, str] | None = None) -> Location:
    """Return the location that an option (a path or URL, or None for the default) names.

    :raises StoreError: for another database than SQLite and PostgreSQL, and for a password in the URL (its text is never repeated).
    """
    environment = os.environ if environment is None else environment
    given = location or environment.get("FORESIGHT_STORE") or default_path(environment)
    scheme, separator, rest = given.partition("://")
    if not separator:
        if (scheme.startswith("postgres") and ":" in scheme) or _CONNINFO.search(given):
            raise _not_understood()
        return _sqlite(given.removeprefix("sqlite:") if given.startswith("sqlite:/") else given)
    if scheme in ("sqlite", "sqlite+pysqlite"):
        if not rest.startswith("/") or "?" in rest:
            raise StoreError(
                f"The store's SQLite URL {given!r} is not understood; needed is sqlite:////ABSOLUTE/PATH, sqlite:///RELATIVE/PATH or a plain path ({_OPTION})."
            )
        return _sqlite(urllib.parse.unquote(rest[1:]))
    if scheme in _POSTGRESQL:
        return Location("postgresql", None, _without_password(rest))
    raise StoreError(f"The store's URL begins with {scheme}://; needed is a path, sqlite:///… or postgresql://… ({_OPTION}).")


def default_path(environment: Mapping[str, str]) -> str:
    """Return foresight/store.db in the XDG data directory (XDG Base Directory Specification: a relative one is ignored)."""
    base = environment.get("XDG_DATA_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(environment.get("HOME") or os.path.expanduser("~"), ".local", "share")
    return os.path.join(base, "foresight", "store.db")


def _sqlite(path: str) -> Location:
    if not path:
        raise StoreError(f"The store's URL names no file; needed is sqlite:////ABSOLUTE/PATH or a plain path ({_OPTION}).")
    try:
        return Location("sqlite", str(pathlib.Path(path).expanduser().absolute()), None)
    except RuntimeError as error:
        raise StoreError(
            f"The store's path {path!r} begins with a user who has no home here; needed is an absolute path ({_OPTION})."
        ) from error


def _without_password(rest: str) -> str:
    # A password may hold a slash, a question mark or a hash, which end a part of the URL for urlsplit, but not for the driver.
    user, _at, _rest = rest.rpartition("@")
    named = _PASSWORD.search(urllib.parse.unquote(rest))
    try:
        is_understood = urllib.parse.urlsplit(f"postgresql://{rest}").port != 0
    except ValueError:
        is_understood = False
    if ":" in user or named:
        raise StoreError(
            "The store's URL carries a password, which would show up in logs and task output. Needed is postgresql://USER@HOST/DATABASE; "
            f"give the password in the environment variable FORESIGHT_STORE_PASSWORD or in a file named by PGPASSFILE ({_OPTION})."
        )
    if not is_understood:
        raise _not_understood()
    return f"postgresql://{rest}"


def _not_understood() -> StoreError:
    # Its text is not repeated: what was mistyped may hold a password.
    return StoreError(f"The store's PostgreSQL URL is not understood; needed is postgresql://USER@HOST:PORT/DATABASE ({_OPTION}).")
