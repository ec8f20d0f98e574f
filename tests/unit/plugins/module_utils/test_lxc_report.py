from __future__ import annotations

import json
import os
import shutil
import stat

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands
from ansible_collections.foresight.capacity.plugins.module_utils.lxc_report import read_lxc
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

MIB = 1024 * 1024


def commands_with(**outputs):
    """Commands of a host; tools that are not named are not installed."""

    def run_command(args, **_options):
        return 0, outputs[os.path.basename(args[0]).replace("-", "_")], ""

    commands = Commands(run_command)
    commands.find = lambda tool: tool if os.path.basename(tool).replace("-", "_") in outputs else None
    return commands


def by_id(document):
    return {entry["id"]: entry for entry in document["containers"]}


@pytest.fixture
def plain(fixtures):
    files = TargetFiles(str(fixtures / "lxc" / "cgroup2"))
    # The root of a recorded process is gone; any file system does for how the numbers arrive.
    return read_lxc(commands_with(lxc_config="/var/lib/lxc\n"), 1_700_000_000, lambda _path: os.statvfs("/"), files=files, root=True)


def test_header(plain):
    assert (plain["schema"], plain["observed_at"], len(plain["machine_id"])) == ("foresight.lxc/1", 1_700_000_000, 32)
    assert (plain["available"], plain["reason"], plain["cluster"], plain["cgroup_version"]) == (True, None, None, 2)
    assert json.loads(json.dumps(plain)) == plain


def test_running_container(plain):
    run = by_id(plain)["lxc/run1"]
    assert (run["name"], run["state"], run["cpu_cores_limit"], run["memory_limit"]) == ("run1", "running", 0.5, 128 * MIB)
    assert run["swap"]["total"] == 64 * MIB
    assert run["net"]["rx_bytes"] > 0
    assert run["filesystem"]["total"] >= run["filesystem"]["used"] + run["filesystem"]["free"]
    assert run["filesystem"]["shared"] is True  # a directory of the host's file system


def test_frozen_and_stopped_containers(plain):
    containers = by_id(plain)
    assert containers["lxc/frozen1"]["state"] == "frozen"
    assert containers["lxc/frozen1"]["memory_bytes"] > 0
    off = containers["lxc/off1"]
    assert off["state"] == "stopped"
    assert {key for key, value in off.items() if value not in (None, {"total": None, "used": None})} == {"id", "name", "state"}


def test_every_container_has_the_same_keys(plain):
    assert len({tuple(entry) for entry in plain["containers"]}) == 1


@pytest.fixture
def proxmox(fixtures, tmp_path):
    """A Proxmox VE node: the recorded control group and process, where Proxmox puts them."""
    source = fixtures / "lxc" / "cgroup2"
    shutil.copytree(source / "proc", tmp_path / "proc")
    shutil.copytree(source / "sys/fs/cgroup/lxc.payload.run1", tmp_path / "sys/fs/cgroup/lxc/101")
    (tmp_path / "sys/fs/cgroup/cgroup.controllers").write_text("cpu memory\n", encoding="utf-8")
    (tmp_path / "proc/sys/kernel/hostname").write_text("pve1\n", encoding="utf-8")
    node = tmp_path / "etc/pve/nodes/pve1/lxc"
    node.mkdir(parents=True)
    (node / "101.conf").write_text("hostname: web\nmemory: 128\ncores: 1\n", encoding="utf-8")
    (node / "102.conf").write_text("hostname: db\nmemory: 1024\nswap: 0\ncpulimit: 2\n", encoding="utf-8")
    return tmp_path


def test_proxmox_node(proxmox):
    (proxmox / "etc/pve/corosync.conf").write_text("totem {\n  cluster_name: prod\n}\n", encoding="utf-8")
    document = read_lxc(commands_with(), 0, lambda _path: os.statvfs("/"), files=TargetFiles(str(proxmox)), root=True)
    assert document["cluster"] == "prod"
    web, db = by_id(document)["lxc/101"], by_id(document)["lxc/102"]
    assert (web["name"], web["state"], web["memory_limit"]) == ("web", "running", 128 * MIB)
    assert web["cpu_seconds"] > 0
    assert (db["name"], db["state"], db["cpu_cores_limit"], db["memory_limit"], db["swap"]) == (
        "db",
        "stopped",
        2.0,
        1024 * MIB,
        {"total": 0, "used": None},
    )


def test_proxmox_without_its_configuration(tree):
    document = read_lxc(commands_with(), 0, files=tree({"/usr/bin/pct": ""}), root=True)
    assert (document["available"], document["reason"]) == (False, "failed")
    assert "pve-cluster" in document["message"]


