"""Record what real tools say, for unit tests: ``.venv/bin/python tests/lab/record_fixtures.py``.

Builds every kind of volume and container on a fresh lab host and writes the outputs below tests/unit/fixtures.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab import fleet
from lab.hosts import LabHost
from lab.paths import CHECKOUT, LAB

FIXTURES = CHECKOUT / "tests" / "unit" / "fixtures"
NAME = "fixtures"
# What the modules ask; kept here as the commands they were when the files were recorded.
LSBLK = "NAME,KNAME,TYPE,SIZE,FSTYPE,UUID,LABEL,MAJ:MIN,PTTYPE"
STATVFS = """
import json, os
lines = [line.split() for line in open("/proc/self/mountinfo")]
points = [line[4].encode().decode("unicode_escape") for line in lines if line[line.index("-") + 2].startswith("/dev/")]
fields = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail", "f_flag", "f_namemax")
print(json.dumps({point: {field: getattr(os.statvfs(point), field) for field in fields} for point in points}, indent=1))
"""


def main() -> None:
    fleet.up([], print)
    fleet.reset([NAME], print)
    host = LabHost(NAME)
    try:
        record_node(host, FIXTURES / "node")
        record_lvm(host, FIXTURES / "lvm")
        record_lxc(host, FIXTURES / "lxc" / "cgroup2")
        # The same containers on a host that still has cgroup v1.
        host.vm.boot(host.vm.image, "systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1")
        record_lxc(host, FIXTURES / "lxc" / "cgroup1_lxc5")
    finally:
        fleet.down([NAME])


def record_lvm(host: LabHost, target: Path) -> None:
    from ansible_collections.foresight.capacity.plugins.module_utils.lvm_query import report_arguments

    host.run("sh -s", data=(LAB / "fixture_volumes.sh").read_text(), timeout=900)
    outputs = {
        "fullreport.json": ["lvm", *report_arguments()],
        "fullreport.default.json": ["lvm", "fullreport", "--all", "--units", "b", "--nosuffix", "--reportformat", "json"],
        "version.txt": ["lvm", "version"],
        "systemid.txt": ["lvm", "systemid"],
        "lsblk.json": ["lsblk", "--json", "--bytes", "--output", LSBLK],
        "findmnt.json": ["findmnt", "-J", "-b", "-o", "TARGET,SOURCE,FSTYPE,OPTIONS,SIZE,USED,AVAIL,MAJ:MIN,FSROOT"],
        "mountinfo": ["cat", "/proc/self/mountinfo"],
        "swaps": ["cat", "/proc/swaps"],
        "statvfs.json": ["python3", "-c", STATVFS],
        "sys_block_dm.txt": ["sh", "-c", "cd /sys/block && grep -H . dm-*/dm/name dm-*/dm/uuid dm-*/size dm-*/dev"],
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, command in outputs.items():
        done = host.run(command, check=False)
        (target / name).write_text(compact(done.stdout) if name.endswith(".json") else done.stdout)
        (target / (name + ".stderr")).unlink(missing_ok=True)
        if done.stderr:
            (target / (name + ".stderr")).write_text(f"{done.stderr}[ended with {done.returncode}]\n")


def record_lxc(host: LabHost, target: Path) -> None:
    host.run("sh -s", data=(LAB / "fixture_containers.sh").read_text(), timeout=900)
    shutil.rmtree(target, ignore_errors=True)
    copy_tree(
        host,
        target,
        "/sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/lxc.payload.* "
        "$(for group in memory cpu,cpuacct blkio pids freezer cpuset; do echo /sys/fs/cgroup/$group/lxc.payload.*; done) "
        "/var/lib/lxc/*/config /etc/lxc/default.conf /etc/lxc/lxc.conf /proc/self/mountinfo /proc/self/cgroup /proc/pressure "
        "/proc/uptime /proc/stat /proc/meminfo /proc/net/dev /etc/machine-id /proc/sys/kernel/random/boot_id "
        "$(for name in run1 frozen1; do p=$(lxc-info -n $name -pH); echo /proc/$p/cgroup /proc/$p/net/dev "
        "/proc/$p/mountinfo /proc/$p/stat /proc/$p/status; done)",
    )
    for name, command in {
        "lxc-ls.txt": "lxc-ls -f",
        "lxc-info.txt": "for name in $(lxc-ls -1); do lxc-info -n $name; echo; done",
        "lxc-version.txt": "lxc-ls --version",
    }.items():
        (target / name).write_text(host.run(command).stdout)


def record_node(host: LabHost, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    copy_tree(
        host,
        target,
        "/proc/stat /proc/loadavg /proc/meminfo /proc/diskstats /proc/net/dev /proc/uptime /proc/pressure /proc/cpuinfo "
        "/etc/machine-id /proc/sys/kernel/random/boot_id /proc/sys/kernel/hostname /proc/version /proc/partitions "
        "/sys/block/vd*/stat /sys/block/vd*/queue/hw_sector_size /sys/devices/system/cpu/online",
    )


def copy_tree(host: LabHost, target: Path, paths: str) -> None:
    """Copy readable text files below ``paths`` (a shell list) to the same places below ``target``; empty and binary ones too."""
    script = f"""
import json, os, subprocess, sys
found = {{}}
for top in subprocess.run("ls -d {paths}".replace("\\n", " "), shell=True, capture_output=True, text=True).stdout.split():
    for folder, _folders, names in (os.walk(top) if os.path.isdir(top) else [(os.path.dirname(top), [], [os.path.basename(top)])]):
        for name in names:
            path = os.path.join(folder, name)
            try:
                with open(path) as file:
                    found[path] = file.read()
            except (OSError, UnicodeDecodeError):
                continue
            if name.startswith(("hugetlb.", "rdma.", "misc.", "cpuacct.usage_", "memory.kmem.")):
                del found[path]
json.dump(found, sys.stdout)
"""
    for path, text in json.loads(host.run("python3 -", data=script).stdout).items():
        copy = target / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)


def compact(text: str) -> str:
    """JSON with one record per line: small, and a change shows as a line."""

    def lines(value: object, depth: int) -> str:
        pad = " " * (depth + 1)
        if isinstance(value, list) and value:
            return "[\n" + ",\n".join(pad + lines(item, depth + 1) for item in value) + "\n" + " " * depth + "]"
        if isinstance(value, dict) and any(isinstance(item, (list, dict)) for item in value.values()):
            return (
                "{\n"
                + ",\n".join(f"{pad}{json.dumps(key)}: {lines(item, depth + 1)}" for key, item in value.items())
                + "\n"
                + " " * depth
                + "}"
            )
        return json.dumps(value)

    return lines(json.loads(text), 0) + "\n"


if __name__ == "__main__":
    main()
