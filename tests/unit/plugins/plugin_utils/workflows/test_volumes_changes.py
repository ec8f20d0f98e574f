# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened to a volume before, in the documents of the lookup: resizes, growth and shrinking that stopped half-way, what it once held."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import build_plan, validate_plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from support.recorded_volumes import GIB, MIB, NOW, START, STEP, STEPS, at_step, by_name, facts, logical_volume, look_up


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


def test_a_neighbour_makes_room_from_facts_to_plan(growing_store):
    """`calm` holds 2 of 8 GiB; its leave comes from the policy, and the three hours that are recorded are past enough here."""
    manage = [{"match": "*/calm", "allow_shrink": True, "allow_unmount": True}, {"match": "*/data"}]
    document = look_up(growing_store, manage=manage, past="3h")
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
    short = look_up(growing_store, manage=manage, past="4h")
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
