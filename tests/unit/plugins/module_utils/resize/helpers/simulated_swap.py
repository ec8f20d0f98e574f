# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Swap in memory, with mkswap, swapon and swapoff of util-linux 2.38 as the recordings of the lab show them."""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass

from simulated_host import Answer, SimulatedHost
from simulated_volume import EXTENT, FileSystem

UUID = "22724e7e-8804-4712-8429-0d6692a9f456"
PLACE = "[SWAP]"


@dataclass
class Swap(FileSystem):
    """Sizes in pages, the header included; ``swapped``: bytes that are swapped out to it while it is active; ``looked_at``: udev has it open."""

    kind: str = "swap"
    magic: bytes = b"SWAPSPACE2"
    version: int = 1
    bad_pages: int = 0
    priority: int = -2
    discard: str | None = None
    swapped: int = 0
    looked_at: bool = False
    uuid: str = UUID

    @property
    def used(self) -> int:
        """What is in it is nothing to keep."""
        return 0

    @used.setter
    def used(self, _bytes: int) -> None:
        pass

    def read_bytes(self, offset: int, count: int) -> bytes:
        """The header, as mkswap writes it, and zeros."""
        page = bytearray(65536)
        order = "<" if sys.byteorder == "little" else ">"
        label = (self.label or "").encode()
        struct.pack_into(f"{order}III", page, 1024, self.version, self.blocks - 1, self.bad_pages)
        page[1036:1052] = bytes.fromhex(self.uuid.replace("-", ""))
        page[1052 : 1052 + len(label)] = label
        page[self.block_size - 10 : self.block_size] = self.magic.ljust(10, b"\0")
        return bytes(page)[offset : offset + count]


def _options(args: list[str], *flags: str) -> tuple[dict[str, str], list[str]]:
    """``--name value`` and ``--name=value`` of a command, and its other words."""
    found, rest, words = {}, [], iter(args[1:])
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            found[name] = value if equals or name in flags else next(words)
        else:
            rest.append(word)
    return found, rest


def _mkswap(host: SimulatedHost, args: list[str]) -> Answer:
    options, (device, kib) = _options(args)
    volume, fs = host.by_device(device)
    assert isinstance(fs, Swap)
    if PLACE in volume.mountpoints:
        return 1, "", f"mkswap: error: {device} is mounted; will not make swapspace"
    if not volume.writable:
        return 1, "", f"mkswap: cannot open {device}: Operation not permitted"
    if int(kib) * 1024 > volume.extents * EXTENT:
        return 1, "", f"mkswap: error: size {kib} KiB is larger than device size {volume.extents * EXTENT // 1024} KiB"
    page = int(options.get("pagesize", 4096))
    fs.blocks, fs.block_size, fs.bad_pages = int(kib) * 1024 // page, page, 0
    fs.uuid = options.get("uuid", "11111111-2222-3333-4444-555555555555")
    fs.label = options["label"][:15] if "label" in options else None
    return 0, f"Setting up swapspace version 1, size = {(fs.blocks - 1) * page} bytes\nno label, UUID={fs.uuid}\n", ""


def _swapon(host: SimulatedHost, args: list[str]) -> Answer:
    options, (device,) = _options(args, "discard")
    volume, fs = host.by_device(device)
    assert isinstance(fs, Swap)
    if PLACE in volume.mountpoints:
        return 255, "", f"swapon: {device}: swapon failed: Device or resource busy"
    volume.is_open = volume.is_open and not fs.looked_at
    if fs.block_size != 4096:
        return 255, "", f"swapon: {device}: swap format pagesize does not match. (Use --fixpgsz to reinitialize it.)"
    assert fs.size <= volume.extents * EXTENT, "Swap area shorter than signature indicates"
    fs.priority, fs.discard = int(options.get("priority", -2)), options.get("discard")
    volume.mountpoints.append(PLACE)
    return 0, "", ""


def _swapoff(host: SimulatedHost, args: list[str]) -> Answer:
    (device,) = args[1:]
    volume, fs = host.by_device(device)
    assert isinstance(fs, Swap)
    if PLACE not in volume.mountpoints:
        return 4, "", f"swapoff: {device}: swapoff failed: Invalid argument"
    if PLACE in host.busy:
        return 2, "", f"swapoff: {device}: swapoff failed: Cannot allocate memory"
    volume.mountpoints.remove(PLACE)
    fs.swapped = 0
    # udev looks at it now.
    fs.looked_at = volume.is_open = True
    return 0, "", ""


def _proc_swaps(host: SimulatedHost) -> str:
    """/proc/swaps; the kernel leaves out the header page."""
    lines = ["Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority"]
    for volume in host.volumes.values():
        if isinstance(volume.fs, Swap) and PLACE in volume.mountpoints:
            kib = (volume.fs.blocks - 1) * volume.fs.block_size // 1024
            name = "/dev/" + host.links[volume.path].split("/")[-1] if volume.path in host.links else volume.path
            lines.append(f"{name:<40}partition\t{kib}\t\t{volume.fs.swapped // 1024}\t\t{volume.fs.priority}")
    # Swap files are put there by a test.
    return "\n".join([*lines, *host.files.get("/proc/swaps", "").splitlines()]) + "\n"


def _meminfo(host: SimulatedHost) -> str:
    return host.files.get("/proc/meminfo", "MemTotal:        8000000 kB\nMemAvailable:    4000000 kB\n")


def _udevadm(host: SimulatedHost, args: list[str]) -> Answer:
    """Waits until udev has looked at what others closed."""
    assert args[1] == "settle"
    for volume in host.volumes.values():
        volume.is_open = volume.is_open and not (isinstance(volume.fs, Swap) and volume.fs.looked_at)
    return 0, "", ""


TOOLS = {
    "udevadm": _udevadm,
    "mkswap": _mkswap,
    "swapoff": _swapoff,
    "swapon": _swapon,
    "/proc/swaps": _proc_swaps,
    "/proc/meminfo": _meminfo,
}
