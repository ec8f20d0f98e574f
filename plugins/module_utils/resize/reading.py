# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was asked for, and what was found."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.resize import checks
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.base import FileSystem
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.registry import open_filesystem
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Reserve
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume, read_volume

State = t.Dict[str, t.Any]


class Request(t.NamedTuple):
    """What was asked for; sizes in bytes."""

    vg: str
    lv: str
    size: int
    expect_uuid: str | None = None
    expect_size: int | None = None
    reserve: Reserve = Reserve()
    options: Options = Options()


class Reading(t.NamedTuple):
    """The volume and its file system at one moment."""

    volume: Volume
    filesystem: FileSystem

    def state(self) -> State:
        """What C(before) and C(after) show of it."""
        return self.state_at(self.volume.size, self.filesystem.size, self.volume.mountpoints)

    def state_at(self, size: int, fs_size: int | None, mountpoints: list[str]) -> State:
        """What they would show with these sizes, mounted there."""
        goal = self.filesystem.goal(size)
        return {
            "uuid": self.volume.lv["uuid"],
            "size": size,
            "fs_type": (self.volume.lv["filesystem"] or {}).get("type"),
            "fs_size": fs_size,
            "fs_fills_volume": None if fs_size is None or goal is None else goal <= fs_size,
            "mountpoints": sorted(mountpoints),
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
    return Reading(volume, open_filesystem(host, volume, request.options))
