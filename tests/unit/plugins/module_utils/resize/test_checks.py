# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from driver import data_volume, ext4, machine_with, resize, xfs
from simulated_host import Volume

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Reserve

SNAPSHOT = Volume("before-upgrade", "uuid-s", 5, role="snapshot", origin="data")

REFUSALS = {
    "shared": ({"group": {"lock_type": "sanlock"}}, {}, {}, "shared_vg", "lock type sanlock"),
    "foreign": ({"group": {"foreign": True, "system_id": "other"}}, {}, {}, "shared_vg", "system id other"),
    "exported": ({"group": {"exported": True}}, {}, {}, "exported_vg", "vgimport vg0"),
    "partial": ({"group": {"partial": True}}, {}, {}, "partial_vg", "missing"),
    "group tagged": ({"group": {"tags": ["foresight.ignore"]}}, {}, {}, "ignored", "vg0 is tagged foresight.ignore"),
    "volume tagged": ({}, {"tags": ["db", "foresight.ignore"]}, {}, "ignored", "vg0/data is tagged foresight.ignore"),
    "internal": ({}, {"role": "internal"}, {}, "internal_volume", "internal volume"),
    "snapshot": ({}, {"role": "snapshot"}, {}, "snapshot", "snapshot"),
    "pool": ({}, {"role": "pool"}, {}, "pool", "pool"),
    "guest disk": ({}, {"role": "guest_disk"}, {}, "guest_disk", "through its guest"),
    "luks": ({}, {"stack": ["luks"]}, {}, "stacked", "luks"),
    "inactive": ({}, {"active": False, "mountpoints": []}, {}, "inactive", "lvchange -ay vg0/data"),
    "read-only volume": ({}, {"writable": False}, {}, "read_only", "lvchange --permission rw vg0/data"),
    "read-only mount": ({}, {"read_only": True}, {}, "read_only", "/srv"),
    "pvmove": ({}, {"in_progress": "pvmove"}, {}, "in_progress", "pvmove"),
    "sync": ({}, {"in_progress": "sync"}, {}, "in_progress", "synchronised"),
    "merge": ({}, {"in_progress": "merge"}, {}, "in_progress", "merged"),
    "origin": ({"others": [SNAPSHOT]}, {}, {}, "snapshot_origin", "before-upgrade"),
    "vdo": ({}, {"segment": "vdo"}, {}, "segment_type", "vdo"),
    "space": ({"free": 10}, {}, {}, "no_space", "needs 50 extents (200 MiB) more, vg0 has 10 extents (40 MiB) free"),
    "reserve": ({"free": 60}, {}, {"reserve": Reserve(extents=20)}, "reserve", "O(reserve)"),
    "unmounted xfs": ({}, {"fs": xfs(100), "mountpoints": []}, {}, "not_mounted", "Mount it first"),
    "hidden xfs": ({"hidden": {"/srv"}}, {"fs": xfs(100)}, {}, "not_mounted", "lies under another mount"),
    "hidden ext4": ({"hidden": {"/srv"}}, {}, {}, "not_mounted", "lies under another mount"),
    "unmounted but open": ({}, {"mountpoints": [], "is_open": True}, {}, "in_use", "another mount namespace"),
    "no tool": ({"missing": {"resize2fs"}}, {}, {}, "missing_tool", "package e2fsprogs"),
    "no xfs tool": ({"missing": {"xfs_growfs"}}, {"fs": xfs(100)}, {}, "missing_tool", "package xfsprogs"),
    "unseen content": ({}, {"fs": None, "mountpoints": [], "reason": "unknown"}, {"named_exactly": True}, "not_readable", "lsblk"),
    "content that udev missed": (
        {},
        {"mountpoints": [], "reason": "unformatted"},
        {"named_exactly": True},
        "not_readable",
        "it holds ext4: udev has",
    ),
    "two signatures": (
        {},
        {"mountpoints": [], "reason": "unformatted", "more_signatures": ["swap"]},
        {"named_exactly": True},
        "not_readable",
        "ext4, swap: nobody can tell",
    ),
    "no wipefs": ({"missing": {"wipefs"}}, {"fs": None, "mountpoints": []}, {"named_exactly": True}, "missing_tool", "package util-linux"),
    "no answer": ({}, {"reason": "not_answering"}, {}, "not_readable", "does not answer"),
    "unknown volume": ({}, {}, {"lv": "nix"}, "not_found", "nix"),
    "unknown group": ({}, {}, {"vg": "nix"}, "not_found", "nix"),
}


@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.parametrize("check_mode", [False, True], ids=["real", "check"])
def test_refusal(case, check_mode):
    host, volume, request, reason, told = REFUSALS[case]
    host = dict(host)
    machine = machine_with(data_volume(100, **volume), *host.pop("others", []), **host)
    result = resize(machine, 150, check_mode=check_mode, **request)
    assert (result["status"], result["reason"], result["changed"], result["commands"]) == ("refused", reason, False, [])
    assert told in result["message"]
    assert result["before"] == result["after"]


def test_features_that_resize2fs_grows_only_by_force_or_unmounted():
    machine = machine_with(data_volume(100))
    fs = machine.volumes["data"].fs
    fs.features += " bigalloc"
    assert resize(machine, 150)["reason"] == "filesystem_feature"
    fs.features = "has_journal extent sparse_super2"
    assert "unmount it first" in resize(machine, 150)["message"]


def test_a_32_bit_file_system_has_an_end():
    machine = machine_with(data_volume(100), free=10**8)
    machine.volumes["data"].fs.features = "has_journal resize_inode extent sparse_super"
    result = resize(machine, 2**22 + 1)
    assert (result["reason"], "64bit" in result["message"]) == ("filesystem_limit", True)


def test_lvm_that_cannot_be_read():
    machine = machine_with(data_volume(100))
    machine.read_lvm = lambda: {"available": False, "reason": "needs_root", "message": "only root may read LVM"}
    assert resize(machine, 150)["reason"] == "needs_root"


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ({"state": "clean with errors"}, "it is marked 'clean with errors'"),
        ({"state": "not clean"}, "it is marked 'not clean'"),
        ({"features": "extent 64bit sparse_super needs_recovery"}, "its journal was not replayed"),
        ({"corrupt": True}, "e2fsck -f -n ended with status 4"),
    ],
)
def test_unmounted_file_system_in_doubt_is_repaired_only_when_allowed(trouble, told):
    machine = machine_with(data_volume(100, fs=ext4(100, **trouble), mountpoints=[]))
    result = resize(machine, 150)
    assert (result["reason"], told in result["message"]) == ("fsck_needed", True)
    assert resize(machine, 150, allow_fsck=True)["status"] == "changed"


def test_a_volume_of_the_wanted_size_is_not_called_complete_when_its_content_is_unseen():
    machine = machine_with(data_volume(150, fs=None, mountpoints=[], reason="unknown"))
    assert resize(machine, 150)["reason"] == "not_readable"
