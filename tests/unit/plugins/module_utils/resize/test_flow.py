# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from driver import changes, data_volume, ext4, machine_with, resize, xfs
from simulated_host import EXTENT, Volume

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Reserve


def test_volume_then_mounted_ext4():
    machine = machine_with(data_volume(100))
    result = resize(machine, 150)
    assert result["status"] == "changed"
    assert result["changed"]
    assert changes(machine) == ["lvm lvextend --extents 150 vg0/data", "resize2fs /dev/mapper/vg0-data 153600"] == result["commands"]
    assert result["before"] == {
        "uuid": "uuid-data",
        "size": 100 * EXTENT,
        "fs_type": "ext4",
        "fs_size": 100 * EXTENT,
        "fs_fills_volume": True,
        "mountpoints": ["/srv"],
        "metadata_size": None,
    }
    assert result["after"] == {**result["before"], "size": 150 * EXTENT, "fs_size": 150 * EXTENT}
    assert result["diff"]["before"] == result["before"]
    assert result["diff"]["after"] == result["after"]
    assert result["message"] == "Grew vg0/data from 400 MiB to 600 MiB and its ext4 file system from 400 MiB to 600 MiB."


def test_second_run_changes_nothing():
    machine = machine_with(data_volume(100))
    resize(machine, 150)
    machine.calls.clear()
    result = resize(machine, 150)
    assert (result["status"], result["changed"], result["commands"], changes(machine)) == ("ok", False, [], [])
    assert result["message"] == "vg0/data is 600 MiB already and its ext4 file system fills it."


def test_unmounted_ext4_is_checked_before_the_volume_grows():
    machine = machine_with(data_volume(100, mountpoints=[]))
    assert resize(machine, 150)["status"] == "changed"
    assert [command.split()[0:3] for command in changes(machine)] == [
        ["e2fsck", "-f", "-p"],
        ["lvm", "lvextend", "--extents"],
        changes(machine)[2].split()[:3],
    ]


def test_xfs_grows_at_its_mount_point():
    machine = machine_with(data_volume(100, fs=xfs(100), mountpoints=["/hidden", "/my data"]), hidden={"/hidden"})
    result = resize(machine, 160)
    assert result["commands"][1] == "xfs_growfs -D 163840 '/my data'"
    assert result["after"]["fs_size"] == 160 * EXTENT


def test_xfs_grows_at_a_mount_point_that_is_writable():
    machine = machine_with(data_volume(100, fs=xfs(100), mountpoints=["/export", "/srv"]), read_only_at={"/export"})
    assert resize(machine, 160)["commands"][1] == "xfs_growfs -D 163840 /srv"


def test_half_grown_volume_is_finished():
    machine = machine_with(data_volume(150, fs=ext4(100)))
    result = resize(machine, 150, expect_size=100 * EXTENT)
    assert result["commands"] == ["resize2fs /dev/mapper/vg0-data 153600"]
    assert result["after"]["fs_fills_volume"]
    assert result["message"] == "Grew the unfinished vg0/data: its ext4 file system from 400 MiB to 600 MiB."


def test_finishing_needs_no_extents_and_waits_for_no_synchronisation():
    machine = machine_with(data_volume(150, fs=ext4(100), in_progress="sync"), free=0)
    assert resize(machine, 150, reserve=Reserve(extents=10))["status"] == "changed"


def test_odd_size_is_rounded_up_to_extents_and_stripes():
    machine = machine_with(data_volume(100, segment="striped", stripes=2))
    result = resize(machine, 0, size=150 * EXTENT + 1)
    assert result["after"]["size"] == 152 * EXTENT
    assert "rounded up to 637534208: whole extents of 4 MiB over 2 stripes" in result["message"]
    assert resize(machine, 0, size=150 * EXTENT + 1)["status"] == "ok"


def test_raid1_counts_its_copies():
    machine = machine_with(data_volume(100, segment="raid1", stripes=2, copies=2), free=99)
    result = resize(machine, 150)
    assert result["reason"] == "no_space"
    assert "needs 100 extents (400 MiB) more, vg0 has 99 extents (396 MiB) free" in result["message"]
    machine.free = 100
    assert resize(machine, 150)["changed"]


def test_unknown_content_grows_only_when_named_exactly():
    machine = machine_with(data_volume(100, fs=None, mountpoints=[], is_open=True))
    assert resize(machine, 150)["reason"] == "unknown_filesystem"
    result = resize(machine, 150, named_exactly=True)
    assert (result["status"], result["after"]["fs_size"], result["after"]["fs_fills_volume"]) == ("changed", None, None)
    assert result["commands"] == ["lvm lvextend --extents 150 vg0/data"]
    assert resize(machine, 120, named_exactly=True)["reason"] == "shrink_not_allowed"
    assert resize(machine, 120, named_exactly=True, allow_shrink=True)["reason"] == "shrink_not_supported"


def test_step_that_the_file_system_cannot_use_is_refused():
    machine = machine_with(data_volume(64, fs=ext4(64, inode_blocks=2048)))
    result = resize(machine, 65)
    assert (result["reason"], changes(machine)) == ("step_too_small", [])
    useful = int(result["message"].split("(")[1].split()[0])
    assert resize(machine, 0, size=useful)["after"]["fs_size"] > 64 * EXTENT


