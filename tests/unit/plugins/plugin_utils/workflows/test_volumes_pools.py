# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thin pools, snapshots and the runway of VGs in the documents of the lookup, out of recorded facts."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report_content import read_content
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.runways import remembered
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.volumes import volumes
from support import facts_documents as facts

GIB, MIB, HOUR, DAY = 2**30, 2**20, 3600, 86400
STEPS = 12 * 8 + 2  # eight days of two hours
START = 1_763_700_000
NOW = START + (STEPS - 1) * 2 * HOUR + 5
WATCHED = {"monitored": True, "monitoring": True, "threshold": 0.8, "step": 0.2, "command": None, "profile": None}


def bare(name, **more):
    return facts.lv(name, **{"filesystem": None, "segment_type": "linear", **more})


def at_step(number):
    """A pool that fills by 1/4 GiB in two hours, one that its volumes cannot fill, one of dmeventd; a snapshot that overflows."""
    share = number / STEPS
    growing = (4 + number / 4) * GIB
    pool = {
        "role": "pool",
        "segment_type": "thin-pool",
        "metadata_size": 64 * MIB,
        "metadata_fraction": 0.1 + share / 10,
        "chunk_size": 65536,
    }
    thin = {"segment_type": "thin", "pool": "pool"}
    return [
        facts.lv("data", size=20 * GIB, fs_size=19 * GIB, used=int(4 * GIB + number * 64 * MIB)),
        bare("pool", size=40 * GIB, data_fraction=growing / (40 * GIB), autoextend={**WATCHED, "threshold": 1.0}, **pool),
        bare("pool_tdata", role="internal", segment_type="raid1"),
        bare("pool_tmeta", role="internal"),
        bare("lvol0_pmspare", role="internal", size=64 * MIB),
        bare("small", size=40 * GIB, data_fraction=growing / (40 * GIB), autoextend={**WATCHED, "monitored": False}, **pool),
        bare("watched", size=40 * GIB, data_fraction=growing / (40 * GIB), autoextend=WATCHED, **pool),
        bare("own", size=40 * GIB, data_fraction=0.1, autoextend={**WATCHED, "threshold": 1.0, "command": "/bin/grow"}, **pool),
        bare("ill", size=40 * GIB, data_fraction=0.1, attr="twi-aotzM-", **pool),
        bare("t1", size=100 * GIB, data_fraction=growing * 0.75 / (100 * GIB), **thin),
        bare("t2", size=60 * GIB, data_fraction=growing * 0.25 / (60 * GIB), **thin),
        bare("t3", size=30 * GIB, data_fraction=0.1, segment_type="thin", pool="small"),
        bare(
            "snap",
            size=4 * GIB,
            role="snapshot",
            origin="data",
            snapshot_fraction=0.3 + 0.6 * share,
            autoextend={**WATCHED, "threshold": 1.0},
        ),
        bare("whole", size=21 * GIB, role="snapshot", origin="data", snapshot_fraction=0.3 + 0.6 * share),
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("store") / "store.db")
    free = {"name": "/dev/sdc", "uuid": "PV2", "vg": None, "size": 8 * GIB, "free": 8 * GIB, "missing": False, "in_use": False, "lvs": []}
    pvs = [
        {"name": "/dev/sdb", "uuid": "PV1", "vg": "vg0", "size": 500 * GIB, "free": GIB, "missing": False, "allocatable": True, "in_use": True,
         "lvs": ["data", "pool"]},
        free,
    ]  # fmt: skip
    for number in range(STEPS):
        at = START + number * 2 * HOUR
        group = facts.vg(size=500 * GIB, free=60 * GIB, extents_free=15360)
        documents = {
            host: {
                "foresight_lvm": facts.lvm(
                    at=at,
                    lvs=[{**lv, "vg_uuid": f"VG-{host}"} for lv in at_step(number)],
                    vgs=[{**group, "uuid": f"VG-{host}"}],
                    pvs=loose,
                    machine_id=host,
                )
            }
            for host, loose in (("web1", pvs), ("web2", [{**free, "uuid": "shared"}]), ("web3", [{**free, "uuid": "shared"}]))
        }
        answer = record(store=path, now=at + 1, hosts=sorted(documents), lost=[], facts=documents)
        assert {one["status"] for one in answer["hosts"].values()} == {"recorded"}
    return path


