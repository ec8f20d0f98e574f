# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logical volumes and file systems in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

EXTENT = 4 * 2**20


@dataclass
class FileSystem:
    """What every kind has; sizes in blocks, ``used`` in bytes.

    ``corrupt``: its check finds what it can repair; ``lost``: its volume was cut off below it, which nothing repairs.
    The kinds lie in simulated_KIND.py, with their tools in ``TOOLS``.
    """

    kind: str = ""
    blocks: int = 0
    block_size: int = 4096
    used: int = 0
    corrupt: bool = False
    lost: bool = False
    uuid: str = "fs-uuid"
    label: str | None = None

    @property
    def size(self) -> int:
        return self.blocks * self.block_size

    @property
    def overhead(self) -> int:
        """Blocks of its administration, which statvfs(3) leaves out of its size."""
        return 0


@dataclass
class Volume:
    name: str
    uuid: str
    extents: int
    fs: FileSystem | None = None
    mountpoints: list[str] = field(default_factory=list)
    read_only: bool = False
    writable: bool = True
    active: bool = True
    is_open: bool = False
    role: str = "plain"
    stack: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    in_progress: str | None = None
    segment: str = "linear"
    stripes: int = 1
    copies: int = 1
    origin: str = ""
    pool: str | None = None
    data_fraction: float | None = None
    metadata_fraction: float | None = None
    metadata_extents: int | None = None
    below: str = "linear"
    health: str = "-"
    fsck: int = 0
    reason: str | None = None
    more_signatures: list[str] = field(default_factory=list)
    mounted_as: str | None = None

    @property
    def path(self) -> str:
        return f"/dev/mapper/vg0-{self.name}"

    @property
    def names(self) -> set[str]:
        """How a line of /etc/fstab may call it."""
        named = {f"UUID={self.fs.uuid}", f"LABEL={self.fs.label}"} if self.fs else set()
        return {self.path, f"/dev/vg0/{self.name}", *named}
