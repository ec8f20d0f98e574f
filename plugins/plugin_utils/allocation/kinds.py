# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lv_resize can do with each kind of file system, mounted and not."""

from __future__ import annotations

import typing as t


class Kind(t.NamedTuple):
    """`grow`, `shrink`: in which states the file system can be resized; neither = never. swap counts as mounted while it is on."""

    grow_mounted: bool
    grow_unmounted: bool
    shrink_mounted: bool
    shrink_unmounted: bool

    @property
    def grows(self) -> bool:
        """Return whether it can grow at all."""
        return self.grow_mounted or self.grow_unmounted

    @property
    def shrinks(self) -> bool:
        """Return whether it can be made smaller at all."""
        return self.shrink_mounted or self.shrink_unmounted


SWAP = "swap"
"""Nobody sees whether it is on, nor what it will hold: it is taken to be on, and follows no forecast."""

_EXT = Kind(True, True, False, True)
_UNMOUNTED_ONLY = Kind(False, True, False, True)

KINDS: t.Mapping[str, Kind] = {
    "ext2": _EXT,
    "ext3": _EXT,
    "ext4": _EXT,
    "xfs": Kind(True, False, False, False),
    "btrfs": Kind(True, False, True, False),
    "f2fs": _UNMOUNTED_ONLY,
    "vfat": _UNMOUNTED_ONLY,
    SWAP: _UNMOUNTED_ONLY,
}


def kind_of(name: str | None) -> Kind | None:
    """Return what can be done with a type of file system, as lsblk calls it, or None for one that is not known here."""
    return KINDS.get(name or "")
