# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fastest road from rows to arrays on each engine, block by block, so that memory stays small.

SQLite: child processes read with ADBC (children.py). For small reads, without ADBC, and inside a write transaction (which
only its own connection can see) the cursor does it.

PostgreSQL: the server packs each series into arrays, whose binary form numpy reads without touching single rows.
"""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import children
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import raw_connection
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session

ROWS = 100_000
CHILD_FROM = 1_000_000
"""Expected rows for which the start of a child process (half a second) is worth it."""

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


def blocks(
    session: Session,
    series: npt.NDArray[np.int64],
    sources: Callable[[npt.NDArray[np.int64]], list[Source]],
    *,
    weighted: bool,
    expected: int,
) -> Iterator[Block]:
    """Read every row of the sources, in no particular order; each series as of one moment.

    :param series: ids, sorted, unique, at least one.
    :param sources: gives the tables to read for some of the ids.
    :param weighted: whether the weights are wanted; without them they are None.
    :param expected: about how many rows will come.
    :raises StoreError: when the database reports a problem.
    """
    if session.dialect == "postgresql":
        return _packed(session, sources(series), weighted)
    processes = min(children.useful(), len(series), expected // CHILD_FROM)
    if processes and not session.in_transaction() and children.available():
        queries = [_union(sources(part), weighted) for part in np.array_split(series, processes)]
        return _from_children(session, queries, weighted)
    return _from_cursor(session, _union(sources(series), weighted), weighted)


def _union(sources: list[Source], weighted: bool) -> str:
    return " UNION ALL ".join(
        f"SELECT series_id, {source.time}, {source.value}{', ' + source.weight if weighted else ''} FROM {source.table} WHERE {source.where}"
        for source in sources
    )


def _from_cursor(session: Session, query: str, weighted: bool) -> Iterator[Block]:
    dtype = [("series", "i8"), ("time", "i8"), ("value", "f8")] + ([("weight", "f8")] if weighted else [])
    with session.reading() as connection:
        cursor = raw_connection(connection).cursor()
        cursor.execute(query)
        while rows := cursor.fetchmany(ROWS):
            table = np.fromiter(rows, dtype=dtype, count=len(rows))
            yield Block(table["series"], table["time"], table["value"], table["weight"] if weighted else None)


def _from_children(session: Session, queries: list[str], weighted: bool) -> Iterator[Block]:
    kinds = ("i8", "i8", "f8", "f8")[: 4 if weighted else 3]
    for count, data in children.read(str(session.location.path), queries, columns=len(kinds), rows=ROWS):
        series, times, values, *weights = (np.frombuffer(data, kind, count, 8 * count * at) for at, kind in enumerate(kinds))
        yield Block(series, times, values, weights[0] if weights else None)


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
