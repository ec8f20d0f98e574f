# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import observe


def samples_of(observation, identity):
    return {sample.metric: (sample.value, sample.flag) for sample in observation.samples if sample.identity == identity}


def entity(observation, key):
    return next(one for one in observation.entities if one.key == key)


def test_a_volume_and_its_group(documents):
    seen = observe("web1", {"foresight_lvm": documents.lvm()}, recorded_at=documents.NOW)
    assert seen.status == "recorded"
    assert seen.issues == []
    volume = entity(seen, "lv:web1/vg0/data")
    assert volume.identity == "lv:web1/LV-vg0-data"
    assert volume.host == "web1"
    assert volume.attributes["fs"]["used"] == 5 * documents.GIB
    assert volume.attributes["recorded"] is None
    assert samples_of(seen, volume.identity) == {
        "size_bytes": (10 * documents.GIB, None),
        "fs_size_bytes": (9 * documents.GIB, None),
        "used_bytes": (5 * documents.GIB, None),
        "inodes_used": (10, None),
    }
    group = entity(seen, "vg:web1/vg0")
    assert group.attributes["pvs"] == ["/dev/sdb"]
    assert samples_of(seen, group.identity) == {"size_bytes": (100 * documents.GIB, None), "free_bytes": (50 * documents.GIB, None)}
    assert seen.complete == {"vg": {"vg:web1/VG-vg0"}, "lv": {"lv:web1/LV-vg0-data"}}


def test_thin_pool_and_snapshot_fractions(documents):
    pool = documents.lv("pool", role="pool", filesystem=None, data_fraction=0.5, metadata_fraction=0.25)
    snapshot = documents.lv("snap", role="snapshot", filesystem=None, snapshot_fraction=1.0)
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=[pool, snapshot])}, recorded_at=documents.NOW)
    assert samples_of(seen, "lv:web1/LV-vg0-pool")["data_fraction"] == (0.5, None)
    assert samples_of(seen, "lv:web1/LV-vg0-pool")["metadata_fraction"] == (0.25, None)
    assert samples_of(seen, "lv:web1/LV-vg0-snap")["snapshot_fraction"] == (1.0, None)


def test_bytes_of_pools_thin_volumes_and_snapshots(documents):
    pool = documents.lv(
        "pool", role="pool", filesystem=None, size=8 * documents.GIB, data_fraction=0.5, metadata_size=2**22, metadata_fraction=0.25
    )
    thin = documents.lv("thin", pool="pool", size=4 * documents.GIB, data_fraction=0.1)
    snapshot = documents.lv("snap", role="snapshot", filesystem=None, size=documents.GIB, snapshot_fraction=1.0)
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=[pool, thin, snapshot])}, recorded_at=documents.NOW)
    assert samples_of(seen, "lv:web1/LV-vg0-pool")["data_used_bytes"] == (4 * documents.GIB, None)
    assert samples_of(seen, "lv:web1/LV-vg0-pool")["metadata_used_bytes"] == (2**20, None)
    assert samples_of(seen, "lv:web1/LV-vg0-thin")["data_used_bytes"] == (round(0.4 * documents.GIB), None)
    assert samples_of(seen, "lv:web1/LV-vg0-snap")["snapshot_used_bytes"] == (documents.GIB, None)
    assert {metric for metric in samples_of(seen, "lv:web1/LV-vg0-thin") if metric.startswith(("metadata", "snapshot"))} == set()


def test_bytes_of_a_pool_are_flagged_with_their_fraction(documents):
    pool = documents.lv("pool", role="pool", filesystem=None, data_fraction=1.5, metadata_fraction=0.1, metadata_size=-1)
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=[pool])}, recorded_at=documents.NOW)
    found = samples_of(seen, "lv:web1/LV-vg0-pool")
    assert (found["data_used_bytes"][1], found["metadata_used_bytes"][1]) == ("impossible", "negative")


def test_who_extends_a_pool_and_what_ails_it(documents):
    told = {"monitored": True, "monitoring": True, "threshold": 0.8, "step": 0.2, "command": None, "profile": "early"}
    lvs = [
        documents.lv("pool", role="pool", attr="twi-aotzM-", chunk_size=65536, autoextend=told),
        documents.lv("well", role="pool", attr="twi-aotz--", autoextend={"monitored": "yes", "threshold": 1.0}),
        documents.lv("data"),
    ]
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=lvs)}, recorded_at=documents.NOW)
    pool, well, data = (entity(seen, f"lv:web1/vg0/{name}").attributes for name in ("pool", "well", "data"))
    assert (pool["autoextend"], pool["chunk_size"], pool["health"]) == (told, 65536, "metadata_read_only")
    assert (well["autoextend"]["monitored"], well["autoextend"]["threshold"], well["health"]) == (None, 1.0, None)
    assert (data["autoextend"], data["chunk_size"], data["health"]) == (None, None, None)
    assert [issue.field for issue in seen.issues] == ["autoextend.monitored"]


