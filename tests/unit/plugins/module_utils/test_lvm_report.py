from __future__ import annotations

import json

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands
from ansible_collections.foresight.capacity.plugins.module_utils.lvm_report import find_lv, find_vg, read_lvm
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

MIB = 1024 * 1024


@pytest.fixture
def every_kind(recording):
    return recording("every_kind").document()


@pytest.fixture
def lv(every_kind):
    return lambda name, vg="vg0": find_lv(every_kind, vg, name)


def test_header(recording):
    playback = recording("every_kind")
    document = playback.document()
    assert document["schema"] == "foresight.lvm/1"
    assert document["observed_at"] == playback.now
    assert len(document["machine_id"]) == 32
    assert len(document["boot_id"]) == 36
    assert (document["available"], document["reason"]) == (True, None)
    assert document["lvm_version"] == "2.03.16(2) (2022-05-18)"
    assert "vgpart is missing PV" in document["message"]


def test_one_report_whatever_the_number_of_volumes(recording):
    playback = recording("every_kind")
    playback.document()
    assert [command[:2] for command in playback.asked] == [
        ["lvm", "fullreport"],
        ["lvm", "version"],
        ["lvm", "systemid"],
        ["lvm", "dumpconfig"],
        ["lsblk", "--json"],
    ]


def test_document_is_plain_json(every_kind):
    assert json.loads(json.dumps(every_kind)) == every_kind


def test_groups(every_kind):
    def flags(name):
        vg = find_vg(every_kind, name)
        return {key: vg[key] for key in ("lock_type", "system_id", "foreign", "partial", "exported") if vg[key]}

    assert flags("vg0") == {}
    assert flags("vgexp") == {"exported": True}
    assert flags("vgforeign") == {"system_id": "otherhost", "foreign": True}
    assert flags("vgpart") == {"partial": True}
    assert flags("vgshared") == {"lock_type": "sanlock"}
    vg = find_vg(every_kind, "vg0")
    assert vg["extent_bytes"] == 4 * MIB
    assert vg["size"] == vg["extents"] * vg["extent_bytes"]
    assert vg["free"] == vg["extents_free"] * vg["extent_bytes"]
    assert (vg["tags"], vg["pv_count"]) == (["prod"], 4)


def test_group_of_this_system_id_is_not_foreign(recording):
    playback = recording("every_kind")
    for entry in playback.commands:
        if entry["command"][1] == "systemid":
            entry["out"] = "  system ID: otherhost\n"
    assert find_vg(playback.document(), "vgforeign")["foreign"] is False


def test_physical_volumes(every_kind):
    by_name = {pv["name"]: pv for pv in every_kind["pvs"]}
    assert by_name["/dev/vdb1"]["vg"] == "vg0"
    assert by_name["[unknown]"]["missing"] is True
    orphan = by_name["/dev/vdc5"]
    assert (orphan["vg"], orphan["size"], orphan["free"]) == (None, 256 * MIB, 256 * MIB)


def test_mounted_file_systems(lv):
    data = lv("data")
    filesystem = data["filesystem"]
    assert (data["role"], data["stack"], data["in_progress"], data["active"]) == ("plain", [], None, True)
    assert data["path"] == "/dev/vg0/data"
    assert (filesystem["type"], filesystem["label"], filesystem["reason"]) == ("ext4", "data", None)
    assert filesystem["used"] + filesystem["avail"] < filesystem["size"] < data["size"]
    assert 0 < filesystem["inodes_used"] < filesystem["inodes"]
    assert filesystem["device"] == "/dev/mapper/vg0-data"
    assert lv("xfs_home")["filesystem"]["type"] == "xfs"


def test_several_mount_points_and_bind_mounts(lv):
    assert lv("data")["filesystem"]["mountpoints"] == ["/mnt/da ta", "/mnt/data2", "/mnt/bind"]


def test_hyphens_in_names(lv):
    logs = lv("web-logs--old")
    assert (logs["path"], logs["dm_path"]) == ("/dev/vg0/web-logs--old", "/dev/mapper/vg0-web--logs----old")
    assert logs["filesystem"]["mountpoints"] == ["/var/log/web"]
    assert logs["filesystem"]["used"] > 0


def test_tags(lv):
    assert lv("data")["tags"] == ["foresight.ignore", "team.web"]


