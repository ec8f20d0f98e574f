# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making a volume smaller: the file system first, only as far as allowed, and half done work is finished."""

from __future__ import annotations

import pytest
from driver import DEVICE, FSTAB, data_volume, ext4, machine_with, resize, shrinkable, xfs
from simulated_volume import EXTENT, Volume

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin

ALLOWED = {"allow_shrink": True, "allow_unmount": True}
SHRINK = [f"e2fsck -f -p {DEVICE}", f"resize2fs {DEVICE} 102400", "lvm lvreduce --yes --extents 100 vg0/data", f"e2fsck -f -n {DEVICE}"]


def test_file_system_first_then_the_volume():
    machine = shrinkable(mountpoints=[], fstab=None)
    result = resize(machine, 100, allow_shrink=True)
    assert (result["status"], result["commands"]) == ("changed", SHRINK)
    assert result["after"] == {**result["before"], "size": 100 * EXTENT, "fs_size": 100 * EXTENT}
    assert result["message"] == "Shrank vg0/data from 600 MiB to 400 MiB and its ext4 file system from 600 MiB to 400 MiB."
    assert machine.free == 1050
    assert resize(machine, 100, allow_shrink=True)["status"] == "ok"


def test_mounted_file_system_is_unmounted_meanwhile_and_mounted_again():
    machine = shrinkable()
    result = resize(machine, 100, **ALLOWED)
    assert result["commands"] == ["umount /srv", *SHRINK, "mount /srv"]
    assert result["before"]["mountpoints"] == result["after"]["mountpoints"] == machine.volumes["data"].mountpoints == ["/srv"]
    assert result["message"].endswith("from 600 MiB to 400 MiB, not mounted meanwhile, and mounted again at /srv.")


def test_half_shrunk_volume_is_finished():
    machine = shrinkable(fs=ext4(100), mountpoints=[], fstab=None)
    result = resize(machine, 100, expect_size=150 * EXTENT, allow_shrink=True)
    assert result["commands"] == [SHRINK[0], SHRINK[2], SHRINK[3]]
    assert result["message"] == "Shrank vg0/data from 600 MiB to 400 MiB."


def test_file_system_smaller_than_the_smaller_volume_fills_it_afterwards():
    machine = shrinkable(fs=ext4(80), mountpoints=[], fstab=None)
    result = resize(machine, 100, allow_shrink=True)
    assert result["commands"] == [SHRINK[0], SHRINK[2], SHRINK[1], SHRINK[3]]
    assert result["after"]["fs_fills_volume"]


@pytest.mark.parametrize("wish", [{}, {"allow_unmount": True, "named_exactly": True, "allow_fsck": True}])
def test_nothing_shrinks_without_permission(wish):
    machine = shrinkable(mountpoints=[])
    result = resize(machine, 100, **wish)
    assert (result["reason"], "O(allow_shrink)" in result["message"], machine.volumes["data"].extents) == ("shrink_not_allowed", True, 150)


@pytest.mark.parametrize("fs", [xfs(150), None], ids=["xfs", "no file system"])
def test_what_cannot_shrink_is_refused_by_every_option(fs):
    machine = machine_with(data_volume(150, fs=fs, mountpoints=["/srv"] if fs else []), fstab=[FSTAB])
    wish = {**ALLOWED, "named_exactly": True, "allow_fsck": True, "allow_mount": True, "margin": Margin()}
    assert resize(machine, 100, **wish)["reason"] == "shrink_not_supported"


@pytest.mark.parametrize("mountpoints", [["/srv"], []], ids=["mounted", "unmounted"])
@pytest.mark.parametrize(
    ("used", "margin", "fits"),
    [(80, Margin(percent=10.0), True), (90, Margin(percent=10.0), False), (90, Margin(), True), (50, Margin(size=60 * EXTENT), False)],
)
def test_used_bytes_and_the_margin_stay(mountpoints, used, margin, fits):
    machine = shrinkable(used=used * EXTENT, mountpoints=mountpoints)
    result = resize(machine, 100, **ALLOWED, margin=margin)
    assert result["status"] == ("changed" if fits else "refused")
    if not fits:
        assert (result["reason"], "O(margin)" in result["message"]) == ("too_small", True)


def test_what_the_tool_itself_cannot_reach_is_refused():
    fs = ext4(150, used=101_500 * 4096, inode_blocks=128)
    result = resize(shrinkable(fs=fs, mountpoints=[]), 100, allow_shrink=True, margin=Margin())
    assert (result["reason"], "no smaller than" in result["message"]) == ("too_small", True)


