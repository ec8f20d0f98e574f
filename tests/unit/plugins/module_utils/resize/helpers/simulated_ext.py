# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ext2, ext3 and ext4 in memory, with the tools of e2fsprogs 1.47 as the recordings of the lab show them."""

from __future__ import annotations

from dataclasses import dataclass

from simulated_host import Answer, SimulatedHost
from simulated_volume import EXTENT, FileSystem


@dataclass
class Ext(FileSystem):
    """Sizes in blocks; ``inode_blocks`` and ``reserved`` are what a group needs at least.

    ``seen_used``: bytes in use as a superblock tells them that was written before a crash.
    """

    kind: str = "ext4"
    group: int = 32768
    inode_blocks: int = 512
    reserved: int = 63
    state: str = "clean"
    seen_used: int | None = None
    features: str = "has_journal resize_inode extent 64bit flex_bg sparse_super metadata_csum"

    def fitted(self, blocks: int) -> int:
        """What resize2fs makes of a wish for so many blocks."""
        number, rest = divmod(blocks, self.group)
        with_backup = number in (0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125)
        overhead = 2 + self.inode_blocks + (1 + -(-(number + 1) * 64 // self.block_size) + self.reserved if with_backup else 0)
        return blocks - rest if number and 0 < rest < overhead + 50 else blocks

    @property
    def overhead(self) -> int:
        """Blocks of its administration."""
        return -(-self.blocks // self.group) * (self.inode_blocks + 2)

    @property
    def is_outdated(self) -> bool:
        """Whether its superblock is from before a crash."""
        return "needs_recovery" in self.features or ("has_journal" not in self.features and self.state != "clean")

    @property
    def least(self) -> int:
        """Blocks below which resize2fs does not go."""
        return self.used // self.block_size + self.overhead + 300


def _dumpe2fs(host: SimulatedHost, args: list[str]) -> Answer:
    fs = host.by_device(args[-1])[1]
    used = fs.used if fs.seen_used is None else fs.seen_used
    fields = {
        "Filesystem features": fs.features,
        "Filesystem state": fs.state,
        "Block count": fs.blocks,
        "Free blocks": max(0, fs.blocks - fs.overhead - used // fs.block_size),
        "First block": 0,
        "Block size": fs.block_size,
        "Group descriptor size": 64,
        "Reserved GDT blocks": fs.reserved,
        "Blocks per group": fs.group,
        "Inodes per group": 8192,
        "Inode blocks per group": fs.inode_blocks,
    }
    return 0, "".join(f"{name}:    {value}\n" for name, value in fields.items()), "dumpe2fs 1.47.0 (5-Feb-2023)\n"


def _e2fsck(host: SimulatedHost, args: list[str]) -> Answer:
    volume, fs = host.by_device(args[-1])
    if volume.mountpoints or volume.is_open:
        return 8, "", f"{volume.path} is in use.\ne2fsck: Cannot continue, aborting."
    if "-n" in args:
        return (4 if fs.corrupt or fs.lost else 0), "a summary", ""
    if fs.lost or volume.fsck >= 4:
        return 4, "UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY", ""
    repaired = fs.corrupt or fs.is_outdated or fs.state != "clean"
    fs.corrupt, fs.state, fs.seen_used = False, "clean", None
    fs.features = fs.features.replace(" needs_recovery", "")
    return (1 if repaired else 0), "fixed" if repaired else "", ""


def _resize2fs(host: SimulatedHost, args: list[str]) -> Answer:
    volume, fs = host.by_device(args[-1] if args[1] == "-P" else args[1])
    if args[1] == "-P":
        return 0, f"Estimated minimum size of the filesystem: {fs.least}\n", "resize2fs 1.47.0 (5-Feb-2023)\n"
    wanted = int(args[2])
    if wanted * fs.block_size > volume.extents * EXTENT:
        return 1, "", f"The containing partition (or device) is only {volume.extents * EXTENT // fs.block_size} (4k) blocks."
    if not volume.writable or (volume.mountpoints and (volume.read_only or "errors" in fs.state)):
        return 1, "", "resize2fs: Permission denied to resize filesystem"
    if host.is_hidden(volume):
        # Taken for unmounted, as nothing of it is seen at its mount point (check_mntent_file in libext2fs).
        return 1, "", f"resize2fs: Device or resource busy while trying to open {volume.path}"
    if not volume.mountpoints and fs.state != "clean":
        return 1, "", f"Please run 'e2fsck -f {volume.path}' first."
    blocks = fs.fitted(wanted)
    if blocks < fs.blocks and volume.mountpoints:
        return 1, "", "resize2fs: On-line shrinking not supported"
    if blocks < fs.least:
        return 1, "", f"resize2fs: New size smaller than minimum ({fs.least})"
    fs.blocks = blocks
    return 0, f"The filesystem on {volume.path} is now {blocks} (4k) blocks long.\n", ""


TOOLS = {"dumpe2fs": _dumpe2fs, "e2fsck": _e2fsck, "resize2fs": _resize2fs}
