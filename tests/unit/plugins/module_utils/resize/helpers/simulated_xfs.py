# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""xfs in memory, with the tools of xfsprogs 6.1 as the recordings of the lab show them."""

from __future__ import annotations

from dataclasses import dataclass

from simulated_host import Answer, SimulatedHost
from simulated_volume import EXTENT, FileSystem


@dataclass
class Xfs(FileSystem):
    """Sizes in blocks; ``group`` is an allocation group. ``unknown_feature``: this kernel cannot mount it."""

    kind: str = "xfs"
    group: int = 38400
    unknown_feature: bool = False

    def fitted(self, blocks: int) -> int:
        """What xfs_growfs makes of a wish for so many blocks."""
        return blocks - blocks % self.group if blocks % self.group < 64 else blocks


def _xfs_growfs(host: SimulatedHost, args: list[str]) -> Answer:
    volume, fs = host.by_mountpoint(args[-1])
    count = -(-fs.blocks // fs.group)
    text = (
        f"meta-data={volume.path} isize=512    agcount={count}, agsize={fs.group} blks\n"
        "         =                       sectsz=512   attr=2, projid32bit=1\n"
        f"data     =                       bsize={fs.block_size}   blocks={fs.blocks}, imaxpct=25\n"
        "log      =internal log           bsize=4096   blocks=16384, version=2\n"
    )
    if "-n" in args:
        return 0, text, ""
    wanted = int(args[2])
    if wanted * fs.block_size > volume.extents * EXTENT:
        return 1, text, "data size too large, max is 1"
    if args[-1] in host.read_only_at:
        return 1, text, "xfs_growfs: XFS_IOC_FSGROWFSDATA xfsctl failed: Read-only file system"
    if volume.read_only or wanted < fs.blocks:
        return 1, text, "xfs_growfs: XFS_IOC_FSGROWFSDATA xfsctl failed: Invalid argument"
    fs.blocks = fs.fitted(wanted)
    return 0, text + f"data blocks changed from 1 to {fs.blocks}\n", ""


def _xfs_db(host: SimulatedHost, args: list[str]) -> Answer:
    fs = host.by_device(args[-1])[1]
    return 0, f"blocksize = {fs.block_size}\ndblocks = {fs.blocks}\nagblocks = {fs.group}\n", ""


TOOLS = {"xfs_db": _xfs_db, "xfs_growfs": _xfs_growfs}
