# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where imported samples go: the series of a store, found or made by entity key."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from ansible_collections.foresight.capacity.plugins.plugin_utils.history.keys import parse_key
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.units import Conversion
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, Store
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    import numpy.typing as npt

# A time has 34 bits until the year 2514, so series and time fit into one number.
_TIME_BITS = 34


class SeriesTarget:
    """Finds the series of entity keys; an entity nobody observed yet is made, with the mark of the import.

    :param mark: what made entities carry as C(recorded).
    :param seen_at: the time they get as their last observation, UTC seconds.
    """

    def __init__(self, notebook: Store, mark: dict[str, t.Any], seen_at: int, *, synthetic: bool) -> None:
        self.made = 0
        self._notebook = notebook
        self._mark = mark
        self._seen_at = seen_at
        self._synthetic = synthetic
        self._entities: dict[str, int] = {}
        self._series: list[int] = []

    def series_ids(self, series: list[tuple[str, Conversion]]) -> npt.NDArray[np.int64]:
        """Return the series id of each (key, conversion); the list only grows between calls."""
        new = series[len(self._series) :]
        if new:
            self.find({key for key, _rule in new})
            found = self._notebook.put_series((self._entities[key], rule.metric, rule.unit, self._synthetic) for key, rule in new)
            self._series += [found[self._entities[key], rule.metric] for key, rule in new]
        return np.asarray(self._series, dtype=np.int64)

    @property
    def entities(self) -> int:
        """Return how many entities have samples."""
        return len(self._entities)

    def find(self, wanted: Iterable[str]) -> None:
        """Make sure that the entities exist."""
        keys = sorted(set(wanted) - set(self._entities))
        if not keys:
            return
        for entity in self._notebook.find_entities(keys=keys):
            self._entities[entity.key] = entity.id
        rows = []
        for key in keys:
            if key not in self._entities:
                parsed = parse_key(key)
                attributes = {**parsed.blank_attributes(), "recorded": self._mark}
                rows.append(EntityRow(key, key, parsed.kind, parsed.host, attributes, self._seen_at))
        self._entities.update(self._notebook.put_entities(rows))
        self.made += len(rows)


class Duplicates:
    """Counts rows whose series and time occurred before in the file, in any order, with eight bytes per sample."""

    def __init__(self) -> None:
        self.count = 0
        self._runs: list[npt.NDArray[np.int64]] = []
        self._newest: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def add(self, series: npt.NDArray[np.int64], times: npt.NDArray[np.int64]) -> None:
        """Take the next samples of the file: index of the series and time of each."""
        keys = np.unique((series << _TIME_BITS) | times)
        self.count += len(series) - len(keys)
        self._grow(int(series.max()) + 1)
        numbers, moments = keys >> _TIME_BITS, keys & ((1 << _TIME_BITS) - 1)
        # What is newer than all before cannot be there already; only the rest is looked up.
        doubtful = keys[moments <= self._newest[numbers]]
        if len(doubtful):
            known = np.zeros(len(doubtful), dtype=bool)
            for run in self._runs:
                known |= run[np.minimum(np.searchsorted(run, doubtful), len(run) - 1)] == doubtful
            self.count += int(known.sum())
        np.maximum.at(self._newest, numbers, moments)
        while self._runs and len(self._runs[-1]) <= len(keys):
            keys = np.union1d(self._runs.pop(), keys)
        self._runs.append(keys)

    def _grow(self, size: int) -> None:
        if size > len(self._newest):
            self._newest = np.concatenate([self._newest, np.full(size - len(self._newest), -1, dtype=np.int64)])


def count_flags(counts: dict[str, int], flags: Iterable[str | None]) -> None:
    """Add the flags of some samples to the counts by flag."""
    for flag in flags:
        if flag is not None:
            counts[flag] = counts.get(flag, 0) + 1
