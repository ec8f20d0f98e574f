"""The scripts that run in a shell, run by a real one: with stand-ins for mount and the tools, so nothing is mounted."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest
from driver import HostOf, btrfs, data_volume, machine_with

from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.btrfs import Btrfs
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.private_mount import PrivateMount
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import read_volume

MIB = 2**20


@pytest.fixture
def tools(tmp_path: pathlib.Path):
    """Programs that note how they are called; each fails where its words are to fail."""

    def make(fails: str = "never") -> tuple[str, pathlib.Path]:
        noted = tmp_path / "calls"
        noted.touch()
        for name in ("mount", "btrfs"):
            program = tmp_path / name
            program.write_text(f'#!/bin/sh\necho "{name} $*" >> {noted}\ncase "{name} $*" in *{fails}*) exit 7;; esac\n')
            program.chmod(0o755)
        return str(tmp_path), noted

    return make


def run(command: list[str], path: str) -> int:
    return subprocess.run(command, check=False, env={"PATH": f"{path}:{os.environ['PATH']}"}).returncode


def private(device: str = "/dev/mapper/vg0-data") -> PrivateMount:
    machine = machine_with(data_volume(100, fs=btrfs(100), mountpoints=[]))
    volume = read_volume(HostOf(machine), "vg0", "data")
    volume.lv["filesystem"]["device"] = device
    return PrivateMount(HostOf(machine), volume)


def inside(command: list[str]) -> list[str]:
    """What runs in the namespace."""
    assert command[:4] == ["unshare", "--mount", "--propagation", "private"]
    return command[4:]


def test_tool_runs_on_what_was_mounted_with_its_words_as_they_are(tools):
    path, noted = tools()
    assert run(inside(private("/dev/a b").changing(["btrfs", "one word", "$HOME"], "skip_balance")), path) == 0
    assert noted.read_text().splitlines() == [
        "mount --rw -t btrfs -o skip_balance,nosuid,nodev,noexec /dev/a b /mnt",
        "btrfs one word $HOME",
    ]


def test_reading_mounts_read_only(tools):
    path, noted = tools()
    assert run(inside(private().reading(["btrfs", "usage"], "rescue=nologreplay")), path) == 0
    assert noted.read_text().splitlines()[0] == (
        "mount --read-only -t btrfs -o rescue=nologreplay,nosuid,nodev,noexec /dev/mapper/vg0-data /mnt"
    )


def test_nothing_runs_where_nothing_was_mounted(tools):
    path, noted = tools(fails="mount")
    assert run(inside(private().changing(["btrfs", "resize"])), path) == 7
    assert len(noted.read_text().splitlines()) == 1


def test_exit_status_is_that_of_the_tool(tools):
    path, _noted = tools(fails="resize")
    assert run(inside(private().changing(["btrfs", "resize"])), path) == 7


def shrinking(**fs):
    """The step that shrinks vg0/data from 800 to 400 MiB."""
    machine = machine_with(data_volume(200, fs=btrfs(200, **fs)))
    volume = read_volume(HostOf(machine), "vg0", "data")
    (step,) = Btrfs(HostOf(machine), volume, Options()).shrinkage(400 * MIB).before
    return step.command


GOAL, HEALING = f"resize 1:{400 * MIB} /srv", [f"resize 1:{800 * MIB - 4096} /srv", f"resize 1:{800 * MIB} /srv"]
PACKING = "start -dusage=49 /srv"


@pytest.mark.parametrize(
    ("data", "fails", "status", "expected"),
    [
        (0, "never", 0, [GOAL]),
        (0, f"1:{400 * MIB}", 7, [GOAL, *HEALING]),
        (0, "resize", 7, [GOAL, HEALING[0]]),
        (600, "never", 0, [PACKING, GOAL]),
        (600, "balance", 7, [PACKING, *HEALING]),
        (600, f"1:{400 * MIB}", 7, [PACKING, GOAL, *HEALING]),
    ],
)
def test_shrinking_packs_first_and_what_failed_is_followed_by_a_sector_less_and_one_more(tools, data, fails, status, expected):
    path, noted = tools(fails)
    assert run(shrinking(used=50 * MIB, data_allocated=data * MIB), path) == status
    assert [line.split(" ", 2)[2] for line in noted.read_text().splitlines()] == expected
