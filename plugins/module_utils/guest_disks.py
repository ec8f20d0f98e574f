# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which volumes are disks of containers and virtual machines: told by names, by configurations, and by running QEMUs."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.lxc_containers import DEFAULT_PATH, configured_path
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

# Names that storage managers give: Proxmox VE, LXD and Incus, OpenStack Cinder, Ganeti.
NAMES = re.compile(
    r"(vm|base)-\d+-(disk-\d+(\.qcow2)?|cloudinit|fleece-\d+|state-.+)$|subvol-\d+-disk-\d+$|snap_vm-\d+-.+|"
    r"(containers|virtual-machines)_.+|volume-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.disk\d+$"
)
THIN_POOLS = {"LXDThinPool", "IncusThinPool"}

# Directories and names of files that say which devices are given to guests.
CONFIGURATIONS = [
    ("/etc/pve/lxc", ".conf"),
    ("/etc/pve/qemu-server", ".conf"),
    ("/etc/libvirt/qemu", ".xml"),
    ("/etc/libvirt/lxc", ".xml"),
    ("/etc/xen", ".cfg"),
]
DEVICE = re.compile(r"/dev/[\w./+-]+")


class GuestDisks(t.NamedTuple):
    """Device paths given to guests, numbers of devices that a QEMU holds open, thin pools (group, pool) made for guests."""

    paths: set[str]
    numbers: set[str]
    thin_pools: set[tuple[str, str]]

    def holds(self, vg: str, name: str, pool: str | None, paths: tuple[str, ...], number: str | None) -> bool:
        """Whether a volume is a guest's disk."""
        return (
            NAMES.match(name) is not None
            or (pool is not None and (pool in THIN_POOLS or (vg, pool) in self.thin_pools))
            or any(path in self.paths for path in paths)
            or number in self.numbers
        )


def find_guest_disks(files: TargetFiles) -> GuestDisks:
    """Look for guests on this host; what cannot be read is passed over."""
    paths: set[str] = set()
    for directory, suffix in CONFIGURATIONS:
        for name in files.names(directory):
            if name.endswith(suffix):
                paths.update(_devices(files.lines(f"{directory}/{name}")))
    for directory in sorted({DEFAULT_PATH, configured_path(files)}):
        for name in files.names(directory):
            paths.update(_devices(files.lines(f"{directory}/{name}/config")))
    held = _held_by_qemu(files)
    numbers = set()
    for device in held:
        number = _number(files, device)
        if number is None:
            paths.add(device)
        else:
            numbers.add(number)
    return GuestDisks(paths, numbers, _proxmox_thin_pools(files))


def _devices(lines: list[str]) -> list[str]:
    return [device for line in lines if not line.lstrip().startswith("#") for device in DEVICE.findall(line)]


def _held_by_qemu(files: TargetFiles) -> list[str]:
    """Block devices that running QEMU processes hold open."""
    held = []
    for process in files.names("/proc"):
        if not process.isdecimal() or not (files.text(f"/proc/{process}/comm") or "").startswith(("qemu", "kvm")):
            continue
        for descriptor in files.names(f"/proc/{process}/fd"):
            target = files.link(f"/proc/{process}/fd/{descriptor}") or ""
            if target.startswith(("/dev/dm-", "/dev/mapper/")):
                held.append(target)
    return held


def _number(files: TargetFiles, device: str) -> str | None:
    if not device.startswith("/dev/dm-"):
        return None
    return (files.text(f"/sys/class/block/{device[5:]}/dev") or "").strip() or None


def _proxmox_thin_pools(files: TargetFiles) -> set[tuple[str, str]]:
    """Thin pools that are a storage of Proxmox VE (storage.cfg: a head line per storage, indented options below it)."""
    pools = set()
    options: dict[str, str] = {}
    for line in [*files.lines("/etc/pve/storage.cfg"), "end:"]:
        if line[:1] in (" ", "\t"):
            key, _space, value = line.strip().partition(" ")
            options[key] = value.strip()
        elif line.strip():
            if "thinpool" in options and "vgname" in options:
                pools.add((options["vgname"], options["thinpool"]))
            options = {}
    return pools
