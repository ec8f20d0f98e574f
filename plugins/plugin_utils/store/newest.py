# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ends of series: extent, newest samples, usual distance. None of them reads whole series except the count."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.store.bulk import one_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    import numpy.typing as npt

_GOOD = "flag = 0 AND value IS NOT NULL"
_STEPS = 50


class SampleEnds(Session):
    """Questions about the ends of series; every answer has the order of the ids asked for."""

    def sample_extent(self, series_ids: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return (first, last, count) of the good samples, int64 [n] each; -1, -1, 0 without any.

        The first time of a rolled-up history is the start of its first hour or day.
        """
        wanted, inverse = np.unique(np.asarray(series_ids, dtype=np.int64).ravel(), return_inverse=True)
        first = np.full(len(wanted), np.iinfo(np.int64).max)
        last = np.full(len(wanted), -1, dtype=np.int64)
        count = np.zeros(len(wanted), dtype=np.int64)
        for row in self._rows(wanted, _EXTENT):
            at = np.searchsorted(wanted, row[0])
            first[at], last[at], count[at] = min(first[at], row[1]), max(last[at], row[2]), count[at] + row[3]
        first[count == 0] = -1
        return first[inverse], last[inverse], count[inverse]

    def last_samples(self, series_ids: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Return (times, values) of the newest good sample of each series, int64 [n] and float64 [n]; -1 and NaN without any."""
        wanted, inverse = np.unique(np.asarray(series_ids, dtype=np.int64).ravel(), return_inverse=True)
        times = np.full(len(wanted), -1, dtype=np.int64)
        values = np.full(len(wanted), np.nan)
        for row in self._rows(wanted, _NEWEST):
            at = np.searchsorted(wanted, row[0])
            if row[1] > times[at]:
                times[at], values[at] = row[1], row[2]
        return times[inverse], values[inverse]

    def typical_step(self, series_ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the median distance in seconds of the newest 50 good samples of each series, int64 [n]; 0 with fewer than two."""
        wanted, inverse = np.unique(np.asarray(series_ids, dtype=np.int64).ravel(), return_inverse=True)
        steps = np.zeros(len(wanted), dtype=np.int64)
        for number, text in self._rows(wanted, _RECENT):
            times = np.sort(np.array(text.split(","), dtype=np.int64)) if text else np.empty(0, dtype=np.int64)
            if len(times) > 1:
                steps[np.searchsorted(wanted, number)] = int(np.median(np.diff(times)))
        return steps[inverse]

    def _rows(self, wanted: npt.NDArray[np.int64], query: str) -> list[t.Any]:
        if not len(wanted):
            return []
        text = query.format(
            chosen=one_of(self.dialect, wanted),
            listing="string_agg(CAST(time AS text), ',')" if self.dialect == "postgresql" else "group_concat(time)",
        )
        with self.reading() as connection:
            return list(connection.exec_driver_sql(text))


_EXTENT = f"""
SELECT series_id, min(time), max(time), count(*) FROM sample WHERE series_id {{chosen}} AND {_GOOD} GROUP BY series_id
UNION ALL SELECT series_id, min(time), max(last_time), sum(count) FROM sample_hour WHERE series_id {{chosen}} GROUP BY series_id
UNION ALL SELECT series_id, min(time), max(last_time), sum(count) FROM sample_day WHERE series_id {{chosen}} GROUP BY series_id
"""

# one look at the end of the index per series; CROSS JOIN keeps SQLite from beginning at the samples
_NEWEST = f"""
SELECT x.series_id, x.time, x.value FROM series s CROSS JOIN sample x WHERE s.id {{chosen}} AND x.series_id = s.id AND x.time =
  (SELECT time FROM sample WHERE series_id = s.id AND {_GOOD} ORDER BY time DESC LIMIT 1)
UNION ALL SELECT x.series_id, x.last_time, x.last FROM series s CROSS JOIN sample_hour x WHERE s.id {{chosen}} AND x.series_id = s.id AND x.time =
  (SELECT time FROM sample_hour WHERE series_id = s.id ORDER BY time DESC LIMIT 1)
UNION ALL SELECT x.series_id, x.last_time, x.last FROM series s CROSS JOIN sample_day x WHERE s.id {{chosen}} AND x.series_id = s.id AND x.time =
  (SELECT time FROM sample_day WHERE series_id = s.id ORDER BY time DESC LIMIT 1)
"""

_RECENT = f"""
SELECT s.id, (SELECT {{listing}} FROM (SELECT time FROM sample WHERE series_id = s.id AND {_GOOD} ORDER BY time DESC LIMIT {_STEPS}) AS newest)
FROM series s WHERE s.id {{chosen}}
"""
