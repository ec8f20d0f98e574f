# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a resize on a simulated host and gives the module's result."""

from __future__ import annotations

import time
import typing as t

import simulated_btrfs
import simulated_ext
import simulated_f2fs
import simulated_lvm
import simulated_private_mount
import simulated_swap
import simulated_vfat
import simulated_xfs
from simulated_btrfs import Btrfs
from simulated_ext import Ext
from simulated_f2fs import F2fs
from simulated_host import SimulatedHost, only_reads
from simulated_swap import Swap
from simulated_vfat import Vfat
from simulated_volume import EXTENT, FileSystem, Volume
from simulated_xfs import Xfs

from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands
from ansible_collections.foresight.capacity.plugins.module_utils.resize.flow import Resize
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.reading import Request
from ansible_collections.foresight.capacity.plugins.module_utils.resize.task import conclude
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

_KINDS = (simulated_btrfs, simulated_ext, simulated_f2fs, simulated_swap, simulated_vfat, simulated_xfs)
TOOLS = {name: tool for each in (simulated_lvm, simulated_private_mount, *_KINDS) for name, tool in each.TOOLS.items()}


class SimulatedCommands(Commands):
    """Finds what the simulated host has."""

    def __init__(self, machine: SimulatedHost) -> None:
        super().__init__(machine)
        self._machine = machine

    def find(self, tool: str) -> str | None:
        return self._machine.find(tool)


class SimulatedFiles(TargetFiles):
    """The files of the simulated host: /etc/fstab, the mounts, and what a test put there."""

    def __init__(self, machine: SimulatedHost) -> None:
        super().__init__()
        self._machine = machine

    def text(self, path: str) -> str | None:
        return self._machine.text(path)

    def names(self, path: str) -> list[str]:
        devices = [volume.path for volume in self._machine.volumes.values() if volume.active]
        inside = [name[len(path) + 1 :] for name in (*self._machine.files, *self._machine.links, *devices) if name.startswith(path + "/")]
        return sorted({name.split("/")[0] for name in inside})

    def link(self, path: str) -> str | None:
        return self._machine.links.get(path)


class HostOf(Host):
    """The Host of a simulated machine."""

    def __init__(self, machine: SimulatedHost) -> None:
        commands = SimulatedCommands(machine)
        super().__init__(commands, commands, machine.read_lvm, SimulatedFiles(machine))
        self._machine = machine

    def read_bytes(self, device: str, offset: int, count: int) -> bytes:
        return self._machine.read_bytes(device, offset, count)

    def carries(self, device: str, mountpoint: str) -> bool:
        return self._machine.carries(device, mountpoint)

    def is_read_only(self, mountpoint: str) -> bool:
        return mountpoint in self._machine.read_only_at


def ext4(extents: int, **more: object) -> Ext:
    """An ext4 file system as mkfs and resize2fs leave it on a volume of so many extents."""
    fs = Ext(blocks=extents * EXTENT // 4096, **more)
    fs.blocks = fs.fitted(fs.blocks)
    return fs


def xfs(extents: int, **more: object) -> Xfs:
    fs = Xfs(blocks=extents * EXTENT // 4096, **more)
    fs.blocks = fs.fitted(fs.blocks)
    return fs


def btrfs(extents: int, **more: object) -> Btrfs:
    return Btrfs(blocks=extents * EXTENT // 4096, **more)


def swap(extents: int, **more: object) -> Swap:
    return Swap(blocks=extents * EXTENT // 4096, **more)


def f2fs(extents: int, **more: object) -> F2fs:
    return F2fs(blocks=extents * EXTENT // 4096, **more)


def vfat(extents: int, **more: object) -> Vfat:
    return Vfat(blocks=extents * EXTENT // 512, **more)


class Kind(t.NamedTuple):
    """How to make a kind of file system that fills so many extents, where it is when in use, and its line of /etc/fstab."""

    make: t.Callable[[int], FileSystem]
    place: str = "/srv"
    fstab: str = "UUID=fs-uuid /srv auto defaults 0 2"


KINDS = {
    "btrfs": Kind(btrfs, fstab=f"UUID={simulated_btrfs.UUID} /srv auto defaults 0 2"),
    "ext4": Kind(ext4),
    "f2fs": Kind(f2fs),
    "swap": Kind(swap, "[SWAP]", f"UUID={simulated_swap.UUID} none swap sw,pri=7 0 0"),
    "vfat": Kind(vfat),
    "xfs": Kind(xfs),
}


def machine_with(volume: Volume, *others: Volume, free: int = 1000, **more: object) -> SimulatedHost:
    return SimulatedHost({each.name: each for each in (volume, *others)}, free, **{"tools": TOOLS, **more})


def data_volume(extents: int = 100, **more: object) -> Volume:
    """The volume vg0/data, ext4 mounted at /srv unless told otherwise."""
    return Volume(**{"name": "data", "uuid": "uuid-data", "extents": extents, "fs": ext4(extents), "mountpoints": ["/srv"], **more})


DEVICE = "/dev/mapper/vg0-data"


def resize(machine: SimulatedHost, extents: int, check_mode: bool = False, **request: object) -> dict:
    """The module's result for resizing vg0/data; options of ``Options`` and of ``Request`` are taken by name."""
    options = Options(**{name: request.pop(name) for name in Options._fields if name in request})
    wish = Request(**{"vg": "vg0", "lv": "data", "size": extents * EXTENT, "options": options, **request})
    return conclude(Resize(HostOf(machine), wish), check_mode, time.monotonic())


def shrink(machine: SimulatedHost, extents: int, **request: object) -> dict:
    return resize(machine, extents, **{"allow_shrink": True, **request})


def changes(machine: SimulatedHost) -> list[str]:
    """The changing commands a machine saw."""
    return [" ".join(call) for call in machine.calls if call != ["read_lvm"] and not only_reads(call)]


def programs(result: dict) -> list[str]:
    """The first words of the commands of a result."""
    return [command.split()[0] for command in result["commands"]]


FSTAB = "UUID=fs-uuid /srv ext4 defaults 0 2"


def shrinkable(extents: int = 150, used: int = 50 * EXTENT, fstab: str | None = FSTAB, **more: t.Any) -> SimulatedHost:
    """A host whose vg0/data has an ext4 file system, mounted at /srv unless told otherwise."""
    fs = more.pop("fs", None) or ext4(extents, used=used)
    host = {name: more.pop(name) for name in ("broken", "lvm_version", "missing") if name in more}
    return machine_with(data_volume(extents, fs=fs, **more), fstab=[fstab] if fstab else [], **host)
