# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which strategy serves which type of file system."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.commands import CommandFailed
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.base import FileSystem, Strategy
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.btrfs import Btrfs
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.ext import Ext
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.f2fs import F2fs
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.none import NoFileSystem
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.swap import Swap
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.vfat import Vfat
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.xfs import Xfs
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused, unreadable
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume

_STRATEGIES: dict[str, Strategy] = {
    "btrfs": Btrfs,
    "ext2": Ext,
    "ext3": Ext,
    "ext4": Ext,
    "f2fs": F2fs,
    "swap": Swap,
    "vfat": Vfat,
    "xfs": Xfs,
}
# Not even "no file system" is known then, so no growth can be told to be complete, or harmless.
_UNKNOWN = {
    "unknown": "lsblk, which would show it, is missing or does not list it (package util-linux, or O(search_path))",
    "not_answering": "its file system does not answer; see the kernel log",
}


def open_filesystem(host: Host, volume: Volume, options: Options) -> FileSystem:
    """The strategy for what is on the volume, with its present size read. Raises Refused for what cannot be read or is not supported."""
    filesystem = volume.lv["filesystem"]
    kind = filesystem["type"] if filesystem else None
    if not volume.lv["active"]:
        raise Refused("inactive", f"{volume.name} is not active; activate it first (lvchange -ay {volume.name}).")
    reason = filesystem["reason"] if filesystem else None
    if reason in _UNKNOWN:
        raise Refused("not_readable", f"Cannot tell what is on {volume.name}: {_UNKNOWN[reason]}.")
    if filesystem and kind is None:
        _confirm_blank(host, volume, str(filesystem["device"]))
    return _STRATEGIES.get(str(kind), NoFileSystem)(host, volume, options)


def _confirm_blank(host: Host, volume: Volume, device: str) -> None:
    """Refuse a volume on which lsblk sees nothing although there is something.

    lsblk asks udev, which misses what is written while it works on an earlier event (seen in the lab, on a busy host). wipefs reads the
    device itself; with -p it only lists.
    """
    try:
        listed = host.reading.run(["wipefs", "-p", device]).out
    except CommandFailed as failed:
        raise unreadable(f"what is on {device}", failed) from failed
    found = [line.rsplit(",", 1)[-1] for line in listed.splitlines() if line and not line.startswith("#")]
    if len(found) > 1:
        raise Refused(
            "not_readable",
            f"{volume.name} holds {', '.join(found)}: nobody can tell which of them counts. Take away what does not (wipefs -o) and repeat the task.",
        )
    if found:
        raise Refused(
            "not_readable",
            f"lsblk sees nothing on {volume.name}, but it holds {', '.join(found)}: udev has not noticed. Let it look again "
            f"(udevadm trigger --settle {device}) and repeat the task.",
        )
