# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""swap: made anew by mkswap, with its UUID and its label, while the kernel does not swap to it."""

from __future__ import annotations

import os
import sys
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.held_devices import SWAP, kernel_path
from ansible_collections.foresight.capacity.plugins.module_utils.mounts import unescaped
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.base import check_room
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.mounting import fstab_entries
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Procedure, Released, Step
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume, read_volume
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles, integer

_PAGES = (4096, 8192, 16384, 32768, 65536)
_MAGIC = b"SWAPSPACE2"
_HIBERNATED = (b"S1SUSPEND\0", b"S2SUSPEND\0", b"ULSUSPEND\0", b"LINHIB0001")
_VERSION_AT, _LAST_PAGE_AT, _BAD_PAGES_AT, _UUID_AT, _LABEL_AT, _LABEL_END = 1024, 1028, 1032, 1036, 1052, 1068
_MOST_PAGES = 2**32 - 1  # mkswap cuts off what is more
_LEAST_PAGES = 10  # mkswap makes no smaller one
# What stays available when all that was swapped out is back in memory.
_SPARE_MEMORY = 0.05
_SETTLE_SECONDS = 10


class Header(t.NamedTuple):
    """The first page of a swap area (union swap_header of the kernel); ``pages`` counts the header itself."""

    page_size: int
    pages: int
    bad_pages: int
    uuid: bytes
    label: bytes


class Use(t.NamedTuple):
    """A line of /proc/swaps: bytes swapped out, and the priority, negative where the kernel gave it."""

    used: int
    priority: int


