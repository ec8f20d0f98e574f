# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One recording (facts documents over time) → the store."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.history.files import TextFile, open_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.recording import Line, RecordingReader, newest_documents
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import (
    Last,
    Observation,
    ObservedEntity,
    ObservedSample,
    observe,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import clean_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, Store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_progress import Progress
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_target import count_flags
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.notebook import merged, write_samples
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.shift import shift_of

_BATCH = 100_000
_SHOWN = 10


def import_documents(
    notebook: Store,
    path: str,
    *,
    now: int,
    max_skew: int,
    shift_to_now: bool,
    synthetic: bool,
    source: str,
    max_bad_rows: int,
    progress: Progress,
) -> dict[str, t.Any]:
    """Write what the documents of a recording give; to be called inside a transaction, so that all of it is in or nothing.

    What is known of live hosts stays as it is: they only get samples.

    :returns: counts, and what was wrong.
    :raises InputError: if the file is no recording; if shifted and true times would mix.
    """
    _header, newest, times = newest_documents(path, max_bad_lines=max_bad_rows)
    known = notebook.find_entities(kinds=["host"], hosts=sorted(newest))
    shift = shift_of(known, now - max(times.values()) if shift_to_now else None)
    live = {str(entity.host) for entity in known if not isinstance(entity.attributes.get("recorded"), dict)}
    with open_text(path) as file:
        reader = RecordingReader(file, max_bad_lines=max_bad_rows)
        synthetic = synthetic or reader.header.get("synthetic") is True
        target = _Target(notebook, live, synthetic)
        mark = {"shifted_by": shift, "source": source}
        hosts = _Hosts(mark, latest=now + max_skew)
        _read(file, reader, hosts, target, shift, progress)
    return {
        "path": path,
        "format": "recording",
        "note": clean_text(reader.header.get("note")),
        "rows": reader.rows,
        "bad_rows": reader.bad_rows + hosts.rejected,
        "bad": [*reader.bad, *hosts.problems][:_SHOWN],
        "empty": 0,
        "ambiguous_times": 0,
        "out_of_order": hosts.out_of_order,
        "duplicates": hosts.duplicates,
        "samples": target.samples,
        "flagged": target.flagged,
        "entities": len(target.numbers),
        "entities_made": target.made,
        "series": len(target.series),
        "first": target.first,
        "last": target.last,
        "shifted_by": shift,
        "synthetic": synthetic,
    }


def _read(file: TextFile, reader: RecordingReader, hosts: _Hosts, target: _Target, shift: int, progress: Progress) -> None:
    for line in reader.lines():
        observation = hosts.observe(line, line.observed_at + shift)
        if observation is not None:
            target.add(observation)
        progress.file("Importing", file, reader.rows)
    target.finish()


class _Hosts:
    """Observes the documents of each host in turn, each compared with the one before."""

    def __init__(self, mark: dict[str, t.Any], *, latest: int) -> None:
        self.out_of_order = 0
        self.duplicates = 0
        self.rejected = 0
        self.problems: list[str] = []
        self._mark = mark
        self._latest = latest
        self._last: dict[str, Last] = {}
        self._times: dict[str, set[int]] = {}

    def observe(self, line: Line, at: int) -> Observation | None:
        """Return what the documents of a line give, None if nothing (told)."""
        if at > self._latest:
            self._problem(line, f"is of {at}, in the future")
            return None
        last = self._last.get(line.host)
        seen = observe(line.host, line.facts, recorded_at=at, last=last, recorded=self._mark)
        times = self._times.setdefault(line.host, set())
        if seen.reason == "not_newer":
            # Without the one before there are no rates, but everything that is measured at once counts.
            seen = observe(line.host, line.facts, recorded_at=at, recorded=self._mark)
            self.out_of_order += at not in times
        elif seen.status == "recorded":
            self._last[line.host] = seen.next_last
        self.duplicates += at in times
        times.add(at)
        if seen.status != "recorded":
            self._problem(line, str(seen.message))
            return None
        return seen

    def _problem(self, line: Line, message: str) -> None:
        self.rejected += 1
        if len(self.problems) < _SHOWN:
            self.problems.append(f"line {line.number} {message}")


class _Target:
    """Writes samples in batches; entities are put once when they are first seen and once, as they last were, at the end."""

    def __init__(self, notebook: Store, live: set[str], synthetic: bool) -> None:
        self.numbers: dict[str, int] = {}
        self.series: set[tuple[str, str]] = set()
        self.flagged: dict[str, int] = {}
        self.samples = 0
        self.made = 0
        self.first: int | None = None
        self.last: int | None = None
        self._notebook = notebook
        self._live = live
        self._synthetic = synthetic
        self._newest: dict[str, ObservedEntity] = {}
        self._complete: dict[tuple[str, str], tuple[int, set[str]]] = {}
        self._pending: list[ObservedSample] = []

    def add(self, observation: Observation) -> None:
        """Take one observation."""
        for entity in observation.entities:
            known = self._newest.get(entity.identity)
            if known is None or entity.observed_at >= known.observed_at:
                self._newest[entity.identity] = entity if known is None else merged([known, entity])[0]
        at = observation.entities[0].observed_at
        for kind, identities in observation.complete.items():
            if at >= self._complete.get((observation.host, kind), (0, set()))[0]:
                self._complete[observation.host, kind] = at, identities
        self._pending += observation.samples
        if len(self._pending) >= _BATCH:
            self._flush()

    def finish(self) -> None:
        """Write what is left, and how every entity of a recorded host was last."""
        self._flush()
        rows = [EntityRow(*entity) for entity in self._newest.values() if entity.host not in self._live]
        self._notebook.put_entities(rows)
        for (host, kind), (_at, identities) in sorted(self._complete.items()):
            if host not in self._live:
                self._notebook.retire_unseen(kind, [host], identities)

    def _flush(self) -> None:
        new = [identity for identity in self._newest if identity not in self.numbers]
        for entity in self._notebook.find_entities(identities=new, current=None):
            self.numbers[entity.identity] = entity.id
        rows = [EntityRow(*self._newest[identity]) for identity in new if identity not in self.numbers]
        self.made += len(rows)
        self.numbers.update(self._notebook.put_entities(rows))
        samples, self._pending = self._pending, []
        if not samples:
            return
        self.samples += write_samples(self._notebook, self.numbers, samples, synthetic=self._synthetic)
        self.series.update((sample.identity, sample.metric) for sample in samples)
        count_flags(self.flagged, (sample.flag for sample in samples))
        first, last = min(sample.time for sample in samples), max(sample.time for sample in samples)
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)
