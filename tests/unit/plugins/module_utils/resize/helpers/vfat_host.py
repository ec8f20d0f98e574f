# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose vg0/data is vfat."""

from __future__ import annotations

from driver import data_volume, machine_with, vfat
from simulated_volume import EXTENT

from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.vfat import reachable

FSTAB = ["UUID=fs-uuid /srv vfat defaults 0 2"]


def unmounted(extents=100, filled=None, **more):
    """A host with vg0/data, not mounted, whose vfat fatresize left for a volume of ``filled`` extents, or of all."""
    fs = vfat(extents, **more)
    fs.blocks = reachable((filled or extents) * EXTENT).sectors
    return machine_with(data_volume(extents, fs=fs, mountpoints=[]))
