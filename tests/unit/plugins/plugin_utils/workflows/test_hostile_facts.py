# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host that lies costs no other host its plan: facts → record → volumes → lv_allocate → plan, on a real store."""

from __future__ import annotations

import copy
import pathlib
import tempfile

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan import plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.volumes import volumes

GIB = 2**30
NOW = 1_763_700_000
HOSTS = ["evil", "good"]

texts = st.one_of(
    st.sampled_from(
        [
            "{{ lookup('pipe', 'id') }}",
            "</script><script>alert(1)</script>",
            "http://user:word@host/",
            '"password": "x"',
            "a\nid: b",
            "\x1b[2J",
            "x" * 3000,
            "../../etc",
            "a/b",
            "",
            "-",
            "foresight.ignore",
        ]
    ),
    st.text(max_size=8),
)
values = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([2**31, 2**62, 2**63 - 1, 2**63, 2**70, -(2**70), float("nan"), float("inf"), -0.5, 1e300]),
    st.lists(texts, max_size=3),
    st.just({"a": 1}),
)


def facts(host):
    """One VG with one ext4 volume that is nearly full."""
    return {
        "schema": "foresight.lvm/1", "observed_at": NOW, "machine_id": host, "boot_id": "b", "available": True, "reason": None, "message": None,
        "lvm_version": "2.03", "pvs": [],
        "vgs": [{
            "name": "vg0", "uuid": f"VG-{host}", "size": 100 * GIB, "free": 50 * GIB, "extent_bytes": 4 << 20, "extents": 25600, "extents_free": 12800,
            "tags": [], "lock_type": None, "system_id": None, "foreign": False, "partial": False, "exported": False, "pv_count": 1,
        }],
        "lvs": [{
            "vg": "vg0", "vg_uuid": f"VG-{host}", "name": "data", "uuid": f"LV-{host}", "path": "/dev/vg0/data", "dm_path": None, "size": 10 * GIB,
            "active": True, "segment_type": "linear", "attr": "-wi-ao----", "tags": [], "origin": None, "pool": None, "snapshot_fraction": None,
            "sync_fraction": None, "data_fraction": None, "metadata_fraction": None, "metadata_size": None, "role": "plain", "stack": [],
            "in_progress": None, "filesystem": {
                "type": "ext4", "uuid": "f", "label": None, "device": "/dev/dm-0", "size": 9 * GIB, "used": 9 * GIB - 1000, "avail": 1000,
                "inodes": 1000, "inodes_used": 10, "mountpoints": ["/srv"], "read_only": False, "reason": None,
            },
        }],
    }  # fmt: skip


def places(document):
    """Return every field of the VG, the volume and its file system, as (part, key)."""
    lv, vg = document["lvs"][0], document["vgs"][0]
    return [(part, key) for part in (vg, lv, lv["filesystem"]) for key in part]


@given(spoilt=st.lists(st.tuples(st.integers(0, 60), values), min_size=1, max_size=4), doubled=st.sampled_from([None, "vgs", "lvs"]))
@example(spoilt=[(35, "x" * 3000)], doubled=None)
@example(spoilt=[(35, "http://user:word@host/")], doubled=None)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_a_host_that_lies_costs_no_other_host_its_plan(spoilt, doubled):
    evil = facts("evil")
    if doubled:
        evil[doubled].append(copy.deepcopy(evil[doubled][0]))
    fields = places(evil)
    for number, value in spoilt:
        part, key = fields[number % len(fields)]
        part[key] = value
    documents = {"good": {"foresight_lvm": facts("good")}, "evil": {"foresight_lvm": evil}}
    with tempfile.TemporaryDirectory() as folder:
        store = str(pathlib.Path(folder) / "store.db")
        record(store=store, now=NOW + 1, hosts=HOSTS, lost=[], facts=documents)
        everything = {"manage": [{"match": "*"}], "exclude": [], "reserve": "5%"}
        document = volumes(store=store, now=NOW + 2, horizon="6h", hosts=HOSTS, policies=dict.fromkeys(HOSTS, everything))
        shared = allocate(document["volumes"], document["groups"], {"now": NOW + 2})
        made = plan(store=store, now=NOW + 3, inventory=HOSTS, hosts=HOSTS, path=str(pathlib.Path(folder) / "plan.yml"), **shared)
    of_good = [action["to"]["size"] for action in made["document"]["actions"] if action["target"] == "lv:good/vg0/data"]
    refused = [entry["reason"] for entry in made["document"]["refused"] if entry["entity"] == "lv:good/vg0/data"]
    # the one thing a host can do to another: claim its VG, which is then left alone
    assert of_good or "shared_vg" in refused
    assert all(size > 10 * GIB for size in of_good)


def test_the_volumes_of_a_second_group_of_one_name_get_nothing_of_the_first():
    document = facts("evil")
    document["vgs"].append({**document["vgs"][0], "uuid": "VG-clone"})
    document["lvs"].append({**copy.deepcopy(document["lvs"][0]), "name": "other", "uuid": "LV-other", "vg_uuid": "VG-clone"})
    with tempfile.TemporaryDirectory() as folder:
        store = str(pathlib.Path(folder) / "store.db")
        record(store=store, now=NOW + 1, hosts=["evil"], lost=[], facts={"evil": {"foresight_lvm": document}})
        found = volumes(store=store, now=NOW + 2, horizon="6h", hosts=["evil"], manage=[{"match": "*"}])
    assert {volume["lv"]: volume["refused_reason"] for volume in found["volumes"]} == {"data": None, "other": "unknown_vg"}
