# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fastest road from rows to arrays on each engine, block by block, so that memory stays small.

SQLite: ADBC's reader is three times as fast as the cursor of sqlite3, but brings an SQLite library of its own, and two
of them in one process drop each other's file locks (https://www.sqlite.org/howtocorrupt.html, 2.2.1). So it reads in a
child process and sends the columns through a pipe. Without ADBC, for small reads, and inside a write transaction (which
only its own connection can see) the cursor does it.

PostgreSQL: the server packs each series into arrays, whose binary form numpy reads without touching single rows.
"""

from __future__ import annotations

import importlib.util
import pathlib
import struct
import subprocess
import sys
import tempfile
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import raw_connection
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session

ROWS = 100_000
CHILD_FROM = 1_000_000
"""Expected rows from which the start of a child process (half a second) is worth it."""

_CHILD = str(pathlib.Path(__file__).parent / "sqlite_rows.py")
# an array's binary form: dimensions, has nulls, element type, length, lower bound; then length and bytes of each element
_ARRAY_HEADER = 20


class Source(t.NamedTuple):
    """One table to read from; every part is SQL text made of names and integers."""

    table: str
    time: str
    value: str
    weight: str
    where: str


class Block(t.NamedTuple):
    """Some rows of a bulk read; all arrays have one length."""

    series: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64] | None


def one_of(dialect: str, numbers: npt.NDArray[np.int64]) -> str:
    """Return the SQL condition that follows a column and holds for each of the numbers (sorted, unique, at least one)."""
    first, last = int(numbers[0]), int(numbers[-1])
    if last - first == len(numbers) - 1:
        return f"BETWEEN {first} AND {last}"
    listed = ",".join(map(str, numbers.tolist()))
    return f"= ANY ('{{{listed}}}'::integer[])" if dialect == "postgresql" else f"IN (SELECT value FROM json_each('[{listed}]'))"


def blocks(session: Session, sources: list[Source], *, weighted: bool, expected: int) -> Iterator[Block]:
    """Read every row of the sources, in no particular order, as of one moment.

    :param weighted: whether the weights are wanted; without them they are None.
    :param expected: about how many rows will come.
    :raises StoreError: when the database reports a problem.
    """
    if session.dialect == "postgresql":
        return _packed(session, sources, weighted)
    query = " UNION ALL ".join(
        f"SELECT series_id, {source.time}, {source.value}{', ' + source.weight if weighted else ''} FROM {source.table} WHERE {source.where}"
        for source in sources
    )
    if expected >= CHILD_FROM and not session.in_transaction() and importlib.util.find_spec("adbc_driver_sqlite") and sys.executable:
        return _from_child(session, query, weighted)
    return _from_cursor(session, query, weighted)


def _from_cursor(session: Session, query: str, weighted: bool) -> Iterator[Block]:
    dtype = [("series", "i8"), ("time", "i8"), ("value", "f8")] + ([("weight", "f8")] if weighted else [])
    with session.reading() as connection:
        cursor = raw_connection(connection).cursor()
        cursor.execute(query)
        while rows := cursor.fetchmany(ROWS):
            table = np.fromiter(rows, dtype=dtype, count=len(rows))
            yield Block(table["series"], table["time"], table["value"], table["weight"] if weighted else None)


def _from_child(session: Session, query: str, weighted: bool) -> Iterator[Block]:
    with tempfile.TemporaryFile() as complaints:
        command = [sys.executable, _CHILD, str(session.location.path), str(ROWS)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints) as child:
            source, sink = t.cast("t.IO[bytes]", child.stdin), t.cast("t.IO[bytes]", child.stdout)
            try:
                source.write(query.encode())
                source.close()
                while head := sink.read(8):
                    (rows,) = struct.unpack("=q", head)
                    columns = [np.frombuffer(sink.read(8 * rows), dtype=kind) for kind in ("i8", "i8", "f8", "f8")[: 4 if weighted else 3]]
                    yield Block(columns[0], columns[1], columns[2], columns[3] if weighted else None)
            finally:
                sink.close()  # a reader that stops early ends the child by a broken pipe
        if child.returncode:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip().splitlines()
            raise StoreError(
                f"Cannot read the store {session.location}: the reading process ended with {child.returncode}. It says: {said[-1] if said else 'nothing'}"
            )


def _packed(session: Session, sources: list[Source], weighted: bool) -> Iterator[Block]:
    names = ("time", "value", "weight") if weighted else ("time", "value")
    query = " UNION ALL ".join(
        f"SELECT series_id, {', '.join(f'array_agg({getattr(source, name)})' for name in names)} FROM {source.table} WHERE {source.where} GROUP BY series_id"
        for source in sources
    )
    with session.reading() as connection:
        driver = raw_connection(connection)
        driver.execute("SET LOCAL jit = off")
        held: list[list[npt.NDArray[t.Any]]] = []
        rows = 0
        with driver.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT BINARY)") as copy:
            for position, data in enumerate(copy):
                # the first message begins with the file's header; the trailer is a row of -1 fields
                row = bytes(data)[19:] if position == 0 else bytes(data)
                if len(row) <= 2:
                    continue
                held.append(_unpack(row, len(names)))
                rows += len(held[-1][0])
                if rows >= ROWS:
                    yield _joined(held)
                    held, rows = [], 0
        if held:
            yield _joined(held)


def _unpack(row: bytes, arrays: int) -> list[npt.NDArray[t.Any]]:
    (series,) = struct.unpack_from(">i", row, 6)
    columns: list[npt.NDArray[t.Any]] = []
    at = 10
    for kind in (">i8", ">f8", ">f8")[:arrays]:
        (length,) = struct.unpack_from(">i", row, at)
        elements = np.frombuffer(
            row, dtype=[("length", ">i4"), ("value", kind)], offset=at + 4 + _ARRAY_HEADER, count=(length - _ARRAY_HEADER) // 12
        )
        columns.append(elements["value"])
        at += 4 + length
    return [np.full(len(columns[0]), series, dtype=np.int64), *columns]


def _joined(held: list[list[npt.NDArray[t.Any]]]) -> Block:
    series, times, values, *weights = (np.concatenate(column) for column in zip(*held, strict=True))
    return Block(series, times.astype(np.int64), values.astype(np.float64), weights[0].astype(np.float64) if weights else None)
