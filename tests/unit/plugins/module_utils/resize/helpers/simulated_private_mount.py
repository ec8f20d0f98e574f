# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mounts a file system for one command alone (util-linux 2.38): unshare, and the lsblk that finds copies of it."""

from __future__ import annotations

import json

from simulated_host import Answer, SimulatedHost
from simulated_volume import EXTENT, Volume


def _unshare(host: SimulatedHost, args: list[str]) -> Answer:
    """``unshare --mount --propagation private sh -c SCRIPT sh MOUNT MODE TYPE OPTIONS DEVICE PLACE COMMAND …``."""
    assert args[1:6] == ["--mount", "--propagation", "private", "sh", "-c"], "the mount would be seen elsewhere"
    mount, mode, kind, options, device, place, *command = args[8:]
    assert (mount, set(options.split(",")) >= {"nosuid", "nodev", "noexec"}) == ("mount", True)
    volume, fs = host.by_device(device)
    refused = _mounted(volume, mode, kind, place)
    if refused:
        return 32, "", f"mount: {place}: {refused}\n       dmesg(1) may have more information after failed mount system call."
    assert not fs.lost, "a damaged file system was mounted"
    if command[0] in host.broken and mode == "--rw":
        return (0, "", "") if host.broken[command[0]] == "lies" else (1, "", f"{command[0]}: something is wrong")
    # How it was mounted before does not matter to a mount of its own.
    before, volume.read_only = volume.read_only, False
    volume.mountpoints.append(place)
    if mode == "--read-only":
        host.read_only_at.add(place)
    try:
        return host.tools[command[0]](host, command)
    finally:
        volume.read_only = before
        volume.mountpoints.remove(place)
        host.read_only_at.discard(place)


def _mounted(volume: Volume, mode: str, kind: str, place: str) -> str | None:
    """Why it cannot be mounted."""
    bad = f"wrong fs type, bad option, bad superblock on {volume.path}, missing codepage or helper program, or other error."
    if mode == "--rw" and not volume.writable:
        return f"{volume.path} is write-protected but explicit read-write mode requested."
    assert volume.fs is not None
    return bad if volume.fs.kind != kind or getattr(volume.fs, "unknown_feature", False) else None


def _lsblk(host: SimulatedHost, args: list[str]) -> Answer:
    assert args[1:4] == ["--json", "--bytes", "--output"]
    devices = [
        {
            "name": f"vg0-{volume.name}",
            "kname": f"dm-{number}",
            "type": "lvm",
            "size": volume.extents * EXTENT,
            "fstype": volume.fs.kind if volume.fs else None,
            "uuid": volume.fs.uuid if volume.fs else None,
            "label": volume.fs.label if volume.fs else None,
            "maj:min": f"253:{number}",
            "pttype": None,
        }
        for number, volume in enumerate(host.volumes.values())
    ]
    return 0, json.dumps({"blockdevices": devices}), ""


TOOLS = {"lsblk": _lsblk, "unshare": _unshare}
