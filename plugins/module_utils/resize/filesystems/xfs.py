# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""xfs: grown by xfs_growfs while it is mounted, for everybody or for xfs_growfs alone; never made smaller."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.commands import CommandFailed
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused, unreadable
from ansible_collections.foresight.capacity.plugins.module_utils.resize.private_mount import PrivateMount, check_private, mounted_twins
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Procedure, Step
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume

_LEAST_GROUP = 64  # XFS_MIN_AG_BLOCKS: the kernel leaves a smaller rest unused (xfs_growfs_data_private)
_GROUPS = re.compile(r"agcount=\d+,\s+agsize=(\d+) blks")
_DATA = re.compile(r"^data\s+=\s+bsize=(\d+)\s+blocks=(\d+),", re.MULTILINE)


class Geometry(t.NamedTuple):
    """The data section: its blocks, their size in bytes, and the blocks of an allocation group."""

    blocks: int
    block_size: int
    group_blocks: int

    def goal(self, volume_size: int) -> int:
        """Blocks that xfs_growfs makes of a volume of this size."""
        blocks = volume_size // self.block_size
        rest = blocks % self.group_blocks
        return blocks - rest if rest < _LEAST_GROUP and blocks > self.group_blocks else blocks


class Xfs:
    """An xfs file system."""

    def __init__(self, host: Host, volume: Volume, options: Options) -> None:
        self._host = host
        self._volume = volume
        self._options = options
        self._device = str(volume.lv["filesystem"]["device"])
        # A file system mounted over it would be the one that grows.
        places = [path for path in volume.mountpoints if host.carries(self._device, path)]
        # The kernel grows it only through a mount that is writable.
        self._mountpoint = next((path for path in places if not host.is_read_only(path)), places[0] if places else None)
        self.geometry = self._read()
        self.size: int | None = self.geometry.blocks * self.geometry.block_size
        self.places = volume.mountpoints

    def goal(self, volume_size: int) -> int:
        return self.geometry.goal(volume_size) * self.geometry.block_size

    def growth(self, volume_size: int) -> Procedure:
        self._host.require("xfs_growfs")
        goal = str(self.geometry.goal(volume_size))
        if self._mountpoint is None:
            return self._private_growth(goal)
        if self._volume.lv["filesystem"]["read_only"]:
            raise Refused("read_only", f"{self._volume.name} is mounted read-only at {self._mountpoint}; mount it read-write first.")
        return Procedure(after=[Step("grow_filesystem", "grow_failed", ["xfs_growfs", "-D", goal, self._mountpoint])])

    def _private_growth(self, goal: str) -> Procedure:
        check_private(self._host, self._volume, self._options.allow_mount, "larger")
        private = PrivateMount(self._host, self._volume)
        private.require()
        twins = mounted_twins(self._host, self._volume)
        if twins:
            raise Refused(
                "duplicate_uuid",
                f"{self._volume.name} cannot be mounted: {', '.join(twins)} has the same UUID and is mounted. Unmount that first, or give one of "
                f"them another UUID (xfs_admin -U generate).",
            )
        # A log to be replayed, a feature that this kernel does not know, a UUID that is taken: all of it shows before the volume is changed.
        rehearsal = Step("check_filesystem", "fsck_failed", private.changing(["xfs_growfs", "-n", private.place]))
        growing = Step("grow_filesystem", "grow_failed", private.changing(["xfs_growfs", "-D", goal, private.place]))
        return Procedure(before=[rehearsal], after=[growing])

    def shrinkage(self, volume_size: int) -> Procedure:
        raise Refused("shrink_not_supported", f"{self._volume.name} holds xfs, which cannot be made smaller.")

    def trouble(self) -> str | None:
        return None

    def _read(self) -> Geometry:
        try:
            if self._mountpoint is not None:
                return parse_geometry(self._host.reading.run(["xfs_growfs", "-n", self._mountpoint]).out)
            fields = ["blocksize", "dblocks", "agblocks"]
            answer = self._host.reading.run(["xfs_db", "-r", "-c", "sb 0", "-c", f"print {' '.join(fields)}", self._device]).out
            values = dict(line.split(" = ", 1) for line in answer.splitlines() if " = " in line)
            return Geometry(blocks=int(values["dblocks"]), block_size=int(values["blocksize"]), group_blocks=int(values["agblocks"]))
        except (CommandFailed, ValueError, KeyError) as failed:
            raise unreadable(f"the xfs file system on {self._device}", failed) from failed


def parse_geometry(text: str) -> Geometry:
    """The geometry from the output of C(xfs_growfs -n)."""
    groups, data = _GROUPS.search(text), _DATA.search(text)
    if groups is None or data is None:
        raise Refused("not_readable", f"xfs_growfs -n told no geometry, but: {text.strip()[:200]!r}.")
    return Geometry(blocks=int(data.group(2)), block_size=int(data.group(1)), group_blocks=int(groups.group(1)))
