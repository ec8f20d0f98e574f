# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a control group uses and may use."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.cgroups import MOUNT, Cgroups
from ansible_collections.foresight.capacity.plugins.module_utils.pressure import read_pressure
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles, integer

UNLIMITED = 1 << 60  # version 1 says "no limit" by the largest number of pages

Reading = t.Dict[str, t.Any]


def read_usage(cgroups: Cgroups, group: str) -> Reading:
    """Limits and counters of a group, by the keys of a container in C(foresight_lxc); null where the kernel gives none."""
    return _read_unified(cgroups, group) if cgroups.version == 2 else _read_legacy(cgroups, group)


def is_frozen(cgroups: Cgroups, group: str) -> bool:
    """Whether the processes of a group are stopped by the freezer."""
    if cgroups.version == 2:
        return _flat(cgroups.text("", group, "cgroup.events")).get("frozen") == 1
    return (cgroups.text("freezer", group, "freezer.state") or "").strip() == "FROZEN"


def _read_unified(cgroups: Cgroups, group: str) -> Reading:
    def number(name: str) -> int | None:
        return integer(cgroups.text("", group, name))

    current = number("memory.current")
    stat = _flat(cgroups.text("", group, "memory.stat"))
    micros = _flat(cgroups.text("", group, "cpu.stat")).get("usage_usec")
    return {
        "cpu_cores_limit": smaller(quota_cores(cgroups.text("", group, "cpu.max")), _cpuset(cgroups, group)),
        "cpu_seconds": micros / 1e6 if micros is not None else None,
        "memory_bytes": _without_cache(current, stat.get("file"), stat.get("shmem")),
        "memory_limit": number("memory.max"),
        "swap": {"total": number("memory.swap.max"), "used": number("memory.swap.current")},
        "io": _unified_io(cgroups.files, cgroups.text("io", group, "io.stat")),
        "pids": number("pids.current"),
        "pids_limit": number("pids.max"),
        "pressure": read_pressure(cgroups.files, f"{MOUNT}/{group}/" + "{}.pressure"),
        "oom_kills": _flat(cgroups.text("", group, "memory.events")).get("oom_kill"),
    }


def _read_legacy(cgroups: Cgroups, group: str) -> Reading:
    def number(controller: str, name: str) -> int | None:
        value = integer(cgroups.text(controller, group, name))
        return None if value is not None and value >= UNLIMITED else value

    stat = _flat(cgroups.text("memory", group, "memory.stat"))
    nanos = number("cpuacct", "cpuacct.usage")
    limit, both_limit = number("memory", "memory.limit_in_bytes"), number("memory", "memory.memsw.limit_in_bytes")
    used, both_used = number("memory", "memory.usage_in_bytes"), number("memory", "memory.memsw.usage_in_bytes")
    quota = f"{number('cpu', 'cpu.cfs_quota_us')} {number('cpu', 'cpu.cfs_period_us')}"
    return {
        "cpu_cores_limit": smaller(quota_cores(quota), _cpuset(cgroups, group)),
        "cpu_seconds": nanos / 1e9 if nanos is not None else None,
        "memory_bytes": _without_cache(used, stat.get("total_cache"), stat.get("total_shmem")),
        "memory_limit": limit,
        "swap": {"total": _difference(both_limit, limit), "used": _difference(both_used, used)},
        "io": _legacy_io(
            cgroups.files,
            cgroups.text("blkio", group, "blkio.throttle.io_service_bytes_recursive")
            or cgroups.text("blkio", group, "blkio.throttle.io_service_bytes"),
        ),
        "pids": number("pids", "pids.current"),
        "pids_limit": number("pids", "pids.max"),
        "pressure": None,
        "oom_kills": _flat(cgroups.text("memory", group, "memory.oom_control")).get("oom_kill"),
    }


def _flat(text: str | None) -> dict[str, int]:
    """A file of lines C(KEY NUMBER)."""
    pairs = (line.split() for line in (text or "").splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def quota_cores(text: str | None) -> float | None:
    """Cores of a CPU bandwidth limit C(QUOTA PERIOD) in microseconds; None for no limit (C(max), -1)."""
    fields = (text or "").split()
    quota = integer(fields[0]) if fields else None
    period = integer(fields[1]) if len(fields) > 1 else 100_000
    return round(quota / period, 4) if quota and period and quota > 0 else None


def cpu_list_length(text: str | None) -> int | None:
    """Number of CPUs in a list such as C(0-3,7); None for an empty one."""
    count = 0
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text or ""):
        count += int(last or first) - int(first) + 1
    return count or None


def _cpuset(cgroups: Cgroups, group: str) -> float | None:
    """Number of CPUs that a group is bound to; None when these are all of the machine's."""
    chosen = cpu_list_length(cgroups.text("cpuset", group, "cpuset.cpus"))
    online = cpu_list_length(cgroups.files.text("/sys/devices/system/cpu/online"))
    return float(chosen) if chosen and (online is None or chosen < online) else None


def smaller(one: float | None, other: float | None) -> float | None:
    """The stricter of two limits, where None is no limit."""
    limits = [limit for limit in (one, other) if limit is not None]
    return min(limits) if limits else None


def _without_cache(current: int | None, cache: int | None, shared: int | None) -> int | None:
    """Memory that the kernel cannot drop: all without page cache, but with tmpfs and shared memory, which are counted as cache."""
    if current is None:
        return None
    return max(current - (cache or 0) + (shared or 0), 0)


def _difference(both: int | None, memory: int | None) -> int | None:
    """Version 1 knows memory and memory plus swap; None where either has no number."""
    return max(both - memory, 0) if both is not None and memory is not None else None


def _unified_io(files: TargetFiles, text: str | None) -> dict[str, int] | None:
    if text is None:
        return None
    found = [
        (line.split(" ", 1)[0], kind, count) for line in text.splitlines() for kind, count in re.findall(r"\b(rbytes|wbytes)=(\d+)", line)
    ]
    return _io(files, found, "rbytes", "wbytes")


def _legacy_io(files: TargetFiles, text: str | None) -> dict[str, int] | None:
    if text is None:
        return None
    return _io(files, re.findall(r"^(\d+:\d+) (Read|Write) (\d+)$", text, re.MULTILINE), "Read", "Write")


def _io(files: TargetFiles, found: list[tuple[str, str, str]], read: str, write: str) -> dict[str, int]:
    """Bytes of all disks: what stands on other devices (device-mapper, RAID, loops) is counted by the kernel there as well."""
    stacked = {number for number in {entry[0] for entry in found} if _stands_on_others(files, number)}
    counted = [(kind, int(count)) for number, kind, count in found if number not in stacked]
    return {
        "read_bytes": sum(count for kind, count in counted if kind == read),
        "write_bytes": sum(count for kind, count in counted if kind == write),
    }


def _stands_on_others(files: TargetFiles, number: str) -> bool:
    device = f"/sys/dev/block/{number}"
    return bool(files.names(f"{device}/slaves")) or files.exists(f"{device}/loop/backing_file")
