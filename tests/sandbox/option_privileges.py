"""Which privilege each option of a guest needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .access import ROOT
from .errors import Forbidden, Refused
from .guest import LXC, VOLUME_OPTION, is_disk
from .properties import split_properties

if TYPE_CHECKING:
    from .api import Call

_LXC = {
    "cores": "CPU",
    "cpuunits": "CPU",
    "cpulimit": "CPU",
    "memory": "Memory",
    "swap": "Memory",
    "nameserver": "Network",
    "searchdomain": "Network",
    "hostname": "Network",
}
_QEMU_GROUPS = {
    "CPU": ("cores", "cpu", "cpulimit", "cpuunits", "numa", "smp", "sockets", "vcpus"),
    "Memory": ("memory", "balloon", "shares", "hugepages", "allow-ksm"),
    "HWType": (
        "acpi", "amd-sev", "arch", "audio0", "efidisk0", "hotplug", "intel-tdx", "kvm", "machine", "rng0", "scsihw", "smbios1",
        "tablet", "vga", "vmgenid", "watchdog",
    ),
    "Disk": ("boot", "bootdisk", "vmstatestorage", "tpmstate0"),
    "Cloudinit": ("cicustom", "cipassword", "citype", "ciuser", "ciupgrade", "nameserver", "searchdomain", "sshkeys"),
    "Options": (
        "agent", "autostart", "bios", "description", "freeze", "keyboard", "localtime", "migrate_downtime", "migrate_speed", "name",
        "onboot", "ostype", "protection", "reboot",
        "startdate", "startup", "spice_enhancements", "tags", "tdf", "template",
    ),
    "CDROM": ("cdrom",),
}  # fmt: skip
_QEMU = {option: group for group, options in _QEMU_GROUPS.items() for option in options}
_INDEXED = re.compile(r"([a-z]+)\d+")
# Options that the API takes beside the configuration itself.
_NONE = ("archive", "bwlimit", "force", "import-working-storage", "live-restore", "pool", "start", "storage", "unique", "ha-managed")


def check_lxc(call: Call, given: Iterable[str], old: dict[str, str] | None, *, unprivileged: bool, delete: bool = False) -> None:
    """:raises Forbidden: an option that the caller may not set (or delete)"""
    if call.who == ROOT:
        return
    for option in given:
        if option == "features":
            _features(call, old, unprivileged=unprivileged, delete=delete)
        elif option == "hookscript":
            raise Forbidden("changing the hookscript is only allowed for root@pam")
        elif re.fullmatch(r"dev\d+", option):
            raise Forbidden("configuring device passthrough is only allowed for root@pam")
        elif re.fullmatch(r"unused\d+", option):
            call.need(f"/vms/{call.vmid}", "VM.Config.Disk")
        elif is_disk(LXC, option):
            call.need(f"/vms/{call.vmid}", "VM.Config.Disk")
            if not delete:
                check_path(call, option)
        else:
            group = "Network" if re.fullmatch(r"net\d+", option) else _LXC.get(option, "Options")
            call.need(f"/vms/{call.vmid}", f"VM.Config.{group}")


def check_path(call: Call, option: str) -> None:
    """:raises Forbidden, Refused: a mount point that is no volume of a storage"""
    volume = split_properties(call.get(option), "volume").get("volume", "")
    if volume.startswith("/"):
        kind = "device" if volume.startswith("/dev/") else "bind"
        raise Forbidden(f"mount point type {kind} is only allowed for root@pam")
    if not VOLUME_OPTION.fullmatch(volume):
        raise Refused("Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 573.")


def _features(call: Call, old: dict[str, str] | None, *, unprivileged: bool, delete: bool) -> None:
    if not unprivileged:
        raise Forbidden("changing feature flags for privileged container is only allowed for root@pam")
    before = split_properties((old or {}).get("features", ""))
    after = {} if delete else split_properties(call.get("features"))
    changed = {key for key in before.keys() | after.keys() if before.get(key, "") != after.get(key, "")}
    if changed - {"nesting"}:
        raise Forbidden("changing feature flags (except nesting) is only allowed for root@pam")
    if changed:
        call.need(f"/vms/{call.vmid}", "VM.Allocate")


def check_qemu(call: Call, given: Iterable[str], pool: str | None = None) -> None:
    """:raises Forbidden, Refused: an option that the caller may not set (or delete)"""
    if call.who == ROOT:
        return
    for option in given:
        if option in _NONE:
            continue
        match = _INDEXED.fullmatch(option)
        stem = match[1] if match else option
        if is_disk("qemu", option) or stem == "unused":
            cdrom = split_properties(call.get(option), "file").get("media") == "cdrom" or option == "ide2"
            group = "CDROM" if cdrom else "Disk"
        elif stem in ("net", "ipconfig"):
            group = "Network"
        elif (stem == "serial" and call.get(option, "socket") == "socket") or (
            stem == "usb" and "spice" in call.get(option, "spice").lower()
        ):
            group = "HWType"
        elif option in _QEMU:
            group = _QEMU[option]
        else:
            raise Refused(f"only root can set '{option}' config")
        _vm_need(call, f"VM.Config.{group}", pool)


def _vm_need(call: Call, privilege: str, pool: str | None) -> None:
    if pool is None or not call.may(f"/pool/{pool}", privilege):
        call.need(f"/vms/{call.vmid}", privilege)
