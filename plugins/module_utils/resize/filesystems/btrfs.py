# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""btrfs on one device: made larger and smaller by the kernel while it is mounted, for everybody or for btrfs alone."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.commands import CommandFailed
from ansible_collections.foresight.capacity.plugins.module_utils.held_devices import kernel_path
from ansible_collections.foresight.capacity.plugins.module_utils.mounts import read_mounts, visible_mounts
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.base import check_room
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.btrfs_usage import Usage, parse_usage
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused, unreadable
from ansible_collections.foresight.capacity.plugins.module_utils.resize.private_mount import PrivateMount, check_private
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Procedure, Step
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import printable

_LEAST = 256 * 2**20  # the kernel resizes to nothing smaller, not even a smaller file system that grows (btrfs_ioctl_resize)
_PLAIN_FLAGS = 0b11  # written, relocated; others: a seed, a dump, a conversion that did not end
# A superblock that is being written while it is read has a wrong checksum for that moment.
_READINGS = 3
_STATS_FOUND = 64  # btrfs device stats -c: a counter is not 0 (btrfs-device(8))
_COUNTER = re.compile(r"\.(\w+_errs)\s+(\d+)$", re.MULTILINE)
_FIELD = re.compile(r"^([\w.]+)\s+(\S+)", re.MULTILINE)
# Arguments: btrfs, where it is mounted, three sizes (the new one, a sector less than now, now), and how to pack its data before, if at all.
# Without packing, what is allocated and half empty can lie in the way of metadata that must move, which ends with a file system that
# the kernel forces read-only. When it finds no room while it shrinks, it remembers that there is none, although all of it is there again;
# only growing makes it forget (btrfs_clear_space_info_full). So what failed is followed by one sector less and one more.
_SHRINK = (
    '{ [ -z "$6" ] || "$1" balance start "$6" "$2"; } && "$1" filesystem resize "$3" "$2" || '
    '{ status=$?; "$1" filesystem resize "$4" "$2" && "$1" filesystem resize "$5" "$2"; exit "$status"; }'
)
# Keeps even the tree of the log as it is.
_READ_ONLY = "rescue=nologreplay"


class Superblock(t.NamedTuple):
    """What the superblock tells of the file system and of the device it lies on."""

    uuid: str
    size: int
    device_id: int
    devices: int
    sector_size: int
    flags: int


