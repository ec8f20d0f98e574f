# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking a file system out of use for a resize, and putting it back.

Only what the next boot would mount again is unmounted: an entry of /etc/fstab without C(noauto). So its options come back with it, and
whatever ends this module, nothing has to be remembered: the same entry tells the next run, or the next boot, to mount it.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.block_devices import read_block_devices
from ansible_collections.foresight.capacity.plugins.module_utils.mounts import read_mounts
from ansible_collections.foresight.capacity.plugins.module_utils.resize.copies import copies
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Released, Step
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles, printable

_SHOWN_USERS = 5


class FstabEntry(t.NamedTuple):
    """One line of fstab(5)."""

    source: str
    target: str
    fstype: str
    options: list[str]

    @property
    def at_boot(self) -> bool:
        return "noauto" not in self.options

    @property
    def read_only(self) -> bool:
        """Of C(ro) and C(rw) the last one counts (mount(8))."""
        return [option for option in self.options if option in ("ro", "rw")][-1:] == ["ro"]


def fstab_entries(files: TargetFiles, volume: Volume) -> list[FstabEntry]:
    """The lines of /etc/fstab that name the file system of this volume: by UUID, by label, or by a path of the volume."""
    names = _names(volume)
    return [entry for entry in _all_entries(files) if entry.source in names]


def _all_entries(files: TargetFiles) -> list[FstabEntry]:
    return [entry for entry in map(_parse, files.lines("/etc/fstab")) if entry is not None]


def _entry_at(files: TargetFiles, volume: Volume, place: str) -> FstabEntry | None:
    """The line by which C(mount PLACE) mounts this volume, at boot too; of several lines with that place the first one counts."""
    first = next((entry for entry in _all_entries(files) if entry.target == place), None)
    return first if first is not None and first.at_boot and first in fstab_entries(files, volume) else None


def places(host: Host, volume: Volume, options: Options) -> list[str]:
    """Where the file system is mounted when all is done: where it is, or where an earlier run may have left it unmounted."""
    if volume.mountpoints or volume.is_open or not options.allow_unmount:
        return sorted(volume.mountpoints)
    # Where something is mounted already, a copy of this file system, with its UUID or label, may be what the line means.
    taken = {printable(mount.mountpoint) for mount in read_mounts(host.files) if mount.fstype != "autofs"}
    targets = {entry.target for entry in fstab_entries(host.files, volume) if entry.target.startswith("/")}
    return sorted(target for target in targets - taken if _entry_at(host.files, volume, target) is not None)[:1]


def type_in_use(host: Host, volume: Volume, where: list[str]) -> str | None:
    """What the mount table will call the file system in these places: an ext3 that /etc/fstab mounts as ext4 is ext4 there."""
    present: str | None = (volume.lv["filesystem"] or {}).get("type")
    entry = _entry_at(host.files, volume, where[0]) if where and not volume.mountpoints else None
    return present if entry is None or entry.fstype == "auto" or "," in entry.fstype else entry.fstype


def released(host: Host, volume: Volume, options: Options, purpose: str) -> Released:
    """The steps that unmount it and mount it again; none where it is not mounted, and need not be afterwards.

    ``purpose`` ends the sentence "... can ... only while it is not mounted". Raises Refused: C(mounted) without the permission,
    C(not_in_fstab) when the next boot would not mount it again, C(busy) when somebody uses it.
    """
    mountpoints = volume.mountpoints
    mounted = places(host, volume, options)
    if not mountpoints:
        for place in mounted:
            _check_copies(host, volume, place)
            host.require("mount")
        return Released(restore=[_mount(place) for place in mounted])
    kind, name = volume.lv["filesystem"]["type"], volume.name
    if not options.allow_unmount:
        raise Refused(
            "mounted",
            f"{name} is mounted at {', '.join(mountpoints)}, and {kind} can {purpose} only while it is not mounted: "
            f"allow that for the time of the resize (O(allow_unmount)), or unmount it first.",
        )
    if len(mountpoints) > 1:
        raise Refused("busy", f"{name} is mounted at {', '.join(mountpoints)}: only a file system with one mount is unmounted here.")
    entry = _entry_at(host.files, volume, mountpoints[0])
    if entry is None:
        raise Refused(
            "not_in_fstab",
            f"{name} is mounted at {mountpoints[0]}, but no line of /etc/fstab mounts it there at boot (the first one with that place counts): "
            f"after a failure nothing would mount it again. Add that line, or unmount it first.",
        )
    # Whether somebody remounted it, or the kernel did after an error: coming back the other way would be a change of its own.
    now, then = volume.lv["filesystem"]["read_only"], entry.read_only
    if now is not None and now != then:
        ways = ("read-write", "read-only")
        raise Refused(
            "not_in_fstab",
            f"{name} is mounted {ways[now]} at {mountpoints[0]}, but its line of /etc/fstab mounts it {ways[then]}: after the resize it would "
            f"not come back as it is. Make the two agree first.",
        )
    _check_copies(host, volume, mountpoints[0])
    for tool in ("umount", "mount"):
        host.require(tool)
    users = _users(host.files, mountpoints[0])
    if users:
        shown = ", ".join(users[:_SHOWN_USERS]) + (f" and {len(users) - _SHOWN_USERS} more" if len(users) > _SHOWN_USERS else "")
        raise Refused("busy", f"{name} cannot be unmounted from {mountpoints[0]}: {shown}. End that first.")
    return Released(
        release=[Step("unmount", "unmount_failed", ["umount", mountpoints[0]])],
        restore=[_mount(mountpoints[0])],
    )


