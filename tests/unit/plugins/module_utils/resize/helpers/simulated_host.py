# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with LVM, ext4 and xfs in memory: answers commands as the recordings of the lab show them, and can die at any of them.

What it says and what it refuses follows lvm2 2.03.16, e2fsprogs 1.47 and xfsprogs 6.1. It shares no code with the collection.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

EXTENT = 4 * 2**20


class Killed(BaseException):
    """SIGKILL: nothing of the module runs any more."""


@dataclass
class FileSystem:
    """Sizes in blocks. ``group`` is a block group or an allocation group, ``overhead`` what the last one needs at least."""

    kind: str
    blocks: int
    block_size: int = 4096
    group: int = 32768
    inode_blocks: int = 512
    reserved: int = 63
    used: int = 0
    state: str = "clean"
    corrupt: bool = False
    features: str = "has_journal resize_inode extent 64bit flex_bg sparse_super metadata_csum"

    def fitted(self, blocks: int) -> int:
        """What the grow tool makes of a wish for so many blocks."""
        if self.kind == "xfs":
            return blocks - blocks % self.group if blocks % self.group < 64 else blocks
        number, rest = divmod(blocks, self.group)
        with_backup = number in (0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125)
        overhead = 2 + self.inode_blocks + (1 + -(-(number + 1) * 64 // self.block_size) + self.reserved if with_backup else 0)
        return blocks - rest if number and 0 < rest < overhead + 50 else blocks


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
    fsck: int = 0
    reason: str | None = None
    more_signatures: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/dev/mapper/vg0-{self.name}"


@dataclass
class SimulatedHost:
    """``kill_at`` = (number of the call, "before" or "after"); ``broken`` = {tool: "fails" or "lies"}; ``at_call`` is called before each call."""

    volumes: dict[str, Volume]
    free: int
    group: dict = field(default_factory=dict)
    kill_at: tuple[int, str] | None = None
    broken: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    read_only_at: set[str] = field(default_factory=set)
    at_call: object = None
    calls: list[list[str]] = field(default_factory=list)

    # ---- what the module sees ------------------------------------------------------------------------------------

    def find(self, tool: str) -> str | None:
        return None if tool in self.missing else tool

    def carries(self, device: str, mountpoint: str) -> bool:
        return mountpoint not in self.hidden

    def read_lvm(self) -> dict:
        return self._boundary(["read_lvm"], self._document)

    def __call__(self, args: list[str], **_options: object) -> tuple[int, str, str]:
        tool = args[1] if args[0] == "lvm" else args[0]
        answer = {
            "lvs": self._lvs,
            "lvextend": self._lvextend,
            "dumpe2fs": self._dumpe2fs,
            "e2fsck": self._e2fsck,
            "resize2fs": self._resize2fs,
            "xfs_growfs": self._xfs_growfs,
            "xfs_db": self._xfs_db,
            "wipefs": self._wipefs,
        }[tool]
        changes = not (tool in ("lvs", "dumpe2fs", "xfs_db", "wipefs") or "--test" in args or "-n" in args)
        if changes and tool in self.broken:
            verdict = (0, "", "") if self.broken[tool] == "lies" else (1, "", f"{tool}: something is wrong")
            return self._boundary(args, lambda: verdict)
        return self._boundary(args, lambda: answer(args))

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
        return {"available": True, "reason": None, "message": None, "vgs": [group], "lvs": [self._entry(v) for v in self.volumes.values()]}

    def _entry(self, volume: Volume) -> dict:
        fs = volume.fs
        filesystem = {
            "type": fs.kind if fs and volume.reason != "unformatted" else None,
            "device": volume.path,
            "mountpoints": list(volume.mountpoints),
            "read_only": volume.read_only if volume.mountpoints else None,
            "reason": volume.reason or ("unreadable" if self._is_hidden(volume) else None),
        }
        is_open = volume.is_open or bool(volume.mountpoints)
        return {
            "vg": "vg0",
            "name": volume.name,
            "uuid": volume.uuid,
            "size": volume.extents * EXTENT,
            "active": volume.active,
            "segment_type": volume.segment,
            "attr": f"-{'w' if volume.writable else 'r'}i-a{'o' if is_open else '-'}----",
            "tags": volume.tags,
            "origin": volume.origin or None,
            "pool": volume.pool,
            "data_fraction": volume.data_fraction,
            "metadata_fraction": volume.metadata_fraction,
            "role": volume.role,
            "stack": volume.stack,
            "in_progress": volume.in_progress,
            "filesystem": filesystem if volume.active else None,
        }

    def _is_hidden(self, volume: Volume) -> bool:
        return bool(volume.mountpoints) and self.hidden.issuperset(volume.mountpoints)

    # ---- LVM -----------------------------------------------------------------------------------------------------

    def _lvs(self, _args: list[str]) -> tuple[int, str, str]:
        rows = [
            {
                "lv_uuid": volume.uuid,
                "lv_name": volume.name,
                "lv_attr": "swi-a-s---" if volume.role == "snapshot" else "-wi-a-----",
                "lv_size": str(volume.extents * EXTENT),
                "origin": volume.origin,
                "segtype": volume.segment,
                "stripes": str(volume.stripes),
                "data_copies": str(volume.copies),
                "seg_start_pe": "0",
            }
            for volume in self.volumes.values()
        ]
        return 0, json.dumps({"report": [{"lv": rows}]}), ""

    def _lvextend(self, args: list[str]) -> tuple[int, str, str]:
        wanted, name = int(args[args.index("--extents") + 1]), args[4].split("/")[1]
        volume = self.volumes[name]
        if any(other.origin == name and other.role == "snapshot" for other in self.volumes.values()):
            return 5, "", "  Snapshot origin volumes can be resized only while inactive: try lvchange -an."
        data_stripes = volume.stripes if volume.segment == "striped" else 1
        extents = -(-wanted // data_stripes) * data_stripes
        if extents == volume.extents:
            return 5, "", f"  New size ({extents} extents) matches existing size ({extents} extents)."
        if extents < volume.extents:
            return 5, "", f"  New size given ({extents} extents) not larger than existing size ({volume.extents} extents)"
        factor = 0 if volume.pool else volume.stripes if volume.segment in ("raid1", "mirror") else 1
        needed = (extents - volume.extents) * factor
        if needed > self.free:
            return 5, "", f"  Insufficient free space: {needed} extents needed, but only {self.free} available"
        out = f"  Size of logical volume vg0/{name} changed from 1 MiB ({volume.extents} extents) to 2 MiB ({extents} extents).\n"
        if "--test" not in args:
            volume.extents, self.free = extents, self.free - needed
        return 0, out + f"  Logical volume vg0/{name} successfully resized.\n", ""

    # ---- file systems --------------------------------------------------------------------------------------------

    def _by_device(self, device: str) -> tuple[Volume, FileSystem]:
        volume = next(volume for volume in self.volumes.values() if volume.path == device)
        assert volume.fs is not None
        return volume, volume.fs

    def _by_mountpoint(self, mountpoint: str) -> tuple[Volume, FileSystem]:
        volume = next(volume for volume in self.volumes.values() if mountpoint in volume.mountpoints)
        assert volume.fs is not None
        return volume, volume.fs

    def _wipefs(self, args: list[str]) -> tuple[int, str, str]:
        volume = next(volume for volume in self.volumes.values() if volume.path == args[-1])
        return 0, "".join(f"0x438,0388,,{kind}\n" for kind in [volume.fs.kind, *volume.more_signatures]) if volume.fs else "", ""

    def _dumpe2fs(self, args: list[str]) -> tuple[int, str, str]:
        fs = self._by_device(args[-1])[1]
        fields = {
            "Filesystem features": fs.features,
            "Filesystem state": fs.state,
            "Block count": fs.blocks,
            "First block": 0,
            "Block size": fs.block_size,
            "Group descriptor size": 64,
            "Reserved GDT blocks": fs.reserved,
            "Blocks per group": fs.group,
            "Inodes per group": 8192,
            "Inode blocks per group": fs.inode_blocks,
        }
        return 0, "".join(f"{name}:    {value}\n" for name, value in fields.items()), "dumpe2fs 1.47.0 (5-Feb-2023)\n"

    def _e2fsck(self, args: list[str]) -> tuple[int, str, str]:
        volume, fs = self._by_device(args[-1])
        if volume.mountpoints or volume.is_open:
            return 8, "", f"{volume.path} is in use.\ne2fsck: Cannot continue, aborting."
        if "-n" in args:
            return (4 if fs.corrupt else 0), "a summary", ""
        if fs.state != "clean" and volume.fsck < 4:
            fs.state = "clean"
            return volume.fsck, "fixed", ""
        return (volume.fsck if fs.state != "clean" else 0), "UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY", ""

    def _resize2fs(self, args: list[str]) -> tuple[int, str, str]:
        volume, fs = self._by_device(args[1])
        wanted = int(args[2])
        if wanted * fs.block_size > volume.extents * EXTENT:
            return 1, "", f"The containing partition (or device) is only {volume.extents * EXTENT // fs.block_size} (4k) blocks."
        if not volume.writable or (volume.mountpoints and (volume.read_only or "errors" in fs.state)):
            return 1, "", "resize2fs: Permission denied to resize filesystem"
        if self._is_hidden(volume):
            # Taken for unmounted, as nothing of it is seen at its mount point (check_mntent_file in libext2fs).
            return 1, "", f"resize2fs: Device or resource busy while trying to open {volume.path}"
        if not volume.mountpoints and fs.state != "clean":
            return 1, "", f"Please run 'e2fsck -f {volume.path}' first."
        blocks = fs.fitted(wanted)
        if blocks < fs.blocks:
            return 1, "", "resize2fs: On-line shrinking not supported"
        fs.blocks = blocks
        return 0, f"The filesystem on {volume.path} is now {blocks} (4k) blocks long.\n", ""

    def _xfs_growfs(self, args: list[str]) -> tuple[int, str, str]:
        volume, fs = self._by_mountpoint(args[-1])
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
        if args[-1] in self.read_only_at:
            return 1, text, "xfs_growfs: XFS_IOC_FSGROWFSDATA xfsctl failed: Read-only file system"
        if volume.read_only or wanted < fs.blocks:
            return 1, text, "xfs_growfs: XFS_IOC_FSGROWFSDATA xfsctl failed: Invalid argument"
        fs.blocks = fs.fitted(wanted)
        return 0, text + f"data blocks changed from 1 to {fs.blocks}\n", ""

    def _xfs_db(self, args: list[str]) -> tuple[int, str, str]:
        fs = self._by_device(args[-1])[1]
        return 0, f"blocksize = {fs.block_size}\ndblocks = {fs.blocks}\nagblocks = {fs.group}\n", ""