class Btrfs:
    """A btrfs file system."""

    def __init__(self, host: Host, volume: Volume, options: Options) -> None:
        self._host = host
        self._volume = volume
        self._options = options
        self._device = str(volume.lv["filesystem"]["device"])
        self.superblock = read_superblock(host, self._device)
        self.size: int | None = self.superblock.size
        self.places = sorted(volume.mountpoints)
        self._private = PrivateMount(host, volume)
        self._mountpoint = None if volume.lv["filesystem"]["reason"] == "unreadable" else _mountpoint(host, volume)
        self._place = self._mountpoint or self._private.place

    def goal(self, volume_size: int) -> int:
        return volume_size // self.superblock.sector_size * self.superblock.sector_size

    def growth(self, volume_size: int) -> Procedure:
        self._check("larger")
        goal = self.goal(volume_size)
        if goal < _LEAST:
            raise Refused(
                "filesystem_limit", f"The kernel makes no btrfs smaller than {human(_LEAST)}: ask for {human(_LEAST)} or more (O(size))."
            )
        return Procedure(before=[self._rehearsal()], after=[Step("grow_filesystem", "grow_failed", self._resizing(goal))])

    def shrinkage(self, volume_size: int) -> Procedure:
        self._check("smaller")
        goal = self.goal(volume_size)
        self._check_errors()
        usage = self._check_room(volume_size, goal)
        if self.superblock.size < goal:
            return Procedure(before=[self._rehearsal()], after=[Step("grow_filesystem", "grow_failed", self._resizing(goal))])
        if self.superblock.size == goal:
            return Procedure()
        return Procedure(before=[Step("shrink_filesystem", "shrink_failed", self._shrinking(goal, usage.packing(goal)))])

    def trouble(self) -> str | None:
        return None

    def _rehearsal(self) -> Step:
        """To its present size, while its volume is as it was: what would stop the growing stops this."""
        if self.superblock.size >= _LEAST:
            return Step("check_filesystem", "fsck_failed", self._resizing(self.superblock.size))
        # The kernel would refuse that size: at least it is mounted, and answers.
        return Step("check_filesystem", "fsck_failed", self._there(["btrfs", "filesystem", "usage", "-b", self._place]))

    def _resizing(self, size: int) -> list[str]:
        return self._there(["btrfs", "filesystem", "resize", self._sized(size), self._place])

    def _shrinking(self, size: int, packing: int | None) -> list[str]:
        now = self.superblock.size
        there = [self._found("btrfs"), self._place, *map(self._sized, (size, now - self.superblock.sector_size, now))]
        pack = [f"-dusage={packing}"] if packing is not None else []
        return self._there(["sh", "-c", _SHRINK, "sh", *there, *pack])

    def _sized(self, size: int) -> str:
        return f"{self.superblock.device_id}:{size}"

    def _found(self, tool: str) -> str:
        return self._host.reading.find(tool) or tool

    def _there(self, command: list[str]) -> list[str]:
        if self._mountpoint is not None:
            return command
        # An interrupted balance waits: it would go on with the mount, and stand in the way.
        return self._private.changing(command, "skip_balance")

    def _answer(self, *command: str, good: tuple[int, ...] = (0,)) -> str:
        """What btrfs says of the mounted file system; where it is not mounted, it is for this question, read-only."""
        asked = ["btrfs", *command, self._place]
        if self._mountpoint is None:
            asked = self._private.reading(asked, _READ_ONLY)
        try:
            result = self._host.reading.run(asked, check=False)
            if result.rc not in good:
                raise CommandFailed(asked, result)
        except CommandFailed as failed:
            raise unreadable(f"the btrfs file system on {self._device}", failed) from failed
        return result.out

    def _check(self, what: str) -> None:
        """Refuse what can be made neither larger nor smaller."""
        self._host.require("btrfs")
        name, superblock = self._volume.name, self.superblock
        if superblock.devices > 1:
            raise Refused(
                "filesystem_not_supported",
                f"The btrfs file system of {name} lies on {superblock.devices} devices; only those on one device are resized here.",
            )
        if superblock.flags & ~_PLAIN_FLAGS:
            raise Refused(
                "filesystem_feature",
                f"The superblock of {name} has the flags {superblock.flags:#x}: it is a seed, or a conversion of it did not end. It is not resized.",
            )
        self._check_twins()
        if self._mountpoint is None:
            check_private(self._host, self._volume, self._options.allow_mount, what)
            self._private.require()
        elif self._volume.lv["filesystem"]["read_only"]:
            raise Refused("read_only", f"{name} is mounted read-only at {self._mountpoint}; mount it read-write first.")
        running = (self._host.files.text(f"/sys/fs/btrfs/{superblock.uuid}/exclusive_operation") or "none").strip()
        if self._mountpoint is not None and running != "none":
            raise Refused(
                "in_progress", f"The kernel is at work on the btrfs file system of {name} ({running}). Try again when that has ended."
            )

    def _check_twins(self) -> None:
        """The kernel tells file systems by their UUID: of two devices that bear the same it may take the other one."""
        name, uuid = self._volume.name, self.superblock.uuid
        twins = [device for device in self._volume.lv["filesystem"]["devices"] if device != self._device]
        if (
            not twins
            and not self._volume.mountpoints
            and not self._volume.is_open
            and self._host.files.names(f"/sys/fs/btrfs/{uuid}/devices")
        ):
            twins = ["a device that is mounted"]
        if twins:
            raise Refused(
                "duplicate_uuid",
                f"{', '.join(twins)} has the UUID of {name} ({uuid}), so nobody can tell which of them the kernel would take. Remove that copy, "
                f"or give it a UUID of its own (btrfstune -u).",
            )

    def _check_errors(self) -> None:
        """Rule 1: shrinking moves data, and what cannot be read cannot be moved."""
        counters = _COUNTER.findall(self._answer("device", "stats", "-c", good=(0, _STATS_FOUND)))
        if not counters:
            raise Refused("not_readable", f"btrfs does not tell whether {self._device} has met errors.")
        seen = ", ".join(f"{name} {count}" for name, count in counters if int(count))
        if seen:
            raise Refused(
                "filesystem_errors",
                f"The btrfs file system of {self._volume.name} has met errors ({seen}). Check it (btrfs scrub), repair what it tells, and set "
                f"the counters back (btrfs device stats -z) before it is made smaller.",
            )

    def _check_room(self, volume_size: int, goal: int) -> Usage:
        """Refuse what would leave too little, or too little for the kernel to move things around in."""
        answer = self._answer("filesystem", "usage", "-b")
        try:
            usage = parse_usage(answer)
        except ValueError as failed:
            raise unreadable(f"the usage of the btrfs file system on {self._device}", failed) from failed
        check_room(self._volume, volume_size, goal, usage.used, _LEAST, self._options)
        if goal < usage.least(goal):
            raise Refused(
                "too_small",
                f"{self._volume.name} cannot become {human(volume_size)} (O(size)): {human(usage.used)} of its btrfs file system are in use, but the "
                f"kernel needs {human(usage.least(goal))} to move them in. Metadata that is allocated and empty is given back by btrfs balance start "
                f"-musage=50.",
            )
        return usage


def _mountpoint(host: Host, volume: Volume) -> str | None:
    """Where one sees it; a mount that is writable first, for only through one the kernel resizes."""
    device = volume.lv["filesystem"]["device"]
    sources = {device, volume.lv["path"], volume.lv["dm_path"], kernel_path(host.files, device)}
    seen = [mount for mount in visible_mounts(read_mounts(host.files)) if mount.fstype == "btrfs" and mount.source in sources]
    # A name whose bytes are no UTF-8 is shown otherwise than it is.
    usable = [mount for mount in seen if printable(mount.mountpoint) == mount.mountpoint]
    writable = [mount.mountpoint for mount in usable if not host.is_read_only(mount.mountpoint)]
    return next(iter(writable + [mount.mountpoint for mount in usable]), None)


def read_superblock(host: Host, device: str) -> Superblock:
    """Read the superblock of a device with btrfs, which works mounted and unmounted, and needs no other device."""
    command = ["btrfs", "inspect-internal", "dump-super", device]
    try:
        for _reading in range(_READINGS):
            answer = host.reading.run(command).out
            if re.search(r"^csum\s.*\[match\]", answer, re.MULTILINE):
                return parse_superblock(answer)
    except (CommandFailed, ValueError, KeyError) as failed:
        raise unreadable(f"the superblock on {device}", failed) from failed
    raise Refused("not_readable", f"Cannot read the superblock on {device}: its checksum does not match.")


def parse_superblock(text: str) -> Superblock:
    """The superblock from the output of C(btrfs inspect-internal dump-super)."""
    fields: dict[str, str] = {}
    for name, value in _FIELD.findall(text):
        fields.setdefault(name, value)
    return Superblock(
        uuid=fields["fsid"],
        size=int(fields["dev_item.total_bytes"]),
        device_id=int(fields["dev_item.devid"]),
        devices=int(fields["num_devices"]),
        sector_size=int(fields["sectorsize"]),
        flags=int(fields["flags"], 16),
    )
