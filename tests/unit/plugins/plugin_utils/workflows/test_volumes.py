# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup's workflow on a real store, filled by the workflow `record` from facts documents."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError, StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import build_plan, validate_plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.volumes import volumes

GIB = 2**30
MIB = 2**20
STEP = 600
STEPS = 20
START = 1_763_700_000
NOW = START + (STEPS - 1) * STEP + 5


def logical_volume(name, size=8 * GIB, used=None, **fields):
    filesystem = None
    if used is not None:
        total = size - 200 * MIB
        filesystem = {
            "type": "ext4", "uuid": f"fs-{name}", "label": None, "device": f"/dev/mapper/{name}", "size": total, "used": int(used),
            "avail": total - int(used), "inodes": 524288, "inodes_used": 1000, "mountpoints": [f"/srv/{name}"], "read_only": False, "reason": None,
        }  # fmt: skip
    document = {
        "vg": "vg0", "vg_uuid": "set below", "name": name, "uuid": f"lv-{name}".replace("_", ""), "path": f"/dev/vg0/{name}", "dm_path": None, "size": size,
        "active": True, "segment_type": "linear", "attr": "-wi-ao----", "tags": [], "origin": None, "pool": None, "snapshot_fraction": None,
        "sync_fraction": None, "data_fraction": None, "metadata_fraction": None, "metadata_size": None, "role": "plain", "stack": [],
        "in_progress": None, "filesystem": filesystem,
    }  # fmt: skip
    return {**document, **fields}


def facts(host, at, lvs, **vg):
    group = {
        "name": "vg0", "uuid": f"vg-{host}", "size": 100 * GIB, "free": 40 * GIB, "extent_bytes": 4 * MIB, "extents": 25600,
        "extents_free": 10240, "tags": [], "lock_type": None, "system_id": None, "foreign": False, "partial": False, "exported": False,
        "pv_count": 1, **vg,
    }  # fmt: skip
    own = [{**lv, "uuid": f"{lv['uuid']}-{host}", "vg_uuid": group["uuid"]} for lv in copy.deepcopy(lvs)]
    return {
        "foresight_lvm": {
            "schema": "foresight.lvm/1", "observed_at": at, "machine_id": f"machine-{host}", "boot_id": "00000000-0000-0000-0000-000000000001",
            "available": True, "reason": None, "message": None, "lvm_version": "2.03.16", "pvs": [], "vgs": [group], "lvs": own,
        }
    }  # fmt: skip


