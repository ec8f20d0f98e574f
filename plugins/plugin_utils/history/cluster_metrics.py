# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The metrics that Proxmox VE keeps of nodes, guests and storages → the series that `record` goes on with (observation/cluster.py)."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.history.timeframes import Points
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import CLOCK, IMPOSSIBLE, NEGATIVE
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    import numpy.typing as npt

    Values = npt.NDArray[np.float64]

KINDS = ("node", "guest", "storage")
_LARGEST = 2.0**63


def read_points(kind: str, rows: Sequence[Mapping[str, t.Any]], step: int) -> dict[str, Points]:
    """Return the points of each metric; what a row does not tell is no point.

    :param kind: node, guest or storage.
    :param rows: as the API tells them, a missing value is a missing key.
    :param step: seconds between rows where there are too few to tell.
    :raises ValueError: for rows that are none, or hold something else than numbers.
    """
    if not all(isinstance(row, Mapping) and "time" in row for row in rows):
        raise ValueError("its points are no list of rows with a time")
    times = np.array([int(row["time"]) for row in rows], dtype=np.int64)
    order = np.argsort(times, kind="stable")
    times = times[order]
    if len(times) > 1:
        step = int(np.median(np.diff(times)))

    def column(name: str) -> Values:
        return np.array([row.get(name) for row in rows], dtype=np.float64)[order]

    found = {}
    for metric, values in _VALUES[kind](column).items():
        known = np.isfinite(values)
        found[metric] = Points(step, times[known], values[known])
    return found


def flags_of(kind: str, metric: str, points: Points, *, capacity: float | None, latest: int) -> list[str | None]:
    """Return why each point is kept out of models, None for a good one.

    :param capacity: what the entity has of it, if known; more than twice that is a misread number.
    :param latest: times after it are ahead of now.
    """
    most = 2.0 * capacity if kind == "node" and capacity else _LARGEST
    return [
        NEGATIVE if value < 0 else IMPOSSIBLE if value > most else CLOCK if time > latest else None
        for time, value in zip(points.times.tolist(), points.values.tolist(), strict=True)
    ]


def _of_node(column: t.Callable[[str], Values]) -> dict[str, Values]:
    cache = column("arcsize")
    # Before release 9 nothing is told of the ZFS cache, and it counts as used; where only some rows tell it, the others are not comparable.
    if not np.isfinite(cache).any():
        cache = np.zeros_like(cache)
    return {"cpu_cores": column("cpu") * column("maxcpu"), "memory_bytes": column("memused") - cache}


def _of_guest(column: t.Callable[[str], Values]) -> dict[str, Values]:
    memory = column("mem")
    # A guest that does not run uses nothing, and has no samples: zeros are not what it needs.
    memory = np.where(memory == 0.0, np.nan, memory)
    return {"cpu_cores": np.where(np.isnan(memory), np.nan, column("cpu") * column("maxcpu")), "memory_bytes": memory}


def _of_storage(column: t.Callable[[str], Values]) -> dict[str, Values]:
    return {"used_bytes": column("used")}


_VALUES: dict[str, t.Callable[[t.Callable[[str], Values]], dict[str, Values]]] = {
    "node": _of_node,
    "guest": _of_guest,
    "storage": _of_storage,
}
