# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing samples: in bulk, and as often as one likes with the same result."""

from __future__ import annotations

import enum
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session, raw_connection
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, sa

if t.TYPE_CHECKING:
    import numpy.typing as npt

_CHUNK = 100_000


class Flag(enum.IntEnum):
    """Why a sample is kept out of models (DESIGN.md, rule 7); 0 is a good one."""

    GOOD = 0
    NAN = 1
    NEGATIVE = 2
    RESET = 3
    CLOCK = 4
    GAP = 5
    IMPOSSIBLE = 6
    DUPLICATE = 7


class _Rows(t.NamedTuple):
    """Samples in the order of the key, each key once."""

    series: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    flags: npt.NDArray[np.int16]

    def only(self, chosen: npt.NDArray[t.Any] | slice) -> _Rows:
        return _Rows(self.series[chosen], self.times[chosen], self.values[chosen], self.flags[chosen])


class SampleWriting(Session):
    """Upserts into the table of samples."""

    def write_samples(
        self, series_ids: npt.ArrayLike, times: npt.ArrayLike, values: npt.ArrayLike, flags: npt.ArrayLike | None = None
    ) -> int:
        """Store samples and return how many rows were written; the same series and time is the same row, and the later write wins.

        A sample of an hour or day that retention has rolled up already is left out (it is in the summary).

        :param series_ids: int [k], ids given by put_series.
        :param times: int [k], UTC seconds.
        :param values: float [k], in the unit of the series; NaN and infinities are stored as null.
        :param flags: int [k], 0 for good, else a Flag; default: all good.
        :raises StoreError: for arrays of different lengths, negative times, or a series that does not exist.
        """
        rows = _unique(_checked(series_ids, times, values, flags))
        if not len(rows.series):
            return 0
        with self.transaction() as connection:
            self._require_series(connection, np.unique(rows.series))
            rows = self._not_rolled_up(connection, rows)
            driver = raw_connection(connection)
            if self.dialect == "postgresql":
                _copy(driver, rows)
            else:
                _insert(driver, rows)
            return len(rows.series)

    def _require_series(self, connection: sa.Connection, wanted: npt.NDArray[np.int64]) -> None:
        table = tables().series
        known = set(connection.scalars(sa.select(table.c.id).where(self.among(table.c.id, wanted.tolist()))).all())
        if len(known) != len(wanted):
            missing = [number for number in wanted.tolist() if number not in known]
            raise StoreError(f"Cannot write samples of series {missing[:5]}: not in the store; needed are ids that put_series returned.")

    def _not_rolled_up(self, connection: sa.Connection, rows: _Rows) -> _Rows:
        """Leave out what retention has summarised, so that importing the same history again counts nothing twice."""
        retention = tables().retention
        kept_from = connection.scalar(sa.select(retention.c.kept_from).where(retention.c.resolution == "raw"))
        if kept_from is None or not (rows.times < kept_from).any():
            return rows
        keep = np.ones(len(rows.series), dtype=bool)
        old = np.flatnonzero(rows.times < kept_from)
        for table, period in ((tables().sample_hour, 3600), (tables().sample_day, 86400)):
            starts = rows.times[old] // period * period
            series = np.unique(rows.series[old]).tolist()
            query = sa.select(table.c.series_id, table.c.time).where(
                self.among(table.c.series_id, series), table.c.time >= int(starts.min()), table.c.time <= int(starts.max())
            )
            closed = {tuple(row) for row in connection.execute(query)}
            keep[old] &= np.fromiter(
                (pair not in closed for pair in zip(rows.series[old].tolist(), starts.tolist(), strict=True)), bool, len(old)
            )
        return rows.only(keep)


