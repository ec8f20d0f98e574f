# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading samples of thousands of series into aligned arrays, in one query."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import bulk
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    import numpy.typing as npt

How = t.Literal["last", "mean", "max", "min"]
HOWS: tuple[How, ...] = ("last", "mean", "max", "min")

_COLUMNS = {"last": ("value", "last"), "mean": ("value", "mean"), "max": ("value", "maximum"), "min": ("value", "minimum")}


class SampleReading(Session):
    """Aligned arrays of good samples, raw and rolled up alike."""

    def read_samples(self, series_ids: npt.ArrayLike, *, start: int, end: int, step: int, how: How = "last") -> npt.NDArray[np.float64]:
        """Return the good samples as a float64 array [n, t]; NaN where a bucket has none.

        Bucket i is [start + i·step, start + (i+1)·step), t = ceil((end - start) / step). What retention rolled up counts as
        one value at the time of its newest sample (its mean weighs as many samples as it holds).

        :param series_ids: int [n], ids given by put_series; one that repeats is read once and repeated.
        :param start: first second of the first bucket, UTC.
        :param end: first second after the last bucket.
        :param step: seconds per bucket.
        :param how: what stands for several samples in one bucket.
        :raises StoreError: for an empty time range, a step below 1, or an unknown ``how``.
        """
        if how not in HOWS:
            raise StoreError(f"Cannot read samples by {how!r}; needed is one of {', '.join(HOWS)}.")
        start, end, step = int(start), int(end), int(step)
        if step < 1 or end <= start:
            raise StoreError(
                f"Cannot read samples from {start} to {end} in steps of {step} s; needed are start < end and a step of at least 1 s."
            )
        wanted, inverse = np.unique(np.asarray(series_ids, dtype=np.int64).ravel(), return_inverse=True)
        buckets = math.ceil((end - start) / step)
        grid = _Grid(wanted, start, step, buckets, how)
        if len(wanted):

            def sources(series: npt.NDArray[np.int64]) -> list[bulk.Source]:
                return _sources(self.dialect, series, start, end, how)

            for part in bulk.blocks(self, wanted, sources, weighted=how == "mean", expected=len(wanted) * buckets):
                grid.add(part)
        values = grid.finished()
        return values if np.array_equal(inverse, np.arange(len(inverse))) else values[inverse]

    def sample_times(self, series_ids: npt.ArrayLike, *, start: int, end: int) -> dict[int, npt.NDArray[np.int64]]:
        """Return by series id the times of its good samples from start to before end, in order; of a rolled-up hour or day its newest.

        :param series_ids: int [n], ids given by put_series.
        """
        wanted = np.unique(np.asarray(series_ids, dtype=np.int64).ravel())
        series, times = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
        if len(wanted):

            def sources(some: npt.NDArray[np.int64]) -> list[bulk.Source]:
                return _sources(self.dialect, some, int(start), int(end), "last")

            for part in bulk.blocks(self, wanted, sources, weighted=False, expected=len(wanted)):
                series.append(part.series)
                times.append(part.times)
        rows, moments = np.concatenate(series), np.concatenate(times)
        order = np.lexsort((moments, rows))
        ends = np.searchsorted(rows[order], wanted, side="right")
        return dict(zip(wanted.tolist(), np.split(moments[order], ends[:-1]), strict=True)) if len(wanted) else {}


class _Grid:
    """Collects blocks of rows, in whatever order they come, into buckets."""

    def __init__(self, series: npt.NDArray[np.int64], start: int, step: int, buckets: int, how: How) -> None:
        self._series, self._start, self._step, self._buckets, self._how = series, start, step, buckets, how
        size = len(series) * buckets
        self._values = np.full(size, 0.0 if how == "mean" else np.nan)
        self._offsets = np.full(size, -1, dtype=np.int32 if step < 2**31 else np.int64) if how == "last" else None
        self._weights = np.zeros(size) if how == "mean" else None
        # ids that follow one another need no search
        self._dense = len(series) > 0 and int(series[-1] - series[0]) == len(series) - 1

    def add(self, block: bulk.Block) -> None:
        row = block.series - self._series[0] if self._dense else np.searchsorted(self._series, block.series)
        bucket, offset = np.divmod(block.times - self._start, self._step)
        cell = row * self._buckets + bucket
        if self._offsets is not None:
            offset = offset.astype(self._offsets.dtype)
            np.maximum.at(self._offsets, cell, offset)
            newest = self._offsets[cell] == offset
            self._values[cell[newest]] = block.values[newest]
        elif self._weights is not None and block.weights is not None:
            np.add.at(self._values, cell, block.values * block.weights)
            np.add.at(self._weights, cell, block.weights)
        elif self._how == "max":
            np.fmax.at(self._values, cell, block.values)
        else:
            np.fmin.at(self._values, cell, block.values)

    def finished(self) -> npt.NDArray[np.float64]:
        if self._weights is not None:
            with np.errstate(invalid="ignore"):
                np.divide(self._values, self._weights, out=self._values)  # 0 / 0 is NaN: no sample
        return self._values.reshape(len(self._series), self._buckets)


def _sources(dialect: str, series: npt.NDArray[np.int64], start: int, end: int, how: How) -> list[bulk.Source]:
    chosen = f"series_id {bulk.one_of(dialect, series)}"
    raw, summary = _COLUMNS[how]
    sources = [
        bulk.Source(
            "sample",
            "time",
            raw,
            "CAST(1 AS double precision)",
            f"{chosen} AND time >= {start} AND time < {end} AND flag = 0 AND value IS NOT NULL",
        )
    ]
    for table, period in (("sample_hour", 3600), ("sample_day", 86400)):
        where = f"{chosen} AND time > {start - period} AND time < {end} AND last_time >= {start} AND last_time < {end}"
        sources.append(bulk.Source(table, "last_time", summary, "CAST(count AS double precision)", where))
    return sources
