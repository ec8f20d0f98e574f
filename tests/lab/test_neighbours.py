"""A volume makes room for its neighbour, the whole road on real LVM: observed, planned, foretold by check mode, done once, and not undone."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from lab import inventory
from lab.hosts import LabHost
from lab.noting import Note
from lab.wait import wait_for
from support.playbooks import Playbooks

STEP = 5
PAST = 60
OBSERVATIONS = 16
# One volume that is nearly full, one that has far too much and that /etc/fstab knows, and not an extent free.
BUILD = """
set -eu
vgcreate -q vg0 /dev/vdb
for what in "data 240M" "archive 640M"; do
  set -- $what
  lvcreate -q -y -Wy -L "$2" -n "$1" vg0
  mkfs.ext4 -q -b 4096 "/dev/vg0/$1"
  mkdir -p "/srv/$1"
  echo "/dev/vg0/$1 /srv/$1 ext4 defaults,noatime 0 2" >> /etc/fstab
  mount "/srv/$1"
  dd if=/dev/urandom of="/srv/$1/precious" bs=1M count=24 status=none
done
fallocate -l $(($(df --output=avail -k /srv/data | tail -1) * 94 / 100))K /srv/data/ballast
lvcreate -q -y -l 100%FREE -n rest vg0
sync
"""
POLICY = {
    "observe_facts": ["lvm"],
    "volumes_manage": [{"match": "*/vg0/data"}, {"match": "*/vg0/archive", "allow_shrink": True, "allow_unmount": True}],
    "volumes_allow_shrink": True,
    "volumes_reserve": 0,
    "volumes_step": STEP,
    "volumes_horizon": 60,
    "volumes_max_age": 300,
    # the whole past of these volumes is a few minutes long
    "volumes_shrink_past": PAST,
    "volumes_cool_down": 0,
    "volumes_shrink_cool_down": 0,
}


def sizes(host: LabHost) -> dict[str, int]:
    lines = host.run("lvs --noheadings --units b --nosuffix -o lv_name,lv_size vg0").stdout.split()
    return dict(zip(lines[::2], map(int, lines[1::2]), strict=True))


def observe(plays: Playbooks) -> None:
    """Observe at every step until the past is long enough."""
    started = time.monotonic()
    for number in range(OBSERVATIONS):
        plays.run("observe")
        due = started + (number + 1) * STEP
        wait_for(lambda due=due: time.monotonic() >= due or None, 2 * STEP, "the next step")
    wait_for(lambda: time.monotonic() >= started + PAST + STEP or None, 2 * PAST, "the past that a donor needs")
    plays.run("observe")


@pytest.mark.full
def test_a_neighbour_makes_room(scratch: LabHost, note: Note, tmp_path: Path) -> None:
    """A volume with room to spare is made smaller, and its full neighbour grows: check mode foretells both."""
    scratch.run(BUILD)
    checksums, before = scratch.run("sha256sum /srv/*/precious").stdout, sizes(scratch)
    plays = Playbooks(inventory.own_path(scratch.vm), tmp_path / "store.db", dict(POLICY))
    observe(plays)

    path = tmp_path / "plan.yml"
    plays.run("plan", foresight_plan_path=str(path))
    actions = {action["target"].rsplit("/", 1)[1]: action for action in yaml.safe_load(path.read_text())["actions"]}
    assert set(actions) == {"data", "archive"}
    assert actions["data"]["after"] == [actions["archive"]["id"]]
    assert actions["archive"]["to"]["size"] < before["archive"]

    checked = plays.run("apply", "--check", "--diff", foresight_apply=True, foresight_plan=str(path))
    assert sizes(scratch) == before, "check mode changed nothing"
    applied = plays.run("apply", "--diff", foresight_apply=True, foresight_plan=str(path))
    assert checked.diffs() == applied.diffs() != []
    assert {name: actions[name]["to"]["size"] for name in actions} == {name: sizes(scratch)[name] for name in actions}
    assert scratch.run("sha256sum /srv/*/precious").stdout == checksums
    assert "noatime" in scratch.run("findmnt -no OPTIONS /srv/archive").stdout, "mounted again as /etc/fstab says"

    again = plays.run("apply", foresight_apply=True, foresight_plan=str(path))
    assert (again.returncode, again.changed) == (0, 0), again.output
    plays.run("observe")
    plays.run("plan", foresight_plan_path=str(path))
    assert yaml.safe_load(path.read_text())["actions"] == [], "nothing is given back, nothing more is taken"
    note.done(actions["archive"]["message"])
