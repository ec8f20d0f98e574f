# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counters of disks and network interfaces."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

SECTOR = 512  # of /proc/diskstats, whatever the disk's own sector is

# Ends of cables into guests, and what stands between them and a bridge: their traffic is counted on the bridge or the wire as well.
GUEST_PORT = re.compile(r"(veth|tap|vnet|fwbr|fwln|fwpr|lxdbr|docker)|lo$")


def read_disks(files: TargetFiles) -> dict[str, dict[str, t.Any]]:
    """Counters of every physical disk since boot; what stands on disks (partitions, device-mapper, loops) would count twice."""
    disks = {}
    has_sysfs = files.is_directory("/sys/class/block")
    for line in files.lines("/proc/diskstats"):
        fields = line.split()
        if len(fields) < 14 or (has_sysfs and not files.exists(f"/sys/class/block/{fields[2]}/device")):
            continue
        disks[fields[2]] = {
            "read_ops": int(fields[3]),
            "read_bytes": int(fields[5]) * SECTOR,
            "write_ops": int(fields[7]),
            "write_bytes": int(fields[9]) * SECTOR,
            "busy_seconds": int(fields[12]) / 1000,
        }
    return disks


def read_interfaces(files: TargetFiles, path: str = "/proc/net/dev") -> dict[str, dict[str, int]]:
    """Counters of all network interfaces of the network namespace whose C(net/dev) this is."""
    interfaces = {}
    for line in files.lines(path):
        name, colon, counters = line.partition(":")
        fields = counters.split()
        if colon and len(fields) >= 16:
            interfaces[name.strip()] = {
                "rx_bytes": int(fields[0]),
                "rx_packets": int(fields[1]),
                "tx_bytes": int(fields[8]),
                "tx_packets": int(fields[9]),
                "errors": int(fields[2]) + int(fields[10]),
            }
    return interfaces


def without_guest_ports(interfaces: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Interfaces whose traffic is the host's own."""
    return {name: counters for name, counters in interfaces.items() if not GUEST_PORT.match(name)}
