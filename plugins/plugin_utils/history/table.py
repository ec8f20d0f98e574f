# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the columns of a CSV file mean."""

from __future__ import annotations

import csv
import dataclasses
import operator
import string
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.keys import parse_key
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.units import Conversion, conversion

_DELIMITERS = (",", ";", "\t", "|")
_COLUMN_FIELDS = {"metric", "unit", "entity"}


@dataclasses.dataclass(frozen=True)
class TableOptions:
    """How a CSV file is to be read; the fields are the options of import_history."""

    time_column: str
    time_format: str = "auto"
    time_zone: str | None = None
    ambiguous_times: str = "order"
    entity: str | None = None
    columns: dict[str, t.Any] | None = None
    metric_column: str | None = None
    value_column: str | None = None
    metrics: dict[str, t.Any] | None = None
    header: list[str] | None = None
    delimiter: str = "auto"
    decimal: str = "."
    encoding: str = "utf-8-sig"
    max_bad_rows: int = 100


class Template:
    """An entity key with columns in braces, such as C(lv:{host}/{vg}/{lv})."""

    def __init__(self, text: str, names: t.Sequence[str], path: str) -> None:
        self._text = text
        try:
            columns = [field for _literal, field, _format, _conversion in string.Formatter().parse(text) if field is not None]
        except ValueError as error:
            raise InputError(f"{text!r} is no entity template: {error} (O(entity)).") from error
        self._columns = columns
        positions = [position(name, names, path, "entity") for name in columns]
        self._fields: t.Callable[[t.Sequence[str]], t.Any] = operator.itemgetter(*positions) if positions else lambda row: ()
        self._single = len(positions) == 1
        self._keys: dict[t.Any, str] = {}

    def key(self, row: t.Sequence[str]) -> str:
        """Return the entity key of a row.

        :raises ValueError: if that is no entity key.
        """
        fields = self._fields(row)
        key = self._keys.get(fields)
        if key is None:
            values = (fields,) if self._single else fields
            parts = iter(values)
            key = "".join(
                literal + ("" if field is None else next(parts).strip())
                for literal, field, _format, _conversion in string.Formatter().parse(self._text)
            )
            try:
                self._keys[fields] = parse_key(key).text
            except InputError as error:
                raise ValueError(str(error)) from error
        return key


class Column(t.NamedTuple):
    """A column whose values are samples of one metric."""

    position: int
    template: Template
    conversion: Conversion


class Layout(t.NamedTuple):
    """Where a row's time, entities and values are. A long table has metric, value and metrics; a wide one has columns."""

    width: int
    time: int
    columns: tuple[Column, ...]
    template: Template | None
    metric: int
    value: int
    metrics: dict[str, Conversion]


def layout(options: TableOptions, names: t.Sequence[str], path: str) -> Layout:
    """Match the options with the names of a file's columns.

    :raises InputError: for a column the file does not have (those it has are listed), a wrong unit, an option missing.
    """
    time = position(options.time_column, names, path, "time_column")
    if options.columns:
        return Layout(len(names), time, _columns(options, names, path), None, -1, -1, {})
    if options.metric_column is None or options.value_column is None or not options.metrics:
        raise InputError(
            "Nothing says which columns hold values; needed is O(columns) (one column per metric), or O(metric_column), "
            "O(value_column) and O(metrics) (one row per value)."
        )
    return Layout(
        len(names),
        time,
        (),
        _template(options.entity, names, path),
        position(options.metric_column, names, path, "metric_column"),
        position(options.value_column, names, path, "value_column"),
        {str(name): _conversion(str(name), spec, "metrics") for name, spec in options.metrics.items()},
    )


def _columns(options: TableOptions, names: t.Sequence[str], path: str) -> tuple[Column, ...]:
    common = _template(options.entity, names, path) if options.entity is not None else None
    columns = []
    for name, spec in (options.columns or {}).items():
        own = spec.get("entity") if isinstance(spec, dict) else None
        template = Template(own, names, path) if isinstance(own, str) else common or _template(None, names, path)
        columns.append(Column(position(str(name), names, path, "columns"), template, _conversion(str(name), spec, "columns")))
    return tuple(columns)


def _template(text: str | None, names: t.Sequence[str], path: str) -> Template:
    if text is None:
        raise InputError(
            "Nothing says whose values these are; needed is an entity key or a template such as lv:{host}/{vg}/{lv} (O(entity))."
        )
    return Template(text, names, path)


def _conversion(name: str, spec: t.Any, option: str) -> Conversion:
    if isinstance(spec, str):
        spec = {"metric": spec}
    if not isinstance(spec, dict) or not isinstance(spec.get("metric"), str) or not set(spec) <= _COLUMN_FIELDS:
        raise InputError(f"{name!r} in O({option}) is {spec!r}; needed is a metric, or a mapping with metric and perhaps unit, entity.")
    unit = spec.get("unit")
    return conversion(spec["metric"], None if unit is None else str(unit))


def position(name: str, names: t.Sequence[str], path: str, option: str) -> int:
    """Return the place of a column.

    :raises InputError: if there is none of that name, or more than one.
    """
    found = [index for index, known in enumerate(names) if known == name]
    if len(found) == 1:
        return found[0]
    seen = ", ".join(repr(known) for known in names[:40]) + (" …" if len(names) > 40 else "")
    problem = "has no column" if not found else f"has {len(found)} columns"
    raise InputError(f"{path} {problem} {name!r}; its columns are {seen} (O({option})).")


def find_delimiter(sample: t.Sequence[str], decimal: str, path: str) -> str:
    """Return the delimiter that divides most of the first lines of a file into as many fields as its header has, the most of them.

    :raises InputError: if there is none.
    """
    fields = {delimiter: _regular_fields(sample, delimiter) for delimiter in _DELIMITERS if delimiter != decimal}
    best = max(fields, key=lambda delimiter: fields[delimiter])
    if fields[best] < 2:
        raise InputError(f"{path}: no comma, semicolon, tab or bar divides its first lines evenly; name the delimiter (O(delimiter)).")
    return best


def _regular_fields(sample: t.Sequence[str], delimiter: str) -> int:
    counts = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    return counts[0] if counts and 2 * counts.count(counts[0]) > len(counts) else 0
