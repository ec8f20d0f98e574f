# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a tool on a file system that is mounted for it alone.

The mount lies in a mount namespace of its own: nobody else sees it or can use it, and it ends with the last process in it, whichever way
that ends. Nothing is left mounted.
"""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.block_devices import read_block_devices
from ansible_collections.foresight.capacity.plugins.module_utils.mounts import read_mounts
from ansible_collections.foresight.capacity.plugins.module_utils.resize.copies import copies
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume

# The namespace is ours alone, so any directory that exists will do: what lies in it is covered for nobody else.
_DIRECTORIES = ("/mnt", "/media", "/run")
# Nothing in it is executed, and set-user-id bits and devices mean nothing.
_HARMLESS = "nosuid,nodev,noexec"
_SCRIPT = 'mount="$1" mode="$2" type="$3" options="$4" device="$5" at="$6"; shift 6; "$mount" "$mode" -t "$type" -o "$options" "$device" "$at" && "$@"'


class PrivateMount:
    """The file system of one volume, which is not mounted, as a tool sees it that gets it mounted for itself."""

    def __init__(self, host: Host, volume: Volume) -> None:
        self._host = host
        self._filesystem = volume.lv["filesystem"]
        self.place = next((path for path in _DIRECTORIES if host.files.is_directory(path)), _DIRECTORIES[-1])

    def require(self) -> None:
        """Refuse when what it needs is not installed."""
        for tool in ("unshare", "mount", "sh"):
            self._host.require(tool)

    def changing(self, command: list[str], *options: str) -> list[str]:
        """The command that runs another one with the file system mounted at ``place``. Mounting it replays its log."""
        # Without it, mount falls back to read-only, and only warns.
        return self._wrapped("--rw", options, command)

    def reading(self, command: list[str], *options: str) -> list[str]:
        """The same, mounted read-only; with options of this type of file system that keep even its log as it is."""
        return self._wrapped("--read-only", options, command)

    def _wrapped(self, mode: str, options: tuple[str, ...], command: list[str]) -> list[str]:
        kind, device = str(self._filesystem["type"]), str(self._filesystem["device"])
        # Inside, nothing looks for tools in O(search_path).
        mounting = [self._found("mount"), mode, kind, ",".join([*options, _HARMLESS]), device, self.place]
        return [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            _SCRIPT,
            "sh",
            *mounting,
            self._found(command[0]),
            *command[1:],
        ]

    def _found(self, tool: str) -> str:
        return self._host.reading.find(tool) or tool


def check_private(host: Host, volume: Volume, allowed: bool, what: str) -> None:
    """Refuse what must not be mounted for the time of a resize: without permission, where it is hidden, or where somebody else holds it.

    ``what`` ends the sentence "... can be made ... only while it is mounted".
    """
    kind, name = volume.lv["filesystem"]["type"], volume.name
    if volume.mountpoints:
        raise Refused(
            "not_mounted",
            f"The {kind} file system of {name} can be made {what} only where one sees it; its mount point {volume.mountpoints[0]} lies under "
            f"another mount or cannot be read. Unmount what lies over it first.",
        )
    if volume.is_open:
        raise Refused(
            "in_use",
            f"{name} is in use although it is mounted nowhere that this session sees (another mount namespace, a guest, a device on top).",
        )
    if not allowed:
        raise Refused(
            "not_mounted",
            f"The {kind} file system of {name} can be made {what} only while it is mounted. Mount it first, or let it be mounted for the time of "
            f"the resize, where nobody else sees it (O(allow_mount)).",
        )


def mounted_twins(host: Host, volume: Volume) -> list[str]:
    """Other devices that bear the UUID of this file system and are mounted: copies of it, or what it is a copy of."""
    devices = read_block_devices(host.reading)
    mounted = {mount.number for mount in read_mounts(host.files)}
    numbers = {device.path: device.number for device in devices.values()}
    return [path for path in copies(devices, volume) if numbers[path] in mounted]
