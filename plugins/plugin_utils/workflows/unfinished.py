# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes whose last resize was not finished: LVM grew the volume and its file system did not follow, or the other way round.

statvfs leaves the overhead of a file system out of its size, so one look cannot tell overhead from a missing second step. The
recorded history can: the overhead hardly changes when a volume grows, what a missing second step leaves is the growth itself. And
a file system that was larger on the same volume was made smaller for a shrinking that stopped there.
"""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.kinds import kind_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    import numpy.typing as npt

# Less than this share of a volume outside its file system is never a missing step worth looking up.
_SUSPECT_SHARE = 0.04
_LOOK_BACK_SECONDS = 7 * 86400
_BUCKETS = 512


def find_unfinished(notebook: Store, entities: Sequence[Entity], now: int) -> set[int]:
    """Return the ids of the entities (LVs) whose file system does not fill the volume because a resize stopped in between."""
    suspects = {entity.id: entity for entity in entities if _is_suspect(entity)}
    sizes = {series.entity_id: series.id for series in notebook.find_series(metric="size_bytes", entity_ids=list(suspects))}
    filesystems = {series.entity_id: series.id for series in notebook.find_series(metric="fs_size_bytes", entity_ids=list(suspects))}
    both = sorted(sizes.keys() & filesystems.keys())
    if not both:
        return set()
    first, _last, _count = notebook.sample_extent([sizes[number] for number in both])
    start = max(int(first.min()), now - _LOOK_BACK_SECONDS)
    step = max(1, -(-(now + 1 - start) // _BUCKETS))
    history = notebook.read_samples(
        [sizes[number] for number in both] + [filesystems[number] for number in both], start=start, end=max(now, start) + 1, step=step
    )
    found = set()
    for number, volume, filesystem in zip(both, history[: len(both)], history[len(both) :], strict=True):
        attributes = suspects[number].attributes
        size, total = attributes["size_bytes"], attributes["fs"]["size"]
        if _did_not_follow(volume, filesystem, size, total) or _went_ahead(volume, filesystem, size, total):
            found.add(number)
    return found


def _is_suspect(entity: Entity) -> bool:
    filesystem = entity.attributes.get("fs") or {}
    size, total = entity.attributes["size_bytes"], filesystem.get("size")
    return kind_of(filesystem.get("type")) is not None and bool(total) and size - total > size * _SUSPECT_SHARE


def _did_not_follow(volume: npt.NDArray[np.float64], filesystem: npt.NDArray[np.float64], size: int, total: int) -> bool:
    smaller = np.isfinite(volume) & np.isfinite(filesystem) & (volume < size)
    if not smaller.any():
        return False
    before = int(np.flatnonzero(smaller)[-1])
    grown = size - float(volume[before])
    followed = total - float(filesystem[before])
    return followed < grown / 2


def _went_ahead(volume: npt.NDArray[np.float64], filesystem: npt.NDArray[np.float64], size: int, total: int) -> bool:
    larger = (volume == size) & (filesystem > total + size * _SUSPECT_SHARE)
    return bool(larger.any())
