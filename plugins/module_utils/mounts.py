# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mount table of a process."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles


class Mount(t.NamedTuple):
    """One line of /proc/self/mountinfo (proc(5)); ``directory`` is what of the file system is mounted, / for all of it."""

    identifier: int
    parent: int
    number: str
    directory: str
    mountpoint: str
    fstype: str
    source: str
    read_only: bool


def read_mounts(files: TargetFiles, path: str = "/proc/self/mountinfo") -> list[Mount]:
    """All mounts that a process sees, oldest first: this one, or the one whose C(mountinfo) is named."""
    return [mount for mount in map(_parse, files.lines(path)) if mount is not None]


def _parse(line: str) -> Mount | None:
    left, separator, right = line.partition(" - ")
    fields = left.split(" ")
    rest = right.split(" ")
    if not separator or len(fields) < 6 or len(rest) < 3:
        return None
    return Mount(
        identifier=int(fields[0]),
        parent=int(fields[1]),
        number=fields[2],
        directory=unescaped(fields[3]),
        mountpoint=unescaped(fields[4]),
        fstype=rest[0],
        source=unescaped(rest[1]),
        read_only="ro" in rest[2].split(",") or "ro" in fields[5].split(","),
    )


def unescaped(text: str) -> str:
    """A path as it is, of one as the kernel and fstab(5) write it: blanks, line ends and backslashes in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)


def visible_mounts(mounts: list[Mount]) -> list[Mount]:
    """Those mounts that their mount points really lead to; a later mount on the same directory or above it hides a mount."""
    by_identifier = {mount.identifier: mount for mount in mounts}
    covers: dict[int, set[str]] = {}
    for mount in mounts:
        covers.setdefault(mount.parent, set()).add(mount.mountpoint)

    def is_reachable(mount: Mount) -> bool:
        """Nothing beside this mount, or beside one that it stands on, was mounted on a directory of its path."""
        current: Mount | None = mount
        while current is not None:
            if any(directory in covers[current.parent] for directory in _directories_above(current.mountpoint)):
                return False
            current = by_identifier.get(current.parent) if current.parent != current.identifier else None
        return True

    return [mount for mount in mounts if mount.mountpoint not in covers.get(mount.identifier, ()) and is_reachable(mount)]


def _directories_above(path: str) -> list[str]:
    parts = path.strip("/").split("/") if path != "/" else []
    return ["/" + "/".join(parts[:count]) for count in range(len(parts))]
