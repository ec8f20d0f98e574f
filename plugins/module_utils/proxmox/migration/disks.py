# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the disks of a guest are, from its configuration: which storages its target must have, and with how much room."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import Move
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.sight import Closer
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Lists

_LXC = re.compile(r"rootfs|mp\d+|unused\d+")
_QEMU = re.compile(r"(?:ide|sata|scsi|virtio|efidisk|tpmstate|unused)\d+")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_CONTENT = {"lxc": "rootdir", "qemu": "images"}


class Disk(t.NamedTuple):
    """One volume, or what a container mounts from its host (no storage)."""

    option: str
    storage: t.Optional[str]
    bytes: int
    shared: bool
    cdrom: bool


def disks(move: Move, config: t.Mapping[str, t.Any]) -> t.List[Disk]:
    """The volumes that a configuration names; an empty CD-ROM drive is none."""
    pattern = _LXC if move.kind == "lxc" else _QEMU
    found = []
    for key, value in sorted(config.items()):
        if not pattern.fullmatch(key):
            continue
        volume, parts = _parts(str(value))
        if volume in ("none", "cdrom"):
            continue
        storage = None if volume.startswith("/") else volume.partition(":")[0]
        cdrom = parts.get("media") == "cdrom" and "cloudinit" not in volume
        found.append(Disk(key, storage, _bytes(parts.get("size", "0")), parts.get("shared") == "1", cdrom))
    return found


def _parts(text: str) -> t.Tuple[str, t.Dict[str, str]]:
    parts = dict(part.partition("=")[::2] for part in text.split(",")[1:])
    first = text.split(",")[0]
    return first.partition("=")[2] if first.startswith(("file=", "volume=")) else first, parts


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text)
    return int(float(match[1]) * _UNITS[match[2]]) if match else 0


def check_disks(move: Move, seen: Closer, around: Lists) -> t.Dict[str, int]:
    """Check that the target has the storages of all disks.

    :returns: bytes that are copied, by storage that is not shared.
    :raises Refused: V(storage), V(local_resource).
    """
    needs: t.Dict[str, int] = {}
    for disk in disks(move, seen.config):
        if disk.storage is None:
            if not disk.shared:
                raise Refused(
                    "local_resource",
                    f"{move.guest} has {disk.option} on a path of {move.source} itself. "
                    "Needed is that it has none, or that it is marked shared=1 where all nodes have it.",
                )
            continue
        here, there = around.storages.get((move.source, disk.storage)), around.storages.get((move.target, disk.storage))
        if there is None or there.get("status") != "available":
            state = "does not have it" if there is None else f"has it as {there.get('status')}"
            raise Refused(
                "storage",
                f"{move.guest} has {disk.option} on {disk.storage}, and {move.target} {state}. Needed is that it has it, available.",
            )
        if (here or there).get("shared"):
            continue
        if disk.cdrom:
            raise Refused(
                "local_resource",
                f"{move.guest} has a CD-ROM image of {move.source} in {disk.option}. Needed is an empty drive, or one on shared storage.",
            )
        kinds = str(there.get("content", "")).split(",")
        if _CONTENT[move.kind] not in kinds:
            raise Refused(
                "storage",
                f"{move.guest} has {disk.option} on {disk.storage}, and {move.target} takes no {_CONTENT[move.kind]} there. "
                "Needed is that content type of the storage.",
            )
        needs[disk.storage] = needs.get(disk.storage, 0) + disk.bytes
    return needs
