# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose vg0/data is f2fs."""

from __future__ import annotations

from driver import data_volume, f2fs, machine_with

FSTAB = ["UUID=fs-uuid /srv f2fs defaults 0 2"]


def unmounted(extents=100, filled=None, **more):
    """A host with vg0/data, not mounted, whose f2fs fills a volume of ``filled`` extents, or all of it."""
    return machine_with(data_volume(extents, fs=f2fs(filled or extents, **more), mountpoints=[]))
