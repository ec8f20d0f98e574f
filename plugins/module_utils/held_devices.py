# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which block devices the kernel holds as swap, and which of them together as one btrfs file system."""

from __future__ import annotations

import os

from ansible_collections.foresight.capacity.plugins.module_utils.mounts import unescaped
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

SWAP = "[SWAP]"
"""Where active swap is "mounted", in the words of lsblk."""


def btrfs_filesystems(files: TargetFiles) -> list[frozenset[str]]:
    """The numbers of the devices of each mounted btrfs, in whichever namespace it is mounted; none where sysfs does not tell.

    A UUID does not tell it: a snapshot by LVM, or any copy of a volume, bears the UUID of the file system that it was made of.
    """
    found = []
    for name in files.names("/sys/fs/btrfs"):
        devices = f"/sys/fs/btrfs/{name}/devices"
        numbers = [(files.text(f"{devices}/{device}/dev") or "").strip() for device in files.names(devices)]
        found.append(frozenset(number for number in numbers if number))
    return [numbers for numbers in found if numbers]


def active_swaps(files: TargetFiles) -> list[str]:
    """The paths of /proc/swaps, as the kernel names them: C(/dev/dm-3), a file."""
    return [unescaped(line.split()[0]) for line in files.lines("/proc/swaps")[1:] if line.split()]


def device_number(files: TargetFiles, path: str) -> str | None:
    """C(MAJOR:MINOR) of a device that is called by the kernel's own name for it."""
    directory, name = os.path.split(path)
    number = (files.text(f"/sys/class/block/{name}/dev") or "").strip() if directory == "/dev" else ""
    return number or None


def kernel_path(files: TargetFiles, path: str) -> str:
    """How the kernel calls a device below /dev/mapper: C(/dev/dm-3); another path stays as it is."""
    link = files.link(path)
    return f"/dev/{os.path.basename(link)}" if link is not None else path
