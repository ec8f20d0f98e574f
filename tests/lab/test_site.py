"""The whole road on real LVM: observe, forecast, plan, grow before it is full; then the same plan in check mode, for real, and again.

The tests of this file tell one story in their order: each needs what the one before it left (one worker runs them).
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab.fleet import Lab
from lab.hosts import LabHost
from lab.wait import wait_for
from support.playbooks import Playbooks

STEP = 5
OBSERVATIONS = 20
BUILD = """
set -eu
vgcreate -q vg0 /dev/vdb
for what in "data 280M ext4" "log 320M xfs" "notes 280M ext4"; do
  set -- $what
  lvcreate -q -y -Wy -L "$2" -n "$1" vg0
  "mkfs.$3" -q "/dev/vg0/$1"
  mkdir -p "/srv/$1"
  mount "/dev/vg0/$1" "/srv/$1"
  dd if=/dev/urandom of="/srv/$1/precious" bs=1M count=24 status=none
  fallocate -l 120M "/srv/$1/ballast"
done
sync
"""
# Takes room at a steady rate, like a service that never deletes; a full file system leaves a mark that the test looks for.
WRITER = """
import os, sys, time
rate, paths = int(sys.argv[1]), sys.argv[2:]
started, written = time.monotonic(), 0
while True:
    for path in paths:
        try:
            with open(f"{path}/{written:09d}", "wb") as file:
                os.posix_fallocate(file.fileno(), 0, rate)
        except OSError as error:
            open("/run/full", "a").write(f"{path}: {error}\\n")
            os._exit(1)
    written += 1
    time.sleep(max(0.0, started + written - time.monotonic()))
"""
POLICY = {
    "observe_facts": ["lvm"],
    "volumes_manage": [{"match": "*/vg0/data"}, {"match": "*/vg0/log"}],
    "volumes_step": STEP,
    "volumes_horizon": 300,
    # the horizon is five minutes, and the second plan is made right after the first growth
    "volumes_cool_down": 0,
    "volumes_max_age": 300,
    "volumes_max_step_fraction": 2.0,
    "volumes_reserve": "5%",
    "foresight_plan_every": 3,
}


@dataclass
class Story:
    host: LabHost
    second: LabHost
    plays: Playbooks
    folder: Path
    checksums: str

    def sizes(self) -> dict[str, int]:
        """Bytes of each volume of the first host."""
        lines = self.host.run("lvs --noheadings --units b --nosuffix -o lv_name,lv_size vg0").stdout.split()
        return dict(zip(lines[::2], map(int, lines[1::2]), strict=True))


@pytest.fixture(scope="module")
def story(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Story:
    first, second = lab.reset("lab1", "lab2")
    for host in (first, second):
        host.run(BUILD)
    folder = tmp_path_factory.mktemp("site")
    first.run("cat > /root/writer.py", data=WRITER)
    checksums = first.run("sha256sum /srv/*/precious").stdout
    return Story(first, second, Playbooks(lab.inventory, folder / "store.db", dict(POLICY)), folder, checksums)


def observations(store: Path) -> int:
    if not store.exists():
        return 0
    with sqlite3.connect(store) as connection:
        (count,) = connection.execute(
            "SELECT COUNT(DISTINCT sample.time) FROM sample JOIN series ON series.id = sample.series_id JOIN entity ON entity.id = series.entity_id"
            " WHERE entity.key = 'lv:lab1/vg0/data' AND series.metric = 'used_bytes'"
        ).fetchone()
    return int(count)


def wait_until(moment: float) -> None:
    wait_for(lambda: time.monotonic() >= moment, 2 * STEP, "the next step")


def test_volumes_grow_before_they_are_full(story: Story) -> None:
    before = story.sizes()
    writer = story.host.start(f"exec python3 /root/writer.py {256 * 1024} /srv/data /srv/log")
    try:
        deadline = time.monotonic() + 900
        while observations(story.plays.store) < OBSERVATIONS or any(story.sizes()[name] == before[name] for name in ("data", "log")):
            assert writer.poll() is None, story.host.run("cat /run/full", check=False).stdout
            assert time.monotonic() < deadline, f"{observations(story.plays.store)} observations, sizes {story.sizes()}"
            next_step = time.monotonic() + STEP
            run = story.plays.run("scheduled", foresight_apply=True)
            assert run.recap["lab3"].unreachable == 1, "the host that is switched off is told"
            assert run.recap["lab2"].failed == 0
            wait_until(next_step)
        after = story.sizes()
        assert after["data"] > before["data"]
        assert after["log"] > before["log"]
        assert after["notes"] == before["notes"], "what nobody named is not touched"
        assert story.host.run("cat /run/full", check=False).stdout == ""
    finally:
        story.host.run("pkill -f writer.py", check=False)
        writer.communicate(timeout=30)
    assert story.host.run("sha256sum /srv/*/precious").stdout == story.checksums


def test_check_mode_predicts_what_the_same_plan_then_does(story: Story) -> None:
    story.plays.run("observe")
    plan = story.folder / "plan.yml"
    # More headroom than before, so that the plan has something to do although nobody writes any more.
    story.plays.variables["volumes_headroom"] = 0.6
    story.plays.run("plan", foresight_plan_path=str(plan))
    actions = yaml.safe_load(plan.read_text())["actions"]
    assert {action["target"] for action in actions} >= {"lv:lab1/vg0/data", "lv:lab1/vg0/log"}
    sizes = story.sizes()
    checked = story.plays.run("apply", "--check", "--diff", foresight_apply=True, foresight_plan=str(plan))
    assert story.sizes() == sizes, "check mode changed nothing"
    applied = story.plays.run("apply", "--diff", foresight_apply=True, foresight_plan=str(plan))
    assert checked.diffs() == applied.diffs()
    assert applied.diffs() != []
    assert {name: host.changed for name, host in checked.recap.items()} == {name: host.changed for name, host in applied.recap.items()}
    for action in actions:
        if action["host"] == "lab1":
            assert story.sizes()[action["target"].rsplit("/", 1)[1]] == action["to"]["size"]
    assert story.host.run("sha256sum /srv/*/precious").stdout == story.checksums


def test_the_same_plan_again_changes_nothing(story: Story) -> None:
    sizes = story.sizes()
    again = story.plays.run("apply", foresight_apply=True, foresight_plan=str(story.folder / "plan.yml"))
    assert again.changed == 0, again.output
    assert story.sizes() == sizes


def test_a_second_site_changes_nothing(story: Story) -> None:
    sizes = story.sizes()
    site = story.plays.run("site", foresight_apply=True, report_path=str(story.folder / "report"))
    assert site.changed == 0, site.output
    assert story.sizes() == sizes
    assert (story.folder / "report" / "index.html").exists()


def test_limit_leaves_the_other_hosts_alone(story: Story) -> None:
    run = story.plays.run("site", "--limit", "lab2", foresight_apply=True, report_path=str(story.folder / "report"))
    assert run.returncode == 0
    assert set(run.recap) == {"lab2"}
