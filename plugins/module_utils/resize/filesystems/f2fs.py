# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""f2fs: resized by resize.f2fs while it is not mounted, and shrunk in its safe way (-s), which leaves the administration where it is.

resize.f2fs (1.15) ends with status 0 where it does nothing, and with an assertion where it finds no room to work in (measured in the lab, see
docs/lv_resize.md): everything that it would stumble over is looked for before the first change, in the superblock and the checkpoint.
"""

from __future__ import annotations

import os
import re

from ansible_collections.foresight.capacity.plugins.module_utils.held_devices import kernel_path
from ansible_collections.foresight.capacity.plugins.module_utils.resize import mounting
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems import f2fs_layout as layout
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.base import check_room
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Procedure, Step
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import integer

# The unit of -t: a logical sector of the device. Others than these were not measured.
_SECTOR = 512
_VERSION = re.compile(r"^resize\.f2fs (\S+) \((\d{4}-\d\d-\d\d)\)$", re.MULTILINE)
# The day of the release 1.16.0. What is built of later sources bears the day of their last change; since 2025-04-14 they ask before they start.
_NEWEST = "2023-04-11"
_MOST_BLOCKS = 2**32 - 1
_LOGS = 6  # segments that f2fs writes to at a time; resize.f2fs moves each of them to a free one
_FSCK_GOOD = (0, 1)  # clean; errors corrected
_FAILED = re.compile(r"^\[FSCK\] (.*?)\s*\[Fail\]|^\[ASSERT\] \(.*?\)\s*(?:-->)?\s*(.*)$", re.MULTILINE)
# What a shrinking leaves that was killed; fsck.f2fs -f does this bookkeeping anew and touches no file.
_BOOKKEEPING = re.compile(
    r"free segment_count matched with CP|SIT valid block bitmap checking|SIT bitmap is 0x0\. blk_addr\[0x[0-9a-f]+\]|other corrupted bugs"
)


class F2fs:
    """An f2fs file system."""

    def __init__(self, host: Host, volume: Volume, options: Options) -> None:
        self._host = host
        self._volume = volume
        self._options = options
        self._device = str(volume.lv["filesystem"]["device"])
        self.superblock = layout.read_superblock(host, self._device)
        self.checkpoint = layout.read_checkpoint(host, self._device, self.superblock)
        self.size: int | None = self.superblock.blocks * layout.BLOCK
        self.places = mounting.places(host, volume, options)

    def goal(self, volume_size: int) -> int:
        return _blocks(volume_size) * layout.BLOCK

    def growth(self, volume_size: int) -> Procedure:
        released = mounting.released(self._host, self._volume, self._options, "grow")
        if not self._volume.mountpoints:
            self._host.require("fsck.f2fs")
            self._check_unmounted()
        if self.superblock.blocks >= _blocks(volume_size):
            # Nothing is left of it but to be mounted again.
            return Procedure(released)
        self._check_possible(volume_size)
        self._check_clean()
        self._check_working_room(self.superblock.moved_when_grown(_blocks(volume_size)))
        return Procedure(released, self._repair(), [self._growing(volume_size), self._check()])

    def shrinkage(self, volume_size: int) -> Procedure:
        self._check_possible(volume_size)
        released = mounting.released(self._host, self._volume, self._options, "shrink")
        if not self._volume.mountpoints:
            self._check_unmounted()
        self._check_clean()
        goal = _blocks(volume_size)
        used = (self.superblock.main_address + self.checkpoint.valid_blocks) * layout.BLOCK
        check_room(self._volume, volume_size, goal * layout.BLOCK, used, self._minimum(), self._options)
        before, after = self._repair(), [self._check()]
        if self.superblock.blocks > goal:
            self._check_working_room(0)
            command = ["resize.f2fs", "-s", "-t", str(volume_size // _SECTOR), self._device]
            before = [*before, Step("shrink_filesystem", "shrink_failed", command)]
        elif self.superblock.blocks < goal:
            self._check_working_room(self.superblock.moved_when_grown(goal))
            after = [self._growing(volume_size), *after]
        return Procedure(released, before, after)

    def trouble(self) -> str | None:
        return next(iter(self._faults()), None)

    def _growing(self, volume_size: int) -> Step:
        return Step("grow_filesystem", "grow_failed", ["resize.f2fs", "-t", str(volume_size // _SECTOR), self._device])

    def _repair(self) -> list[Step]:
        if not self._options.allow_fsck:
            return []
        # -f ends with "corrected" where it corrected nothing, too.
        return [Step("check_filesystem", "fsck_failed", ["fsck.f2fs", "-f", self._device], _FSCK_GOOD), self._check()]

    def _check(self) -> Step:
        return Step("check_filesystem", "fsck_failed", ["fsck.f2fs", "--dry-run", self._device])

    def _faults(self) -> list[str]:
        """What a full check that changes nothing finds."""
        done = self._host.reading.run(["fsck.f2fs", "--dry-run", self._device], check=False)
        if done.rc == 0:
            return []
        found = [" ".join(part for part in parts if part) for parts in _FAILED.findall(done.out)]
        return found or [f"fsck.f2fs --dry-run ended with status {done.rc}"]

    def _minimum(self) -> int:
        """The least size at which everything has a place even if each segment in use keeps one for itself; resize.f2fs may fail below it."""
        superblock = self.superblock
        held = superblock.main_segments - self.checkpoint.free_segments
        main = max(held, self.checkpoint.valid_blocks // 512) + 2 * _LOGS
        while main < superblock.main_segments:
            if layout.room(main) >= self.checkpoint.valid_blocks and main - held >= layout.reserves(main).reserved + 2 * _LOGS:
                break
            main += 1 + main // 1000
        return superblock.size_with(main)

    def _check_possible(self, volume_size: int) -> None:
        name, superblock = self._volume.name, self.superblock
        for tool in ("resize.f2fs", "fsck.f2fs"):
            self._host.require(tool)
        self._check_version()
        sectors = {self._sector_size(), superblock.sector_size}
        unusual = [
            # resize.f2fs writes the one into the superblock where it finds the other, and counts in it.
            (f"has sectors of {max(sectors)} bytes", sectors != {_SECTOR}),
            # fsck.f2fs found "Incorrect curseg" after each shrinking, and after some growths, of such a file system.
            (f"has sections of {superblock.segments_per_section} segments", superblock.segments_per_section != 1),
            ("is made for a zoned device", superblock.is_zoned),
            ("is read-only by its format", superblock.is_read_only),
            ("spreads over several devices", superblock.devices > 0),
        ]
        for what, is_so in unusual:
            if is_so:
                raise Refused("filesystem_feature", f"The f2fs file system of {name} {what}: resize.f2fs cannot be trusted with that.")
        if _blocks(volume_size) > _MOST_BLOCKS:
            most = human(_MOST_BLOCKS * layout.BLOCK)
            raise Refused("filesystem_limit", f"The f2fs file system of {name} cannot exceed {most} (O(size)).")

    def _check_version(self) -> None:
        """Refuse a resize.f2fs that would ask a question, which nobody answers, once the volume is extended."""
        told = self._host.reading.run(["resize.f2fs", "-V"], check=False)
        version = _VERSION.search(told.out)
        if version is None:
            said = (told.out.strip() or told.err.strip() or "nothing")[:200]
            raise Refused(
                "missing_tool", f"resize.f2fs -V tells no version, but: {said!r}. Needed is f2fs-tools 1.16 or older. Nothing was changed."
            )
        if version.group(2) > _NEWEST:
            raise Refused(
                "missing_tool",
                f"resize.f2fs {version.group(1)} of {version.group(2)} is newer than the last release that is known here, 1.16.0 of {_NEWEST}: newer "
                f"ones ask before they start, and what they do was not measured. Needed is f2fs-tools 1.16 or older. Nothing was changed.",
            )

    def _sector_size(self) -> int:
        """Bytes of a logical sector of the volume."""
        name = os.path.basename(kernel_path(self._host.files, self._device))
        size = integer(self._host.files.text(f"/sys/class/block/{name}/queue/logical_block_size"))
        if size is None:
            raise Refused("not_readable", f"Cannot read the size of a sector of {self._device}, which resize.f2fs counts in.")
        return size

    def _check_unmounted(self) -> None:
        name = self._volume.name
        if self._volume.is_open:
            raise Refused(
                "in_use",
                f"{name} is in use although it is mounted nowhere that this session sees (another mount namespace, a guest, a device on top).",
            )
        faults = self._faults()
        damage = [fault for fault in faults if not _BOOKKEEPING.fullmatch(fault)]
        if damage:
            raise Refused(
                "fsck_needed",
                f"The unmounted file system of {name} is damaged: {damage[0]}. Check it by hand (fsck.f2fs -f), after a copy of the volume.",
            )
        if faults and not self._options.allow_fsck:
            raise Refused(
                "fsck_needed",
                f"The unmounted file system of {name} needs a check: {faults[0]}. "
                f"Check it yourself, or let fsck.f2fs -f do its bookkeeping anew (O(allow_fsck)).",
            )

    def _check_clean(self) -> None:
        """Refuse what was written to after its last checkpoint: resize.f2fs refuses it, fsck.f2fs finds no fault, and its -f drops what was written."""
        if self._volume.mountpoints or self.checkpoint.was_unmounted:
            return
        raise Refused(
            "fsck_needed",
            f"The f2fs file system of {self._volume.name} was not unmounted cleanly: mount it, which takes over what was written last, and unmount it.",
        )

    def _check_working_room(self, moved: int) -> None:
        """Refuse what has too few free segments for resize.f2fs, which ends with an assertion then, or half-way."""
        needed = self.checkpoint.reserved_segments + 2 + _LOGS + (moved + _LOGS if moved else 0)
        if self.checkpoint.free_segments >= needed:
            return
        raise Refused(
            "filesystem_limit",
            f"The f2fs file system of {self._volume.name} is too full for resize.f2fs: {self.checkpoint.free_segments} segments of 2 MiB are free, "
            f"{needed} are needed. Move some files away, unmount it, and try again.",
        )


def _blocks(volume_size: int) -> int:
    """resize.f2fs counts all blocks of the volume as its own, those of a last segment that is not whole included."""
    return volume_size // layout.BLOCK
