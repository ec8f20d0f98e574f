# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file system on a volume: what lies on top of it, where it is mounted, how full it is."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.block_devices import BlockDevice
from ansible_collections.foresight.capacity.plugins.module_utils.disk_usage import UNREADABLE, Measured, Usage
from ansible_collections.foresight.capacity.plugins.module_utils.held_devices import SWAP, active_swaps, btrfs_filesystems, device_number
from ansible_collections.foresight.capacity.plugins.module_utils.mounts import Mount, visible_mounts
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles, printable

# Signatures of layers, not of file systems: what carries one belongs to somebody above.
MEMBERS = {"LVM1_member", "bcache", "ceph_bluestore", "drbd", "DM_integrity", "DM_verity_hash", "stratis", "vdo", "zfs_member"}


class Volume(t.NamedTuple):
    """What filesystems need to know of a logical volume."""

    number: str | None
    paths: tuple[str, ...]
    is_active: bool
    is_open: bool


class Top(t.NamedTuple):
    """The uppermost device of a volume: its layers from the volume upwards, and why it carries no file system if it cannot."""

    number: str | None
    path: str | None
    stack: list[str]
    device: BlockDevice | None
    reason: str | None


def find_top(volume: Volume, devices: dict[str, BlockDevice]) -> Top:
    """Climb from a volume through encryption to the device that carries the file system."""
    stack: list[str] = []
    path = volume.paths[0] if volume.paths else None
    if not volume.is_active:
        return Top(None, None, stack, None, "inactive")
    number = volume.number
    device = devices.get(number or "")
    while device is not None:
        encrypted = device.fstype == "crypto_LUKS"
        above = [devices[child] for child in device.children if child in devices]
        crypt = [child for child in above if child.kind == "crypt"]
        if encrypted:
            stack.append("luks")
        elif crypt:
            stack.append("crypt")
        if encrypted and not crypt:
            return Top(number, path, stack, device, "locked")
        if len(crypt) != 1 or len(above) != 1:
            reason = _layer(device, above)
            return Top(number, path, stack + ([reason] if reason else []), device, reason)
        device = crypt[0]
        number, path = device.number, device.path
    return Top(number, path, stack, None, None)


def _layer(device: BlockDevice, above: list[BlockDevice]) -> str | None:
    """What else than a file system a device is used for."""
    fstype = device.fstype or ""
    if device.partition_table or any(child.kind == "part" for child in above):
        return "partitions"
    if fstype == "LVM2_member":
        return "physical_volume"
    if fstype in MEMBERS or fstype.endswith("_member") or any(child.kind not in ("lvm", "crypt") for child in above):
        return "member"
    return None


class MountTable:
    """Mounts and active swap by the devices that carry them."""

    def __init__(self, mounts: list[Mount], devices: dict[str, BlockDevice], volumes: list[Volume], files: TargetFiles) -> None:
        self._visible = {mount.identifier for mount in visible_mounts(mounts)}
        self._devices = devices
        numbers = {device.path: device.number for device in devices.values()}
        numbers.update((path, volume.number) for volume in volumes if volume.number for path in volume.paths)

        def number_of(path: str) -> str | None:
            return numbers.get(path) or device_number(files, path)

        # Of btrfs only those that are mounted, wherever.
        self._held = btrfs_filesystems(files)
        self._swaps = {number_of(path) for path in active_swaps(files)}
        self._by_number: dict[str, list[Mount]] = {}
        for mount in mounts:
            # btrfs shows a number of its own in the mount table; its source is one of its devices.
            number = (number_of(mount.source) or mount.number) if mount.fstype == "btrfs" else mount.number
            self._by_number.setdefault(number, []).append(mount)

    def siblings(self, top: Top) -> list[BlockDevice]:
        """All devices of a btrfs file system, in the order of their paths; else the one device."""
        device = top.device
        if device is None or device.fstype != "btrfs" or not device.uuid:
            return [] if device is None else [device]
        held = next((numbers for numbers in self._held if device.number in numbers), None)
        if held is not None:
            found = [self._devices[number] for number in held if number in self._devices]
        else:
            elsewhere: frozenset[str] = frozenset().union(*self._held)
            alike = [other for other in self._devices.values() if other.fstype == "btrfs" and other.uuid == device.uuid]
            found = [other for other in alike if other.number not in elsewhere]
        return sorted(found, key=lambda sibling: sibling.path)

    def mounts(self, top: Top) -> list[Mount]:
        """Where the file system on a device is mounted: the mounts of the whole of it first."""
        found: list[Mount] = []
        for number in [top.number or ""] + [device.number for device in self.siblings(top)]:
            found += [mount for mount in self._by_number.get(number, []) if mount not in found]
        return sorted(found, key=lambda mount: mount.directory != "/")

    def is_swap(self, top: Top) -> bool:
        """Whether the kernel swaps to a device."""
        return top.number is not None and top.number in self._swaps

    def measuring_point(self, mounts: list[Mount]) -> str | None:
        """A mount point that leads to the file system."""
        for mount in mounts:
            if mount.identifier in self._visible:
                return mount.mountpoint
        return None


def describe(top: Top, volume: Volume, table: MountTable, measured: dict[str, Measured]) -> dict[str, t.Any]:
    """The C(filesystem) of a volume in the C(foresight_lvm) document."""
    device = top.device
    mounts = table.mounts(top) if top.reason is None else []
    is_swap = top.reason is None and table.is_swap(top)
    known = "swap" if is_swap else device.fstype if device and top.reason != "locked" else None
    fstype = mounts[0].fstype if mounts else known
    entry: dict[str, t.Any] = {
        "type": fstype,
        "uuid": device.uuid if device and fstype else None,
        "label": device.label if device and fstype else None,
        "device": top.path,
        "devices": [sibling.path for sibling in table.siblings(top)] or ([top.path] if top.path else []),
        "size": None,
        "used": None,
        "avail": None,
        "inodes": None,
        "inodes_used": None,
        "mountpoints": [SWAP] if is_swap else list(dict.fromkeys(printable(mount.mountpoint) for mount in mounts)),
        "read_only": all(mount.read_only for mount in mounts) if mounts else None,
        "reason": top.reason or _reason(top, volume, mounts, fstype),
    }
    if mounts:
        point = table.measuring_point(mounts)
        answer = measured.get(point, UNREADABLE) if point else UNREADABLE
        if isinstance(answer, Usage):
            entry.update(answer._asdict())
        else:
            entry["reason"] = answer
    return entry


def _reason(top: Top, volume: Volume, mounts: list[Mount], fstype: str | None) -> str | None:
    """Why a device that could carry a mounted file system has no numbers."""
    if mounts:
        return None
    if fstype == "swap":
        return "swap"
    if top.device is None:
        return "unknown"
    # Open, and not by anything that we see: mounted in a container's namespace, or held by a virtual machine.
    if volume.is_open and not top.stack:
        return "in_use"
    return "not_mounted" if top.device.fstype else "unformatted"