def test_physical_volumes_of_a_group_and_free_ones_of_the_host(documents):
    def pv(name, group, **more):
        return {
            "name": name, "uuid": f"PV-{name[-1]}", "vg": group, "size": documents.GIB, "free": 0, "missing": False, "allocatable": bool(group),
            "in_use": bool(group), "lvs": [], **more,
        }  # fmt: skip

    pvs = [
        pv("/dev/sdb", "vg0", lvs=["data"]),
        pv("/dev/sdc", None, free=documents.GIB),
        pv("/dev/sdd", None, in_use=True),  # of a group whose metadata are elsewhere
        pv("/dev/sde", None, in_use=None),  # an older document does not say
        pv("/dev/sdf", None, size=None),
    ]
    seen = observe("web1", {"foresight_lvm": documents.lvm(pvs=pvs)}, recorded_at=documents.NOW)
    assert entity(seen, "host:web1").attributes["free_pvs"] == [{"name": "/dev/sdc", "uuid": "PV-c", "size_bytes": documents.GIB}]
    group = entity(seen, "vg:web1/vg0").attributes
    assert group["pvs"] == ["/dev/sdb"]
    assert group["physical_volumes"] == [
        {
            "name": "/dev/sdb", "uuid": "PV-b", "size_bytes": documents.GIB, "free_bytes": 0, "missing": False, "allocatable": True, "in_use": True,
            "lvs": ["data"],
        }
    ]  # fmt: skip
    later = observe("web1", {"foresight_node": documents.node(at=documents.NOW + 60)}, recorded_at=documents.NOW + 60, last=seen.next_last)
    assert entity(later, "host:web1").attributes["free_pvs"] == entity(seen, "host:web1").attributes["free_pvs"]


def test_an_unmounted_file_system_has_no_used_bytes_and_is_no_issue(documents):
    unmounted = documents.lv(used=None)
    unmounted["filesystem"].update(avail=None, mountpoints=[], reason="not_mounted")
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=[unmounted])}, recorded_at=documents.NOW)
    assert "used_bytes" not in samples_of(seen, "lv:web1/LV-vg0-data")
    assert entity(seen, "lv:web1/vg0/data").attributes["fs"]["reason"] == "not_mounted"
    assert seen.issues == []


@pytest.mark.parametrize(
    ("used", "flag", "value"),
    [
        (10 * 2**30, "impossible", 10 * 2**30),
        (-1, "negative", -1),
        (float("nan"), "nan", None),
        (float("inf"), "impossible", None),
        (2**70, "impossible", None),
    ],
)
def test_a_bad_value_is_kept_flagged_and_causes_nothing(documents, used, flag, value):
    lvs = [documents.lv(used=used), documents.lv("logs")]
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=lvs)}, recorded_at=documents.NOW)
    assert samples_of(seen, "lv:web1/LV-vg0-data")["used_bytes"] == (value, flag)
    attributes = entity(seen, "lv:web1/vg0/data").attributes
    assert attributes["fs"]["used"] is None
    assert attributes["fs"]["reason"] == "invalid"
    assert samples_of(seen, "lv:web1/LV-vg0-logs")["used_bytes"] == (5 * documents.GIB, None)
    (issue,) = seen.issues
    assert issue.entity == "lv:web1/vg0/data"
    assert issue.field == "filesystem.used"
    assert issue.kind == flag
    assert "kept out of models" in issue.message


def test_a_text_for_a_number_leaves_no_sample(documents):
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=[documents.lv(used="5g")])}, recorded_at=documents.NOW)
    assert "used_bytes" not in samples_of(seen, "lv:web1/LV-vg0-data")
    assert seen.issues[0].kind == "wrong_type"
    assert "'5g'" in seen.issues[0].message


def test_free_space_above_the_size_of_the_group_is_never_offered(documents):
    seen = observe("web1", {"foresight_lvm": documents.lvm(vgs=[documents.vg(free=2**60)])}, recorded_at=documents.NOW)
    assert entity(seen, "vg:web1/vg0").attributes["free_bytes"] is None
    assert samples_of(seen, "vg:web1/VG-vg0")["free_bytes"][1] == "impossible"


def test_a_volume_without_name_or_uuid_costs_no_other(documents):
    lvs = [documents.lv(uuid="no/uuid"), documents.lv("bad/name"), {"name": "x"}, "nonsense", documents.lv("logs")]
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=lvs)}, recorded_at=documents.NOW)
    assert [one.key for one in seen.entities if one.kind == "lv"] == ["lv:web1/vg0/logs"]
    assert len({issue.message for issue in seen.issues}) >= 4


def test_a_volume_listed_twice_counts_once(documents):
    lvs = [documents.lv(used=1), documents.lv(used=2), documents.lv(uuid="other", used=3)]
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=lvs)}, recorded_at=documents.NOW)
    assert samples_of(seen, "lv:web1/LV-vg0-data")["used_bytes"] == (1, None)
    assert [issue.kind for issue in seen.issues] == ["duplicate", "duplicate"]


def test_a_number_too_long_to_be_written_down(documents):
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=[documents.lv(size=10**5000)])}, recorded_at=documents.NOW)
    assert samples_of(seen, "lv:web1/LV-vg0-data")["size_bytes"] == (None, "impossible")


def test_texts_are_made_fit_for_every_database(documents):
    lvs = [documents.lv(tags=["a\0b", 5, "\ud800"])]
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=lvs)}, recorded_at=documents.NOW)
    assert entity(seen, "lv:web1/vg0/data").attributes["tags"] == ["a\ufffdb", "?"]


def test_a_host_without_lvm_is_recorded(documents):
    document = documents.lvm(available=False, reason="needs_root", lvs=[], vgs=[])
    seen = observe("web1", {"foresight_lvm": document}, recorded_at=documents.NOW)
    assert seen.status == "recorded"
    assert seen.complete == {}
    assert entity(seen, "host:web1").attributes["documents"]["foresight_lvm"]["reason"] == "needs_root"