class Swap:
    """A swap area."""

    def __init__(self, host: Host, volume: Volume, options: Options) -> None:
        self._host = host
        self._volume = volume
        self._options = options
        self._device = str(volume.lv["filesystem"]["device"])
        self.header = read_header(host, volume, self._device)
        self.size: int | None = self.header.pages * self.header.page_size
        self._is_active = SWAP in volume.mountpoints
        self._is_held = volume.is_open and not self._is_active and _stays_open(host, volume)
        self._entry = next((entry for entry in fstab_entries(host.files, volume) if entry.fstype == "swap" and entry.at_boot), None)
        left_off = options.allow_unmount and not self._is_held and self._entry is not None
        self.places = [SWAP] if self._is_active or left_off else []

    def goal(self, volume_size: int) -> int:
        return min(volume_size // self.header.page_size, _MOST_PAGES) * self.header.page_size

    def growth(self, volume_size: int) -> Procedure:
        released = self._released()
        return Procedure(released, after=[self._make("grow_filesystem", "grow_failed", self.goal(volume_size))])

    def shrinkage(self, volume_size: int) -> Procedure:
        released, goal = self._released(), self.goal(volume_size)
        check_room(self._volume, volume_size, goal, self._use().used, _LEAST_PAGES * self.header.page_size, self._options)
        if self.size is not None and self.size < goal:
            return Procedure(released, after=[self._make("grow_filesystem", "grow_failed", goal)])
        if self.size == goal:
            return Procedure(released)
        return Procedure(released, before=[self._make("shrink_filesystem", "shrink_failed", goal)])

    def trouble(self) -> str | None:
        return None

    def _make(self, name: str, reason: str, size: int) -> Step:
        """mkswap is told everything: what it would find out by itself may differ from what was here."""
        header = self.header
        kept = ["--uuid", _written(header.uuid)] if any(header.uuid) else []
        kept += ["--label", os.fsdecode(header.label)] if header.label else []
        return Step(name, reason, ["mkswap", "--pagesize", str(header.page_size), *kept, self._device, str(size // 1024)])

    def _released(self) -> Released:
        """The steps that take it out of use and put it back, with its priority and its way to discard."""
        self._check_format()
        for tool in ("mkswap", "swapoff", "swapon"):
            self._host.require(tool)
        name = self._volume.name
        if not self._is_active:
            if self._is_held:
                raise Refused("in_use", f"{name} is in use, but not as swap of this host (a guest, a device on top).")
            return Released(restore=[self._swapon(None)] if self.places else [])
        if not self._options.allow_unmount:
            raise Refused(
                "mounted",
                f"{name} is active swap, which is resized only while nothing is swapped to it: allow that for the time of the resize "
                f"(O(allow_unmount)), or swap it off first.",
            )
        if self._entry is None:
            raise Refused(
                "not_in_fstab",
                f"{name} is active swap, but no line of /etc/fstab activates it at boot: after a failure nothing would activate it again. "
                f"Add that line, or swap it off first.",
            )
        use = self._use()
        self._check_memory(use.used)
        return Released([Step("unmount", "unmount_failed", ["swapoff", self._device])], [self._swapon(use)])

    def _check_format(self) -> None:
        name = self._volume.name
        if self.header.bad_pages:
            raise Refused(
                "filesystem_feature", f"The swap of {name} was made with a list of {self.header.bad_pages} bad pages, which would be lost."
            )
        if len(self.header.label) == _LABEL_END - _LABEL_AT:
            raise Refused("filesystem_feature", f"The swap of {name} has a label of 16 bytes, of which mkswap would write 15.")

    def _check_memory(self, used: int) -> None:
        """Whether what was swapped out fits into memory: the kernel tries it whatever happens, and ends processes for it."""
        seen = _meminfo(self._host.files)
        if used == 0:
            return
        if seen is None:
            raise Refused(
                "no_memory", f"{human(used)} are swapped out to {self._volume.name}; /proc/meminfo does not tell whether they fit in."
            )
        available, spare = seen[0], int(seen[1] * _SPARE_MEMORY)
        if used + spare > available:
            raise Refused(
                "no_memory",
                f"{human(used)} are swapped out to {self._volume.name}, and {human(available)} of memory are available, of which {human(spare)} are "
                f"to stay so: they do not fit in. End what takes memory, or activate another swap and swap this one off by hand.",
            )

    def _use(self) -> Use:
        if not self._is_active:
            return Use(0, -1)
        use = read_use(self._host.files, self._device)
        if use is None:
            raise Refused(
                "not_readable", f"{self._volume.name} is active swap, but /proc/swaps does not tell how much is swapped out to it."
            )
        return use

    def _swapon(self, use: Use | None) -> Step:
        options = self._entry.options if self._entry else []
        priority = use.priority if use is not None else _priority(options)
        command = ["swapon"]
        command += ["--priority", str(priority)] if priority is not None and priority >= 0 else []
        command += [f"--{option}" for option in options if option.partition("=")[0] == "discard"]
        return Step("mount", "mount_failed", [*command, self._device])


def read_header(host: Host, volume: Volume, device: str) -> Header:
    """The header of a swap area. Raises Refused when there is none of ours: C(not_readable), C(in_use) when a system sleeps in it."""
    start = host.read_bytes(device, 0, min(_PAGES[-1], volume.size))
    for page in _PAGES:
        magic = start[page - len(_MAGIC) : page]
        if magic == _MAGIC and int.from_bytes(start[_VERSION_AT:_LAST_PAGE_AT], sys.byteorder) == 1:
            return Header(
                page_size=page,
                pages=int.from_bytes(start[_LAST_PAGE_AT:_BAD_PAGES_AT], sys.byteorder) + 1,
                bad_pages=int.from_bytes(start[_BAD_PAGES_AT:_UUID_AT], sys.byteorder),
                uuid=start[_UUID_AT:_LABEL_AT],
                label=start[_LABEL_AT:_LABEL_END].split(b"\0")[0],
            )
        if magic in _HIBERNATED:
            raise Refused("in_use", f"{volume.name} holds the memory of a system that hibernates. Resume that first.")
    raise Refused("not_readable", f"Cannot read the swap area on {device}: its header is not the one that mkswap writes on this machine.")


def read_use(files: TargetFiles, device: str) -> Use | None:
    """How the kernel uses a device as swap. It calls the device by its own name, C(/dev/dm-3)."""
    names = {device, kernel_path(files, device)}
    for line in files.lines("/proc/swaps")[1:]:
        fields = line.split()
        if len(fields) >= 5 and unescaped(fields[0]) in names:
            used, priority = integer(fields[3]), integer(fields[4])
            return None if used is None or priority is None else Use(used * 1024, priority)
    return None


def _stays_open(host: Host, volume: Volume) -> bool:
    """Whether somebody has it open who is not udev: swapoff wakes udev, which then looks at the device."""
    if host.reading.find("udevadm") is not None:
        host.reading.run(["udevadm", "settle", f"--timeout={_SETTLE_SECONDS}"], check=False)
    return read_volume(host, volume.vg["name"], volume.lv["name"]).is_open


def _meminfo(files: TargetFiles) -> tuple[int, int] | None:
    """Bytes of memory that are available, and of all memory."""
    values = dict(line.split(":", 1) for line in files.lines("/proc/meminfo") if ":" in line)
    available, total = (integer(values.get(key, "").replace("kB", "")) for key in ("MemAvailable", "MemTotal"))
    return None if available is None or total is None else (available * 1024, total * 1024)


def _priority(options: list[str]) -> int | None:
    return next((integer(option[4:]) for option in options if option.startswith("pri=")), None)


def _written(uuid: bytes) -> str:
    text = uuid.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