def at_step(number):
    growing = 4 * GIB + number * 100 * MIB
    return [
        logical_volume("data", used=growing),
        logical_volume("calm", used=2 * GIB),
        logical_volume("snap", used=growing, role="snapshot", origin="other", segment_type="linear"),
        logical_volume("pool", role="pool", segment_type="thin-pool"),
        logical_volume("thin", used=growing, segment_type="thin", pool="pool"),
        logical_volume("pool_tdata", role="internal"),
        logical_volume("vm-101-disk-0", role="guest_disk"),
        logical_volume("tagged", used=growing, tags=["foresight.ignore"]),
        logical_volume("secret", used=growing, stack=["luks"]),
        logical_volume("raw"),
        logical_volume("mirrored", used=growing, segment_type="raid1"),
        logical_volume("other", used=growing),
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store with twenty observations of web1 and web2, ten minutes apart."""
    path = str(tmp_path_factory.mktemp("store") / "store.db")
    for number in range(STEPS):
        at = START + number * STEP
        lvs = at_step(number)
        documents = {"web1": facts("web1", at, lvs), "web2": facts("web2", at, lvs[:2])}
        answer = record(store=path, now=at + 1, hosts=["web1", "web2"], lost=[], facts=documents)
        assert {one["status"] for one in answer["hosts"].values()} == {"recorded"}
    return path


def look_up(store, **options):
    return volumes(**{"store": store, "now": NOW, "horizon": "6h", "hosts": ["web1"], "manage": [{"match": "lv:*"}], **options})


def by_name(document):
    return {volume["lv"]: volume for volume in document["volumes"] if volume["host"] == "web1"}


def test_a_volume_has_its_facts_its_limits_and_its_demand(store):
    document = look_up(store, manage=[{"match": "lv:web1/vg0/data", "min": "1 GiB", "max": "20 GiB", "priority": 2}])
    data = by_name(document)["data"]
    used = 4 * GIB + (STEPS - 1) * 100 * MIB
    assert {
        key: data[key] for key in ("entity", "host", "vg", "uuid", "size_bytes", "fs", "mounted", "copies", "observed_at", "recorded")
    } == {
        "entity": "lv:web1/vg0/data",
        "host": "web1",
        "vg": "vg0",
        "uuid": "lv-data-web1",
        "size_bytes": 8 * GIB,
        "fs": {"type": "ext4", "size": 8 * GIB - 200 * MIB, "used": used, "avail": 8 * GIB - 200 * MIB - used},
        "mounted": True,
        "copies": 1,
        "observed_at": START + (STEPS - 1) * STEP,
        "recorded": False,
    }
    assert (data["managed"], data["named_exactly"], data["priority"], data["min_bytes"], data["max_bytes"]) == (
        True,
        True,
        2,
        GIB,
        20 * GIB,
    )
    assert data["demand_status"] == "ok"
    assert data["demand_bytes"] > used
    assert data["forecast"]["value"] == data["demand_bytes"]
    assert data["forecast"]["quantile"] == 0.9
    assert data["history_mean_bytes"] == pytest.approx(4 * GIB + 950 * MIB, rel=0.02)
    assert by_name(document)["calm"]["managed"] is False
    assert document["now"] == NOW


def test_the_group_has_its_extents_and_its_reserve(store):
    (group,) = look_up(store)["groups"]
    assert {key: group[key] for key in ("entity", "extents_free", "reserve_extents", "shared", "refused_reason")} == {
        "entity": "vg:web1/vg0",
        "extents_free": 10240,
        "reserve_extents": 1280,
        "shared": False,
        "refused_reason": None,
    }
    assert look_up(store, reserve="10 GiB")["groups"][0]["reserve_extents"] == 2560
    assert look_up(store, reserve=4 * MIB + 1)["groups"][0]["reserve_extents"] == 2


def test_what_is_never_managed_carries_its_reason(store):
    reasons = {name: volume["refused_reason"] for name, volume in by_name(look_up(store, exclude=["*/calm"])).items()}
    assert reasons == {
        "data": None,
        "calm": "excluded",
        "snap": "snapshot",
        "thin": "thin_volume",
        "pool_tdata": "internal",
        "vm-101-disk-0": "guest_disk",
        "tagged": "ignored",
        "secret": "stacked",
        "raw": None,
        "mirrored": None,
        "other": "snapshot_origin",
    }
    assert by_name(look_up(store))["mirrored"]["copies"] == 2


def test_the_documents_are_what_lv_allocate_takes(store):
    document = look_up(store)
    answer = allocate(document["volumes"], document["groups"], {"now": document["now"]})
    grown = {action["target"] for action in answer["actions"]}
    assert grown == {"lv:web1/vg0/data", "lv:web1/vg0/mirrored"}
    refused = {refusal["entity"]: refusal["reason"] for refusal in answer["refused"]}
    assert refused["lv:web1/vg0/tagged"] == "ignored"
    assert refused["lv:web1/vg0/snap"] == "snapshot"


def test_nothing_is_managed_by_default(store):
    document = look_up(store, manage=None)
    answer = allocate(document["volumes"], document["groups"], {"now": document["now"]})
    assert answer["actions"] == []
    assert {proposal["target"] for proposal in answer["proposals"]} == {"lv:web1/vg0/data", "lv:web1/vg0/mirrored"}


def test_an_exact_entry_goes_before_patterns_and_the_first_pattern_holds_alone(store):
    manage = [
        {"match": "fs.type == 'ext4' && lv != 'calm'", "max": "30 GiB"},
        {"match": "lv:web1/*", "max": "40 GiB", "priority": 3},
        {"match": "web1/vg0/data", "max": "50 GiB"},
    ]
    found = by_name(look_up(store, manage=manage))
    assert (found["data"]["max_bytes"], found["data"]["named_exactly"]) == (50 * GIB, True)
    assert (found["mirrored"]["max_bytes"], found["mirrored"]["priority"], found["mirrored"]["named_exactly"]) == (30 * GIB, 1.0, False)
    assert (found["calm"]["max_bytes"], found["calm"]["priority"]) == (40 * GIB, 3)


def test_without_hosts_every_host_of_the_store_is_taken(store):
    assert {volume["host"] for volume in look_up(store, hosts=None)["volumes"]} == {"web1", "web2"}


def test_cold_start_and_stale_forecasts_have_no_demand(store):
    cold = by_name(look_up(store, min_samples=100))["data"]
    assert (cold["demand_status"], cold["demand_bytes"], cold["forecast"]) == ("cold_start", None, None)
    assert cold["demand_note"]
    stale = by_name(look_up(store, now=NOW + 86400))["data"]
    assert (stale["demand_status"], stale["demand_bytes"]) == ("stale", None)
    assert by_name(look_up(store))["raw"]["demand_status"] == "no_history"


def test_a_vg_that_two_hosts_show_is_shared(tmp_path):
    path = str(tmp_path / "store.db")
    documents = {host: facts(host, START, at_step(0)[:1], uuid="vg-both") for host in ("web1", "web2")}
    record(store=path, now=START + 1, hosts=["web1", "web2"], lost=[], facts=documents)
    for hosts in (["web1"], None):
        assert {group["refused_reason"] for group in look_up(path, now=START + 2, hosts=hosts)["groups"]} == {"shared_vg"}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"exported": True}, "exported_vg"),
        ({"partial": True}, "partial_vg"),
        ({"lock_type": "sanlock"}, "shared_vg"),
        ({"foreign": True}, "shared_vg"),
        ({"tags": ["foresight.ignore"]}, "ignored"),
    ],
)
def test_vgs_that_are_not_ours_are_told(tmp_path, fields, reason):
    path = str(tmp_path / "store.db")
    documents = {"web1": facts("web1", START, at_step(0)[:1], **fields)}
    record(store=path, now=START + 1, hosts=["web1"], lost=[], facts=documents)
    document = look_up(path, now=START + 2)
    assert document["groups"][0]["refused_reason"] == reason
    assert allocate(document["volumes"], document["groups"], {"now": document["now"]})["actions"] == []


@pytest.mark.parametrize("missing", ["extents", "extents_free", "extent_bytes"])
def test_a_vg_whose_reserve_cannot_be_counted_gives_nothing(tmp_path, missing):
    path = str(tmp_path / "store.db")
    documents = {"web1": facts("web1", START, [logical_volume("data", used=7.7 * GIB)], **{missing: None})}
    record(store=path, now=START + 1, hosts=["web1"], lost=[], facts=documents)
    document = look_up(path, now=START + 2)
    assert (document["groups"], document["volumes"][0]["refused_reason"]) == ([], "unknown_vg")


def physical(name, free, **fields):
    return {
        "name": name, "uuid": name, "vg": "vg0", "size": 50 * GIB, "free": free, "missing": False, "allocatable": True, "in_use": True, "lvs": [], **fields,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pvs", "given"),
    [
        ([physical("a", 10 * GIB), physical("b", 30 * GIB)], 40),
        ([physical("a", 10 * GIB), physical("b", 30 * GIB, allocatable=False)], 10),
        ([physical("a", 10 * GIB), physical("b", 30 * GIB, missing=True)], 10),
        ([physical("a", 10 * GIB, allocatable=False), physical("b", 30 * GIB, missing=True, allocatable=False)], 0),
        (
            [physical("a", 10 * GIB), physical("b", 60 * GIB, allocatable=False)],
            0,
        ),  # a number that cannot be: nobody knows how much is free
        ([physical("a", 10 * GIB), physical("b", 30 * GIB, vg="other", allocatable=False)], 40),
    ],
)
def test_extents_that_lvm_gives_to_nobody_are_not_given_away(tmp_path, pvs, given):
    path = str(tmp_path / "store.db")
    documents = {"web1": facts("web1", START, [logical_volume("data", used=7.7 * GIB)])}
    documents["web1"]["foresight_lvm"]["pvs"] = pvs
    record(store=path, now=START + 1, hosts=["web1"], lost=[], facts=documents)
    document = look_up(path, now=START + 2, reserve="2 GiB")
    (group,) = document["groups"]
    assert group["extents_free"] * 4 * MIB == given * GIB
    assert group["runway"]["spendable_extents"] * 4 * MIB == max(0, given - 2) * GIB
    grown = allocate(document["volumes"], document["groups"], {"now": document["now"]})["actions"]
    assert sum(action["cost"]["bytes"] for action in grown) <= max(0, given - 2) * GIB
    assert bool(grown) == (given > 2)


def outcome(status, changed, at):
    return {
        "plan_id": "p" * 64, "action_id": "a" * 16, "host": "web1", "target": "lv:web1/vg0/data", "status": status, "changed": changed,
        "started_at": at, "seconds": 2.5, "before": {}, "after": {}, "message": "",
    }  # fmt: skip


def test_the_last_resize_comes_from_the_outcomes_of_real_runs(tmp_path):
    path = str(tmp_path / "store.db")
    for number, (check, entry) in enumerate([(False, outcome("changed", True, START + 10)), (True, outcome("changed", True, START + 700))]):
        at = START + number * STEP
        documents = {"web1": facts("web1", at, at_step(number)[:2])}
        record(store=path, now=at + 30, hosts=["web1"], lost=[], facts=documents, check=check)
        with open_store(path) as notebook:
            run = notebook.start_run("apply", at=at + 30, check=check, detail={})
            notebook.add_outcomes([{**entry, "run_id": run}])
    found = by_name(look_up(path, now=START + 2 * STEP))
    assert found["data"]["last_resized_at"] == START + 12
    assert found["calm"]["last_resized_at"] is None


@pytest.mark.parametrize(("days", "known"), [(100, True), (364, True), (366, False)])
def test_a_resize_of_up_to_a_year_ago_is_known(tmp_path, days, known):
    path = str(tmp_path / "store.db")
    record(store=path, now=NOW + 1, hosts=["web1"], lost=[], facts={"web1": facts("web1", NOW, at_step(0)[:2])})
    with open_store(path) as notebook:
        run = notebook.start_run("apply", at=NOW - days * 86400, check=False, detail={})
        notebook.add_outcomes([{**outcome("changed", True, NOW - days * 86400), "run_id": run}])
    assert by_name(look_up(path, now=NOW + 2))["data"]["last_resized_at"] == (NOW - days * 86400 + 2 if known else None)


def test_a_growth_that_its_file_system_did_not_follow_is_unfinished(tmp_path):
    path = str(tmp_path / "store.db")
    sizes = [(8 * GIB, None), (8 * GIB, None), (10 * GIB, 8 * GIB - 200 * MIB), (10 * GIB, 8 * GIB - 200 * MIB)]
    for number, (size, total) in enumerate(sizes):
        at = START + number * STEP
        data, followed = logical_volume("data", size=size, used=2 * GIB), logical_volume("followed", size=size, used=2 * GIB)
        if total is not None:
            data["filesystem"] |= {"size": total, "avail": total - 2 * GIB}
            followed["filesystem"] |= {"size": size - 900 * MIB, "avail": size - 900 * MIB - 2 * GIB}
        record(store=path, now=at + 1, hosts=["web1"], lost=[], facts={"web1": facts("web1", at, [data, followed])})
    found = by_name(look_up(path, now=START + 4 * STEP))
    assert {name: volume["unfinished"] for name, volume in found.items()} == {"data": True, "followed": False}
    document = look_up(path, now=START + 4 * STEP)
    (action,) = allocate(document["volumes"], document["groups"], {"now": document["now"]})["actions"]
    assert (action["target"], action["reason"], action["to"]) == ("lv:web1/vg0/data", "unfinished", {"size": 10 * GIB})


def test_a_shrinking_that_stopped_before_the_volume_followed_is_unfinished(tmp_path):
    """Its file system grows back; one that shrank together with its volume is whole."""
    path = str(tmp_path / "store.db")
    for number, (total, size) in enumerate([(8, 8), (8, 8), (6, 6), (6, 6)]):
        at = START + number * STEP
        data, followed = logical_volume("data", used=2 * GIB), logical_volume("followed", size=size * GIB, used=2 * GIB)
        data["filesystem"] |= {"size": total * GIB - 200 * MIB, "avail": total * GIB - 200 * MIB - 2 * GIB}
        record(store=path, now=at + 1, hosts=["web1"], lost=[], facts={"web1": facts("web1", at, [data, followed])})
    document = look_up(path, now=START + 4 * STEP)
    assert {name: volume["unfinished"] for name, volume in by_name(document).items()} == {"data": True, "followed": False}
    (action,) = allocate(document["volumes"], document["groups"], {"now": document["now"]})["actions"]
    assert (action["target"], action["reason"], action["to"]) == ("lv:web1/vg0/data", "unfinished", {"size": 8 * GIB})


def test_a_neighbour_makes_room_from_facts_to_plan(store):
    """`calm` holds 2 of 8 GiB; its leave comes from the policy, and the three hours that are recorded are past enough here."""
    manage = [{"match": "*/calm", "allow_shrink": True, "allow_unmount": True}, {"match": "*/data"}]
    document = look_up(store, manage=manage, past="3h")
    assert {name: volume["past_seconds"] for name, volume in by_name(document).items() if name in ("calm", "raw")} == {
        "calm": 3 * 3600,
        "raw": None,
    }
    calm = by_name(document)["calm"]
    assert (calm["past_peak_bytes"], calm["allow_shrink"], calm["allow_unmount"], calm["last_failed_at"]) == (2 * GIB, True, True, None)
    groups = [{**group, "extents_free": group["reserve_extents"]} for group in document["groups"]]
    policy = {"now": document["now"], "allow_shrink": True, "shrink_past_seconds": "3h"}
    answer = allocate(document["volumes"], groups, policy)
    plan = build_plan(now=NOW, inventory=["web1"], hosts=["web1"], collection_version="1.0.0", **answer)
    validate_plan(plan)
    calm, data = plan["actions"]
    assert (calm["target"], calm["allow"], calm["to"]["size"] < 8 * GIB) == ("lv:web1/vg0/calm", {"shrink": True, "unmount": True}, True)
    assert (data["target"], data["after"], "allow" in data) == ("lv:web1/vg0/data", [calm["id"]], False)
    short = look_up(store, manage=manage, past="4h")
    assert allocate(short["volumes"], groups, {**policy, "shrink_past_seconds": "4h"})["actions"] == []


def test_values_that_a_host_got_wrong_cause_no_action(tmp_path):
    path = str(tmp_path / "store.db")
    for number in range(STEPS):
        at = START + number * STEP
        lying = logical_volume("lying", used=2 * GIB)
        lying["filesystem"]["used"] = 900 * GIB if number % 2 else -5
        record(store=path, now=at + 1, hosts=["web1"], lost=[], facts={"web1": facts("web1", at, [lying])})
    document = look_up(path)
    assert document["volumes"][0]["demand_status"] in ("invalid", "cold_start")
    answer = allocate(document["volumes"], document["groups"], {"now": document["now"]})
    assert (answer["actions"], answer["proposals"]) == ([], [])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"manage": [{"match": "lv:*", "maximum": 1}]}, "did you mean max?"),
        ({"manage": [{"max": "1 GiB"}]}, "Entry 1 of manage has no match"),
        ({"manage": [{"match": "lv:*", "max": "a lot"}]}, "'a lot' is not an amount of bytes"),
        ({"manage": [{"match": "lv:*", "min": "2 GiB", "max": "1 GiB"}]}, "needed is at most max"),
        ({"manage": [{"match": "!lv:*"}]}, "goes to O(exclude)"),
        ({"manage": [{"match": "lv == 'data"}]}, "is no valid JMESPath"),
        ({"reserve": "120%"}, "needed is a percentage from 0% to 100%"),
        ({"reserve": 0.05}, "needed is a percentage such as '5%'"),
        ({"exclude": "lv:*"}, "needed is a list"),
        ({"quantile": 1.5}, "needed is a number above 0 and below 1"),
        ({"horizon": "soon"}, "horizon"),
        ({"hosts": ["nobody"]}, "The store holds nothing of nobody"),
    ],
)
def test_wrong_options_are_told(store, options, told):
    with pytest.raises(InputError) as error:
        look_up(store, **options)
    assert told in str(error.value)


def test_hosts_without_volumes_are_no_error(tmp_path):
    path = str(tmp_path / "store.db")
    documents = {"web1": facts("web1", START, [])}
    record(store=path, now=START + 1, hosts=["web1"], lost=[], facts=documents)
    document = look_up(path, now=START + 2)
    assert (document["volumes"], [group["entity"] for group in document["groups"]]) == ([], ["vg:web1/vg0"])


def test_without_a_store_the_error_says_how_to_get_one(tmp_path):
    with pytest.raises(StoreError):
        look_up(str(tmp_path / "none.db"))


def test_a_volume_that_is_gone_is_left_out(tmp_path):
    path = str(tmp_path / "store.db")
    for number, lvs in enumerate((at_step(0)[:2], at_step(1)[:1])):
        at = START + number * STEP
        record(store=path, now=at + 1, hosts=["web1"], lost=[], facts={"web1": facts("web1", at, lvs)})
    assert list(by_name(look_up(path, now=START + 2 * STEP))) == ["data"]
    with open_store(path) as opened:
        assert len(opened.find_entities(kinds=["lv"], current=None)) == 2


def test_each_host_has_its_own_policy_which_need_not_name_the_host(store):
    policies = {"web1": {"manage": [{"match": "vg0/data", "max": "20 GiB"}], "reserve": "10%"}}
    answer = volumes(store=store, now=NOW, horizon="2h", manage=[], policies=policies)
    managed = {document["entity"]: document for document in answer["volumes"] if document["managed"]}
    assert list(managed) == ["lv:web1/vg0/data"]
    assert managed["lv:web1/vg0/data"]["named_exactly"]
    assert managed["lv:web1/vg0/data"]["max_bytes"] == 20 * GIB
    reserves = {group["host"]: group["reserve_extents"] for group in answer["groups"]}
    assert reserves["web1"] == 2560
    assert {extents for host, extents in reserves.items() if host != "web1"} <= {1280}


def test_a_policy_with_an_unknown_key_is_refused(store):
    with pytest.raises(InputError, match=r"web1 has the keys manages; known are exclude, manage, reserve"):
        volumes(store=store, now=NOW, horizon="2h", policies={"web1": {"manages": []}})


def test_a_name_that_fits_no_volume_is_told(store, caplog):
    """One that fits on some host is not: a group of hosts shares its list."""
    policies = {
        "web1": {"manage": [{"match": "vg0/data"}, {"match": "vg9/data"}], "exclude": ["vg0/calm", "vg0/clam"]},
        "web2": {"manage": [{"match": "vg0/secret"}, {"match": "vg9/data"}]},
    }
    with caplog.at_level("WARNING", logger="foresight.lvm"):
        look_up(store, hosts=["web1", "web2"], manage=None, policies=policies)
    told = [record.getMessage() for record in caplog.records]
    assert told == [
        "manage names 'vg9/data', which fits no volume of any host in this run",
        "exclude names 'vg0/clam', which fits no volume of any host in this run",
        "manage names 'vg0/secret', which fits no volume of any host in this run",
    ]


def test_an_exclude_that_excludes_nothing_is_refused_before_the_plan(store):
    with pytest.raises(InputError, match="excludes nothing"):
        look_up(store, policies={"web1": {"exclude": ["vg0/data,vg0/calm"]}})