def test_thin_volume_grows_within_what_its_pool_has_free():
    pool = Volume("tp", "uuid-tp", 100, role="pool", segment="thin-pool", data_fraction=0.5, metadata_fraction=0.1)
    machine = machine_with(data_volume(100, segment="thin", pool="tp"), pool, free=0)
    assert resize(machine, 150)["status"] == "changed"
    assert resize(machine, 201)["reason"] == "pool_full"
    pool.metadata_fraction = 0.95
    assert resize(machine, 160)["reason"] == "pool_full"


@pytest.mark.parametrize(
    ("reason", "more"),
    [
        ("precondition_changed", {"expect_uuid": "another"}),
        ("precondition_changed", {"expect_size": 90 * EXTENT}),
    ],
)
def test_unexpected_state(reason, more):
    machine = machine_with(data_volume(100))
    result = resize(machine, 150, **more)
    assert (result["status"], result["reason"], result["changed"], changes(machine)) == ("refused", reason, False, [])


def test_target_reached_by_somebody_else_is_fine():
    machine = machine_with(data_volume(150))
    assert resize(machine, 150, expect_size=100 * EXTENT, expect_uuid="uuid-data")["status"] == "ok"


def test_beyond_the_target_is_a_changed_precondition_with_a_plan_and_a_shrink_without():
    machine = machine_with(data_volume(200))
    assert resize(machine, 150, expect_size=100 * EXTENT)["reason"] == "precondition_changed"
    assert resize(machine, 150)["reason"] == "shrink_not_allowed"


@pytest.mark.parametrize("tool", ["lvextend", "resize2fs"])
@pytest.mark.parametrize("how", ["fails", "lies"])
def test_broken_tool_is_told_and_the_next_run_finishes(tool, how):
    machine = machine_with(data_volume(100), broken={tool: how})
    result = resize(machine, 150)
    step = {"lvextend": "extend_volume", "resize2fs": "grow_filesystem" if how == "fails" else "verify"}[tool]
    assert (result["status"], result["stopped_at"]) == ("failed", step)
    assert result["changed"] == (tool == "resize2fs")
    assert [command.split()[0] for command in result["commands"]] == (["lvm"] if tool == "lvextend" else ["lvm", "resize2fs"])
    expected = "the same task will finish that step" if tool == "resize2fs" else "Nothing was changed; the same task starts anew"
    assert expected in result["message"]
    machine.broken = {}
    assert resize(machine, 150, expect_size=100 * EXTENT)["after"]["fs_size"] == 150 * EXTENT


def test_state_that_cannot_be_read_back_is_not_made_up():
    machine = machine_with(data_volume(100))
    answers = [machine.read_lvm(), {"available": False, "reason": "failed", "message": "LVM gave no report"}]
    machine.read_lvm = lambda: answers.pop(0)
    result = resize(machine, 150)
    assert (result["status"], result["stopped_at"], result["changed"], result["after"]) == ("failed", "verify", True, None)
    assert "Nothing was changed" not in result["message"]


def test_tool_that_is_missing_when_the_result_is_read_is_told():
    """An xfs file system that is unmounted during its growth is read by another tool than before."""
    machine = machine_with(data_volume(100, fs=xfs(100)), missing={"xfs_db"})

    def unmount(host):
        if "-D" in (host.calls[-2] if len(host.calls) > 1 else []):
            host.volumes["data"].mountpoints.clear()

    machine.at_call = unmount
    result = resize(machine, 160)
    assert (result["status"], result["reason"], result["after"]) == ("failed", "verify_failed", None)
    assert "xfs_db was not found" in result["message"]


def test_everything_that_a_failed_command_said_is_told():
    machine = machine_with(data_volume(100))
    said = "resize2fs 1.47.0 (5-Feb-2023)\nresize2fs: Input/output error\nThe disk is dying.\n"
    machine.tools = {**machine.tools, "resize2fs": lambda _host, _args: (1, "", said)}
    message = resize(machine, 150)["message"]
    assert "ended with status 1: resize2fs: Input/output error The disk is dying. The volume is" in message


def test_failed_check_leaves_the_volume_alone():
    machine = machine_with(data_volume(100, mountpoints=[], fsck=4))
    machine.volumes["data"].fs.state = "clean with errors"
    assert resize(machine, 150)["reason"] == "fsck_needed"
    result = resize(machine, 150, allow_fsck=True)
    assert (result["status"], result["reason"], result["stopped_at"], result["changed"]) == (
        "failed",
        "fsck_failed",
        "check_filesystem",
        False,
    )
    machine.volumes["data"].fsck = 1
    assert resize(machine, 150, allow_fsck=True)["status"] == "changed"


def test_unmounting_during_the_resize_is_noticed():
    machine = machine_with(data_volume(100, mountpoints=["/srv", "/also"]))

    def unmount(host):
        if host.calls[-1][0] == "resize2fs":
            host.volumes["data"].mountpoints.remove("/also")

    machine.at_call = unmount
    result = resize(machine, 150)
    assert (result["status"], result["reason"]) == ("failed", "verify_failed")
    assert "It is not mounted at /also now" in result["message"]
