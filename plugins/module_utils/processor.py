# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CPU time of this machine, out of /proc/stat."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles


class CpuTimes(t.NamedTuple):
    """Seconds since boot over all CPUs, and the number of CPUs that are online."""

    cores: int
    user: float
    system: float
    iowait: float
    steal: float
    idle: float
    total: float

    @property
    def used(self) -> float:
        """Seconds in which this machine computed; time that the hypervisor took is not its use."""
        return self.user + self.system


def read_cpu_times(files: TargetFiles) -> CpuTimes | None:
    """The present counters; None where /proc/stat cannot be read."""
    lines = files.lines("/proc/stat")
    cores = sum(1 for line in lines if line[:3] == "cpu" and line[3:4].isdecimal())
    for line in lines:
        if line.startswith("cpu "):
            # Guest time is part of user and nice already (proc(5)); kernels before 2.6.24 have fewer columns.
            ticks = [int(field) for field in line.split()[1:9]]
            user, nice, system, idle, iowait, irq, softirq, steal = ticks + [0] * (8 - len(ticks))
            hertz = float(os.sysconf("SC_CLK_TCK"))
            return CpuTimes(
                cores=cores,
                user=(user + nice) / hertz,
                system=(system + irq + softirq) / hertz,
                iowait=iowait / hertz,
                steal=steal / hertz,
                idle=idle / hertz,
                total=(user + nice + system + idle + iowait + irq + softirq + steal) / hertz,
            )
    return None


def cores_in_use(before: CpuTimes, after: CpuTimes) -> float | None:
    """Mean number of busy CPUs between two readings; None when no time passed between them."""
    passed = after.total - before.total
    if passed <= 0:
        return None
    return round(max(after.used - before.used, 0.0) / passed * after.cores, 4)
