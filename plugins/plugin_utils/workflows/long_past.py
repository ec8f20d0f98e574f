# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a volume held within a long past, and whether changing it failed of late: what `lv_allocate` wants to know before it makes one smaller."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.kinds import SWAP, kind_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import MOST_COOL_DOWN
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.standing import copies_freed
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    import numpy.typing as npt

Document = dict[str, t.Any]

METRIC = "used_bytes"
DAY = 86400
# How far back an outcome can still be the one that a cool-down counts from. The lookup does not know the cool-downs of the policy.
OUTCOMES_SECONDS = MOST_COOL_DOWN
# The file system of a fuller volume could not give anything: of that one nothing is read.
_FULL = 0.9
_FAILED = ("failed", "refused")


class LongPast:
    """The past of volumes that could be made smaller.

    :param notebook: the open store.
    :param found: the volumes.
    :param now: UTC seconds.
    :param seconds: how far to look back.
    """

    def __init__(self, notebook: Store, found: Sequence[Entity], now: int, seconds: int) -> None:
        spare = [entity for entity in found if _could_give(entity)] if seconds else []
        series = {one.id: one.entity_id for one in notebook.find_series(metric=METRIC, entity_ids=[entity.id for entity in spare])}
        self._peaks = _peaks(notebook, list(series), now, seconds) if series else {}
        self._by_entity = {entity_id: number for number, entity_id in series.items()}
        self._failed = _last_failed(notebook, {entity.key for entity in spare}, now) if spare else {}

    def of(self, entity: Entity) -> Document:
        """Return the keys of a volume document: the highest use, the length of the past that is known without a gap, the last failure, what it frees."""
        peak, known = self._peaks.get(self._by_entity.get(entity.id, -1), (None, None))
        return {
            "past_peak_bytes": peak,
            "past_seconds": known,
            "last_failed_at": self._failed.get(entity.key),
            "copies_freed": copies_freed(entity.attributes),
        }


def _could_give(entity: Entity) -> bool:
    filesystem = entity.attributes.get("fs") or {}
    kind = kind_of(filesystem.get("type"))
    used, size = filesystem.get("used"), filesystem.get("size")
    if kind is None or not kind.shrinks or filesystem.get("type") == SWAP or not filesystem.get("mountpoints"):
        return False
    return used is not None and size is not None and used < size * _FULL


def _peaks(notebook: Store, series: Sequence[int], now: int, seconds: int) -> dict[int, tuple[float, int]]:
    """Return (peak, known seconds) of each series that has samples: back from now to the first day without any, or its first sample."""
    bucket = min(DAY, seconds)
    buckets = -(-seconds // bucket)
    end = now + 1
    highest = notebook.read_samples(series, start=end - buckets * bucket, end=end, step=bucket, how="max")
    first, _last, _count = notebook.sample_extent(series)
    found = {}
    for number, days, begin in zip(series, highest, first, strict=True):
        known = _known_days(days)
        if known:
            found[number] = float(np.nanmax(days)), max(0, min(seconds, known * bucket, now - int(begin)))
    return found


def _known_days(days: npt.NDArray[np.float64]) -> int:
    """Return how many of the newest days have samples, up to the first that has none."""
    missing = np.flatnonzero(np.isnan(days[::-1]))
    return int(missing[0]) if len(missing) else len(days)


def _last_failed(notebook: Store, targets: set[str], now: int) -> Mapping[str, int]:
    times: dict[str, int] = {}
    outcomes = [one for one in notebook.find_outcomes(since=now - OUTCOMES_SECONDS) if one.status in _FAILED and one.target in targets]
    rehearsals = {run.id for run in notebook.find_runs() if run.check} if outcomes else set()
    for outcome in outcomes:
        if outcome.run_id not in rehearsals:
            times[outcome.target] = max(times.get(outcome.target, 0), outcome.started_at)
    return times
