# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large reads from SQLite in child processes (sqlite_rows.py), one query each, side by side.

ADBC's reader is three times as fast as the cursor of sqlite3, but brings an SQLite library of its own, and two of them in
one process drop each other's file locks (https://www.sqlite.org/howtocorrupt.html, 2.2.1). Hence processes.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pathlib
import selectors
import struct
import subprocess
import sys
import tempfile
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROGRAM = str(pathlib.Path(__file__).parent / "sqlite_rows.py")
_PIPE_BYTES = 1 << 20  # the most that an unprivileged process may have (pipe(7)); a full pipe makes the child wait
_MOST = 4


def available() -> bool:
    """Return whether child processes can read here: ADBC and pyarrow are installed and Python knows its own executable."""
    return bool(sys.executable) and all(importlib.util.find_spec(name) for name in ("adbc_driver_sqlite", "pyarrow"))


def useful() -> int:
    """Return how many children are worth their start at most."""
    return max(1, min(_MOST, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))


def read(path: str, queries: Sequence[str], *, columns: int, rows: int) -> Iterator[tuple[int, bytearray]]:
    """Run every query in a process of its own and yield (count, bytes) of blocks as they come: columns one after the other, 8 bytes a number.

    :param columns: how many columns each query has.
    :param rows: the most rows of one block.
    :raises StoreError: when a child cannot read.
    """
    with contextlib.ExitStack() as stack:
        children = [_start(stack, path, query, rows) for query in queries]
        waiting = stack.enter_context(selectors.DefaultSelector())
        for child, complaints in children:
            waiting.register(_pipe(child), selectors.EVENT_READ, (child, complaints))
        while waiting.get_map():
            for ready, _events in waiting.select():
                head = _exactly(t.cast("t.IO[bytes]", ready.fileobj), 8)
                if head is None:
                    waiting.unregister(ready.fileobj)
                    _finish(path, *ready.data)
                    continue
                (count,) = struct.unpack("=q", head)
                body = _exactly(t.cast("t.IO[bytes]", ready.fileobj), 8 * columns * count)
                if body is None:
                    _finish(path, *ready.data)
                    raise StoreError(f"Cannot read the store {path}: the reading process stopped in the middle of its rows.")
                yield count, body


def _start(stack: contextlib.ExitStack, path: str, query: str, rows: int) -> tuple[subprocess.Popen[bytes], t.IO[bytes]]:
    complaints, question = (stack.enter_context(tempfile.TemporaryFile()) for _number in range(2))  # noqa: SIM115 (the stack closes them)
    question.write(query.encode())
    question.seek(0)
    command = [sys.executable, _PROGRAM, path, str(rows)]
    child = subprocess.Popen(command, stdin=question, stdout=subprocess.PIPE, stderr=complaints, bufsize=0)
    stack.callback(_end, child)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(_pipe(child), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return child, complaints


def _end(child: subprocess.Popen[bytes]) -> None:
    """Leave no child behind, also when the reader stops early or an error passes."""
    _pipe(child).close()
    child.kill()
    child.wait()


def _finish(path: str, child: subprocess.Popen[bytes], complaints: t.IO[bytes]) -> None:
    if child.wait():
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip().splitlines()
        raise StoreError(
            f"Cannot read the store {path}: the reading process ended with {child.returncode}. It says: {said[-1] if said else 'nothing'}"
        )


def _pipe(child: subprocess.Popen[bytes]) -> t.IO[bytes]:
    return t.cast("t.IO[bytes]", child.stdout)


def _exactly(pipe: t.IO[bytes], size: int) -> bytearray | None:
    """Return so many bytes, or None at the end of the pipe."""
    data = bytearray(size)
    view = memoryview(data)
    while len(view):
        got = pipe.readinto(view)  # type: ignore[attr-defined]
        if not got:
            return None
        view = view[got:]
    return data