def _checked(series_ids: npt.ArrayLike, times: npt.ArrayLike, values: npt.ArrayLike, flags: npt.ArrayLike | None) -> _Rows:
    series = np.asarray(series_ids, dtype=np.int64).ravel()
    moments = np.asarray(times, dtype=np.int64).ravel()
    numbers = np.array(values, dtype=np.float64).ravel()
    marks = np.zeros(len(series), dtype=np.int16) if flags is None else np.asarray(flags, dtype=np.int16).ravel()
    lengths = {len(series), len(moments), len(numbers), len(marks)}
    if len(lengths) != 1:
        raise StoreError(
            f"Cannot write samples: {len(series)} series ids, {len(moments)} times, {len(numbers)} values, {len(marks)} flags; "
            "needed is one of each per sample."
        )
    if len(moments) and moments.min() < 0:
        raise StoreError(f"Cannot write a sample at the time {moments.min()}; needed are UTC seconds since 1970.")
    numbers[~np.isfinite(numbers)] = np.nan
    return _Rows(series, moments, numbers, marks)


def _unique(rows: _Rows) -> _Rows:
    """Sort by key (neighbours in the index are written together) and keep the last one given of each key."""
    same_series = rows.series[1:] == rows.series[:-1]
    if not ((rows.series[1:] > rows.series[:-1]) | (same_series & (rows.times[1:] > rows.times[:-1]))).all():
        rows = rows.only(np.lexsort((rows.times, rows.series)))
        last = np.ones(len(rows.series), dtype=bool)
        last[:-1] = (rows.series[1:] != rows.series[:-1]) | (rows.times[1:] != rows.times[:-1])
        rows = rows.only(last)
    return rows


def _insert(driver: t.Any, rows: _Rows) -> None:
    statement = (
        "INSERT INTO sample (series_id, time, value, flag) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (series_id, time) DO UPDATE SET value = excluded.value, flag = excluded.flag"
    )
    for begin in range(0, len(rows.series), _CHUNK):
        part = rows.only(slice(begin, begin + _CHUNK))
        # sqlite3 binds NaN as null
        driver.executemany(statement, zip(*(column.tolist() for column in part), strict=True))


def _copy(driver: t.Any, rows: _Rows) -> None:
    """Send the rows in PostgreSQL's binary COPY format into a temporary table and merge that.

    Format: https://www.postgresql.org/docs/current/sql-copy.html (File Formats, Binary Format).
    """
    driver.execute("CREATE TEMPORARY TABLE IF NOT EXISTS incoming (series_id integer, time bigint, value double precision, flag smallint)")
    driver.execute("TRUNCATE incoming")
    with driver.cursor().copy("COPY incoming FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for begin in range(0, len(rows.series), _CHUNK):
            part = rows.only(slice(begin, begin + _CHUNK))
            empty = np.isnan(part.values)
            for chosen, with_value in ((~empty, True), (empty, False)):
                if chosen.any():
                    copy.write(_binary_rows(part.only(chosen), with_value))
        copy.write(b"\xff\xff")
    driver.execute(
        "INSERT INTO sample (series_id, time, value, flag) SELECT series_id, time, value, flag FROM incoming "
        "ON CONFLICT (series_id, time) DO UPDATE SET value = excluded.value, flag = excluded.flag"
    )
    driver.execute("TRUNCATE incoming")


def _binary_rows(rows: _Rows, with_value: bool) -> bytes:
    fields = [("columns", ">i2"), ("length_1", ">i4"), ("series", ">i4"), ("length_2", ">i4"), ("time", ">i8"), ("length_3", ">i4")]
    fields += [("value", ">f8")] if with_value else []
    fields += [("length_4", ">i4"), ("flag", ">i2")]
    block = np.empty(len(rows.series), dtype=fields)
    block["columns"] = 4
    block["length_1"], block["series"] = 4, rows.series
    block["length_2"], block["time"] = 8, rows.times
    block["length_3"] = 8 if with_value else -1
    if with_value:
        block["value"] = rows.values
    block["length_4"], block["flag"] = 2, rows.flags
    return block.tobytes()
