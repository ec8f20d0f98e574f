"""lv_resize is killed on the host while the file system is not mounted: the next site, with a plan of its own, brings it back into use."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab import inventory
from lab.hosts import LabHost
from lab.noting import Note
from support.playbooks import Playbooks

# vfat grows only while it is not mounted.
BUILD = """
set -eu
vgcreate -q vg0 /dev/vdb
lvcreate -q -y -Wy -L 320M -n data vg0
mkfs.vfat -F 32 -n DATA /dev/vg0/data > /dev/null
udevadm trigger --settle /dev/vg0/data
mkdir -p /srv/data
echo "/dev/vg0/data /srv/data vfat defaults,noatime 0 2" >> /etc/fstab
mount /srv/data
dd if=/dev/urandom of=/srv/data/precious bs=1M count=300 status=none
sync
"""
POLICY = {"observe_facts": ["lvm"], "volumes_manage": [{"match": "*/vg0/data", "allow_unmount": True}], "volumes_reserve": 0}


@pytest.mark.full
def test_what_a_killed_resize_left_unmounted_is_mounted_again(scratch: LabHost, note: Note, tmp_path: Path) -> None:
    """The module is killed between unmounting and mounting: the next site plans to finish it, and mounts it again."""
    scratch.run(BUILD)
    checksum = scratch.run("sha256sum /srv/data/precious").stdout
    plays = Playbooks(inventory.own_path(scratch.vm), tmp_path / "store.db", dict(POLICY))
    path = tmp_path / "plan.yml"
    scratch.kill_on("fatresize", pattern="*-s*")
    killed = plays.run("site", check=False, foresight_apply=True, foresight_plan_path=str(path))
    assert killed.returncode != 0, killed.output
    assert scratch.run("mountpoint -q /srv/data", check=False).returncode != 0, "unmounted by the killed run"
    scratch.wrappers_clear()

    plays.run("site", foresight_apply=True, foresight_plan_path=str(path))
    (action,) = yaml.safe_load(path.read_text())["actions"]
    assert (action["reason"], action["allow"], action["cost"]) == ("unfinished", {"unmount": True}, {"bytes": 0})
    assert "noatime" in scratch.run("findmnt -no OPTIONS /srv/data").stdout, "mounted again as /etc/fstab says"
    assert scratch.run("sha256sum /srv/data/precious").stdout == checksum
    again = plays.run("site", foresight_apply=True, foresight_plan_path=str(path))
    assert (again.returncode, again.changed) == (0, 0), again.output
    note.done(action["message"])