@pytest.mark.parametrize(
    ("name", "fstype", "reason"),
    [
        ("unmounted", "ext4", "not_mounted"),
        ("fat", "vfat", "not_mounted"),
        ("swap0", "swap", "swap"),
        ("raw", None, "unformatted"),
        ("inactive", None, "inactive"),
        ("hidden-ns", "ext4", "in_use"),
        ("mirrored", "ext4", "unreadable"),
        ("locked", None, "locked"),
    ],
)
def test_reasons_for_no_numbers(lv, name, fstype, reason):
    filesystem = lv(name)["filesystem"]
    assert (filesystem["type"], filesystem["reason"]) == (fstype, reason)
    assert [filesystem[key] for key in ("size", "used", "avail", "inodes", "inodes_used")] == [None] * 5


def test_encrypted_volumes(lv):
    secret = lv("secret")
    assert (secret["stack"], secret["role"]) == (["luks"], "plain")
    assert secret["filesystem"]["device"] == "/dev/mapper/secret_crypt"
    assert (secret["filesystem"]["type"], secret["filesystem"]["label"]) == ("ext4", "my sécret")
    assert secret["filesystem"]["mountpoints"] == ["/mnt/secret"]
    assert secret["filesystem"]["used"] > 0
    assert lv("locked")["stack"] == ["luks"]


def test_btrfs_over_several_volumes(lv):
    one, other = lv("btr1")["filesystem"], lv("btr2")["filesystem"]
    assert one["devices"] == other["devices"] == ["/dev/mapper/vg0-btr1", "/dev/mapper/vg0-btr2"]
    assert (one["mountpoints"], one["used"]) == (other["mountpoints"], other["used"]) == (["/mnt/btr"], one["used"])
    assert one["inodes"] is None


def test_read_only_file_system(lv):
    assert lv("thin1")["filesystem"]["read_only"] is True
    assert lv("data")["filesystem"]["read_only"] is False


def test_thin_pool(lv):
    pool, thin = lv("pool"), lv("thin1")
    assert (pool["role"], pool["segment_type"], pool["filesystem"]) == ("pool", "thin-pool", None)
    assert (pool["data_fraction"], pool["metadata_fraction"]) == (0.0647, 0.1123)
    assert pool["metadata_size"] == 4 * MIB
    assert (thin["role"], thin["pool"], thin["data_fraction"], thin["metadata_fraction"]) == ("plain", "pool", 0.0323, None)
    assert lv("pool_tdata")["role"] == lv("pool_tmeta")["role"] == lv("lvol0_pmspare")["role"] == "internal"


def test_snapshots(lv):
    thick, thin = lv("data-snap"), lv("thin1-snap")
    assert (thick["role"], thick["origin"], thick["snapshot_fraction"]) == ("snapshot", "data", 0.3796)
    assert (thin["role"], thin["origin"], thin["pool"], thin["snapshot_fraction"], thin["active"]) == (
        "snapshot",
        "thin1",
        "pool",
        None,
        False,
    )


@pytest.mark.parametrize(
    ("name", "segment_type", "sync_fraction"),
    [
        ("mirrored", "raid1", 1.0),
        ("r5", "raid5", 1.0),
        ("oldmirror", "mirror", 1.0),
        ("striped", "striped", None),
        ("cached", "cache", None),
    ],
)
def test_segment_types(lv, name, segment_type, sync_fraction):
    volume = lv(name)
    assert (volume["segment_type"], volume["sync_fraction"], volume["role"]) == (segment_type, sync_fraction, "plain")
    assert (volume["origin"], volume["pool"], volume["in_progress"]) == (None, None, None)


@pytest.fixture
def pools(recording):
    return recording("pools").document()


def test_who_extends_pools_and_snapshots(pools):
    def told(name):
        return find_lv(pools, "vg0", name)["autoextend"]

    usual = {"monitored": True, "monitoring": True, "threshold": 0.8, "step": 0.2, "command": None, "profile": None}
    assert told("pool") == usual
    assert told("byhand") == {**usual, "threshold": 1.0, "profile": "byhand"}
    assert told("calm") == {**usual, "monitored": False}
    assert told("snap") == {**usual, "threshold": 0.9}
    assert {name: told(name) for name in ("data", "t1", "t1-snap", "pool_tdata")} == dict.fromkeys(["data", "t1", "t1-snap", "pool_tdata"])


