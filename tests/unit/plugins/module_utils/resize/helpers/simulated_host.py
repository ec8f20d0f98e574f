# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with volumes and mounts in memory: answers commands as the recordings of the lab show them, and can die at any of them.

What it says and what it refuses follows util-linux 2.38; LVM (simulated_lvm.py) and the file systems with their tools lie beside it, one
kind to a file. It shares no code with the collection.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from simulated_volume import EXTENT, FileSystem, Volume

# Exit status, output, errors; these tests run on Python 3.8 too, where a `tuple` takes no index.
Answer = t.Tuple[int, str, str]
_READING = {"lvs", "wipefs", "dumpe2fs", "xfs_db", "lsblk", "udevadm"}
# Words of commands that change nothing.
_ONLY_READING = {"--test", "-n", "-P", "--info", "--dry-run", "--read-only", "inspect-internal", "usage", "stats", "-V"}


def only_reads(args: list[str]) -> bool:
    """Whether a command is a question that changes nothing."""
    tool = args[1] if args[0] == "lvm" else args[0]
    return tool in _READING or bool(_ONLY_READING & set(args))


class Killed(BaseException):
    """SIGKILL: nothing of the module runs any more."""


@dataclass
class SimulatedHost:
    """``kill_at`` = (number of the call, "before" or "after"); ``broken`` = {tool: "fails" or "lies"}; ``at_call`` is called before each call.

    ``fstab`` are lines of /etc/fstab; ``files`` and ``links`` what else of the host is looked at; ``busy`` mount points that cannot be
    unmounted although nobody is seen there; ``spare`` extents of the spare copy of a pool's metadata; ``tools`` those of LVM and
    of the kinds of file systems in use, and what they show in /proc.
    """

    volumes: dict[str, Volume]
    free: int
    group: dict = field(default_factory=dict)
    kill_at: tuple[int, str] | None = None
    broken: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    read_only_at: set[str] = field(default_factory=set)
    lvm_version: str | None = None
    spare: int | None = None
    fstab: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    tools: dict = field(default_factory=dict)
    at_call: object = None
    calls: list[list[str]] = field(default_factory=list)

    # ---- what the module sees ------------------------------------------------------------------------------------

    def find(self, tool: str) -> str | None:
        return None if tool in self.missing else tool

    def carries(self, device: str, mountpoint: str) -> bool:
        return mountpoint not in self.hidden

    def text(self, path: str) -> str | None:
        """Content of a file."""
        if path == "/etc/fstab":
            return "".join(line + "\n" for line in self.fstab)
        if path == "/proc/self/mountinfo":
            places = [(number, volume, place) for number, volume in enumerate(self.volumes.values()) for place in volume.mountpoints]
            lines = [
                f"{30 + line} 1 253:{number} / {place} rw - {volume.fs.kind} {volume.path} rw"
                for line, (number, volume, place) in enumerate(places)
                if place.startswith("/")
            ]
            return "\n".join([*lines, self.files.get(path, "")])
        return self.tools[path](self) if path in self.tools else self.files.get(path)

    def read_bytes(self, device: str, offset: int, count: int) -> bytes:
        """Bytes of a device; its file system knows what they would be."""
        return self.by_device(device)[1].read_bytes(offset, count)

    def read_lvm(self) -> dict:
        return self._boundary(["read_lvm"], self._document)

    def __call__(self, args: list[str], **_options: object) -> Answer:
        tool = args[1] if args[0] == "lvm" else args[0]
        own = {"mount": self._mount, "umount": self._umount, "wipefs": self._wipefs}
        tool_answers = own[tool] if tool in own else lambda words: self.tools[tool](self, words)
        if tool in self.broken and not only_reads(args):
            verdict = (0, "", "") if self.broken[tool] == "lies" else (1, "", f"{tool}: something is wrong")
            return self._boundary(args, lambda: verdict)
        return self._boundary(args, lambda: tool_answers(args))

    def _boundary(self, args: list[str], answer):
        self.calls.append(args)
        if self.at_call is not None:
            self.at_call(self)
        number = len(self.calls) - 1
        if self.kill_at == (number, "before"):
            raise Killed
        given = answer()
        if self.kill_at == (number, "after"):
            raise Killed
        return given

    # ---- the document foresight_lvm ------------------------------------------------------------------------------

    def _document(self) -> dict:
        group = {"name": "vg0", "uuid": "vg-uuid", "extent_bytes": EXTENT, "extents_free": self.free, "tags": [], "lock_type": None}
        group.update(extents=self.free + sum(volume.extents for volume in self.volumes.values()))
        group.update(system_id=None, foreign=False, partial=False, exported=False)
        group.update(self.group)
        return {
            "available": True,
            "reason": None,
            "message": None,
            "lvm_version": self.lvm_version,
            "vgs": [group],
            "lvs": [self._entry(v) for v in self.volumes.values()],
        }

    def _entry(self, volume: Volume) -> dict:
        fs = volume.fs
        filesystem = {
            "type": self._type(volume),
            "uuid": fs.uuid if fs else None,
            "label": fs.label if fs else None,
            "device": volume.path,
            "devices": [volume.path],
            "size": fs.size - fs.overhead * fs.block_size if fs and volume.mountpoints else None,
            "used": fs.used if fs and volume.mountpoints else None,
            "mountpoints": list(volume.mountpoints),
            "read_only": volume.read_only if volume.mountpoints else None,
            "reason": volume.reason or ("unreadable" if self.is_hidden(volume) else None),
        }
        is_open = volume.is_open or bool(volume.mountpoints)
        return {
            "vg": "vg0",
            "name": volume.name,
            "uuid": volume.uuid,
            "size": volume.extents * EXTENT,
            "active": volume.active,
            "path": f"/dev/vg0/{volume.name}",
            "dm_path": volume.path,
            "segment_type": volume.segment,
            "attr": f"-{'w' if volume.writable else 'r'}i-a{'o' if is_open else '-'}--{volume.health}-",
            "metadata_size": None if volume.metadata_extents is None else volume.metadata_extents * EXTENT,
            "tags": volume.tags,
            "origin": volume.origin or None,
            "pool": volume.pool,
            "data_fraction": volume.data_fraction,
            "metadata_fraction": volume.metadata_fraction,
            "role": volume.role,
            "stack": volume.stack,
            "in_progress": volume.in_progress,
            "filesystem": filesystem if volume.active and volume.role != "pool" else None,
        }

    def _type(self, volume: Volume) -> str | None:
        if volume.fs is None or volume.reason == "unformatted":
            return None
        return volume.mounted_as if volume.mountpoints and volume.mounted_as else volume.fs.kind

    def is_hidden(self, volume: Volume) -> bool:
        return bool(volume.mountpoints) and self.hidden.issuperset(volume.mountpoints)

    # ---- mounts --------------------------------------------------------------------------------------------------

    def _mount(self, args: list[str]) -> Answer:
        (place,) = args[1:]
        line = next((line.split() for line in self.fstab if line.split()[1] == place), None)
        if line is None:
            return 1, "", f"mount: {place}: can't find in /etc/fstab."
        volume = next(volume for volume in self.volumes.values() if line[0] in volume.names)
        assert volume.fs is not None
        assert not volume.fs.lost, "a damaged file system was mounted"
        if place in volume.mountpoints:
            return 32, "", f"mount: {place}: {volume.path} already mounted on {place}."
        volume.mountpoints.append(place)
        volume.read_only = "ro" in line[3].split(",")
        volume.mounted_as = line[2] if line[2] != "auto" else None
        return 0, "", ""

    def _umount(self, args: list[str]) -> Answer:
        (place,) = args[1:]
        volume = next((volume for volume in self.volumes.values() if place in volume.mountpoints), None)
        if volume is None:
            return 32, "", f"umount: {place}: not mounted."
        if place in self.busy:
            return 32, "", f"umount: {place}: target is busy."
        volume.mountpoints.remove(place)
        return 0, "", ""

    # ---- file systems --------------------------------------------------------------------------------------------

    def by_device(self, device: str) -> tuple[Volume, FileSystem]:
        volume = next(volume for volume in self.volumes.values() if volume.path == device)
        assert volume.fs is not None
        return volume, volume.fs

    def by_mountpoint(self, mountpoint: str) -> tuple[Volume, FileSystem]:
        volume = next(volume for volume in self.volumes.values() if mountpoint in volume.mountpoints)
        assert volume.fs is not None
        return volume, volume.fs

    def _wipefs(self, args: list[str]) -> Answer:
        volume = next(volume for volume in self.volumes.values() if volume.path == args[-1])
        return 0, "".join(f"0x438,0388,,{kind}\n" for kind in [volume.fs.kind, *volume.more_signatures]) if volume.fs else "", ""