def test_file_system_that_filled_up_after_it_was_read_is_left_as_it_was():
    """What was used while it was mounted is not believed: it is read again when nobody can write to it any more."""
    machine = shrinkable()

    def fill(host):
        if host.calls[-1][0] == "umount":
            host.volumes["data"].fs.used = 120 * EXTENT

    machine.at_call = fill
    result = resize(machine, 100, **ALLOWED)
    assert (result["status"], result["reason"], result["changed"], result["commands"]) == (
        "failed", "too_small", False, ["umount /srv", "mount /srv"],
    )  # fmt: skip
    assert "Nothing was changed; the same task starts anew" in result["message"]


@pytest.mark.parametrize(("tool", "step"), [("resize2fs", "shrink_filesystem"), ("lvreduce", "reduce_volume")])
@pytest.mark.parametrize("how", ["fails", "lies"])
def test_broken_tool_costs_nothing_and_the_next_run_finishes(tool, step, how):
    machine = shrinkable(broken={tool: how})
    result = resize(machine, 100, **ALLOWED)
    assert (result["status"], result["stopped_at"]) == ("failed", step)
    volume = machine.volumes["data"]
    assert not volume.fs.lost
    assert volume.mountpoints == ["/srv"], "nothing is wrong with it, so it is mounted again"
    machine.broken = {}
    assert resize(machine, 100, expect_size=150 * EXTENT, **ALLOWED)["after"] == {
        **result["before"],
        "size": 100 * EXTENT,
        "fs_size": 100 * EXTENT,
    }


def test_damaged_file_system_is_not_mounted_again():
    machine = shrinkable(fsck=4)
    machine.volumes["data"].fs.corrupt = True
    result = resize(machine, 100, **ALLOWED, allow_fsck=True)
    assert (result["reason"], result["stopped_at"], result["changed"]) == ("fsck_failed", "check_filesystem", True)
    assert "left unmounted, for e2fsck -f -n ended with status 4; check it by hand" in result["message"]
    assert machine.volumes["data"].mountpoints == result["after"]["mountpoints"] == []


@pytest.mark.parametrize(
    "other",
    [
        Volume("s", "uuid-s", 5, role="snapshot", origin="data"),
        Volume("t", "uuid-t", 150, segment="thin", pool="tp", origin="data"),
    ],
    ids=["copy on write", "thin"],
)
def test_origin_never_shrinks(other):
    machine = machine_with(data_volume(150, fs=ext4(150), mountpoints=[]), other)
    result = resize(machine, 100, allow_shrink=True)
    assert (result["reason"], other.name in result["message"]) == ("snapshot_origin", True)


def test_newer_lvm_is_told_to_leave_the_file_system_alone():
    machine = shrinkable(mountpoints=[], lvm_version="2.03.21(2) (2023-04-21)")
    assert "lvm lvreduce --yes --fs ignore --extents 100 vg0/data" in resize(machine, 100, allow_shrink=True)["commands"]


def test_what_a_neighbour_will_free_counts_in_check_mode_alone():
    """In check mode the neighbour has not been shrunk; the real run finds its extents free, or refuses."""
    machine = machine_with(data_volume(100, mountpoints=["/srv"]), free=10)
    told = resize(machine, 150, check_mode=True, freed=40 * EXTENT)
    assert (told["status"], resize(machine, 150, check_mode=True, freed=39 * EXTENT)["reason"]) == ("changed", "no_space")
    assert resize(machine, 150, freed=40 * EXTENT)["reason"] == "no_space"
    machine.free = 50
    assert resize(machine, 150, freed=40 * EXTENT)["after"] == told["after"]


def test_volume_that_took_the_name_meanwhile_is_not_reduced():
    """Its file system may be small enough by chance; the volume that was asked for is another one."""
    machine = shrinkable(mountpoints=[], fstab=None)

    def replace(host):
        if host.calls[-1][0] == "resize2fs" and host.calls[-1][1] != "-P":
            host.volumes["data"].uuid = "another"

    machine.at_call = replace
    result = resize(machine, 100, allow_shrink=True)
    assert (result["status"], result["reason"], machine.volumes["data"].extents) == ("failed", "verify_failed", 150)
    assert "another volume has this name now" in result["message"]