@pytest.fixture(scope="module")
def document(store):
    manage = [{"match": "lv:web1/vg0/pool", "max": "80 GiB", "priority": 3}, {"match": "lv:web1/vg0/*"}]
    return volumes(store=store, now=NOW, horizon="6h", hosts=["web1"], manage=manage, exclude=["*/own"])


@pytest.fixture(scope="module")
def pools(document):
    return {pool["lv"]: pool for pool in document["pools"]}


def test_pools_are_no_volumes(document, pools):
    assert sorted(pools) == ["ill", "own", "pool", "small", "watched"]
    assert not {volume["lv"] for volume in document["volumes"]} & set(pools)
    assert {"data", "t1", "snap", "pool_tdata"} <= {volume["lv"] for volume in document["volumes"]}


def test_a_pool_has_its_data_and_metadata_with_their_demand(pools):
    pool = pools["pool"]
    growing = (4 + (STEPS - 1) / 4) * GIB
    assert (pool["entity"], pool["chunk_bytes"], pool["spare_bytes"]) == ("lv:web1/vg0/pool", 65536, 64 * MIB)
    data, metadata = pool["data"], pool["metadata"]
    assert (data["size_bytes"], data["copies"], data["demand_status"]) == (40 * GIB, 2, "ok")
    assert data["used_bytes"] == pytest.approx(growing, abs=MIB)
    assert data["demand_bytes"] == pytest.approx(growing + 3 * GIB / 4, abs=GIB / 10)
    assert (metadata["size_bytes"], metadata["copies"], metadata["demand_status"]) == (64 * MIB, 1, "ok")
    assert 0.19 * 64 * MIB < metadata["used_bytes"] < metadata["demand_bytes"] < 0.21 * 64 * MIB
    assert data["forecast"]["quantile"] == 0.9


def test_its_runway_is_the_earlier_of_both(pools):
    pool = pools["pool"]
    # 11.75 GiB are left at 3 GiB a day; the history of eight days bears a look of two
    assert pool["data"]["runway"]["horizon_seconds"] == pool["runway"]["horizon_seconds"] == DAY + DAY
    assert pool["runway"]["by"] is None
    assert pool["runway"]["seconds"] == dict.fromkeys(["0.1", "0.5", "0.9"])


def test_a_pool_that_its_volumes_cannot_fill_has_no_runway(document, pools):
    assert pools["pool"]["overprovisioning"] == {"virtual_bytes": 160 * GIB, "ratio": 4.0, "volumes": 2, "can_fill": True}
    assert pools["small"]["overprovisioning"] == {"virtual_bytes": 30 * GIB, "ratio": 0.75, "volumes": 1, "can_fill": False}
    assert pools["pool"]["fastest"]["entity"] == "lv:web1/vg0/t1"
    assert pools["pool"]["fastest"]["bytes_per_day"] == pytest.approx(2.25 * GIB, rel=0.1)


def test_dates_within_the_horizon(store):
    later = volumes(store=store, now=NOW, horizon="5d", hosts=["web1"])
    runway = {pool["lv"]: pool["runway"] for pool in later["pools"]}
    assert runway["pool"]["by"] == "data"
    assert runway["pool"]["seconds"]["0.5"] == pytest.approx(11.75 / 3 * DAY, abs=DAY)
    assert runway["small"]["seconds"]["0.5"] is None
    snapshots = {snapshot["lv"]: snapshot for snapshot in later["snapshots"]}
    # 0.1 of 4 GiB are left at 0.6 in eight days
    assert snapshots["snap"]["runway"]["seconds"]["0.5"] == pytest.approx(0.106 / 0.6 * 8 * DAY, abs=DAY)
    assert (snapshots["snap"]["can_fill"], snapshots["snap"]["in_charge"], snapshots["snap"]["overflowed"]) == (True, "nobody", False)
    assert snapshots["whole"]["can_fill"] is False  # larger than its origin
    assert snapshots["whole"]["runway"]["seconds"]["0.1"] is None


