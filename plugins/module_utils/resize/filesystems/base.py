# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The protocol of the file systems: one strategy per family, chosen by the type that the facts name."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume


class Step(t.NamedTuple):
    """One changing command. ``name`` is what C(stopped_at) says when it fails; ``reason`` the code of that failure."""

    name: str
    reason: str
    command: list[str]
    good: tuple[int, ...] = (0,)


class Options(t.NamedTuple):
    """What the user allows."""

    allow_fsck: bool = False
    named_exactly: bool = False


class FileSystem(t.Protocol):
    """A file system as it was when the strategy was made; made anew, it reads anew."""

    size: int | None
    """Bytes of all its blocks; None where there is no file system."""

    def goal(self, volume_size: int) -> int | None:
        """Bytes that it has at most on a volume of this size: what its own tool makes of it, to the byte."""

    def check_growth(self, volume_size: int) -> None:
        """Raise Refused for everything that would stop its tool on a volume of this size."""

    def before_volume(self) -> list[Step]:
        """Steps before the volume is extended: what may still fail harmlessly."""

    def after_volume(self, volume_size: int) -> list[Step]:
        """Steps that grow it to its goal on a volume of this size."""


Strategy = t.Callable[[Host, Volume, Options], FileSystem]


def is_complete(filesystem: FileSystem, volume_size: int) -> bool | None:
    """Whether it fills a volume of this size; None where there is no file system."""
    goal = filesystem.goal(volume_size)
    return None if filesystem.size is None or goal is None else goal <= filesystem.size