def _check_copies(host: Host, volume: Volume, place: str) -> None:
    """A line that names the file system by UUID or label might mount a copy of it: while neither is mounted, nobody can tell which."""
    entry = _entry_at(host.files, volume, place)
    if entry is None or not re.search(r"^(UUID|LABEL)=|/by-(uuid|label)/", entry.source):
        return
    found = copies(read_block_devices(host.reading), volume, by_label="label" in entry.source.lower())
    if found:
        raise Refused(
            "duplicate_uuid",
            f"{volume.name} is mounted at {place} as {entry.source} (/etc/fstab), and {', '.join(found)} bears the same: after the resize that might "
            f"be mounted there. Name {volume.lv['filesystem']['device']} in that line, or give the copy another name.",
        )


def _mount(place: str) -> Step:
    return Step("mount", "mount_failed", ["mount", place])


def _names(volume: Volume) -> set[str]:
    filesystem = volume.lv["filesystem"] or {}
    paths = {volume.lv.get("path"), volume.lv.get("dm_path"), filesystem.get("device")}
    names = {str(path) for path in paths if path}
    for key, text in (("uuid", filesystem.get("uuid")), ("label", filesystem.get("label"))):
        if text:
            names |= {f"{key.upper()}={text}", f'{key.upper()}="{text}"', f"/dev/disk/by-{key}/{text}"}
    return names


def _parse(line: str) -> FstabEntry | None:
    fields = line.split()
    if len(fields) < 3 or fields[0].startswith("#"):
        return None
    source, target = (re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), field) for field in fields[:2])
    return FstabEntry(source, target.rstrip("/") or "/", fields[2], fields[3].split(",") if len(fields) > 3 else [])


def _users(files: TargetFiles, mountpoint: str) -> list[str]:
    """Who would keep it from being unmounted, or from staying so: automounts, mounts on it, swap files and loop devices in it, processes in it."""
    inside = mountpoint.rstrip("/") + "/"

    def lies_inside(path: str | None) -> bool:
        return path is not None and (path == mountpoint or path.startswith(inside))

    mounts = [(printable(mount.mountpoint), mount.fstype) for mount in read_mounts(files)]
    found = [f"{place} is mounted on it" for place, _fstype in mounts if place.startswith(inside)]
    # umount takes the uppermost off, whose ever that is.
    there = [mount for mount in read_mounts(files) if printable(mount.mountpoint) == mountpoint and mount.fstype != "autofs"]
    found += [f"{len(there)} mounts lie on one another there"] if len(there) > 1 else []
    found += [f"only its directory {mount.directory} is mounted there" for mount in there if mount.directory != "/"]
    # Whoever looks there would have it mounted again in the middle of the resize.
    found += [
        f"it is mounted on demand at {place}"
        for place, fstype in mounts
        if fstype == "autofs" and inside.startswith(place.rstrip("/") + "/")
    ]
    swaps = [line.split()[0] for line in files.lines("/proc/swaps")[1:] if line.split()]
    found += [f"{path} is a swap file in use" for path in swaps if lies_inside(path)]
    for device in files.names("/sys/block"):
        backing = (files.text(f"/sys/block/{device}/loop/backing_file") or "").strip()
        if lies_inside(backing):
            found.append(f"{device} is made of {backing}")
    for process in files.names("/proc"):
        if process.isdecimal() and any(lies_inside(path) for path in _paths(files, process)):
            found.append(f"process {process} ({(files.text(f'/proc/{process}/comm') or '').strip()}) uses it")
    return found


def _paths(files: TargetFiles, process: str) -> t.Iterator[str | None]:
    """What a process holds: its directory, its root, its program, its open files, the files in its memory."""
    home = f"/proc/{process}"
    for name in ("cwd", "root", "exe"):
        yield files.link(f"{home}/{name}")
    for number in files.names(f"{home}/fd"):
        yield files.link(f"{home}/fd/{number}")
    for line in files.lines(f"{home}/maps"):
        fields = line.split(None, 5)
        if len(fields) == 6:
            yield fields[5]
