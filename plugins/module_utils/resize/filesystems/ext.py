# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ext2, ext3 and ext4: grown by resize2fs, mounted or not."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.commands import CommandFailed
from ansible_collections.foresight.capacity.plugins.module_utils.mounts import read_mounts
from ansible_collections.foresight.capacity.plugins.module_utils.resize import mounting
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.base import check_room
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused, unreadable
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Procedure, Step
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import printable

_LARGEST_PAGE = 65536
_MAX_32_BITS = 2**32 - 1
_E2FSCK_GOOD = (0, 1)  # clean; errors corrected (e2fsck(8))
# A superblock that is being written while it is read has a wrong checksum for that moment.
_READINGS = 3


class Superblock(t.NamedTuple):
    """The fields of the superblock that decide how far it can be resized; counts are blocks unless named otherwise."""

    blocks: int
    free_blocks: int
    block_size: int
    first_block: int
    blocks_per_group: int
    inode_blocks_per_group: int
    inodes_per_group: int
    reserved_gdt_blocks: int
    descriptor_size: int
    cluster_size: int
    state: str
    features: frozenset[str]

    def goal(self, volume_size: int) -> int:
        """Blocks that resize2fs makes of a volume: all of them, but no last group too small for its own administration.

        The rule is adjust_fs_info() of resize2fs; the kernel keeps some smaller groups (ext4_resize_fs), never the other way round.
        """
        unit = max(_LARGEST_PAGE, self.cluster_size) // self.block_size
        blocks = volume_size // self.block_size // unit * unit
        group, rest = divmod(blocks - self.first_block, self.blocks_per_group)
        if group > 0 and 0 < rest < self._least_blocks(group):
            blocks -= rest
        return blocks

    @property
    def is_outdated(self) -> bool:
        """Whether its counts may be from before a crash: what changed since stands in the journal, or, without one, nowhere."""
        if "has_journal" in self.features:
            return "needs_recovery" in self.features
        return self.state != "clean"

    def groups(self, blocks: int) -> int:
        return -(-(blocks - self.first_block) // self.blocks_per_group)

    def _least_blocks(self, group: int) -> int:
        least = 2 + self.inode_blocks_per_group + 50 + self.cluster_size // self.block_size - 1
        if self._has_backup(group):
            descriptors = -(-(group + 1) * self.descriptor_size // self.block_size)
            least += 1 + descriptors + self.reserved_gdt_blocks
        return least

    def _has_backup(self, group: int) -> bool:
        if "sparse_super2" in self.features or "sparse_super" not in self.features:
            return True
        return group <= 1 or any(_is_power(group, base) for base in (3, 5, 7))


def _is_power(number: int, base: int) -> bool:
    while number % base == 0:
        number //= base
    return number == 1


class Ext:
    """An ext2, ext3 or ext4 file system."""

    def __init__(self, host: Host, volume: Volume, options: Options) -> None:
        self._host = host
        self._volume = volume
        self._options = options
        self._device = str(volume.lv["filesystem"]["device"])
        self.superblock = read_superblock(host, self._device)
        self.size: int | None = self.superblock.blocks * self.superblock.block_size
        self.places = mounting.places(host, volume, options)

    def goal(self, volume_size: int) -> int:
        return self.superblock.goal(volume_size) * self.superblock.block_size

    def growth(self, volume_size: int) -> Procedure:
        self._check_tools()
        self._check_limits(self.superblock.goal(volume_size))
        growing = Step("grow_filesystem", "grow_failed", ["resize2fs", self._device, str(self.superblock.goal(volume_size))])
        if self._volume.mountpoints:
            self._check_mounted()
            self._check_growable_mounted()
            return Procedure(after=[growing])
        self._check_unmounted()
        released = mounting.released(self._host, self._volume, self._options, "grow")
        if self.size is not None and self.size >= self.goal(volume_size):
            # Nothing is left of it but to be mounted again.
            return Procedure(released)
        # resize2fs demands a full check since the last mount.
        return Procedure(released, [self._repair()], [growing])

    def shrinkage(self, volume_size: int) -> Procedure:
        self._check_tools()
        if self._volume.mountpoints:
            self._check_mounted()
        released = mounting.released(self._host, self._volume, self._options, "shrink")
        if not self._volume.mountpoints:
            self._check_unmounted()
            self._check_counts()
        goal = self.superblock.goal(volume_size)
        check_room(self._volume, volume_size, self.goal(volume_size), self._used(), self._minimum(), self._options)
        before, after = [self._repair()], []
        command = ["resize2fs", self._device, str(goal)]
        if self.superblock.blocks > goal:
            before.append(Step("shrink_filesystem", "shrink_failed", command))
        elif self.superblock.blocks < goal:
            after.append(Step("grow_filesystem", "grow_failed", command))
        after.append(Step("check_filesystem", "fsck_failed", ["e2fsck", "-f", "-n", self._device]))
        return Procedure(released, before, after)

    def trouble(self) -> str | None:
        if self.superblock.state != "clean":
            return f"it is marked {self.superblock.state!r}"
        if "needs_recovery" in self.superblock.features:
            return "its journal was not replayed"
        checked = self._host.reading.run(["e2fsck", "-f", "-n", self._device], check=False)
        return f"e2fsck -f -n ended with status {checked.rc}" if checked.rc else None

    def _repair(self) -> Step:
        return Step("check_filesystem", "fsck_failed", ["e2fsck", "-f", "-p", self._device], _E2FSCK_GOOD)

    def _used(self) -> int:
        """Bytes that are not free, its administration included."""
        seen = self._volume.lv["filesystem"]
        if self._volume.mountpoints and seen["used"] is not None:
            # The kernel writes the count of the superblock seldom while it is mounted; statvfs(3) leaves the administration out of its size.
            return int(seen["used"]) + (self.size or 0) - int(seen["size"])
        return (self.superblock.blocks - self.superblock.free_blocks) * self.superblock.block_size

    def _minimum(self) -> int:
        """The least that resize2fs would make of it; asked once it is unmounted."""
        if self._volume.mountpoints:
            return 0
        try:
            answer = self._host.reading.run(["resize2fs", "-P", self._device]).out
            return int(answer.rsplit(":", 1)[1]) * self.superblock.block_size
        except (CommandFailed, ValueError, IndexError) as failed:
            raise unreadable(f"the least size of the file system on {self._device}", failed) from failed

    def _check_tools(self) -> None:
        for tool in ("resize2fs", "e2fsck"):
            self._host.require(tool)
        if "bigalloc" in self.superblock.features:
            raise Refused(
                "filesystem_feature",
                f"The file system of {self._volume.name} has the feature bigalloc, which resize2fs resizes only by force.",
            )

    def _check_limits(self, blocks: int) -> None:
        if blocks > _MAX_32_BITS and "64bit" not in self.superblock.features:
            most = human(_MAX_32_BITS * self.superblock.block_size)
            raise Refused(
                "filesystem_limit", f"The file system of {self._volume.name} lacks the feature 64bit and cannot exceed {most} (O(size))."
            )
        if self.superblock.groups(blocks) * self.superblock.inodes_per_group > _MAX_32_BITS:
            raise Refused(
                "filesystem_limit", f"The file system of {self._volume.name} would have more than 2^32 inodes at that size (O(size))."
            )

    def _check_mounted(self) -> None:
        name = self._volume.name
        if self._volume.lv["filesystem"]["reason"] == "unreadable":
            raise Refused(
                "not_mounted",
                f"{name} is mounted at {self._volume.mountpoints[0]}, which lies under another mount or cannot be read: "
                f"resize2fs would not find it there. Unmount what lies over it first.",
            )
        if self._volume.lv["filesystem"]["read_only"]:
            raise Refused(
                "read_only", f"{name} is mounted read-only at {self._volume.mountpoints[0]}; mount it read-write (or unmount it) first."
            )
        used = self._mount_of_resize2fs()
        if used is not None and self._host.is_read_only(used):
            raise Refused(
                "read_only",
                f"{name} is mounted read-only at {used}, and resize2fs would work through that mount although another one is read-write; "
                f"mount it read-write there, or unmount it there, first.",
            )
        if "errors" in self.superblock.state:
            raise Refused(
                "filesystem_errors",
                f"The file system of {name} is marked {self.superblock.state!r}. Unmount it and run e2fsck -f {self._device}.",
            )

    def _mount_of_resize2fs(self) -> str | None:
        """Where resize2fs asks the kernel to resize it: the oldest of its mounts that nothing covers (check_mntent_file of libext2fs)."""
        table = [printable(mount.mountpoint) for mount in read_mounts(self._host.files)]
        return next((path for path in table if path in self._volume.mountpoints and self._host.carries(self._device, path)), None)

    def _check_growable_mounted(self) -> None:
        # The kernel grows no mounted file system with another layout of its backups (ext4_resize_fs).
        if "sparse_super2" in self.superblock.features or "sparse_super" not in self.superblock.features:
            name = self._volume.name
            raise Refused(
                "filesystem_feature", f"The file system of {name} lacks the feature sparse_super (or has sparse_super2): unmount it first."
            )

    def _check_unmounted(self) -> None:
        if self._volume.is_open:
            raise Refused(
                "in_use",
                f"{self._volume.name} is in use although it is mounted nowhere that this session sees (another mount namespace, a guest, a device on top).",
            )
        if self._options.allow_fsck:
            return
        seen = self.trouble()
        if seen:
            raise Refused(
                "fsck_needed",
                f"The unmounted file system of {self._volume.name} needs a check: {seen}. "
                f"Check it yourself, or let e2fsck -f -p repair what is safe to repair (O(allow_fsck)).",
            )

    def _check_counts(self) -> None:
        """Refuse to measure the room that a shrinking leaves by counts that the repair is about to correct (rule 1)."""
        if self.superblock.is_outdated:
            raise Refused(
                "fsck_needed",
                f"The file system of {self._volume.name} was not unmounted cleanly, so how much of it is in use cannot be told: before it is made "
                f"smaller, run e2fsck -f {self._device}. Growing it needs no more than O(allow_fsck).",
            )


def read_superblock(host: Host, device: str) -> Superblock:
    """Read the superblock with dumpe2fs, which works mounted and unmounted."""
    try:
        for _reading in range(_READINGS - 1):
            answer = host.reading.run(["dumpe2fs", "-h", device], check=False)
            if answer.rc == 0:
                return parse_superblock(answer.out)
        return parse_superblock(host.reading.run(["dumpe2fs", "-h", device]).out)
    except (CommandFailed, ValueError, KeyError) as failed:
        raise unreadable(f"the superblock on {device}", failed) from failed


def parse_superblock(text: str) -> Superblock:
    """The superblock from the output of C(dumpe2fs -h)."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip(), value.strip())
    block_size = int(fields["Block size"])
    return Superblock(
        blocks=int(fields["Block count"]),
        free_blocks=int(fields["Free blocks"]),
        block_size=block_size,
        first_block=int(fields["First block"]),
        blocks_per_group=int(fields["Blocks per group"]),
        inode_blocks_per_group=int(fields["Inode blocks per group"]),
        inodes_per_group=int(fields["Inodes per group"]),
        reserved_gdt_blocks=int(fields.get("Reserved GDT blocks", 0)),
        descriptor_size=int(fields.get("Group descriptor size", 32)),
        cluster_size=int(fields.get("Cluster size", block_size)),
        state=fields["Filesystem state"],
        features=frozenset(fields["Filesystem features"].split()),
    )
