# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows of a CSV file → samples, chunk by chunk, with everything counted that could not be taken as it was."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import math
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.files import TextFile
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.table import Layout, TableOptions, find_delimiter, layout
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.times import TimeReader
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.units import LARGEST, Conversion
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import CLOCK, IMPOSSIBLE, NAN, NEGATIVE

_SHOWN_BAD_ROWS = 10
_SAMPLE_LINES = 20
# What spreadsheets and exporters write for "no value". NaN is not among them: it was measured, and is flagged.
_NO_VALUE = frozenset(("", "-", "NA", "N/A", "n/a", "NULL", "null", "None", "\\N"))


class Chunk(t.NamedTuple):
    """Samples in the order of the file; series[i] is an index into TableReader.series."""

    series: list[int]
    times: list[int]
    values: list[float]
    flags: list[str | None]


@dataclasses.dataclass
class Tally:
    """What was read and what was wrong with it."""

    rows: int = 0
    bad_rows: int = 0
    bad: list[str] = dataclasses.field(default_factory=list)
    empty: int = 0
    out_of_order: int = 0


class TableReader:
    """Reads one open CSV file.

    :param now: UTC seconds; with max_skew, samples that lie further ahead are flagged.
    :ivar series: (entity key, conversion) of each series met so far.
    :raises InputError: for options that do not fit the file, more than max_bad_rows rows that cannot be read, no row at all.
    """

    def __init__(self, file: TextFile, options: TableOptions, *, now: int, max_skew: int) -> None:
        self.tally = Tally()
        self.series: list[tuple[str, Conversion]] = []
        self._file = file
        self._options = options
        self._latest = now + max_skew
        self._times = TimeReader(options.time_format, options.time_zone, options.ambiguous_times)
        self._index: dict[tuple[str, str], int] = {}
        self._previous: dict[tuple[str, str], int] = {}

    @property
    def ambiguous_times(self) -> int:
        """Return how many times occurred twice because clocks were set back."""
        return self._times.ambiguous_times

    def chunks(self, size: int = 100_000) -> t.Iterator[Chunk]:
        """Yield the samples in chunks of about so many."""
        reader, names = self._begin()
        table = layout(self._options, names, self._file.path)
        chunk = Chunk([], [], [], [])
        rows = self._rows(reader)
        for line, row in rows:
            if not row:
                continue
            self.tally.rows += 1
            try:
                self._row(row, table, chunk)
            except ValueError as error:
                self._bad(line, error)
            if len(chunk.times) >= size:
                yield chunk
                chunk = Chunk([], [], [], [])
        if self.tally.rows == self.tally.bad_rows:
            shown = f" The first problems: {'; '.join(self.tally.bad)}." if self.tally.bad else ""
            raise InputError(f"{self._file.path} holds no row that can be read.{shown}")
        if chunk.times:
            yield chunk

    def _begin(self) -> tuple[t.Any, list[str]]:
        """Return the rows below the header, and the names of the columns."""
        lines: t.Iterator[str] = self._file.lines
        sample = list(itertools.islice(lines, _SAMPLE_LINES))
        delimiter = self._options.delimiter
        if delimiter != "auto" and (len(delimiter) != 1 or delimiter in '\r\n"'):
            raise InputError(f'{delimiter!r} is no delimiter; needed is auto or a single character, a tab as "\\t" (O(delimiter)).')
        try:
            if delimiter == "auto":
                delimiter = find_delimiter(sample, self._options.decimal, self._file.path)
            reader = csv.reader(itertools.chain(sample, lines), delimiter=delimiter)
            return reader, [name.strip() for name in self._options.header or next(reader, [])]
        except csv.Error as error:
            raise InputError(f"{self._file.path} does not begin as a table does: {error}; needed is a CSV file (O(path)).") from error

    def _rows(self, reader: t.Any) -> t.Iterator[tuple[int, list[str]]]:
        while True:
            try:
                yield reader.line_num + 1, next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self.tally.rows += 1
                self._bad(reader.line_num, error)

    def _row(self, row: list[str], table: Layout, chunk: Chunk) -> None:
        if len(row) != table.width:
            raise ValueError(f"has {len(row)} fields, the header {table.width}")
        if table.template is None:
            self._wide(row, table, chunk)
            return
        key = table.template.key(row)
        rule = table.metrics.get(row[table.metric].strip())
        if rule is None:
            known = ", ".join(table.metrics)
            raise ValueError(f"has the metric {row[table.metric]!r}; O(metrics) names {known}")
        time = self._time(row[table.time], (key, rule.metric))
        self._value(row[table.value], key, rule, time, chunk)

    def _wide(self, row: list[str], table: Layout, chunk: Chunk) -> None:
        keys = [column.template.key(row) for column in table.columns]
        time = self._time(row[table.time], (keys[0], ""))
        problems = []
        for column, key in zip(table.columns, keys, strict=True):
            try:
                self._value(row[column.position], key, column.conversion, time, chunk)
            except ValueError as error:
                problems.append(str(error))
        if problems:
            raise ValueError("; ".join(problems))

    def _time(self, text: str, line: tuple[str, str]) -> int:
        """Return the time of a row; line names what the row goes on with: an entity, in a long table one metric of it."""
        previous = self._previous.get(line)
        time = self._times.read(text, lambda: previous)
        if previous is not None and time < previous:
            self.tally.out_of_order += 1
        self._previous[line] = time
        return time

    def _value(self, text: str, key: str, rule: Conversion, time: int, chunk: Chunk) -> None:
        text = text.strip()
        if text in _NO_VALUE:
            self.tally.empty += 1
            return
        if self._options.decimal != ".":
            # A point would be read as a decimal point otherwise, silently: 1.234 is a thousand here.
            text = text.replace(".", " ").replace(self._options.decimal, ".")
        try:
            value = float(text) * rule.factor
        except ValueError:
            raise ValueError(f"has the value {text!r}, which is no number") from None
        number = self._index.get((key, rule.metric))
        if number is None:
            number = self._index[key, rule.metric] = len(self.series)
            self.series.append((key, rule))
        chunk.series.append(number)
        chunk.times.append(time)
        chunk.values.append(value)
        chunk.flags.append(_flag(value, rule) or (CLOCK if time > self._latest else None))

    def _bad(self, line: int, error: Exception) -> None:
        self.tally.bad_rows += 1
        if len(self.tally.bad) < _SHOWN_BAD_ROWS:
            self.tally.bad.append(f"line {line} {error}")
        if self.tally.bad_rows > self._options.max_bad_rows:
            raise InputError(
                f"{self._file.path} has more than {self._options.max_bad_rows} rows that cannot be read (O(max_bad_rows)); nothing was "
                f"imported. The first: {'; '.join(self.tally.bad[:3])}."
            ) from error


def _flag(value: float, rule: Conversion) -> str | None:
    if math.isnan(value):
        return NAN
    if value < 0 and rule.nonnegative:
        return NEGATIVE
    if value > rule.upper or value < -LARGEST:
        return IMPOSSIBLE
    return None
