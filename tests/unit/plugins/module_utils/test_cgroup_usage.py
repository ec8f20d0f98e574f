from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.cgroup_usage import (
    cpu_list_length,
    is_frozen,
    quota_cores,
    read_usage,
    smaller,
)
from ansible_collections.foresight.capacity.plugins.module_utils.cgroups import Cgroups
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

MIB = 1024 * 1024


def test_recorded_version_2(fixtures):
    cgroups = Cgroups(TargetFiles(str(fixtures / "lxc" / "cgroup2")))
    usage = read_usage(cgroups, "lxc.payload.run1")
    assert (usage["cpu_cores_limit"], usage["memory_limit"], usage["pids_limit"]) == (0.5, 128 * MIB, 200)
    assert usage["cpu_seconds"] > 0
    assert 0 < usage["memory_bytes"] <= 128 * MIB
    assert usage["pids"] > 0
    assert set(usage["pressure"]) == {"cpu", "memory", "io"}
    assert set(usage["io"]) == {"read_bytes", "write_bytes"}
    assert usage["oom_kills"] >= 0
    assert (is_frozen(cgroups, "lxc.payload.run1"), is_frozen(cgroups, "lxc.payload.frozen1")) == (False, True)


def test_recorded_version_1(fixtures):
    cgroups = Cgroups(TargetFiles(str(fixtures / "lxc" / "cgroup1")))
    usage = read_usage(cgroups, "lxc/probe1")
    assert usage.pop("cpu_seconds") > 0
    # 9.3 MiB are charged, 8.2 MiB of them are the page cache of the file that was written.
    assert usage.pop("memory_bytes") == 9752576 - 8622080
    assert usage == {
        "cpu_cores_limit": 0.75,
        "memory_limit": 96 * MIB,
        "swap": {"total": 32 * MIB, "used": 0},
        "io": {"read_bytes": 0, "write_bytes": 0},
        "pids": 3,
        "pids_limit": 64,
        "pressure": None,
        "oom_kills": 0,
    }
    assert is_frozen(cgroups, "lxc/probe1") is False


def test_bytes_of_version_1_by_device(tree):
    text = "8:0 Read 1000\n8:0 Write 200\n8:16 Read 24\n8:0 Sync 5\n8:0 Total 1224\nTotal 1224\n"
    files = tree({"/sys/fs/cgroup/memory/tasks": "", "/sys/fs/cgroup/blkio/lxc/a/blkio.throttle.io_service_bytes": text})
    assert read_usage(Cgroups(files), "lxc/a")["io"] == {"read_bytes": 1024, "write_bytes": 200}


def test_version_2_without_limits(tree):
    files = {"cpu.max": "max 100000", "memory.max": "max", "memory.swap.max": "max", "pids.max": "max", "memory.current": "700"}
    files.update({"memory.stat": "anon 100\nfile 600\nshmem 50\n", "io.stat": "8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=1 wbytes=2\n"})
    tree({f"/sys/fs/cgroup/lxc.payload.a/{name}": text for name, text in files.items()})
    usage = read_usage(Cgroups(tree({"/sys/fs/cgroup/cgroup.controllers": "cpu"})), "lxc.payload.a")
    assert (usage["cpu_cores_limit"], usage["memory_limit"], usage["pids_limit"], usage["swap"]["total"]) == (None, None, None, None)
    assert usage["memory_bytes"] == 700 - 600 + 50  # tmpfs cannot be dropped
    assert usage["io"] == {"read_bytes": 11, "write_bytes": 22}
    assert usage["pressure"] is None


def test_bytes_of_stacked_devices_are_counted_once(tree):
    """A container that wrote 64 MiB to a volume, as the kernel tells it: by volume, by the disk below, and by its loop."""
    lines = {number: f"{number} rbytes=5 wbytes=67104768 rios=0 wios=16387 dbytes=0 dios=0\n" for number in ("253:28", "254:16", "7:0")}
    files = tree(
        {
            "/sys/fs/cgroup/cgroup.controllers": "",
            "/sys/fs/cgroup/a/io.stat": "".join(lines.values()),
            "/sys/dev/block/253:28/slaves/vdb/dev": "254:16\n",
            "/sys/dev/block/7:0/loop/backing_file": "/srv/image\n",
        }
    )
    assert read_usage(Cgroups(files), "a")["io"] == {"read_bytes": 5, "write_bytes": 67104768}


@pytest.mark.parametrize(("cpus", "limit"), [("0-1", 2.0), ("0-7", None), ("", None), ("3", 1.0)])
def test_cpu_set(tree, cpus, limit):
    files = {"/sys/fs/cgroup/cgroup.controllers": "", "/sys/fs/cgroup/a/cpuset.cpus": cpus, "/sys/devices/system/cpu/online": "0-7\n"}
    assert read_usage(Cgroups(tree(files)), "a")["cpu_cores_limit"] == limit


@pytest.mark.parametrize(
    ("text", "cores"),
    [("50000 100000", 0.5), ("max 100000", None), ("-1 100000", None), ("250000", 2.5), ("", None), (None, None), ("None None", None)],
)
def test_quota(text, cores):
    assert quota_cores(text) == cores


@pytest.mark.parametrize(("text", "count"), [("0-3,7", 5), ("0", 1), ("", None), (None, None)])
def test_cpu_list(text, count):
    assert cpu_list_length(text) == count


def test_stricter_limit():
    assert (smaller(None, None), smaller(1.0, None), smaller(None, 2.0), smaller(1.0, 2.0)) == (None, 1.0, 2.0, 1.0)