def test_version_1(fixtures, tmp_path):
    shutil.copytree(fixtures / "lxc" / "cgroup1", tmp_path / "host")
    config = tmp_path / "host/var/lib/lxc/probe1/config"
    config.parent.mkdir(parents=True)
    config.write_text("lxc.uts.name = probe1\n", encoding="utf-8")
    document = read_lxc(commands_with(), 0, files=TargetFiles(str(tmp_path / "host")), root=True)
    probe = by_id(document)["lxc/probe1"]
    assert document["cgroup_version"] == 1
    assert (probe["state"], probe["cpu_cores_limit"], probe["memory_limit"], probe["filesystem"]) == ("running", 0.75, 96 * MIB, None)


SOCKET = "0: 2 0 10000 0001 01 1 @/var/lib/lxc/odd/command\n"


def test_container_in_an_unexpected_group_is_asked_of_lxc(tree):
    files = tree(
        {
            "/var/lib/lxc/odd/config": "",
            "/proc/net/unix": SOCKET,
            "/sys/fs/cgroup/cgroup.controllers": "",
            "/sys/fs/cgroup/lxc.payload.odd-1/memory.current": "700\n",
            "/proc/77/cgroup": "0::/lxc.payload.odd-1/init.scope\n",
            "/proc/77/net/dev": "eth0: 5 0 0 0 0 0 0 0 6 0 0 0 0 0 0 0\n",
        }
    )
    commands = commands_with(lxc_config="/var/lib/lxc\n", lxc_info="State:          RUNNING\nPID:            77\n")
    odd = read_lxc(commands, 0, files=files, root=True)["containers"][0]
    assert (odd["state"], odd["memory_bytes"], odd["net"]) == ("running", 700, {"rx_bytes": 5, "tx_bytes": 6})


def test_containers_below_one_directory_are_told_apart(tree):
    files = tree(
        {
            **{f"/var/lib/lxc/{name}/config": "lxc.cgroup.dir = tenants\n" for name in ("a", "b")},
            "/sys/fs/cgroup/cgroup.controllers": "",
            "/sys/fs/cgroup/tenants/memory.current": "900\n",
            "/sys/fs/cgroup/tenants/lxc.payload.a/cgroup.procs": "70\n",
            "/sys/fs/cgroup/tenants/lxc.payload.a/memory.current": "500\n",
            "/proc/70/status": "NSpid:\t70\t1\n",
        }
    )
    document = read_lxc(commands_with(), 0, files=files, root=True)
    assert [(entry["state"], entry["memory_bytes"]) for entry in document["containers"]] == [("running", 500), ("stopped", None)]


def test_without_tools_a_command_socket_says_that_it_runs(tree):
    files = tree({"/var/lib/lxc/odd/config": "", "/proc/net/unix": SOCKET})
    assert read_lxc(commands_with(), 0, files=files, root=True)["containers"][0]["state"] == "running"


def test_lxc_is_not_installed(tree):
    document = read_lxc(commands_with(), 0, files=tree({}), root=True)
    assert (document["available"], document["reason"], document["containers"]) == (False, "not_installed", [])


def test_configured_path(tree):
    files = tree({"/etc/lxc/lxc.conf": "lxc.lxcpath = /srv/lxc\n", "/srv/lxc/c1/config": ""})
    assert list(by_id(read_lxc(commands_with(), 0, files=files, root=True))) == ["lxc/c1"]
    # lxc-config tells a user the place of that user's own containers.
    told = commands_with(lxc_config="/home/me/.local/share/lxc\n")
    assert list(by_id(read_lxc(told, 0, files=files, root=False))) == ["lxc/c1"]


def test_names_that_are_no_utf8_can_be_sent(tree):
    files = tree({"/var/lib/lxc/bad\udcff/config": ""})
    assert read_lxc(commands_with(), 0, files=files, root=True)["containers"][0]["id"] == "lxc/bad\ufffd"


def test_containers_closed_to_us(tree):
    class Closed(TargetFiles):
        """What a user sees of LXC on Debian 12: the directory is open, the containers are not (root may look into both)."""

        def is_closed(self, path):
            return stat.S_IMODE(os.stat(self.path(path)).st_mode) == 0o770

    files = Closed(tree({"/var/lib/lxc/c1/rootfs/x": ""}).path("/"))
    os.chmod(files.path("/var/lib/lxc/c1"), 0o770)
    document = read_lxc(commands_with(), 0, files=files, root=False)
    assert (document["available"], document["reason"]) == (False, "needs_root")


def test_this_machine():
    document = read_lxc(Commands(lambda args, **_options: (1, "", "")), 0)
    assert document["schema"] == "foresight.lxc/1"
