# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from driver import DEVICE, data_volume, machine_with, resize, xfs
from simulated_host import Killed
from simulated_volume import EXTENT, Volume

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


# ---- while it is not mounted ---------------------------------------------------------------------------------------------


def unmounted(extents=100, *others, volume=None, **fs):
    """A host with vg0/data, xfs and not mounted."""
    return machine_with(data_volume(extents, fs=xfs(fs.pop("filled", extents), **fs), mountpoints=[], **(volume or {})), *others)


def changes(machine):
    """Changing commands; a rehearsal is one here, as it mounts the file system."""
    return [call for call in machine.calls if not {"lvs", "read_lvm", "--test", "xfs_db", "lsblk"} & set(call)]


def refused(machine, **more):
    former = copy.deepcopy(machine.volumes)
    result = resize(machine, 150, **more)
    assert (result["status"], changes(machine), machine.volumes) == ("refused", [], former)
    return result["reason"], result["message"]


def test_unmounted_xfs_needs_a_permission():
    reason, message = refused(unmounted())
    assert (reason, "O(allow_mount)" in message) == ("not_mounted", True)


def test_unmounted_xfs_grows_in_a_mount_of_its_own():
    machine = unmounted()
    result = resize(machine, 150, allow_mount=True)
    assert (result["status"], result["after"]["fs_size"], result["after"]["mountpoints"]) == ("changed", 150 * EXTENT, [])
    rehearsal, extend, growing = changes(machine)
    assert extend == ["lvm", "lvextend", "--extents", "150", "vg0/data"]
    for command in (rehearsal, growing):
        assert command[:6] == ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
        assert command[8:14] == ["mount", "--rw", "xfs", "nosuid,nodev,noexec", DEVICE, "/mnt"]
    assert rehearsal[14:] == ["xfs_growfs", "-n", "/mnt"]
    assert growing[14:] == ["xfs_growfs", "-D", str(150 * 1024), "/mnt"]
    assert resize(machine, 150, allow_mount=True)["status"] == "ok"


def test_half_grown_and_unmounted_is_finished():
    result = resize(unmounted(150, filled=100), 150, allow_mount=True)
    assert len(result["commands"]) == 2
    assert result["after"]["fs_fills_volume"]


def test_mounted_xfs_needs_no_mount_of_its_own():
    result = resize(machine_with(data_volume(100, fs=xfs(100))), 150, allow_mount=True)
    assert result["commands"] == ["lvm lvextend --extents 150 vg0/data", f"xfs_growfs -D {150 * 1024} /srv"]


def test_hidden_mount_is_not_mounted_once_more():
    machine = machine_with(data_volume(100, fs=xfs(100)), hidden={"/srv"})
    reason, message = refused(machine, allow_mount=True)
    assert (reason, "lies under another mount" in message) == ("not_mounted", True)


def test_unmounted_and_open_is_in_use():
    assert refused(unmounted(volume={"is_open": True}), allow_mount=True)[0] == "in_use"


@pytest.mark.parametrize("tool", ["unshare", "mount", "sh", "xfs_growfs"])
def test_tools(tool):
    machine = unmounted()
    machine.missing.add(tool)
    assert refused(machine, allow_mount=True)[0] == "missing_tool"


def test_copy_that_is_mounted_is_in_the_way():
    copied = Volume("copy", "uuid-copy", 100, fs=xfs(100), mountpoints=["/copy"])
    reason, message = refused(unmounted(100, copied), allow_mount=True)
    assert (reason, "/dev/mapper/vg0-copy" in message) == ("duplicate_uuid", True)
    copied.mountpoints.clear()
    assert resize(unmounted(100, copied), 150, allow_mount=True)["status"] == "changed"


def test_what_this_kernel_cannot_mount_is_found_before_the_volume_is_changed():
    machine = unmounted(unknown_feature=True)
    result = resize(machine, 150, allow_mount=True)
    assert (result["stopped_at"], result["reason"], result["changed"]) == ("check_filesystem", "fsck_failed", False)
    assert "wrong fs type, bad option, bad superblock" in result["message"]
    assert machine.volumes["data"].extents == 100


@pytest.mark.parametrize("how", ["fails", "lies"])
def test_growing_that_fails_is_finished_by_the_next_run(how):
    machine = unmounted()
    machine.broken = {"xfs_growfs": how}
    result = resize(machine, 150, allow_mount=True)
    assert (result["status"], machine.volumes["data"].fs.size, machine.volumes["data"].mountpoints) == ("failed", 100 * EXTENT, [])
    machine.broken = {}
    assert resize(machine, 150, allow_mount=True)["after"]["fs_size"] == 150 * EXTENT


def test_xfs_never_shrinks_mounted_or_not():
    for mountpoints in (["/srv"], []):
        machine = machine_with(data_volume(100, fs=xfs(100), mountpoints=mountpoints))
        result = resize(machine, 80, allow_shrink=True, allow_mount=True, allow_unmount=True)
        assert result["reason"] == "shrink_not_supported"
        assert machine.volumes["data"].extents == 100


def test_killed_at_every_call_it_is_finished_by_the_next_run():
    former, undisturbed = unmounted(), unmounted()
    expected = resize(undisturbed, 150, allow_mount=True)
    for call in range(len(undisturbed.calls)):
        for when in ("before", "after"):
            machine = copy.deepcopy(former)
            machine.kill_at = (call, when)
            with pytest.raises(Killed):
                resize(machine, 150, allow_mount=True)
            assert machine.volumes["data"].mountpoints == []
            machine.kill_at = None
            assert resize(machine, 150, allow_mount=True)["after"] == expected["after"]
