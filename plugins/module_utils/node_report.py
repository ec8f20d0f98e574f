# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document C(foresight_node): load, memory, traffic and pressure of a machine."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.identity import document_header
from ansible_collections.foresight.capacity.plugins.module_utils.pressure import read_pressure
from ansible_collections.foresight.capacity.plugins.module_utils.processor import CpuTimes, cores_in_use, read_cpu_times
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles
from ansible_collections.foresight.capacity.plugins.module_utils.traffic import read_disks, read_interfaces, without_guest_ports

SCHEMA = "foresight.node/1"


def read_node(
    now: int, interval: float = 0.0, *, files: TargetFiles | None = None, pause: t.Callable[[float], None] = time.sleep
) -> dict[str, t.Any]:
    """The C(foresight_node) document of this machine at ``now`` (UTC seconds of its own clock).

    ``interval``: seconds between two readings of the CPU counters, from which C(cpu_cores) comes; 0 reads once and leaves it null.
    """
    files = files or TargetFiles()
    before = read_cpu_times(files)
    if interval > 0:
        pause(interval)
    times = read_cpu_times(files) if interval > 0 else before
    document = document_header(SCHEMA, files, now)
    document.update(
        cores=times.cores if times else None,
        cpu_cores=cores_in_use(before, times) if before and times else None,
        load=_load(files),
        memory=read_memory(files),
        cpu_seconds=_cpu_seconds(times),
        disks=read_disks(files),
        network=without_guest_ports(read_interfaces(files)),
        pressure=read_pressure(files, "/proc/pressure/{}"),
        uptime_seconds=_uptime(files),
    )
    return document


def _cpu_seconds(times: CpuTimes | None) -> dict[str, float] | None:
    if times is None:
        return None
    return {name: round(seconds, 2) for name, seconds in times._asdict().items() if name != "cores"}


def _load(files: TargetFiles) -> dict[str, float] | None:
    fields = (files.text("/proc/loadavg") or "").split()
    return dict(zip(("1", "5", "15"), map(float, fields))) if len(fields) >= 3 else None  # noqa: B905 (Python 3.8)


def _uptime(files: TargetFiles) -> float | None:
    fields = (files.text("/proc/uptime") or "").split()
    return float(fields[0]) if fields else None


def read_memory(files: TargetFiles) -> dict[str, int] | None:
    """Bytes of memory; C(used) is what could not be given to a new process: total without available."""
    values = {}
    for line in files.lines("/proc/meminfo"):
        key, _colon, rest = line.partition(":")
        if rest.split():
            values[key] = int(rest.split()[0]) * 1024
    if "MemTotal" not in values:
        return None
    cache = values.get("Cached", 0) + values.get("Buffers", 0) + values.get("SReclaimable", 0)
    # Kernels before 3.14 make no estimate of their own.
    available = values.get("MemAvailable", min(values.get("MemFree", 0) + cache, values["MemTotal"]))
    swap_total = values.get("SwapTotal", 0)
    return {
        "total": values["MemTotal"],
        "used": values["MemTotal"] - available,
        "available": available,
        "cache": cache,
        "swap_total": swap_total,
        "swap_used": swap_total - values.get("SwapFree", 0),
    }
