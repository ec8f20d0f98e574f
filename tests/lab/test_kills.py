"""Kill -9 of ansible-playbook, all workers included, before and after every LVM or file-system command of an apply and of an observation.

The wrappers on the host's PATH hold a command, the test kills the controller's processes, then the command goes on, as it
would on a real host. After each kill nothing is lost, and the next run finishes: the same plan is applied again and leaves
every volume at its size with its file system grown; once more, and nothing changes.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab import inventory
from lab.fleet import Lab
from lab.hosts import LabHost
from lab.wait import wait_for
from support.playbooks import Playbooks

HERE = Path(__file__).resolve().parent
BUILD = """
set -eu
vgcreate -q vg0 /dev/vdb
for what in "data 160M ext4" "log 400M xfs"; do
  set -- $what
  lvcreate -q -y -Wy -L "$2" -n "$1" vg0
  "mkfs.$3" -q "/dev/vg0/$1"
  mkdir -p "/srv/$1"
  mount "/dev/vg0/$1" "/srv/$1"
  dd if=/dev/urandom of="/srv/$1/precious" bs=1M count=16 status=none
done
sync
"""


@dataclass
class Bench:
    """One host with two volumes, a store, and a fresh plan for each kill."""

    host: LabHost
    plays: Playbooks
    folder: Path
    checksums: str
    numbers: itertools.count[int]

    def plan(self) -> Path:
        path = self.folder / f"plan-{next(self.numbers)}.yml"
        self.plays.run(str(HERE / "grow.yml"), foresight_plan_path=str(path))
        return path

    def apply(self, plan: Path) -> list[str]:
        return ["apply", f"-e foresight_plan={plan}", "-e foresight_apply=true"]

    def nobody_works(self) -> bool:
        """Whether no module of a killed run is left on the host."""
        return self.host.run("pgrep -f 'AnsiballZ|lvextend|resize2fs|xfs_growfs'", check=False).returncode != 0

    def check_store(self) -> None:
        with sqlite3.connect(self.plays.store) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    def numbers_of(self, command: str, pattern: str) -> dict[str, int]:
        return {name: int(number) for name, number in re.findall(pattern, self.host.run(command).stdout, re.MULTILINE)}

    def check_done(self, plan: Path) -> None:
        """Every volume is as the plan says, file system included, and holds what it held."""
        sizes = dict(
            line.split() for line in self.host.run("lvs --noheadings --units b --nosuffix -o lv_name,lv_size vg0").stdout.splitlines()
        )
        for action in yaml.safe_load(plan.read_text())["actions"]:
            name = action["target"].rsplit("/", 1)[1]
            assert int(sizes[name]) == action["to"]["size"]
        ext4 = self.numbers_of("dumpe2fs -h /dev/vg0/data 2>/dev/null", r"^Block (count|size): +(\d+)")
        assert ext4["count"] * ext4["size"] == int(sizes["data"])
        xfs = self.numbers_of("xfs_info /srv/log", r"^data .*(bsize)=(\d+) ") | self.numbers_of(
            "xfs_info /srv/log", r"^data .*(blocks)=(\d+),"
        )
        assert xfs["bsize"] * xfs["blocks"] == int(sizes["log"])
        assert self.host.run("sha256sum /srv/*/precious").stdout == self.checksums


@pytest.fixture(scope="module")
def bench(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    (host,) = lab.reset("kills1")
    host.run(BUILD)
    folder = tmp_path_factory.mktemp("kills")
    plays = Playbooks(inventory.own_path(host.vm), folder / "store.db", {"observe_facts": ["lvm"]})
    yield Bench(host, plays, folder, host.run("sha256sum /srv/*/precious").stdout, itertools.count())
    lab.down("kills1")


def kill_at(bench: Bench, plan: Path, tool: str, when: str, nth: int, pattern: str = "*") -> None:
    """Apply the plan, kill the controller at that point, let the command go on, then finish with a second run."""
    point = f"{when} call {nth} of {tool} {pattern}"
    hold = bench.host.hold_on(tool, when=when, nth=nth, pattern=pattern)  # type: ignore[arg-type]
    playbook, *options = bench.apply(plan)
    started = bench.plays.start(playbook, *options)
    try:
        hold.wait(timeout=300)
    finally:
        started.kill()
        hold.release()
    bench.host.wrappers_clear()
    bench.check_store()
    wait_for(bench.nobody_works, 120, f"the end of what the killed run left on the host ({point})")
    finished = bench.plays.run(playbook, *options)
    assert "taken over" in finished.output or "closed" in finished.output, f"the second run tells of the first ({point})\n{finished.output}"
    bench.check_done(plan)
    again = bench.plays.run(playbook, *options)
    assert again.changed == 0, f"{point}\n{again.output}"


FULL = pytest.mark.full
# How often an apply of the plan calls each tool: all the moments to be killed at. A test compares it with a run that nobody disturbs.
CALLS = {"lvm": 18, "lsblk": 4, "dumpe2fs": 2, "resize2fs": 1, "xfs_growfs": 3}


@FULL
def test_an_apply_calls_what_the_table_says(bench: Bench) -> None:
    plan = bench.plan()
    bench.host.note_calls()
    playbook, *options = bench.apply(plan)
    bench.plays.run(playbook, *options)
    calls = Counter(call.tool for call in bench.host.calls())
    bench.host.wrappers_clear()
    bench.check_done(plan)
    assert calls == CALLS, dict(calls)


@pytest.mark.parametrize(
    ("tool", "pattern", "nth", "when"),
    [
        ("lvm", "lvextend*", 2, "after"),
        ("resize2fs", "*", 1, "before"),
        pytest.param("lvm", "lvextend*", 2, "before", marks=FULL),
        pytest.param("resize2fs", "*", 1, "after", marks=FULL),
        pytest.param("xfs_growfs", "*", 1, "before", marks=FULL),
        pytest.param("xfs_growfs", "*", 1, "after", marks=FULL),
    ],
)
def test_kill_of_the_playbook_at_a_changing_command(bench: Bench, tool: str, pattern: str, nth: int, when: str) -> None:
    kill_at(bench, bench.plan(), tool, when, nth, pattern)  # the first lvextend is the rehearsal


@pytest.mark.full
@pytest.mark.parametrize(
    ("tool", "nth", "when"),
    [
        pytest.param(tool, nth, when, id=f"{when} {tool} {nth}")
        for tool, count in CALLS.items()
        for nth in range(1, count + 1)
        for when in ("before", "after")
    ],
)
def test_kill_of_the_playbook_at_every_command(bench: Bench, tool: str, nth: int, when: str) -> None:
    kill_at(bench, bench.plan(), tool, when, nth)


@pytest.mark.parametrize("when", ["before", pytest.param("after", marks=FULL)])
def test_kill_of_an_observation(bench: Bench, when: str) -> None:
    hold = bench.host.hold_on("lvm", when=when)  # type: ignore[arg-type]
    started = bench.plays.start("observe")
    try:
        hold.wait(timeout=120)
    finally:
        started.kill()
        hold.release()
    bench.host.wrappers_clear()
    if bench.plays.store.exists():
        bench.check_store()
    run = bench.plays.run("observe")
    assert run.returncode == 0
    bench.check_store()
