"""Which privilege each option of a VM needs. What depends on a value is judged late, when the configuration was read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .access import ROOT
from .errors import BadParameters, Refused
from .guest import QEMU, is_disk
from .option_privileges import check_bridge, check_tags
from .properties import split_properties

if TYPE_CHECKING:
    from .api import Call

_GROUPS = {
    "CPU": ("cores", "cpu", "runningcpu", "cpulimit", "cpuunits", "numa", "smp", "sockets", "vcpus"),
    "Memory": ("memory", "balloon", "shares", "allow-ksm"),
    "HWType": (
        "acpi", "hotplug", "kvm", "machine", "runningmachine", "scsihw", "smbios1", "tablet", "vga", "watchdog", "audio0", "rng0",
    ),
    "Options": (
        "agent", "autostart", "bios", "description", "keyboard", "localtime", "migrate_downtime", "migrate_speed", "name", "onboot",
        "ostype", "protection", "reboot", "startdate", "startup", "tdf", "template",
    ),
    "Disk": ("boot", "bootdisk", "vmstatestorage"),
}  # fmt: skip
_GROUP_OF = {option: group for group, options in _GROUPS.items() for option in options}
CLOUDINIT = ("cicustom", "cipassword", "citype", "ciuser", "ciupgrade", "nameserver", "searchdomain", "sshkeys")
_LATE = re.compile(r"(unused|serial|usb|hostpci|virtiofs)\d+")


def is_cloudinit(option: str) -> bool:
    """Whether an option goes into the cloud-init drive."""
    return option in CLOUDINIT or bool(re.fullmatch(r"ipconfig\d+", option))


def check_early(call: Call, given: Iterable[str], pool: str | None = None) -> None:
    """:raises Forbidden, Refused: an option that the caller may not change, whatever its value"""
    if call.who == ROOT:
        return
    for option in given:
        if is_disk(QEMU, option) or _LATE.fullmatch(option) or option in ("cdrom", "tags"):
            continue
        if option == "freeze":
            _need(call, pool, "VM.PowerMgmt")
        elif re.fullmatch(r"numa\d+", option):
            _need(call, pool, "VM.Config.CPU")
        elif re.fullmatch(r"net\d+", option):
            _need(call, pool, "VM.Config.Network")
        elif is_cloudinit(option):
            _need(call, pool, "VM.Config.Cloudinit", "VM.Config.Network", some=True)
        elif option == "vmstate":
            _need(call, pool, "VM.Config.Disk", "VM.PowerMgmt")
        elif option in _GROUP_OF:
            _need(call, pool, f"VM.Config.{_GROUP_OF[option]}")
            if option == "startup":
                call.need("/", "Sys.Modify")
        else:
            raise Refused(f"only root can set '{option}' config")


def check_late(call: Call, option: str, value: str, pool: str | None = None, verb: str = "set") -> None:
    """:raises Forbidden, Refused: a value, old or new, that the caller may not touch"""
    if call.who == ROOT:
        return
    if is_disk(QEMU, option):
        drive = split_properties(value, "file")
        name = drive.get("file") or drive.get("volume", "")
        if "cloudinit" in name:
            _need(call, pool, "VM.Config.Cloudinit", "VM.Config.CDROM")
        else:
            _need(call, pool, "VM.Config.CDROM" if drive.get("media") == "cdrom" else "VM.Config.Disk")
        return
    match = _LATE.fullmatch(option)
    if match is None:
        return
    if match[1] == "unused":
        _need(call, pool, "VM.Config.Disk")
    elif match[1] == "serial":
        if value != "socket":
            raise Refused(f"only root can {verb} '{option}' config for real devices")
        _need(call, pool, "VM.Config.HWType")
    else:
        _device(call, option, match[1], split_properties(value, "dirid" if match[1] == "virtiofs" else "host"), pool)


def _device(call: Call, option: str, kind: str, parts: dict[str, str], pool: str | None) -> None:
    if kind == "virtiofs":
        _need(call, pool, "VM.Config.Disk")
        call.need(f"/mapping/dir/{parts.get('dirid', '')}", "Mapping.Use")
        return
    if kind == "usb":
        _need(call, pool, "VM.Config.HWType")
        if parts.get("host", "").lower() == "spice":
            return
    if "host" in parts:
        raise Refused(f"only root can set '{option}' config for {'real' if kind == 'usb' else 'non-mapped'} devices")
    if "mapping" not in parts:
        raise Refused("either 'host' or 'mapping' must be set.")
    call.need(f"/mapping/{'usb' if kind == 'usb' else 'pci'}/{parts['mapping']}", "Mapping.Use")
    if kind == "hostpci":
        _need(call, pool, "VM.Config.HWType")
        if "romfile" in parts:
            raise BadParameters.of({option: "only root@pam can set 'romfile' option"})


def check_values(call: Call, values: dict[str, str], pool: str | None = None) -> None:
    """What a new VM's options need besides.

    :raises Forbidden, Refused: values that the caller may not set
    """
    for option, value in values.items():
        check_late(call, option, value, pool)
        if re.fullmatch(r"net\d+", option):
            check_bridge(call, value)
    if "tags" in values:
        check_tags(call, "", values["tags"])


def _need(call: Call, pool: str | None, *privileges: str, some: bool = False) -> None:
    if pool is None or not call.may(f"/pool/{pool}", *privileges, some=some):
        call.need(f"/vms/{call.vmid}", *privileges, some=some)