def test_chunks_of_pools_and_snapshots(pools):
    sizes = {name: find_lv(pools, "vg0", name)["chunk_size"] for name in ("pool", "byhand", "snap", "data", "t1", "t1-snap")}
    assert sizes == {"pool": 64 * 1024, "byhand": 128 * 1024, "snap": 4096, "data": None, "t1": None, "t1-snap": None}


def test_configuration_is_asked_once_for_each_profile(recording):
    playback = recording("pools")
    playback.document()
    asked = [command[2:] for command in playback.asked if command[1] == "dumpconfig"]
    assert asked == [
        ["--type", "full", "activation", "dmeventd"],
        ["--type", "full", "--metadataprofile", "byhand", "activation", "dmeventd"],
    ]


def test_configuration_that_cannot_be_read_is_unknown(recording):
    playback = recording("pools")
    for entry in playback.commands:
        if "byhand" in entry["command"]:
            entry.update(rc=5, out="", err="  Failed to load profile byhand.")
    document = playback.document()
    unknown = {"monitored": True, "monitoring": None, "threshold": None, "step": None, "command": None, "profile": "byhand"}
    assert find_lv(document, "vg0", "byhand")["autoextend"] == unknown
    assert find_lv(document, "vg0", "pool")["autoextend"]["threshold"] == 0.8


def test_a_command_of_the_administrators_own_is_told(recording):
    playback = recording("pools")
    for entry in playback.commands:
        entry["out"] = entry["out"].replace('thin_command="lvm lvextend --use-policies"', 'thin_command="/usr/local/bin/grow pool"')
    document = playback.document()
    assert find_lv(document, "vg0", "pool")["autoextend"]["command"] == "/usr/local/bin/grow pool"
    assert find_lv(document, "vg0", "snap")["autoextend"]["command"] is None


def test_what_lies_on_physical_volumes_and_which_of_them_are_free(pools):
    by_name = {pv["name"]: {key: pv[key] for key in ("vg", "allocatable", "in_use", "lvs")} for pv in pools["pvs"]}
    assert by_name == {
        "/dev/vdb": {
            "vg": "vg0",
            "allocatable": True,
            "in_use": True,
            "lvs": ["byhand", "calm", "data", "lvol0_pmspare", "pool", "snap"],
        },
        "/dev/vdc1": {"vg": "vg0", "allocatable": False, "in_use": True, "lvs": ["alone"]},  # pvchange -xn
        "/dev/vdc2": {"vg": None, "allocatable": False, "in_use": False, "lvs": []},
        "/dev/loop1": {"vg": None, "allocatable": False, "in_use": True, "lvs": []},  # its group's metadata were on another device
    }


def test_guest_disks(lv):
    assert {name: lv(name)["role"] for name in ("vm-101-disk-0", "vm-102-disk-1", "disk-image", "nested", "web-root")} == {
        "vm-101-disk-0": "guest_disk",
        "vm-102-disk-1": "guest_disk",
        "disk-image": "guest_disk",  # a partition table
        "nested": "guest_disk",  # a physical volume
        "web-root": "guest_disk",  # named in the configuration of an LXC container
    }
    assert lv("disk-image")["stack"] == ["partitions"]
    assert lv("nested")["stack"] == ["physical_volume"]


def test_operations_in_progress(recording):
    document = recording("in_progress").document()
    assert {entry["name"]: entry["in_progress"] for entry in document["lvs"] if entry["in_progress"]} == {
        "big": "pvmove",
        "pvmove0": "pvmove",
        "syncing": "sync",
        "xfs_home": "merge",
        "home-snap": "merge",
        "thin1": "merge",
        "thin1-snap": "merge",
    }
    assert find_lv(document, "vg0", "syncing")["sync_fraction"] == 0.0
    assert find_lv(document, "vg0", "data-snap")["snapshot_fraction"] == 1.0
    assert find_lv(document, "vg0", "home-snap")["role"] == "snapshot"


def test_without_lsblk_mounted_file_systems_are_still_measured(recording):
    playback = recording("every_kind")
    playback.tools.discard("lsblk")
    document = playback.document()
    data, raw = find_lv(document, "vg0", "data"), find_lv(document, "vg0", "raw")
    assert (data["filesystem"]["type"], data["filesystem"]["mountpoints"][0]) == ("ext4", "/mnt/da ta")
    assert data["filesystem"]["used"] > 0
    assert find_lv(document, "vg0", "btr1")["filesystem"]["type"] == "btrfs"
    assert raw["filesystem"]["reason"] == "unknown"


