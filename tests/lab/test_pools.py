"""Thin pools on real LVM: what is read of them, who is in charge, and that a planned growth costs exactly what the plan counted."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.volumes import volumes
from lab import inventory
from lab.hosts import LabHost
from lab.noting import Note
from support.playbooks import Playbooks

MIB = 2**20
# One pool that is nearly full with metadata made as small as LVM allows, promised sixteen times over; one that dmeventd extends.
BUILD = """
set -eu
vgcreate -q vg0 /dev/vdb
printf 'activation {\\n\\tthin_pool_autoextend_threshold=70\\n\\tthin_pool_autoextend_percent=30\\n}\\n' > /etc/lvm/profile/early.profile
lvcreate -q -y --type thin-pool -L 512M --poolmetadatasize 4M -n pool vg0
lvcreate -q -y -V 8G -T vg0/pool -n thin
lvcreate -q -y --type thin-pool -L 256M -n watched vg0
lvchange -q -y --metadataprofile early vg0/watched
lvcreate -q -y -L 256M -n data vg0
lvcreate -q -y -s -L 32M -n snap vg0/data
dd if=/dev/urandom of=/dev/vg0/thin bs=1M count=490 oflag=direct status=none
dd if=/dev/urandom of=/dev/vg0/data bs=1M count=30 oflag=direct status=none
pvcreate -q /dev/vdc
"""


def planned(plays: Playbooks, host: str, **policy: Any) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """Observe, and return the document of the volumes and what would be done now."""
    plays.run("observe", observe_facts=["lvm"])
    now = int(time.time())
    manage = [{"match": f"lv:{host}/vg0/pool"}, {"match": f"lv:{host}/vg0/watched"}]
    document = volumes(store=str(plays.store), now=now, horizon="6h", hosts=[host], manage=manage)
    answer = allocate(document["volumes"], document["groups"], {"now": now, **policy}, document["pools"], document["snapshots"])
    return document, answer


def free_extents(host: LabHost) -> int:
    return int(host.run("vgs --noheadings -o vg_free_count vg0").stdout)


@pytest.mark.full
def test_a_planned_growth_of_a_pool_costs_what_the_plan_says(scratch: LabHost, note: Note, tmp_path: Path) -> None:
    """A thin pool that runs full is planned larger, at exactly the extents it costs; dmeventd's is left to it; a snapshot is warned of."""
    scratch.run(BUILD)
    plays = Playbooks(inventory.own_path(scratch.vm), tmp_path / "store.db")
    document, answer = planned(plays, scratch.name, max_step_fraction=None, floor={"free_fraction": 0.1, "step_fraction": 3.0})

    pools = {pool["lv"]: pool for pool in document["pools"]}
    assert {name: (pool["in_charge"], pool["refused_reason"]) for name, pool in pools.items()} == {
        "pool": ("foresight", None),
        "watched": ("dmeventd", "dmeventd_in_charge"),
    }
    pool = pools["pool"]
    assert (pool["chunk_bytes"], pool["overprovisioning"]["ratio"], pool["metadata"]["size_bytes"]) == (64 * 1024, 16.0, 4 * MIB)
    assert pool["data"]["used_bytes"] == pytest.approx(490 * MIB, rel=0.01)
    assert document["groups"][0]["free_pvs"][0]["name"] == "/dev/vdc"
    told = {refusal["entity"].rpartition("/")[2]: refusal for refusal in answer["refused"]}
    assert "dmeventd is in charge: it extends it by 30% at 70%" in told["watched"]["message"]
    assert told["snap"]["reason"] == "snapshot_overflow"

    (action,) = answer["actions"]
    assert (action["target"], action["reason"]) == (f"lv:{scratch.name}/vg0/pool", "floor")
    assert action["to"] == {"size": 2048 * MIB, "metadata_size": 4 * MIB}
    before = free_extents(scratch)
    scratch.run(f"lvextend -q -L {action['to']['size']}b vg0/pool")
    assert before - free_extents(scratch) == action["cost"]["bytes"] // (4 * MIB)
    note.done(action["message"])


@pytest.mark.full
@pytest.mark.parametrize("has_spare", [pytest.param(True, id="spare metadata"), pytest.param(False, id="no spare metadata")])
def test_metadata_grow_along_from_the_plan_to_the_host(scratch: LabHost, note: Note, tmp_path: Path, has_spare: bool) -> None:
    """Data and metadata of a thin pool grow together as check mode foretold, at exactly the extents they cost; once more changes nothing."""
    scratch.run(BUILD)
    scratch.run(
        "lvextend -q -L 1536M vg0/pool && dd if=/dev/urandom of=/dev/vg0/thin bs=1M seek=490 count=950 oflag=direct status=none",
        timeout=900,
    )
    if not has_spare:
        scratch.run("lvremove -q -y vg0/lvol0_pmspare")
    plays = Playbooks(inventory.own_path(scratch.vm), tmp_path / "store.db")
    plays.run("observe", observe_facts=["lvm"])
    path = tmp_path / "plan.yml"
    policy = {"volumes_max_step_fraction": None, "volumes_floor": {"free_fraction": 0.1, "step_fraction": 2.0, "max_age_seconds": 3600}}
    manage = [{"match": f"lv:{scratch.name}/vg0/pool"}]
    plays.run("plan", foresight_plan_path=str(path), volumes_manage=manage, volumes_reserve=0, **policy)
    (action,) = yaml.safe_load(path.read_text())["actions"]
    # 4.5 GiB in chunks of 64 KiB at 64 bytes each are 4.5 MiB, in whole extents 8 MiB
    assert action["to"] == {"size": 4608 * MIB, "metadata_size": 8 * MIB}
    before = free_extents(scratch)
    applying = {"foresight_apply": True, "foresight_plan": str(path), "volumes_manage": manage, "volumes_reserve": 0}
    checked = plays.run("apply", "--check", "--diff", **applying)
    assert free_extents(scratch) == before, "check mode changed nothing"
    applied = plays.run("apply", "--diff", **applying)
    assert checked.diffs() == applied.diffs() != []
    sizes = scratch.run("lvs --noheadings --units b --nosuffix -o lv_size,lv_metadata_size vg0/pool").stdout.split()
    assert [int(size) for size in sizes] == [action["to"]["size"], action["to"]["metadata_size"]]
    assert before - free_extents(scratch) == action["cost"]["bytes"] // (4 * MIB)
    again = plays.run("apply", **applying)
    assert (again.returncode, again.changed) == (0, 0), again.output
    note.done(action["message"])
