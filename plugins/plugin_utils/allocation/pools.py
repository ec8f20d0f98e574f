# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The thin pools that `allocate` takes, checked once and then trusted. Each part, data and metadata, is read as a volume of its own."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.documents import Volume, read_volumes
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields

# One mapping takes 64 bytes: what LVM itself reckons with when it makes or extends a pool (lvmthin(7)), and more than the 48 of the
# kernel (Documentation/admin-guide/device-mapper/thin-provisioning.rst), which names 2 MiB as the least.
METADATA_BYTES_PER_CHUNK, METADATA_LEAST = 64, 2 * 2**20
# LVM's own limit in older versions and with allocation/thin_pool_crop_metadata; newer ones take 15.88 GiB.
METADATA_MOST = int(15.81 * 2**30)

_PART_KEYS = ("demand_bytes", "demand_status", "demand_note", "demand_window_seconds", "history_mean_bytes", "forecast")


@dataclasses.dataclass(frozen=True, slots=True)
class Pool:
    """One thin pool; sizes in bytes.

    :ivar data, metadata: its parts as volumes that hold what they are large; metadata None = their size is not known.
    :ivar virtual: the sizes of its volumes together, None = not known.
    :ivar spare: size of the spare metadata of its VG, which LVM keeps as large as the largest metadata in it.
    :ivar matched: whether a pattern of the policy fits it, which is not enough to change it.
    """

    entity: str
    data: Volume
    metadata: Volume | None
    chunk: int | None
    virtual: int | None
    spare: int
    matched: bool
    autoextend: dict[str, t.Any] | None
    runway: dict[str, float | None]
    fastest: dict[str, t.Any] | None

    @property
    def overprovisioned(self) -> bool:
        """Return whether its volumes could fill more than it holds."""
        return self.virtual is not None and self.virtual > self.data.size_bytes

    def metadata_for(self, data_bytes: int) -> int | None:
        """Return the bytes of metadata that this much data should have at least, None where the size of a chunk is not known."""
        if self.chunk is None:
            return None
        return min(METADATA_MOST, max(METADATA_LEAST, -(-data_bytes // self.chunk) * METADATA_BYTES_PER_CHUNK))

    @property
    def most_data(self) -> int | None:
        """Return the bytes of data that the largest possible metadata can address."""
        return None if self.chunk is None else METADATA_MOST // METADATA_BYTES_PER_CHUNK * self.chunk


def read_pools(documents: t.Any) -> list[Pool]:
    """Return the pools, sorted by entity.

    :raises InputError: for anything but a list of pool documents with different entities.
    """
    if not isinstance(documents, list):
        raise InputError(f"pools is {type(documents).__name__}; needed is a list as of the lookup foresight.capacity.volumes (O(pools)).")
    pools = []
    for number, document in enumerate(documents, start=1):
        fields = Fields(document, f"Pool {number} of {len(documents)}", "pools[]")
        fields.name = f"Pool {fields.text('entity')}"
        pools.append(_pool(fields))
    pools.sort(key=lambda pool: pool.entity)
    for one, other in itertools.pairwise(pools):
        if one.entity == other.entity:
            raise InputError(f"{one.entity} appears twice; needed is each entity once (O(pools)).")
    return pools


def _pool(fields: Fields) -> Pool:
    data, metadata = fields.inner("data"), fields.inner("metadata")
    if data is None:
        raise fields.wrong("data", None, "a mapping with its size and demand")
    over, runway = fields.inner("overprovisioning"), fields.inner("runway")
    chunk = fields.optional_count("chunk_bytes")
    virtual = over.optional_count("virtual_bytes") if over else None
    size = data.count("size_bytes", least=1)
    fillable = virtual is None or virtual > size
    autoextend, fastest = fields.inner("autoextend"), fields.inner("fastest")
    return Pool(
        entity=fields.text("entity"),
        data=_part(fields, data, fields.text("entity"), seen=fillable),
        metadata=_part(fields, metadata, f"the metadata of {fields.text('entity')}", limits=False)
        if metadata and metadata.has("size_bytes")
        else None,
        chunk=chunk or None,
        virtual=virtual,
        spare=fields.count("spare_bytes", 0),
        matched=fields.flag("matched", False),
        autoextend=dict(autoextend.document) if autoextend else None,
        runway=dict(runway.document.get("seconds") or {}) if runway else {},
        fastest=dict(fastest.document) if fastest else None,
    )


def _part(pool: Fields, part: Fields, name: str, *, limits: bool = True, seen: bool = True) -> Volume:
    """Return a part as a volume.

    :param name: what messages call it.
    :param limits: whether the policy's smallest and largest size are those of this part.
    :param seen: whether it can fill up at all: only then little free space is a reason to grow.
    """
    size, used = part.count("size_bytes", least=1), part.optional_count("used_bytes")
    if used is not None and used > size:
        raise part.wrong("used_bytes", used, f"at most size_bytes, which is {size}")
    exactly = pool.flag("named_exactly", False)
    (volume,) = read_volumes(
        [
            {
                **{key: pool.document.get(key) for key in ("host", "vg", "lv", "uuid", "priority", "observed_at", "last_resized_at")},
                **{key: part.document.get(key) for key in _PART_KEYS},
                "entity": name,
                "size_bytes": size,
                "fs": {"type": "thin pool", "size": size, "used": used, "avail": size - used} if seen and used is not None else None,
                "mounted": True,
                "managed": pool.flag("managed", False) and exactly,
                # What it is named by decides whether it is managed; beyond that it is no volume of an unknown kind.
                "named_exactly": True,
                "min_bytes": pool.document.get("min_bytes") if limits else None,
                "max_bytes": pool.document.get("max_bytes") if limits else None,
                "copies": part.document.get("copies") or 1,
                "refused_reason": pool.document.get("refused_reason"),
            }
        ]
    )
    return volume
