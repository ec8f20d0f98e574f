"""lv_resize on real LVM over real SSH: every layout and file system it grows, every kind of refusal, every moment to be killed at.

Kill points are those of the module on the host; kills of ansible-playbook are in test_kills.py.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab import inventory
from lab.fleet import Lab
from lab.hosts import LabHost
from lab.points import resumed
from lab.wait import wait_for
from support.modules import Module, ModuleRun, Outcome
from support.playbooks import Playbooks

HERE = Path(__file__).resolve().parent
MIB = 2**20
HOST = "resize1"
PREPARE = """
set -eu
vgcreate -q vg0 /dev/vdb /dev/vdc
lvcreate -q -y --type thin-pool -L 512M -n pool vg0 2>/dev/null
"""
LAYOUTS = {
    "linear": "lvcreate -q -y -Wy -L {size}M -n {name} vg0",
    "striped": "lvcreate -q -y -Wy -i2 -L {size}M -n {name} vg0",
    "raid1": "lvcreate -q -y -Wy --type raid1 -m1 --nosync -L {size}M -n {name} vg0",
    "mirror": "lvcreate -q -y -Wy --type mirror -m1 --nosync -L {size}M -n {name} vg0",
    "thin": "lvcreate -q -y -V {size}M --thinpool pool -n {name} vg0 2>/dev/null",
    "cache": "lvcreate -q -y -Wy -L {size}M -n {name} vg0 && lvcreate -q -y --type cache-pool -L 16M -n {name}_c vg0 "
    "&& lvconvert -q -y --type cache --cachepool vg0/{name}_c vg0/{name}",
}
NOT_CLEAN = "debugfs -w -R 'ssv state 2' /dev/vg0/{name} 2>/dev/null"
LUKS = "echo pw | cryptsetup luksFormat -q --pbkdf pbkdf2 --iter-time 10 /dev/vg0/{name} -"
# Mounted where only one process sees it, which keeps nothing else mounted.
ELSEWHERE = """
unshare -m --propagation private sh -c 'umount /srv/*; mount /dev/vg0/{name} /mnt && exec sleep 3600' < /dev/null > /dev/null 2>&1 &
until lvs --noheadings -o lv_device_open vg0/{name} | grep -q open; do :; done
"""
SHOWN = ("changed", "status", "reason", "before", "after", "diff", "commands", "message")


@dataclass
class Bench:
    """One host with a volume group and a volume of its own for each test."""

    host: LabHost
    module: Module
    numbers: Iterator[int]

    def make(self, **how: Any) -> str:
        """Make a volume; gives its name."""
        name, script = self.recipe(**how)
        self.host.run(script)
        return name

    def recipe(
        self,
        fs: str | None = "ext4 -b 4096",
        size: int = 160,
        layout: str = "linear",
        mounted: bool = True,
        name: str = "data",
        spoil: str = "",
    ) -> tuple[str, str]:
        """Name of a new volume and the lines of shell that make it, with a file system and some data, and then ``spoil`` it."""
        name = f"{name}{next(self.numbers)}"
        lines = ["set -eu", LAYOUTS[layout].format(name=name, size=size)]
        if fs:
            lines += [
                f"mkfs.{fs} -q /dev/vg0/{name}",
                f"mkdir -p /srv/{name}",
                f"mount /dev/vg0/{name} /srv/{name}",
                f"dd if=/dev/urandom of=/srv/{name}/precious bs=1M count=8 conv=fsync status=none",
                f"sha256sum /srv/{name}/precious > /root/{name}.sum",
            ]
            # On a busy host udev may miss what mkfs wrote, and lsblk, which asks it, then shows nothing.
            lines += [] if mounted else [f"umount /srv/{name}", f"udevadm trigger --settle /dev/vg0/{name}"]
        return name, "\n".join([*lines, spoil.format(name=name), ""])

    def resize(self, name: str, size: int, check: bool = False, **more: Any) -> Outcome:
        return self.module.run(check, vg="vg0", lv=name, size=size * MIB, **more)

    def start(self, name: str, size: int, **more: Any) -> ModuleRun:
        return self.module.start(vg="vg0", lv=name, size=size * MIB, **more)

    def uuid(self, name: str) -> str:
        return self.host.run(f"lvs --noheadings -o lv_uuid vg0/{name}").stdout.strip()

    def size(self, name: str) -> int:
        """Bytes of the volume as LVM tells them."""
        return int(self.host.run(f"lvs --noheadings --units b --nosuffix -o lv_size vg0/{name}").stdout)

    def check_data(self, name: str) -> None:
        """The data is what it was, and a full check finds the file system clean."""
        script = f"""
            set -eu
            mountpoint -q /srv/{name} || mount /dev/vg0/{name} /srv/{name}
            sha256sum --quiet -c /root/{name}.sum
            umount /srv/{name}
            case $(blkid -o value -s TYPE /dev/vg0/{name}) in xfs) xfs_repair -n /dev/vg0/{name};; *) e2fsck -f -n /dev/vg0/{name};; esac
        """
        self.host.run(script)

    def drop(self, name: str) -> None:
        self.host.run(f"umount /srv/{name} 2>/dev/null; lvremove -q -f -y vg0/{name}")


@pytest.fixture(scope="module")
def bench(lab: Lab) -> Iterator[Bench]:
    (host,) = lab.reset(HOST)
    host.run(PREPARE)
    yield Bench(host, Module(inventory.own_path(host.vm), HOST, "foresight.capacity.lv_resize"), itertools.count())
    lab.down(HOST)


GROWTHS: dict[str, dict[str, Any]] = {
    "ext4": {},
    "ext4 unmounted": {"mounted": False},
    "ext4 with hyphens": {"name": "my--da-ta-"},
    "ext4 without resize_inode": {"fs": "ext4 -b 4096 -O ^resize_inode"},
    "ext4 on raid1": {"layout": "raid1"},
    "ext4 on mirror": {"layout": "mirror"},
    "ext4 on thin": {"layout": "thin"},
    "ext4 on cache": {"layout": "cache"},
    "ext3": {"fs": "ext3"},
    "ext2": {"fs": "ext2"},
    "xfs": {"fs": "xfs", "size": 320},
    "xfs on stripes": {"fs": "xfs", "size": 320, "layout": "striped"},
    "no file system, named exactly": {"fs": None, "request": {"named_exactly": True}},
    "not clean, repair allowed": {"mounted": False, "spoil": NOT_CLEAN, "request": {"allow_fsck": True}},
    "half grown": {"spoil": "lvextend -q --size 401M vg0/{name}"},
}
REFUSALS: dict[str, dict[str, Any]] = {
    "shrink_not_supported": {"request": {"size": 100 * MIB}},
    "no_space": {"request": {"size": 100_000 * MIB}},
    "reserve": {"request": {"reserve": "4000 extents"}},
    "precondition_changed": {"request": {"expect": {"size": "100M"}}},
    "precondition_changed (uuid)": {"request": {"expect": {"uuid": "3r9lOQ-AFFe-1t46-SQON-DpMr-WryR-wp2Q1I"}}},
    "read_only": {"spoil": "mount -o remount,ro /srv/{name}"},
    "read_only (volume)": {"mounted": False, "spoil": "lvchange -q --permission r vg0/{name}"},
    "inactive": {"mounted": False, "spoil": "lvchange -q -an vg0/{name}"},
    "in_use": {"mounted": False, "spoil": ELSEWHERE},
    "fsck_needed": {"mounted": False, "spoil": NOT_CLEAN},
    "not_mounted": {"fs": "xfs", "size": 320, "mounted": False},
    "snapshot_origin": {"spoil": "lvcreate -q -y -s -L 16M -n {name}_s vg0/{name}"},
    "ignored": {"spoil": "lvchange -q --addtag foresight.ignore vg0/{name}"},
    "unknown_filesystem": {"fs": None},
    "filesystem_not_supported": {"fs": None, "spoil": "mkswap -q /dev/vg0/{name}", "request": {"named_exactly": True}},
    "stacked": {"fs": None, "spoil": LUKS, "request": {"named_exactly": True}},
    "filesystem_feature": {"fs": "ext4 -O bigalloc"},
    "filesystem_larger": {"mounted": False, "spoil": "lvreduce -q -f -y --size 100M vg0/{name}"},
    "pool_full": {"layout": "thin", "request": {"size": 9000 * MIB}},
    "step_too_small": {"size": 128, "request": {"size": 132 * MIB}},
}


# What `make lab-test` tries of them; `make lab-full` tries all.
QUICK = (
    "ext4",
    "ext4 unmounted",
    "xfs",
    "half grown",
    "shrink_not_supported",
    "no_space",
    "reserve",
    "precondition_changed (uuid)",
    "read_only",
)


def cases(named: Iterable[str]) -> list[Any]:
    """Test parameters of all cases, those that are not quick marked as full."""
    return [pytest.param(case, marks=() if case in QUICK else pytest.mark.full) for case in named]


@dataclass
class Answers:
    """What lv_resize said to one request: in check mode, really, and once more (a refused one is not asked again)."""

    name: str
    foretold: Outcome
    real: Outcome
    again: Outcome


@pytest.fixture(scope="module")
def answers(bench: Bench, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answers]:
    """All volumes of the selected cases of GROWTHS and REFUSALS, asked for in one play."""
    selected = {item.callspec.params.get("case") for item in request.session.items if hasattr(item, "callspec")}
    growths = {case: how for case, how in GROWTHS.items() if case in selected}
    refusals = {case: how for case, how in REFUSALS.items() if case in selected}
    folder = tmp_path_factory.mktemp("resize")
    names, scripts, requests = {}, [], []
    for case, how in {**growths, **refusals}.items():
        how = dict(how)
        asked = how.pop("request", {})
        names[case], script = bench.recipe(**how)
        scripts.append(script)
        requests.append({"vg": "vg0", "lv": names[case], "size": 401 * MIB, **asked})
    bench.host.run("".join(scripts), timeout=900)
    plays = Playbooks(
        bench.module.inventory, folder / "store.db", {"resize_host": HOST, "resize_requests": requests, "resize_again": len(growths)}
    )
    plays.run(str(HERE / "resize_all.yml"), timeout=1800, resize_answers=str(folder / "answers.json"))
    said = json.loads((folder / "answers.json").read_text())
    again = said["again"] + said["real"][len(growths) :]
    rows = zip(names.items(), said["foretold"], said["real"], again, strict=True)
    return {case: Answers(name, foretold, real, again) for (case, name), foretold, real, again in rows}


def shown(outcome: Outcome) -> dict[str, Any]:
    """What check mode and the real run have in common: everything but the tense of the message."""
    return {key: outcome[key] for key in SHOWN} | {"message": outcome["message"].replace("Would grow", "Grew")}


@pytest.mark.parametrize("case", cases(GROWTHS))
def test_growth(bench: Bench, answers: dict[str, Answers], case: str) -> None:
    """Check mode foretells, the real run does, the second run does nothing; the data is untouched."""
    said = answers[case]
    assert said.real["status"] == "changed", said.real["message"]
    assert shown(said.real) == shown(said.foretold)
    assert bench.size(said.name) == said.real["after"]["size"] >= 401 * MIB
    assert said.real["after"]["fs_fills_volume"] is not False
    assert (said.again["status"], said.again["changed"], said.again["after"]) == ("ok", False, said.real["after"])
    if said.real["after"]["fs_type"]:
        bench.check_data(said.name)


@pytest.mark.parametrize("case", cases(REFUSALS))
def test_refusal(answers: dict[str, Answers], case: str) -> None:
    """Refused with the reason, in check mode too, and nothing was changed (free space in the words differs: others grew in between)."""
    said = answers[case]
    assert (said.real["status"], said.real["reason"], said.real["changed"]) == ("refused", case.split()[0], False), said.real["message"]
    assert {**shown(said.foretold), "message": ""} == {**shown(said.real), "message": ""}


def test_refusals_left_everything_as_it_was(bench: Bench, answers: dict[str, Answers]) -> None:
    sizes = {case: bench.size(answers[case].name) for case in REFUSALS if case in answers and answers[case].real["before"]}
    assert sizes == {case: answers[case].real["before"]["size"] for case in sizes}


@pytest.mark.parametrize("size", [260, 392, 388])
@pytest.mark.parametrize("mounted", [True, False], ids=["mounted", "unmounted"])
@pytest.mark.full
def test_tail_group_too_small_for_ext4(bench: Bench, size: int, mounted: bool) -> None:
    """The kernel and resize2fs make exactly the foretold number of blocks, and nothing is left to do."""
    name = bench.make(size=128, mounted=mounted)
    foretold, real = bench.resize(name, size, check=True), bench.resize(name, size)
    # The ad-hoc command takes the diff out of the result.
    assert shown({**foretold, "diff": None}) == shown({**real, "diff": None})
    assert real["after"]["fs_size"] < real["after"]["size"]
    assert bench.resize(name, size)["status"] == "ok"
    bench.check_data(name)
    bench.drop(name)


def kill_at(bench: Bench, how: dict[str, Any], tool: str, when: str, nth: int, pattern: str = "*") -> None:
    """Kill the module at that point; the next run finishes, the third changes nothing, the data is untouched."""
    name = bench.make(**how)
    expect = {"uuid": bench.uuid(name), "size": bench.size(name)}
    bench.host.kill_on(tool, when=when, nth=nth, pattern=pattern)  # type: ignore[arg-type]
    killed = bench.resize(name, 400, expect=expect)
    assert bench.host.killed(tool), f"{when} call {nth} of {tool} {pattern}: nobody was killed: {killed}"
    assert "status" not in killed
    bench.host.wrappers_clear()
    finished = bench.resize(name, 400, expect=expect)
    assert finished["status"] in ("changed", "ok"), finished
    assert finished["after"]["size"] == 400 * MIB
    assert finished["after"]["fs_fills_volume"]
    assert not bench.resize(name, 400, expect=expect)["changed"]
    bench.check_data(name)
    bench.drop(name)


EXT4: dict[str, Any] = {}
UNMOUNTED: dict[str, Any] = {"mounted": False}
XFS: dict[str, Any] = {"fs": "xfs", "size": 320}


KILLS = {
    "volume change": (EXT4, "lvm", 1, "lvextend*[0-9]"),
    "ext4 growth": (EXT4, "resize2fs", 1, "*"),
    "xfs growth": (XFS, "xfs_growfs", 1, "-D*"),
    "reading": (UNMOUNTED, "dumpe2fs", 1, "*"),
}
QUICK_KILLS = ("volume change after", "ext4 growth before", "reading before")  # one per class of command


@pytest.mark.parametrize(
    ("how", "tool", "nth", "pattern", "when"),
    [
        pytest.param(*what, when, id=f"{name} {when}", marks=() if f"{name} {when}" in QUICK_KILLS else pytest.mark.full)
        for name, what in KILLS.items()
        for when in ("before", "after")
    ],
)
def test_kill(bench: Bench, how: dict[str, Any], tool: str, nth: int, pattern: str, when: str) -> None:
    kill_at(bench, how, tool, when, nth, pattern)


@pytest.mark.full
@pytest.mark.parametrize("how", [EXT4, UNMOUNTED, XFS], ids=["ext4", "ext4 unmounted", "xfs"])
def test_kill_at_every_command(bench: Bench, how: dict[str, Any]) -> None:
    name = bench.make(**how)
    bench.host.note_calls()
    assert bench.resize(name, 400)["status"] == "changed"
    calls = [(call.tool, call.number) for call in bench.host.calls()]
    bench.host.wrappers_clear()
    bench.drop(name)
    assert len(calls) >= 8
    points = [(tool, nth, when) for tool, nth in calls for when in ("before", "after")]
    for number, (tool, nth, when) in resumed(points):
        kill_at(bench, how, tool, when, nth)
        print(f"point {number + 1} of {len(points)}: {when} call {nth} of {tool}", flush=True)


def test_hang_up_and_termination_do_not_stop_a_growth(bench: Bench) -> None:
    name = bench.make()
    hold = bench.host.hold_on("resize2fs")
    running = bench.start(name, 400)
    hold.wait()
    # Everything on the host that belongs to this run, as the end of a session or of a service would hit it.
    bench.host.run("for signal in HUP TERM INT; do pkill -$signal -x python3; pkill -$signal -x resize2fs; done", check=False)
    hold.release()
    outcome = running.wait()
    assert (outcome["status"], outcome["after"]["fs_fills_volume"]) == ("changed", True)
    bench.host.wrappers_clear()
    bench.check_data(name)
    bench.drop(name)


def test_lost_connection_does_not_stop_a_growth(bench: Bench) -> None:
    name = bench.make()
    hold = bench.host.hold_on("resize2fs")
    running = bench.start(name, 400)
    hold.wait()
    running.kill_controller()
    hold.release()
    wait_for(lambda: bench.host.run("pgrep -x python3", check=False).returncode != 0 or None, 120, "the end of the module")
    bench.host.wrappers_clear()
    assert bench.resize(name, 400)["status"] == "ok"
    bench.check_data(name)
    bench.drop(name)


def test_two_at_once(bench: Bench) -> None:
    """The second one waits, and tells who holds the lock; a command that outlives its killed module keeps it too."""
    name = bench.make()
    hold = bench.host.hold_on("resize2fs")
    running = bench.start(name, 400)
    hold.wait()
    module = bench.host.run("pgrep -x python3").stdout.split()[0]
    second = bench.resize(name, 500, lock_timeout=0)
    assert (second["status"], second["reason"]) == ("refused", "locked")
    assert f"held by process {module}." in second["message"]
    bench.host.run(f"kill -9 {module}")
    assert "status" not in running.wait()
    third = bench.resize(name, 500, lock_timeout=0)
    assert f"a command that process {module} started before it ended" in third["message"]
    waiting = bench.start(name, 500, lock_timeout=300)
    hold.release()
    assert waiting.wait()["after"]["size"] == 500 * MIB
    bench.host.wrappers_clear()
    bench.check_data(name)
    bench.drop(name)
