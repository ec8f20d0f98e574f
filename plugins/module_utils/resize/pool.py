# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thin pool: its data grows like any volume, its hidden metadata before that; neither ever shrinks."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Procedure, Step
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume

# The most that LVM gives it: DM_THIN_MAX_METADATA_SIZE of lvm2, in sectors of 512 bytes (15.81 GiB).
_MOST_METADATA = (255 * (1 << 14) * 8 - 256 * 1024) * 512
_HEALTH = 8  # Place of its letter in lv_attr (lvs(8)).
_UNHEALTHY = {"F": "it has failed", "M": "its metadata can only be read"}


class ThinPool:
    """What the flow asks of a file system, answered for a pool: there is none, only the metadata of this size."""

    size: int | None = None

    def __init__(self, host: Host, volume: Volume, named_exactly: bool, metadata_size: int | None) -> None:
        self._host = host
        self._volume = volume
        self._named_exactly = named_exactly
        self.places: list[str] = []
        now, extent = int(volume.lv["metadata_size"] or 0), volume.extent
        self.metadata_size = now if metadata_size is None else -(-metadata_size // extent) * extent

    @property
    def extents(self) -> int:
        """Extents of the group that the metadata takes besides what it has; its spare copy grows with it, or is made (lvmthin(7))."""
        volume = self._volume
        growth = (self.metadata_size - int(volume.lv["metadata_size"] or 0)) // volume.extent
        if growth <= 0 or volume.metadata is None:
            return 0
        return volume.metadata.physical(growth) + max(0, self.metadata_size // volume.extent - volume.spare_extents)

    def goal(self, volume_size: int) -> int | None:
        return None

    def growth(self, volume_size: int) -> Procedure:
        volume = self._volume
        if volume.metadata is None:
            raise Refused("pool", f"{volume.name} is a pool of another kind than thin; only thin pools are resized here.")
        if not self._named_exactly:
            raise Refused("pool", f"{volume.name} is a thin pool: it is resized only when it was named exactly (O(named_exactly)).")
        health = _UNHEALTHY.get(volume.lv["attr"][_HEALTH])
        if health:
            raise Refused("pool_failed", f"{volume.name} cannot be extended: {health}. Repair it first (lvconvert --repair {volume.name}).")
        now = int(volume.lv["metadata_size"] or 0)
        if self.metadata_size < now:
            raise Refused(
                "shrink_not_supported", f"The metadata of {volume.name} has {human(now)} and is never made smaller (O(metadata_size))."
            )
        if self.metadata_size > _MOST_METADATA:
            raise Refused("size_not_possible", f"The metadata of a thin pool has {human(_MOST_METADATA)} at most (O(metadata_size)).")
        if self.metadata_size == now:
            return Procedure()
        command = ["lvm", "lvextend", "--poolmetadatasize", f"{self.metadata_size}b", volume.name]
        tried = self._host.reading.run([*command, "--test"], check=False)
        if tried.rc != 0:
            raise Refused("not_resizable", f"LVM will not extend the metadata of {volume.name}: {tried.err.strip()[-300:]}")
        return Procedure(before=[Step("extend_metadata", "extend_failed", command)])

    def shrinkage(self, volume_size: int) -> Procedure:
        raise Refused("shrink_not_supported", f"{self._volume.name} is a thin pool, which cannot be made smaller.")

    def trouble(self) -> str | None:
        return None
