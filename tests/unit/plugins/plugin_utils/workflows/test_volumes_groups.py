# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VGs in the documents of the lookup: their extents and their reserve, which of them are not ours, and what LVM would give to nobody."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from support.recorded_volumes import GIB, MIB, START, at_step, facts, logical_volume, look_up


def test_the_group_has_its_extents_and_its_reserve(growing_store):
    (group,) = look_up(growing_store)["groups"]
    assert {key: group[key] for key in ("entity", "extents_free", "reserve_extents", "shared", "refused_reason")} == {
        "entity": "vg:web1/vg0",
        "extents_free": 10240,
        "reserve_extents": 1280,
        "shared": False,
        "refused_reason": None,
    }
    assert look_up(growing_store, reserve="10 GiB")["groups"][0]["reserve_extents"] == 2560
    assert look_up(growing_store, reserve=4 * MIB + 1)["groups"][0]["reserve_extents"] == 2


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
