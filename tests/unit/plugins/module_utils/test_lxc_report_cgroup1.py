"""LXC 5 on a host that booted with version 1 control groups, as recorded in the lab."""

from __future__ import annotations

import os

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands
from ansible_collections.foresight.capacity.plugins.module_utils.lxc_report import read_lxc
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

MIB = 1024 * 1024


@pytest.fixture
def containers(fixtures):
    def run_command(_args, **_options):
        return 0, "/var/lib/lxc\n", ""

    commands = Commands(run_command)
    commands.find = lambda tool: tool if tool == "lxc-config" else None
    files = TargetFiles(str(fixtures / "lxc" / "cgroup1_lxc5"))
    document = read_lxc(commands, 1_700_000_000, lambda _path: os.statvfs("/"), files=files, root=True)
    assert (document["available"], document["cgroup_version"]) == (True, 1)
    return {entry["name"]: entry for entry in document["containers"]}


def test_states(containers):
    assert {name: entry["state"] for name, entry in containers.items()} == {"run1": "running", "frozen1": "frozen", "off1": "stopped"}


def test_limits_and_use_of_the_running_container(containers):
    run = containers["run1"]
    assert (run["cpu_cores_limit"], run["memory_limit"], run["pids_limit"], run["oom_kills"]) == (0.5, 128 * MIB, 200, 1)
    assert run["cpu_seconds"] > 1
    assert 0 < run["memory_bytes"] < 128 * MIB
    assert run["net"]["rx_bytes"] > 0


def test_container_without_limits(containers):
    frozen = containers["frozen1"]
    assert frozen["memory_limit"] is None
    assert frozen["pids_limit"] is None
