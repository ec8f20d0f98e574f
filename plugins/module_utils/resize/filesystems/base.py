# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the resize flow asks of a file system."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Procedure
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume


class FileSystem(t.Protocol):
    """A file system as it was when the strategy was made; made anew, it reads anew."""

    size: int | None
    """Bytes of all its blocks; None where there is no file system."""

    places: list[str]
    """Where it is mounted when all is done: where it is now, or where an earlier run, killed, may have left it unmounted."""

    def goal(self, volume_size: int) -> int | None:
        """Bytes that it has at most on a volume of this size: what its own tool makes of it, to the byte, grown or shrunk."""

    def growth(self, volume_size: int) -> Procedure:
        """How it grows to its goal on a volume of this size. Raises Refused for everything that would stop its tool."""

    def shrinkage(self, volume_size: int) -> Procedure:
        """How it shrinks to its goal on a volume of this size. Raises Refused for everything that would stop its tool."""

    def trouble(self) -> str | None:
        """What a full check that changes nothing finds wrong with it while it is unmounted; None where it may be mounted."""


Strategy = t.Callable[[Host, Volume, Options], FileSystem]


def is_complete(filesystem: FileSystem, volume_size: int) -> bool | None:
    """Whether it fills a volume of this size; None where there is no file system."""
    goal = filesystem.goal(volume_size)
    return None if filesystem.size is None or goal is None else goal <= filesystem.size


def check_room(volume: Volume, volume_size: int, left: int, used: int, minimum: int, options: Options) -> None:
    """Refuse a shrinking that would leave a file system less than it uses and the margin above it (rule 1), or than its tool can reach.

    ``left``: bytes of all its blocks afterwards; ``used``: bytes of them in use now, its administration included; ``minimum``: the least
    its tool can make of it.
    """
    needed = used + options.margin.in_bytes(used)
    if left >= needed and left >= minimum:
        return
    asked = f"{volume.name} cannot become {human(volume_size)} (O(size)): its file system would have {human(left)}"
    if left < needed:
        raise Refused(
            "too_small", f"{asked}; {human(used)} of it are in use, and with the margin above that (O(margin)) it needs {human(needed)}."
        )
    raise Refused("too_small", f"{asked}, and it can be made no smaller than {human(minimum)}.")
