# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fastest road from rows to arrays on each engine, block by block, so that memory stays small."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import raw_connection
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session

_ROWS = 100_000


class Block(t.NamedTuple):
    """Some rows of a bulk read; all arrays have one length."""

    series: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]


def one_of(dialect: str, numbers: npt.NDArray[np.int64]) -> str:
    """Return the SQL condition that follows a column and holds for each of the numbers (sorted, unique, at least one)."""
    first, last = int(numbers[0]), int(numbers[-1])
    if last - first == len(numbers) - 1:
        return f"BETWEEN {first} AND {last}"
    listed = ",".join(map(str, numbers.tolist()))
    return f"= ANY ('{{{listed}}}'::integer[])" if dialect == "postgresql" else f"IN (SELECT value FROM json_each('[{listed}]'))"


def blocks(session: Session, query: str, *, columns: int) -> Iterator[Block]:
    """Run a query for (series_id, time, value[, weight]) and yield its rows in blocks.

    :param columns: 3, or 4 with the weight; without one every weight is 1.
    """
    dtype = [("series", "i8"), ("time", "i8"), ("value", "f8"), ("weight", "f8")][:columns]
    with session.reading() as connection:
        cursor = raw_connection(connection).cursor()
        cursor.execute(query)
        while True:
            rows = cursor.fetchmany(_ROWS)
            if not rows:
                return
            table = np.fromiter(rows, dtype=dtype, count=len(rows))
            weights = table["weight"] if columns == 4 else np.ones(len(rows))
            yield Block(table["series"], table["time"], table["value"], weights)
