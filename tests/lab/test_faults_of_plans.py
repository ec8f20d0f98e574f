"""What goes wrong between plan and apply, and two applies at once: the playbooks as a user runs them, on real volumes.

The plan grows one volume. Each fault is told by the apply that meets it, nothing is changed then; once it is mended the same plan, or a new one,
is applied, and once more changes nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.noting import Note
from lab.volumes.bench import MIB, Bench
from lab.volumes.recipes import Recipe
from lab.wait import wait_for
from support.playbooks import Playbooks, Run

HERE = Path(__file__).resolve().parent
SIZE, GROWN = 320, 480
FULL = pytest.mark.full


@dataclass
class Controller:
    """A user at work: a store of their own, plans for the volumes of one host."""

    bench: Bench
    folder: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def plays(self) -> Playbooks:
        return Playbooks(self.bench.module.inventory, self.folder / "store.db", {"observe_facts": ["lvm"]})

    def plan(self) -> Path:
        path = self.folder / f"plan-{next(self.numbers)}.yml"
        self.plays.run(str(HERE / "grow.yml"), foresight_plan_path=str(path), grow_bytes=(GROWN - SIZE) * MIB)
        return path

    def apply(self, plan: Path, *options: str) -> Run:
        return self.plays.run("apply", *options, check=False, foresight_plan=str(plan), foresight_apply=True)


@pytest.fixture
def user(bench: Bench, tmp_path: Path) -> Controller:
    return Controller(bench, tmp_path)


def refused(run: Run, words: str) -> str:
    """The message with which lv_resize refused; the apply has failed and changed nothing."""
    assert run.returncode != 0, run.output
    assert run.changed == 0, run.output
    found = [line.strip() for line in run.output.splitlines() if words in line]
    assert found, f"{words!r} is not in:\n{run.output}"
    return found[0]


def finish(user: Controller, plan: Path, name: str) -> None:
    """The plan is applied as check mode foretells; once more changes nothing; the volume is grown and its data is well."""
    checked, applied = user.apply(plan, "--check", "--diff"), user.apply(plan, "--diff")
    assert (checked.returncode, applied.returncode) == (0, 0), f"{checked.output}\n{applied.output}"
    assert checked.diffs() == applied.diffs()
    assert user.bench.size(name) == GROWN * MIB
    again = user.apply(plan)
    assert (again.returncode, again.changed) == (0, 0), again.output
    user.bench.check_data(name)
    user.bench.drop(name)


@FULL
def test_read_only_remount_between_plan_and_apply(user: Controller, note: Note) -> None:
    """The file system is remounted read-only after the plan was made."""
    name = user.bench.make(Recipe(size=SIZE))
    plan = user.plan()
    user.bench.host.run(f"mount -o remount,ro /srv/{name}")
    note.refused(refused(user.apply(plan), "is mounted read-only at"))
    assert user.bench.size(name) == SIZE * MIB
    user.bench.host.run(f"mount -o remount,rw /srv/{name}")
    finish(user, plan, name)


def test_out_of_extents_between_plan_and_apply(user: Controller, note: Note) -> None:
    """Another volume takes all free extents after the plan was made."""
    name = user.bench.make(Recipe(size=SIZE))
    plan = user.plan()
    user.bench.host.run("lvcreate -q -y -Wn -Zn -l 100%FREE -n greedy vg0")
    note.refused(refused(user.apply(plan), "extents"))
    assert user.bench.size(name) == SIZE * MIB
    user.bench.host.run("lvremove -q -f -y vg0/greedy")
    finish(user, plan, name)


@FULL
def test_group_renamed_between_plan_and_apply(user: Controller, note: Note) -> None:
    """The volume group is renamed after the plan was made."""
    name = user.bench.make(Recipe(size=SIZE))
    plan = user.plan()
    user.bench.host.run("vgrename -q vg0 other")
    try:
        note.refused(refused(user.apply(plan), "vg0"))
    finally:
        user.bench.host.run("vgrename -q other vg0")
    assert user.bench.size(name) == SIZE * MIB
    finish(user, plan, name)


@FULL
def test_volume_replaced_between_plan_and_apply(user: Controller, note: Note) -> None:
    """The volume is removed and another made with the same name and size: its uuid differs. A new plan serves the new volume."""
    name = user.bench.make(Recipe(size=SIZE))
    plan = user.plan()
    user.bench.host.run(
        f"umount /srv/{name}; lvrename -q vg0 {name} former; lvcreate -q -y -Wy -L {SIZE}M -n {name} vg0; dd if=/dev/vg0/former of=/dev/vg0/{name} bs=4M"
        f" conv=sparse status=none; lvremove -q -f -y vg0/former; udevadm trigger --settle /dev/vg0/{name}; mount /srv/{name}"
    )
    note.refused(refused(user.apply(plan), "another volume of the same name"))
    assert user.bench.size(name) == SIZE * MIB
    finish(user, user.plan(), name)


@FULL
def test_two_applies_at_once(bench: Bench, note: Note, tmp_path: Path) -> None:
    """Two controllers with stores of their own apply the same growth at once: one does it, the other waits and finds it done."""
    name = bench.make(Recipe(size=SIZE))
    users = [Controller(bench, tmp_path / folder) for folder in ("one", "two")]
    plans = []
    for user in users:
        user.folder.mkdir()
        plans.append(user.plan())
    hold = bench.host.hold_on("resize2fs")
    started = [user.plays.start("apply", foresight_plan=str(plan), foresight_apply=True) for user, plan in zip(users, plans, strict=True)]
    hold.wait(600)
    wait_for(lambda: len(bench.host.run("pgrep -x python3", check=False).stdout.split()) >= 2 or None, 300, "the second module")
    hold.release()
    runs = [run.wait() for run in started]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(run.output for run in runs)
    assert sorted(run.changed for run in runs) == [0, 1], "\n".join(run.output for run in runs)
    bench.host.wrappers_clear()
    note.done("One apply changed the volume, the other waited for the lock of the host and found nothing to do.")
    finish(users[0], plans[0], name)
