# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(foresight_node) documents → the samples of a host."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.counters import Counters
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import Attributes, Issue
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import Part, Samples, check_number, clean_text

# What lies on top of other devices would be counted twice.
_STACKED_DISK = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|drbd|bcache)")
_PARTITION = re.compile(r"(?P<disk>.*\d)p\d+|(?P<plain>[a-z]+)\d+")
_VIRTUAL_LINK = re.compile(r"(lo$|veth|tap|tun|fw|docker|br|virbr|vmbr|lxc|bond|team|dummy|wg|cni|flannel|cali|ifb|sit|gre|ip6)|.*[.@]")

# Measured over an interval of its own, the use may come out a little above the number of cores.
CORES_TOLERANCE = 1.1


def observe_node(
    host: str,
    document: t.Mapping[str, t.Any],
    *,
    at: int,
    boot_id: str | None,
    last: Attributes | None,
    samples: Samples,
    issues: list[Issue],
) -> Attributes:
    """Map one document and return the attributes that it adds to the host entity.

    :param at: the time of the observation, UTC seconds.
    :param last: attributes of the host entity as last recorded (for its counters).
    """
    identity = f"host:{host}"
    part = Part(document, identity, issues)
    uptime = part.number("uptime_seconds")
    counters = Counters((last or {}).get("counters"), at=at, boot_id=boot_id, uptime=uptime)
    cores = part.number("cores")
    memory = part.inner("memory")
    total = memory.number("total")
    samples.add(identity, "memory_bytes", memory.measured("used", upper=total))
    swap_total = memory.number("swap_total")
    samples.add(identity, "swap_bytes", memory.measured("swap_used", upper=swap_total))
    samples.add(identity, "load_1", part.inner("load").measured("1"))
    samples.add(identity, "cpu_cores", _cpu_cores(part, counters, cores))
    add_pressures(part, identity, samples)
    for metric, rate in (
        ("disk_read_bytes_per_second", _total_rate(part, "disks", "read_bytes", counters, _whole_disks)),
        ("disk_write_bytes_per_second", _total_rate(part, "disks", "write_bytes", counters, _whole_disks)),
        ("network_rx_bytes_per_second", _total_rate(part, "network", "rx_bytes", counters, _real_links)),
        ("network_tx_bytes_per_second", _total_rate(part, "network", "tx_bytes", counters, _real_links)),
    ):
        samples.add(identity, metric, rate)
    return {
        "cores": cores,
        "memory_total_bytes": total,
        "swap_total_bytes": swap_total,
        "counters": counters.attributes(),
        "uptime": None if uptime is None else {"at": at, "seconds": uptime, "boot_id": boot_id},
    }


def add_pressures(part: Part, identity: str, samples: Samples) -> None:
    """Add cpu_pressure, memory_pressure and io_pressure: the share of the last minute in which some task waited, as a fraction."""
    pressure = part.inner("pressure")
    for resource in ("cpu", "memory", "io"):
        value, flag = pressure.inner(resource).inner("some").measured("avg60", upper=100)
        samples.add(identity, f"{resource}_pressure", (None if value is None else value / 100, flag))


def _cpu_cores(part: Part, counters: Counters, cores: float | int | None) -> tuple[float | int | None, str | None]:
    upper = None if cores is None else cores * CORES_TOLERANCE
    seconds = part.inner("cpu_seconds")
    parts = {name: seconds.number(name) for name in ("total", "idle", "iowait", "steal")}
    total, idle = parts["total"], parts["idle"]
    if total is not None and idle is not None:
        busy = total - idle - (parts["iowait"] or 0) - (parts["steal"] or 0)
        rate = counters.rate("cpu_seconds", check_number(busy), upper=upper)
        if rate != (None, None):
            return rate
    return part.measured("cpu_cores", upper=upper)


def _total_rate(
    part: Part, group: str, field: str, counters: Counters, choose: t.Callable[[t.Iterable[str]], list[str]]
) -> tuple[float | None, str | None]:
    """Return the summed rate of all devices that were there before as well; the flag of one of them is the flag of the sum."""
    devices = part.inner(group)
    total: float | None = None
    flag: str | None = None
    for name in choose(str(name) for name in devices.data if clean_text(name) == name):
        device = devices.inner(name)
        rate, problem = counters.rate(f"{group}.{name}.{field}", device.measured(field))
        if rate is not None:
            total = rate + (total or 0.0)
        flag = flag or problem
    return total, flag


def _whole_disks(names: t.Iterable[str]) -> list[str]:
    everything = set(names)
    return sorted(name for name in everything if not _STACKED_DISK.match(name) and not _is_partition(name, everything))


def _is_partition(name: str, names: set[str]) -> bool:
    match = _PARTITION.fullmatch(name)
    return match is not None and (match["disk"] or match["plain"]) in names


def _real_links(names: t.Iterable[str]) -> list[str]:
    return sorted(name for name in names if not _VIRTUAL_LINK.match(name))


def cores_of(attributes: Mapping[str, t.Any] | None) -> float | int | None:
    """Return the number of cores noted in the attributes of a host entity, if it is known."""
    value, problem = check_number((attributes or {}).get("cores"))
    return None if problem else value
