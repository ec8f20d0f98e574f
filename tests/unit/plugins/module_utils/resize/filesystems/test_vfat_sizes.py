# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vfat: what fatresize makes of a size, and how many clusters that gives."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import simulated_vfat
from driver import DEVICE, vfat
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.module_utils.commands import SYSTEM_DIRECTORIES
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.vfat import parse_boot_sector, reachable
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused

MIB, GIB = 2**20, 2**30
PATH = ":".join(SYSTEM_DIRECTORIES)
MISSING = [tool for tool in ("mkfs.vfat", "fsck.vfat", "fatresize") if not shutil.which(tool, path=PATH)]
needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not found; install the packages dosfstools and fatresize")
# Volume, -s, and the sectors that fatresize 1.1.0 made of it in the lab (Debian 12).
RECORDED = [
    (600 * MIB, 628000000, 1226563),
    (600 * MIB, 627000000, 1224610),
    (1024 * MIB, 1073000000, 2095704),
    (4096 * MIB, 4294000000, 8386719),
    (12288 * MIB, 11800000000, 23046876),
    (40960 * MIB, 41900000000, 81835938),
    (102400 * MIB, 106000000000, 207031251),
]


@pytest.mark.parametrize(("volume", "argument", "sectors"), RECORDED)
def test_sizes_as_the_real_tool_made_them(volume, argument, sectors):
    assert simulated_vfat._placed(volume, argument) == sectors


@pytest.mark.parametrize("less", [0, 512])
def test_the_whole_volume_cannot_be_asked_for(less):
    assert simulated_vfat._placed(600 * MIB, 600 * MIB - less) == ""


def test_a_little_less_than_the_volume_runs_into_an_assertion():
    assert "Assertion" in simulated_vfat._placed(600 * MIB, 600 * MIB - 65536)


def test_a_wish_near_the_end_takes_the_whole_volume():
    """Above 10 GB; the goal must not depend on it, as the same wish on a volume not yet reduced would shrink nothing."""
    assert simulated_vfat._placed(12 * GIB, 12 * GIB - 100 * MIB) == 12 * GIB // 512


@settings(max_examples=1500, deadline=None)
@given(
    extents=st.one_of(st.integers(70, 3000), st.integers(2300, 2500), st.integers(23000, 27000), st.integers(3000, 500000)),
    unit=st.sampled_from([MIB, 4 * MIB, 32 * MIB]),
    more=st.one_of(st.just(0), st.integers(0, 20000)),
)
def test_the_goal_is_what_fatresize_makes_of_its_argument_on_this_volume_and_on_larger_ones(extents, unit, more):
    volume = extents * unit
    size = reachable(volume)
    assert simulated_vfat._placed(volume + more * unit, size.argument) == size.sectors
    assert size.sectors * 512 <= volume
    # What stays unused: two megabytes, above 10 GB one and a half gigabytes at most.
    assert volume - size.sectors * 512 <= (2 * 10**6 if volume < 10**10 else 16 * 10**8) or volume > 2199 * 10**9


def test_a_file_system_ends_where_its_boot_sector_cannot_count_further():
    assert reachable(3 * 2**40).sectors < 2**32
    assert reachable(5 * MIB).sectors == 0


@pytest.mark.parametrize("cluster", [8, 16, 64])
@pytest.mark.parametrize("sectors", [1226563, 2095704, 8386719])
def test_clusters_are_nearly_as_many_as_there_is_room_for(cluster, sectors):
    most = simulated_vfat._layout(sectors, cluster)[0]
    assert (
        most * 0.997 < parse_boot_sector(vfat(100).read_bytes(0, 512), DEVICE)._replace(cluster_sectors=cluster).clusters(sectors) <= most
    )


# Sectors, clusters of 4 KiB as the real tools counted them: just FAT32, and what became FAT16.
@pytest.mark.parametrize(("sectors", "clusters"), [(525391, 65540), (527344, 65784), (937501, 116953)])
def test_clusters_as_the_real_tools_counted_them(sectors, clusters):
    assert parse_boot_sector(vfat(100).read_bytes(0, 512), DEVICE).clusters(sectors) == clusters


@pytest.mark.parametrize("spoil", [slice(510, 512), slice(11, 13), slice(13, 14), slice(16, 17), slice(32, 36)])
def test_a_boot_sector_that_makes_no_sense(spoil):
    sector = bytearray(vfat(100).read_bytes(0, 512))
    sector[spoil] = bytes(len(sector[spoil]))
    with pytest.raises(Refused, match="boot sector makes no sense") as refused:
        parse_boot_sector(bytes(sector), DEVICE)
    assert refused.value.reason == "not_readable"


@needs_tools
@pytest.mark.parametrize("cluster", [8, 16])
@pytest.mark.parametrize(
    ("made", "volume"), [(600, 604), (600, 1000), (560, 10000), (600, 12000), (1200, 600), (20000, 9000), (9990, 9700)]
)
def test_the_goal_is_what_the_real_fatresize_makes(tmp_path, cluster, made, volume):
    image = str(tmp_path / "image")

    def run(*args):
        return subprocess.run(args, capture_output=True, text=True, check=True, env={"PATH": PATH, "LC_ALL": "C"}).stdout

    with open(image, "wb") as file:
        file.truncate(made * MIB)
    run("mkfs.vfat", "-F", "32", "-s", str(cluster), image)
    with open(image, "r+b") as file:
        file.truncate(max(made, volume) * MIB)
    size = reachable(volume * MIB)
    run("fatresize", "--force-yes", "--partition", "1", "--size", str(size.argument), image)
    with open(image, "rb") as file:
        boot = parse_boot_sector(file.read(512), image)
    assert (boot.sectors, boot.cluster_sectors, boot.is_fat32) == (size.sectors, cluster, True)
    assert f"/{boot.clusters(size.sectors)} clusters" in run("fsck.vfat", "-n", image)
