from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.cgroups import Cgroups
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles


@pytest.fixture
def unified(fixtures):
    return Cgroups(TargetFiles(str(fixtures / "lxc" / "cgroup2")))


@pytest.fixture
def legacy(fixtures):
    return Cgroups(TargetFiles(str(fixtures / "lxc" / "cgroup1")))


def test_versions(unified, legacy, tmp_path):
    assert (unified.version, legacy.version) == (2, 1)
    assert Cgroups(TargetFiles(str(tmp_path))).version is None


def test_controllers_mounted_together(tree):
    cgroups = Cgroups(tree({"/sys/fs/cgroup/cpu,cpuacct/x/cpuacct.usage": "7", "/sys/fs/cgroup/memory/tasks": ""}))
    assert cgroups.text("cpuacct", "x", "cpuacct.usage") == "7"


def test_hybrid_layout_is_version_1(tree):
    assert Cgroups(tree({"/sys/fs/cgroup/unified/cgroup.controllers": "", "/sys/fs/cgroup/memory/tasks": ""})).version == 1


def test_existence(unified, legacy):
    assert unified.exists("lxc.payload.run1")
    assert not unified.exists("lxc.payload.off1")
    assert legacy.exists("lxc/probe1")
    assert not legacy.exists("lxc/other")


def first_process(cgroups):
    """The process that is number 1 in its own namespace, by what the kernel wrote of each recorded one."""
    for process in cgroups.files.names("/proc"):
        for line in cgroups.files.lines(f"/proc/{process}/status"):
            if line.startswith("NSpid:") and line.split()[2:] == ["1"]:
                yield int(process)


def test_first_process_of_a_container(unified, legacy):
    found = {unified.find_init("lxc.payload.run1"), unified.find_init("lxc.payload.frozen1")}
    assert found == set(first_process(unified))
    assert [legacy.find_init("lxc/probe1")] == list(first_process(legacy))


def test_first_process_below_the_group(tree):
    files = {
        "/sys/fs/cgroup/cgroup.controllers": "",
        "/sys/fs/cgroup/lxc/101/cgroup.procs": "",
        "/sys/fs/cgroup/lxc/101/ns/a/cgroup.procs": "70\n",
    }
    files.update({"/sys/fs/cgroup/lxc/101/ns/init.scope/cgroup.procs": "80\n", "/proc/70/status": "NSpid:\t70\t9\n"})
    files["/proc/80/status"] = "Name:\tinit\nNSpid:\t80\t1\n"
    assert Cgroups(tree(files)).find_init("lxc/101") == 80


def test_container_of_a_container_is_not_mistaken(tree):
    files = {
        "/sys/fs/cgroup/cgroup.controllers": "",
        "/sys/fs/cgroup/lxc.payload.c/cgroup.procs": "90\n",
        "/proc/90/status": "NSpid:\t90\t12\t1\n",
    }
    assert Cgroups(tree(files)).find_init("lxc.payload.c") is None


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/lxc.payload.c1-1/init.scope", "lxc.payload.c1-1"),
        ("/machine.slice/lxc.payload.c1", "machine.slice/lxc.payload.c1"),
        ("/lxc/101/ns", "lxc/101"),
        ("/custom/c1", "custom/c1"),
    ],
)
def test_group_of_a_process(tree, path, group):
    cgroups = Cgroups(tree({"/sys/fs/cgroup/cgroup.controllers": "", "/proc/7/cgroup": f"0::{path}\n"}))
    assert cgroups.group_of(7) == group
    assert cgroups.group_of(8) is None


def test_group_of_a_recorded_process(unified, legacy):
    assert unified.group_of(unified.find_init("lxc.payload.run1")) == "lxc.payload.run1"
    assert legacy.group_of(legacy.find_init("lxc/probe1")) == "lxc/probe1"
