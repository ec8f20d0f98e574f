"""What a host says of itself is data: a template in a tag or a mount point is shown, never run."""

from __future__ import annotations

import copy
import time
from pathlib import Path

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from support.playbooks import Playbooks

GIB = 1 << 30


def facts(at: int, trap: str) -> dict[str, object]:
    filesystem = {
        "type": "ext4", "uuid": trap, "label": trap, "device": trap, "size": 9 * GIB, "used": 9 * GIB - 1000, "avail": 1000, "inodes": 1000,
        "inodes_used": 10, "mountpoints": [trap, "</script><script>alert(1)</script>", "a\nb"], "read_only": False, "reason": None,
    }  # fmt: skip
    volume = {
        "vg": "vg0", "vg_uuid": "VG-1", "name": "data", "uuid": "LV-1", "path": trap, "dm_path": None, "size": 10 * GIB, "active": True,
        "segment_type": "linear", "attr": "-wi-ao----", "tags": [trap], "origin": None, "pool": None, "snapshot_fraction": None, "sync_fraction": None,
        "data_fraction": None, "metadata_fraction": None, "metadata_size": None, "role": "plain", "stack": [], "in_progress": None, "filesystem": filesystem,
    }  # fmt: skip
    odd = {**copy.deepcopy(volume), "name": "odd+name.1_x", "uuid": "LV-2", "filesystem": {**filesystem, "type": trap}}
    bad = {**copy.deepcopy(volume), "name": trap, "uuid": "LV-3"}
    group = {
        "name": "vg0", "uuid": "VG-1", "size": 100 * GIB, "free": 50 * GIB, "extent_bytes": 4 << 20, "extents": 25600, "extents_free": 12800,
        "tags": [trap], "lock_type": None, "system_id": trap, "foreign": False, "partial": False, "exported": False, "pv_count": 1,
    }  # fmt: skip
    return {
        "schema": "foresight.lvm/1", "observed_at": at, "machine_id": trap, "boot_id": trap, "available": True, "reason": trap, "message": trap,
        "lvm_version": trap, "pvs": [{"name": trap, "uuid": trap, "vg": "vg0", "size": 1, "free": 0, "missing": False}], "vgs": [group],
        "lvs": [volume, odd, bad],
    }  # fmt: skip


def test_templates_in_facts_are_never_run(local: Playbooks, tmp_path: Path) -> None:
    ran, now = tmp_path / "ran", int(time.time())
    trap = "{{ lookup('pipe', 'touch " + str(ran) + "') }}"
    answer = record(store=str(local.store), now=now, hosts=["one"], lost=[], facts={"one": {"foresight_lvm": facts(now - 5, trap)}})
    assert answer["hosts"]["one"]["status"] == "recorded"
    policy = {
        "volumes_manage": [{"match": "*"}],
        "report_path": str(tmp_path / "report"),
        "foresight_plan_path": str(tmp_path / "plan.yml"),
    }
    planned = local.run("plan", "--limit", "one", **policy)
    assert planned.recap["one"].failed == 0
    with open_store(str(local.store)) as store:
        (row,) = store.find_plans()
    assert [action["target"] for action in row.document["actions"]] == ["lv:one/vg0/data"]
    local.run("report", "--limit", "one", **policy)
    # the volume is not there: what is asked of the module is refused or, without LVM, not even tried
    local.run("apply", "--limit", "one", check=False, foresight_apply=True, foresight_plan=row.id, **policy)
    assert not ran.exists()
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
