# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recordings: facts documents of hosts over time, one JSON document a line.

The first line tells where the recording comes from, every further line is what the facts modules said of one host at one time::

    {"schema": "foresight.recording/1", "note": "two lab hosts, writer filling /data", "recorded_at": 1763700000, "synthetic": false}
    {"host": "lab1", "facts": {"foresight_node": {…}, "foresight_lvm": {…}}}

Times are those of the targets; nothing in the file is shifted. A file may be packed (gzip, xz).
"""

from __future__ import annotations

import gzip
import json
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.files import TextFile, open_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.admission import DOCUMENTS
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import check_number, is_host, show

SCHEMA = "foresight.recording/1"
_SHOWN_BAD_LINES = 10
_MAX_BAD_LINES = 100


class Line(t.NamedTuple):
    """The facts documents of one host at one time."""

    number: int
    host: str
    facts: dict[str, t.Any]
    observed_at: int


class RecordingReader:
    """Reads one open recording.

    :ivar header: what the first line says.
    :ivar bad: the first lines that could not be read, with their numbers.
    :raises InputError: if the file is no recording, or more than max_bad_lines lines of it cannot be read.
    """

    def __init__(self, file: TextFile, *, max_bad_lines: int = _MAX_BAD_LINES) -> None:
        self.rows = 0
        self.bad_rows = 0
        self.bad: list[str] = []
        self._file = file
        self._max_bad_lines = max_bad_lines
        self.header = self._header(file.lines.readline())

    def lines(self) -> t.Iterator[Line]:
        """Yield every line that can be read, in the order of the file.

        :raises InputError: if there is none.
        """
        for number, text in enumerate(self._file.lines, start=2):
            if not text.strip():
                continue
            self.rows += 1
            try:
                yield _line(number, text)
            except ValueError as error:
                self._bad(number, error)
        if self.rows == self.bad_rows:
            shown = f" The first problems: {'; '.join(self.bad)}." if self.bad else ""
            raise InputError(f"{self._file.path} holds no facts document that can be read.{shown}")

    def _header(self, text: str) -> dict[str, t.Any]:
        try:
            header = json.loads(text)
        except ValueError:
            header = None
        if not isinstance(header, dict) or header.get("schema") != SCHEMA:
            raise InputError(
                f"{self._file.path} does not begin with the line of a recording; needed is a JSON mapping with schema {SCHEMA}."
            )
        return header

    def _bad(self, number: int, error: ValueError) -> None:
        self.bad_rows += 1
        if len(self.bad) < _SHOWN_BAD_LINES:
            self.bad.append(f"line {number} {error}")
        if self.bad_rows > self._max_bad_lines:
            raise InputError(
                f"{self._file.path} has more than {self._max_bad_lines} lines that cannot be read (O(max_bad_rows)); nothing was imported. "
                f"The first: {'; '.join(self.bad[:3])}."
            ) from error


def is_recording(path: str) -> bool:
    """Tell whether a file begins as a recording does.

    :raises InputError: if it cannot be read.
    """
    # Read as latin-1, every byte is a text; a byte order mark then looks like this.
    with open_text(path, encoding="latin-1") as file:
        return file.lines.read(4).removeprefix("ï»¿").startswith("{")


def newest_documents(
    path: str, *, max_bad_lines: int = _MAX_BAD_LINES
) -> tuple[dict[str, t.Any], dict[str, dict[str, t.Any]], dict[str, int]]:
    """Return (header, the newest facts documents of each host, the time of the newest per host).

    :raises InputError: if the file is no recording, holds no document, or more than max_bad_lines lines of it cannot be read.
    """
    newest: dict[str, dict[str, t.Any]] = {}
    times: dict[str, int] = {}
    with open_text(path) as file:
        reader = RecordingReader(file, max_bad_lines=max_bad_lines)
        for line in reader.lines():
            documents = newest.setdefault(line.host, {})
            for name, document in line.facts.items():
                if name not in documents or document["observed_at"] >= documents[name]["observed_at"]:
                    documents[name] = document
            times[line.host] = max(line.observed_at, times.get(line.host, line.observed_at))
    return reader.header, newest, times


def write_recording(path: str, lines: t.Iterable[tuple[str, dict[str, t.Any]]], **header: t.Any) -> None:
    """Write a recording, packed if the path ends in C(.gz).

    :param lines: (host, facts documents by name) in the order of time.
    :param header: what the first line tells besides the schema: note, recorded_at, synthetic …
    """
    opener: t.Any = gzip.open if path.endswith(".gz") else open
    with opener(path, "wt", encoding="utf-8") as stream:
        stream.write(json.dumps({"schema": SCHEMA, **header}, sort_keys=True) + "\n")
        for host, facts in lines:
            documents = {name: facts[name] for name in DOCUMENTS if facts.get(name) is not None}
            stream.write(json.dumps({"host": host, "facts": documents}, separators=(",", ":")) + "\n")


def _line(number: int, text: str) -> Line:
    try:
        data = json.loads(text)
    except ValueError:
        raise ValueError("is no JSON") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(data, dict) or not isinstance(data.get("host"), str) or not isinstance(data.get("facts"), dict):
        raise ValueError("has no host or no facts")
    if not is_host(data["host"]):
        raise ValueError(f"is of {show(data['host'])}; needed is a host name without slashes or blanks")
    documents: dict[str, t.Any] = {}
    times = []
    for name in DOCUMENTS:
        document = data["facts"].get(name)
        if document is None:
            continue
        at, problem = check_number(document.get("observed_at")) if isinstance(document, dict) else (None, None)
        if at is None or problem:
            raise ValueError(f"has a {name} without the time of its observation (observed_at)")
        documents[name] = document
        times.append(int(at))
    if not times:
        raise ValueError(f"has none of the documents {', '.join(DOCUMENTS)}")
    return Line(number, data["host"], documents, max(times))
