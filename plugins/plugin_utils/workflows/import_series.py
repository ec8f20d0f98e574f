# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Points that a cluster told → samples of the series that `record` goes on with."""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.history.cluster_metrics import flags_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.cluster_source import Source, Told
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.timeframes import Points, merge
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.units import conversion
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, Store
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_target import SeriesTarget, count_flags
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.notebook import BACKFILLED, flag_number
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.shift import shift_of


class _CheckRun(Exception):
    """Takes the transaction of a check run back."""


class SeriesImport:
    """Writes what was told of some entities at a time, and how far each timeframe is known then, in one transaction.

    :param cluster: its name.
    :param latest: samples of a later time are flagged.
    :param check: take every transaction back.
    """

    def __init__(self, notebook: Store, cluster: str, *, latest: int, check: bool) -> None:
        self._notebook = notebook
        self._mark = {"shifted_by": 0, "source": f"proxmox:{cluster}"}
        self._latest = latest
        self._check = check
        self._samples = 0
        self._made = 0
        self._with_history = 0
        self._flagged: dict[str, int] = {}
        self._first: int | None = None
        self._last: int | None = None

    def told(self) -> dict[str, t.Any]:
        """Return the counts."""
        return {
            "samples": self._samples,
            "flagged": self._flagged,
            "entities_with_samples": self._with_history,
            "entities_made": self._made,
            "first": self._first,
            "last": self._last,
        }

    def write(self, answers: Sequence[tuple[Source, Told]]) -> None:
        """Write one batch.

        :raises InputError: for an entity whose history here has shifted times.
        """
        if not answers:
            return
        with contextlib.suppress(_CheckRun), self._notebook.transaction():
            shift_of(self._notebook.find_entities(keys=[source.key for source, _told in answers]), None)
            # Whatever is observed of an entity that is made here is newer than the begin of its history, and goes before what is made up.
            begin = min((int(part.times[0]) for part in _parts(answers)), default=0)
            target = SeriesTarget(self._notebook, self._mark, begin, synthetic=False)
            target.find(source.key for source, _told in answers)
            self._made += target.made
            self._samples += self._write_new(target, answers)
            self._note_known(answers)
            if self._check:
                raise _CheckRun

    def _write_new(self, target: SeriesTarget, answers: Sequence[tuple[Source, Told]]) -> int:
        wanted = [
            (source, metric, parts)
            for source, told in answers
            for metric, parts in told.parts.items()
            if any(len(part.times) for part in parts)
        ]
        if not wanted:
            return 0
        ids = target.series_ids([(source.key, conversion(metric, None)) for source, metric, _parts in wanted])
        stored = self._stored(ids, answers)
        numbers, times, values, flags = [], [], [], []
        for number, (source, metric, parts) in zip(ids.tolist(), wanted, strict=True):
            new = merge(parts, stored[number])
            found = flags_of(source.kind, metric, new, capacity=source.capacities.get(metric), latest=self._latest)
            count_flags(self._flagged, found)
            numbers.append(np.full(len(new.times), number, dtype=np.int64))
            times.append(new.times)
            values.append(new.values)
            flags += [flag_number(flag) for flag in found]
        together = np.concatenate(times)
        if not len(together):
            return 0
        self._with_history += len({source.key for (source, _metric, _parts), some in zip(wanted, times, strict=True) if len(some)})
        self._first = min(int(together.min()), self._first if self._first is not None else int(together.min()))
        self._last = max(int(together.max()), self._last or 0)
        return self._notebook.write_samples(np.concatenate(numbers), together, np.concatenate(values), flags)

    def _stored(self, ids: t.Any, answers: Sequence[tuple[Source, Told]]) -> dict[int, t.Any]:
        """Return the times that each series has samples of, as far back as the points reach."""
        start = min(int(part.times[0]) - part.step for part in _parts(answers))
        return self._notebook.sample_times(ids, start=start, end=max(int(part.times[-1]) for part in _parts(answers)) + 1)

    def _note_known(self, answers: Sequence[tuple[Source, Told]]) -> None:
        known = {source.key: told.known for source, told in answers}
        rows = []
        for entity in self._notebook.find_entities(keys=list(known)):
            attributes = {**entity.attributes, BACKFILLED: {**(entity.attributes.get(BACKFILLED) or {}), **known[entity.key]}}
            rows.append(EntityRow(entity.identity, entity.key, entity.kind, entity.host, attributes, entity.last_seen))
        self._notebook.put_entities(rows)


def _parts(answers: Sequence[tuple[Source, Told]]) -> list[Points]:
    """Return all points of a batch, series by series and timeframe by timeframe, those that are not empty."""
    return [part for _source, told in answers for parts in told.parts.values() for part in parts if len(part.times)]