def test_lvm_is_not_installed(recording):
    playback = recording("every_kind")
    playback.tools.clear()
    document = playback.document()
    assert (document["available"], document["reason"], document["lvs"]) == (False, "not_installed", [])
    assert "lvm2" in document["message"]


def test_without_root_nothing_is_run(recording):
    playback = recording("every_kind")
    document = playback.document(root=False)
    assert (document["available"], document["reason"], playback.asked) == (False, "needs_root", [])


def test_without_root_sudo_runs_the_report_only(recording):
    playback = recording("every_kind")
    playback.tools.add("sudo")
    report = playback.commands[0]
    playback.commands.append({"command": ["sudo", "-n"], "rc": 0, "out": report["out"], "err": ""})
    document = playback.document(root=False, sudo=True)
    assert document["available"] is True
    assert [command[:4] for command in playback.asked if command[0] == "sudo"] == [["sudo", "-n", "/usr/sbin/lvm", "fullreport"]]


def test_sudo_refuses(recording):
    playback = recording("every_kind")
    playback.tools.add("sudo")
    playback.commands.append({"command": ["sudo", "-n"], "rc": 1, "out": "", "err": "sudo: a password is required\n"})
    document = playback.document(root=False, sudo=True)
    assert (document["available"], document["reason"]) == (False, "needs_root")
    assert "a password is required" in document["message"]


@pytest.mark.parametrize(
    ("rc", "out", "err"),
    [
        (3, "", "  Invalid command: fullreport\n"),  # lvm2 before 2.02.158
        (5, "  Unrecognised field: lv_role\n", ""),
        (0, '{"log": []}', ""),
    ],
)
def test_lvm_without_a_report(recording, rc, out, err):
    playback = recording("every_kind")
    playback.commands[0].update(rc=rc, out=out, err=err)
    document = playback.document()
    assert (document["available"], document["reason"]) == (False, "failed")
    assert "2.02.158" in document["message"]


def test_report_with_one_broken_group_is_used(recording):
    playback = recording("every_kind")
    playback.commands[0].update(rc=5, err="  Cannot process volume group vgx\n")
    document = playback.document()
    assert document["available"] is True
    assert document["message"] == "Cannot process volume group vgx"


def test_this_machine_is_read_without_error():
    def run_command(args, **_options):
        raise AssertionError(f"{args} would have been run")

    document = read_lvm(Commands(run_command), 1_700_000_000, root=False)
    assert document["available"] is False
    assert document["reason"] in ("not_installed", "needs_root")


def test_container_without_devices(recording, tmp_path):
    playback = recording("every_kind")
    playback.commands[0]["out"] = '{"report": []}'
    document = read_lvm(playback.reader(), 0, files=TargetFiles(str(tmp_path / "empty")), root=True)
    assert (document["available"], document["vgs"], document["lvs"], document["machine_id"]) == (True, [], [], None)


def test_names_that_fit_twice_are_not_guessed():
    document = {"vgs": [{"name": "vg0"}, {"name": "vg0"}], "lvs": [{"vg": "vg0", "name": "a"}]}
    assert find_vg(document, "vg0") is None
    assert find_vg(document, "none") is None
    assert find_lv(document, "vg0", "a") == {"vg": "vg0", "name": "a"}


def test_a_thousand_volumes_are_each_described(recording):
    playback = recording("every_kind")
    report = json.loads(playback.commands[0]["out"])
    group = next(group for group in report["report"] if any(vg["vg_name"] == "vg0" for vg in group.get("vg", [])))
    pattern = next(row for row in group["lv"] if row["lv_name"] == "data")
    group["lv"] = [dict(pattern, lv_name=f"v{index}", lv_uuid=f"uuid-{index}", lv_kernel_minor=str(index)) for index in range(1000)]
    group["seg"] = [{"lv_uuid": f"uuid-{index}", "segtype": "linear", "devices": f"/dev/vdb1({index})"} for index in range(1000)]
    playback.commands[0]["out"] = json.dumps(report)
    document = playback.document()
    assert sum(1 for entry in document["lvs"] if entry["vg"] == "vg0") == 1000
    assert len(playback.asked) == 4
    assert not any(command[1] == "dumpconfig" for command in playback.asked)  # no pool, no snapshot
