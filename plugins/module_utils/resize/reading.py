# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was asked for, and what was found."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.resize import checks, mounting
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.base import FileSystem
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.registry import open_filesystem
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.pool import ThinPool
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Reserve
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume, read_volume

State = t.Dict[str, t.Any]


class Request(t.NamedTuple):
    """What was asked for; sizes in bytes. ``freed``: what earlier tasks free in the group, which in check mode they only tell."""

    vg: str
    lv: str
    size: int
    expect_uuid: str | None = None
    expect_size: int | None = None
    reserve: Reserve = Reserve()
    options: Options = Options()
    metadata_size: int | None = None
    expect_metadata_size: int | None = None
    freed: int = 0


class Reading(t.NamedTuple):
    """The volume and what is on it at one moment."""

    volume: Volume
    filesystem: FileSystem | ThinPool
    fs_type_in_use: str | None = None

    @property
    def extents_besides(self) -> int:
        """Extents of the group that the request takes besides those of the volume itself."""
        return self.filesystem.extents if isinstance(self.filesystem, ThinPool) else 0

    @property
    def metadata_size(self) -> int | None:
        """Bytes that the metadata of a thin pool shall have; None for other volumes."""
        return self.filesystem.metadata_size if isinstance(self.filesystem, ThinPool) else None

    def state(self) -> State:
        """What C(before) and C(after) show of it."""
        metadata_size, fs_type = self.volume.lv.get("metadata_size"), (self.volume.lv["filesystem"] or {}).get("type")
        return self._state(self.volume.size, self.filesystem.size, fs_type, self.volume.mountpoints, metadata_size)

    def state_at(self, size: int, fs_size: int | None) -> State:
        """What they would show with these sizes, when all is done."""
        return self._state(size, fs_size, self.fs_type_in_use, self.filesystem.places, self.metadata_size)

    def _state(self, size: int, fs_size: int | None, fs_type: str | None, mountpoints: list[str], metadata_size: int | None) -> State:
        goal = self.filesystem.goal(size)
        return {
            "uuid": self.volume.lv["uuid"],
            "size": size,
            "fs_type": fs_type,
            "fs_size": fs_size,
            "fs_fills_volume": None if fs_size is None or goal is None else goal <= fs_size,
            "mountpoints": sorted(mountpoints),
            "metadata_size": metadata_size,
        }


def read(host: Host, request: Request) -> Reading:
    """Read the volume and its file system. Raises Refused for what cannot be read, and for what is never changed."""
    volume = read_volume(host, request.vg, request.lv)
    if request.expect_uuid not in (None, volume.lv["uuid"]):
        raise Refused(
            "precondition_changed",
            f"{volume.name} has the uuid {volume.lv['uuid']}, expected {request.expect_uuid} (O(expect.uuid)): "
            f"it is another volume of the same name. Plan again.",
        )
    checks.check_manageable(volume)
    if volume.lv["role"] == "pool":
        return Reading(volume, ThinPool(host, volume, request.options.named_exactly, request.metadata_size))
    if request.metadata_size is not None:
        raise Refused("wrong_option", f"{volume.name} is no thin pool and has no metadata to resize (O(metadata_size)).")
    filesystem = open_filesystem(host, volume, request.options)
    return Reading(volume, filesystem, mounting.type_in_use(host, volume, filesystem.places))
