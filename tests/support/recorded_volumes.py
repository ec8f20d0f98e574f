# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that the workflow `record` wrote into a real store, and what the lookup tells of them; for the tests of the lookup."""

from __future__ import annotations

import copy

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


def growing_store(folder):
    """The path of a store with twenty observations of web1 and web2, ten minutes apart."""
    path = str(folder / "store.db")
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
