# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup's workflow on a real store: what its documents say of each volume, and that `lv_allocate` takes them."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from support.recorded_volumes import GIB, MIB, NOW, START, STEP, STEPS, at_step, by_name, facts, look_up


def test_a_volume_has_its_facts_its_limits_and_its_demand(growing_store):
    document = look_up(growing_store, manage=[{"match": "lv:web1/vg0/data", "min": "1 GiB", "max": "20 GiB", "priority": 2}])
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


def test_what_is_never_managed_carries_its_reason(growing_store):
    reasons = {name: volume["refused_reason"] for name, volume in by_name(look_up(growing_store, exclude=["*/calm"])).items()}
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
    assert by_name(look_up(growing_store))["mirrored"]["copies"] == 2


def test_the_documents_are_what_lv_allocate_takes(growing_store):
    document = look_up(growing_store)
    answer = allocate(document["volumes"], document["groups"], {"now": document["now"]})
    grown = {action["target"] for action in answer["actions"]}
    assert grown == {"lv:web1/vg0/data", "lv:web1/vg0/mirrored"}
    refused = {refusal["entity"]: refusal["reason"] for refusal in answer["refused"]}
    assert refused["lv:web1/vg0/tagged"] == "ignored"
    assert refused["lv:web1/vg0/snap"] == "snapshot"


def test_without_hosts_every_host_of_the_store_is_taken(growing_store):
    assert {volume["host"] for volume in look_up(growing_store, hosts=None)["volumes"]} == {"web1", "web2"}


def test_cold_start_and_stale_forecasts_have_no_demand(growing_store):
    cold = by_name(look_up(growing_store, min_samples=100))["data"]
    assert (cold["demand_status"], cold["demand_bytes"], cold["forecast"]) == ("cold_start", None, None)
    assert cold["demand_note"]
    stale = by_name(look_up(growing_store, now=NOW + 86400))["data"]
    assert (stale["demand_status"], stale["demand_bytes"]) == ("stale", None)
    assert by_name(look_up(growing_store))["raw"]["demand_status"] == "no_history"


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
