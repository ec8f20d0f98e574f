# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.xfs import Geometry, parse_geometry
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused

# xfsprogs 6.1.0, recorded in the lab.
GROWFS = """\
meta-data=/dev/mapper/vg0-lv_xfs isize=512    agcount=5, agsize=38400 blks
         =                       sectsz=512   attr=2, projid32bit=1
         =                       crc=1        finobt=1, sparse=1, rmapbt=0
         =                       reflink=1    bigtime=1 inobtcount=1 nrext64=0
data     =                       bsize=4096   blocks=179200, imaxpct=25
         =                       sunit=0      swidth=0 blks
naming   =version 2              bsize=4096   ascii-ci=0, ftype=1
log      =internal log           bsize=4096   blocks=16384, version=2
         =                       sectsz=512   sunit=0 blks, lazy-count=1
realtime =none                   extsz=4096   blocks=0, rtextents=0
"""


def test_geometry_of_the_data_section():
    assert parse_geometry(GROWFS) == Geometry(blocks=179200, block_size=4096, group_blocks=38400)


def test_other_text_is_not_readable():
    with pytest.raises(Refused, match="told no geometry"):
        parse_geometry("xfs_growfs: /mnt is not a mounted XFS filesystem")


@pytest.mark.parametrize(
    ("blocks", "goal"),
    [(192512, 192512), (5 * 38400, 5 * 38400), (5 * 38400 + 63, 5 * 38400), (5 * 38400 + 64, 5 * 38400 + 64), (38000, 38000)],
)
def test_kernel_keeps_no_allocation_group_of_less_than_64_blocks(blocks, goal):
    assert Geometry(blocks=1, block_size=4096, group_blocks=38400).goal(blocks * 4096 + 4095) == goal
