# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host whose vg0/data is btrfs, and what its tools say of it."""

from __future__ import annotations

from driver import btrfs, data_volume, machine_with
from simulated_btrfs import UUID

SYSFS = f"/sys/fs/btrfs/{UUID}"
DUMP_SUPER = """\
superblock: bytenr=65536, device=/dev/vg0/b1
---------------------------------------------------------
csum_type\t\t0 (crc32c)
csum_size\t\t4
csum\t\t\t0xf9223bf3 [match]
bytenr\t\t\t65536
flags\t\t\t0x1
\t\t\t( WRITTEN )
magic\t\t\t_BHRfS_M [match]
fsid\t\t\t65f15657-c15d-4190-ae57-9142912aec1e
metadata_uuid\t\t65f15657-c15d-4190-ae57-9142912aec1e
label\t\t\tdata
generation\t\t7
total_bytes\t\t999997440
bytes_used\t\t147456
sectorsize\t\t4096
num_devices\t\t1
compat_flags\t\t0x0
dev_item.uuid\t\tbd1c4b6c-5ca4-42f8-bb89-64753a2f4a97
dev_item.fsid\t\t65f15657-c15d-4190-ae57-9142912aec1e [match]
dev_item.type\t\t0
dev_item.total_bytes\t999997440
dev_item.bytes_used\t132513792
dev_item.devid\t\t1
"""


def host(extents=150, mounted=True, volume=None, **fs):
    """A host with vg0/data, btrfs that fills it unless told otherwise."""
    files = {"fs": btrfs(fs.pop("filled", extents), **fs), **(volume or {})}
    return machine_with(data_volume(extents, mountpoints=["/srv"] if mounted else [], **files))
