# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private PostgreSQL cluster for tests and benchmarks: real server, own directory, gone afterwards."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import typing as t

import psycopg

if t.TYPE_CHECKING:
    from collections.abc import Iterator

APT = "apt-get install postgresql"
PASSWORD = "only-for-tests"
_numbers = itertools.count(1)


def binaries() -> pathlib.Path | None:
    """Return the directory with initdb and pg_ctl (the newest of Debian's, else the one on PATH), or None."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return pathlib.Path(on_path).resolve().parent if on_path else None


class Postgres:
    """A running cluster. ``url`` names its maintenance database through the socket, where no password is asked for."""

    def __init__(self, folder: pathlib.Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = self._url("postgres")

    def create_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"store_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self._url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database that create_database made, whoever is still connected."""
        name = url.partition("@/")[2].partition("?")[0]
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def network_url(self, url: str) -> str:
        """Return the same database by TCP, where the server asks for PASSWORD."""
        name = url.partition("@/")[2].partition("?")[0]
        return f"postgresql://foresight@127.0.0.1:{self.port}/{name}"

    def _url(self, name: str) -> str:
        return f"postgresql://foresight@/{name}?host={self.folder}&port={self.port}"


@contextlib.contextmanager
def running(*, durable: bool) -> Iterator[Postgres]:
    """Start a cluster as an unprivileged user and stop it at the end.

    :param durable: False switches fsync off: for tests that do not measure and cut no power.
    :raises FileNotFoundError: without PostgreSQL's binaries.
    """
    programs = binaries()
    if programs is None:
        raise FileNotFoundError(f"PostgreSQL's initdb is not installed: {APT}")
    # a socket's path is limited to 107 bytes, so not under pytest's own directories
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fs-pg-"))
    user = _user()
    if user is not None:
        os.chown(folder, *_ids(user))
    data = folder / "data"
    port = _free_port()
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
    if not durable:
        options += " -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
    try:
        _run(
            user,
            programs / "initdb",
            "-D",
            data,
            "-U",
            "foresight",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "-E",
            "UTF8",
            "--no-sync",
        )
        _run(user, programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
        try:
            cluster = Postgres(folder, port)
            with psycopg.connect(cluster.url, autocommit=True) as connection:
                connection.execute(f"ALTER ROLE foresight PASSWORD '{PASSWORD}'")
            yield cluster
        finally:
            _run(user, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _user() -> str | None:
    """PostgreSQL refuses to run as root; anybody else runs it as themselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _ids(user: str) -> tuple[int, int]:
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def _run(user: str | None, *command: str | pathlib.Path) -> None:
    words = [str(word) for word in command]
    uid, gid = (None, None) if user is None else _ids(user)
    done = subprocess.run(
        words,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        user=uid,
        group=gid,
        extra_groups=None if user is None else [],
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed with {done.returncode}:\n{done.stdout}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return t.cast("tuple[str, int]", probe.getsockname())[1]