def test_who_is_in_charge(pools):
    assert {name: (pool["in_charge"], pool["managed"], pool["refused_reason"]) for name, pool in pools.items()} == {
        "pool": ("foresight", True, None),
        "small": ("nobody", False, None),  # matched by a pattern only
        "watched": ("dmeventd", False, "dmeventd_in_charge"),
        "own": ("dmeventd", False, "excluded"),
        "ill": ("nobody", False, "pool_damaged"),
    }
    assert (pools["pool"]["named_exactly"], pools["pool"]["max_bytes"], pools["pool"]["priority"]) == (True, 80 * GIB, 3)
    assert (pools["small"]["named_exactly"], pools["small"]["matched"]) == (False, True)


def test_a_threshold_that_nobody_could_read_counts_as_dmeventds():
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.pools import dmeventd_extends

    assert dmeventd_extends({**WATCHED, "threshold": None}) is True
    assert dmeventd_extends({**WATCHED, "threshold": 1.0}) is False
    assert dmeventd_extends({**WATCHED, "monitored": None}) is False
    assert dmeventd_extends(None) is False


def test_the_group_has_its_runway_and_its_physical_volumes(store, document):
    (group,) = document["groups"]
    # none of it within two days: everything still fits where it is
    assert group["runway"]["seconds"] == dict.fromkeys(["0.1", "0.5", "0.9"])
    assert (group["runway"]["horizon_seconds"], group["runway"]["extents"]["0.5"]) == (2 * DAY, 0)
    # data, and five pools; hidden parts, thin volumes and snapshots take nothing by themselves
    assert (group["runway"]["volumes"], group["runway"]["left_out"]) == (6, [])
    later = volumes(store=store, now=NOW, horizon="6d", hosts=["web1"], reserve="55 GiB")["groups"][0]["runway"]
    assert later["spendable_extents"] == 5 * 256
    assert later["seconds"]["0.1"] <= later["seconds"]["0.5"] <= 6 * DAY
    assert later["extents"]["0.5"] > 5 * 256
    assert [pv["name"] for pv in group["pvs"]] == ["/dev/sdb"]
    assert group["pvs"][0]["lvs"] == ["data", "pool"]
    assert group["free_pvs"] == [{"name": "/dev/sdc", "uuid": "PV2", "size_bytes": 8 * GIB}]


def test_a_free_physical_volume_that_two_hosts_see_is_nobodys(store):
    found = volumes(store=store, now=NOW, horizon="6h", hosts=["web2", "web3"])
    assert [group["free_pvs"] for group in found["groups"]] == [[], []]


def test_the_horizon_of_runways_is_an_option(store):
    group = volumes(store=store, now=NOW, horizon="6h", runway_horizon="1d", hosts=["web1"])["groups"][0]
    assert group["runway"]["horizon_seconds"] == DAY


def test_the_report_finds_what_was_known_when_planning(store, document):
    volumes(store=store, now=NOW, horizon="6h", hosts=["web1"])
    with open_store(store, create=False) as notebook:
        (found,) = remembered(notebook, ["web1"])
    assert found["issued_at"] == NOW
    assert found["group"]["runway"] == document["groups"][0]["runway"]
    assert [pool["lv"] for pool in found["pools"]] == [pool["lv"] for pool in document["pools"]]
    assert [snapshot["lv"] for snapshot in found["snapshots"]] == ["snap", "whole"]


def test_the_report_shows_pools_and_snapshots_with_their_history_and_forecast(store):
    volumes(store=store, now=NOW, horizon="6h", hosts=["web1"])
    with open_store(store, create=False) as notebook:
        shown = read_content(notebook, NOW, ["web1"], None)
    views = {volume.name.rpartition("/")[2]: volume for volume in shown.volumes}
    for name, size in (("pool", 40 * GIB), ("snap", 4 * GIB)):
        view = views[name]
        assert (view.status, view.holds, view.history.limit[-1]) == ("ok", size, size)
        assert view.history.used[-1] == pytest.approx(view.used, rel=0.01)
        assert view.forecast["0.5"]
    assert (views["small"].fillable, views["whole"].fillable, views["pool"].fillable) == (False, False, True)
    assert [group.name for group in shown.group_dates] == ["web1/vg0"]
    assert {pool.name.rpartition("/")[2]: pool.charge for pool in shown.pool_dates} == {
        "pool": "nobody", "small": "nobody", "watched": "dmeventd, by 20% at 80%", "own": "dmeventd, with /bin/grow", "ill": "nobody",
    }  # fmt: skip
    assert shown.snapshot_dates[0].name == "web1/vg0/snap"
