"""The lab itself: hosts come up, are machines of their own, have LVM, and go back to blank disks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import inventory
from lab.errors import LabError
from lab.fleet import Lab
from lab.hosts import LabHost
from lab.vm import Vm
from lab.wait import wait_for
from lab.wrappers import Rule, Victim, When, install_many

NAMES = ("smoke1", "smoke2")
ANSIBLE = Path(sys.executable).with_name("ansible")


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> Iterator[list[LabHost]]:
    yield lab.reset(*NAMES)
    lab.down(*NAMES)


@pytest.fixture
def host(hosts: list[LabHost]) -> Iterator[LabHost]:
    yield hosts[0]
    hosts[0].wrappers_clear()


def ansible(host: LabHost, module: str, arguments: str = "") -> list[str]:
    return [str(ANSIBLE), "-i", str(inventory.own_path(host.vm)), host.name, "-m", module, "-a", arguments]


def finish(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


def test_hosts_are_machines_of_their_own(hosts: list[LabHost]) -> None:
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/hostname"):
        seen = {host.read(path) for host in hosts}
        assert len(seen) == len(hosts), path


def test_hosts_draw_different_volume_uuids(hosts: list[LabHost]) -> None:
    for host in hosts:
        host.run(["pvcreate", "/dev/vdc"])
    seen = {host.run(["pvs", "--noheadings", "-o", "pv_uuid", "/dev/vdc"]).stdout for host in hosts}
    assert len(seen) == len(hosts)


def test_clock_is_the_controllers(host: LabHost) -> None:
    before = int(subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True).stdout)
    there = int(host.run(["date", "+%s"]).stdout)
    after = int(subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True).stdout)
    assert before - 2 <= there <= after + 2


def test_reset_gives_blank_disks_at_the_same_port(lab: Lab, host: LabHost) -> None:
    host.run("vgcreate vg0 /dev/vdb && lvcreate -y -L 64M -n data vg0 && mkfs.xfs -q -f /dev/vg0/data || mkfs.ext4 -q /dev/vg0/data")
    host.run("mkdir /mnt/data && mount /dev/vg0/data /mnt/data && echo kept > /mnt/data/file")
    port = host.vm.port
    lab.reset(host.name)
    assert host.vm.port == port
    report = json.loads(host.run(["lvm", "fullreport", "--reportformat", "json"]).stdout)
    assert [vg for part in report["report"] for vg in part["vg"]] == []
    disks = json.loads(host.run(["lsblk", "-J", "-b", "-o", "NAME,SIZE,FSTYPE"]).stdout)["blockdevices"]
    assert disks[1:] == [{"name": "vdb", "size": 12 << 30, "fstype": None}, {"name": "vdc", "size": 4 << 30, "fstype": None}]


def test_up_leaves_a_running_host_alone(lab: Lab, host: LabHost) -> None:
    host.run("touch /run/witness")
    lab.host(host.name)
    assert host.run(["test", "-e", "/run/witness"], check=False).returncode == 0


def test_files_travel_unchanged(host: LabHost, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    (tmp_path / "sent").write_bytes(content)
    host.put(tmp_path / "sent", "/root/sent file")
    host.get("/root/sent file", tmp_path / "received")
    assert (tmp_path / "received").read_bytes() == content


def test_ansible_reaches_the_host(host: LabHost) -> None:
    done = finish(ansible(host, "ansible.builtin.ping"))
    assert "pong" in done.stdout, done.stdout + done.stderr


def test_calls_of_wrapped_tools_are_noted(host: LabHost) -> None:
    host.note_calls()
    done = finish(ansible(host, "ansible.builtin.command", "lvs --units b"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("lvs", 1, "--units b") in [(call.tool, call.number, call.arguments) for call in host.calls()]


@pytest.mark.parametrize("victim", ["parent", "tree"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_module_dies_before_or_after_its_command(host: LabHost, when: When, victim: Victim) -> None:
    host.run("vgremove -f -y scratch; vgcreate scratch /dev/vdb")
    host.kill_on("lvcreate", when=when, victim=victim, pattern="*-n wanted*")
    done = finish(ansible(host, "ansible.builtin.command", "lvcreate -y -L 64M -n other scratch"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not host.killed("lvcreate")
    done = finish(ansible(host, "ansible.builtin.command", "lvcreate -y -L 64M -n wanted scratch"))
    assert done.returncode != 0
    assert host.killed("lvcreate")
    volumes = host.run(["lvs", "--noheadings", "-o", "lv_name", "scratch"]).stdout.split()
    assert volumes == (["other"] if when == "before" else ["other", "wanted"])


@pytest.mark.parametrize("when", ["before", "after"])
def test_command_fails_without_its_work_or_after_it(host: LabHost, when: When) -> None:
    host.run("vgremove -f -y scratch; vgcreate scratch /dev/vdb")
    host.fail_on("lvcreate", when=when, pattern="*-n wanted*", status=7)
    assert host.run("lvcreate -y -L 64M -n wanted scratch", check=False).returncode == 7
    assert bool(host.run(["lvs", "--noheadings", "scratch"]).stdout.split()) == (when == "after")
    assert host.run("lvcreate -y -L 64M -n wanted scratch", check=False).returncode == (0 if when == "before" else 5)


def test_rules_of_a_sequence_take_turns(host: LabHost) -> None:
    """What is called too early does not count, whatever its words."""
    rules = [Rule(pattern="--units b", sequence="one", turn=0), Rule("fail", pattern="--units k", sequence="one", turn=1, status=7)]
    install_many(host, {"lvs": rules})
    seen = [host.run(["lvs", "--units", unit], check=False).returncode for unit in "kbkk"]
    assert seen == [0, 0, 7, 0]


def test_wrapper_says_when_there_is_nobody_to_kill(host: LabHost) -> None:
    host.kill_on("pvs")
    assert host.run(["pvs"], check=False).returncode == 97
    with pytest.raises(LabError, match="not by a Python process"):
        host.killed("pvs")


def test_controller_can_be_killed_while_a_command_is_held(host: LabHost) -> None:
    held = host.hold_on("vgs", when="before")
    controller = subprocess.Popen(
        ansible(host, "ansible.builtin.shell", "vgs && touch /run/went-on"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    held.wait()
    os.killpg(controller.pid, signal.SIGKILL)
    assert controller.wait(timeout=30) == -signal.SIGKILL
    assert host.run(["test", "-e", "/run/went-on"], check=False).returncode == 1
    held.release()
    wait_for(lambda: host.run(["test", "-e", "/run/went-on"], check=False).returncode == 0, 30, "the orphaned module to go on")


def test_lxc_container_runs_on_cgroup_v2(host: LabHost) -> None:
    host.run("lxc-create -n c1 -t busybox && lxc-start -n c1 && lxc-wait -n c1 -s RUNNING -t 60", timeout=300)
    host.run(["lxc-cgroup", "-n", "c1", "memory.max", str(128 << 20)])
    assert host.read("/sys/fs/cgroup/lxc.payload.c1/memory.max").strip() == str(128 << 20)
    host.run(["lxc-stop", "-k", "-n", "c1"])


@pytest.mark.full
def test_power_cut_keeps_disks_and_nothing_else(host: LabHost) -> None:
    host.run("vgremove -f -y scratch; vgcreate scratch /dev/vdb && touch /run/volatile")
    booted = host.read("/proc/sys/kernel/random/boot_id")
    host.power_cycle()
    assert host.read("/proc/sys/kernel/random/boot_id") != booted
    assert host.read("/proc/sys/kernel/hostname").strip() == host.name
    assert host.run(["vgs", "--noheadings", "-o", "vg_name", "scratch"]).stdout.strip() == "scratch"
    assert host.run(["test", "-e", "/run/volatile"], check=False).returncode == 1
    assert abs(int(host.run(["date", "+%s"]).stdout) - time.time()) < 5


def test_host_that_is_not_up_is_named() -> None:
    with pytest.raises(LabError, match="tests/lab up --name nobody"):
        LabHost("nobody").run("true")
    with pytest.raises(LabError, match="cannot be a lab host's name"):
        Vm("Not A Name")
