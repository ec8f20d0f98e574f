"""What a running VM takes at once, and what waits for its restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import change as changes
from .errors import Refused
from .formats import split_list
from .guest import QEMU, Guest, is_disk, mebibytes
from .option_privileges_qemu import is_cloudinit
from .properties import split_properties

if TYPE_CHECKING:
    from .world import World

_FAST = (
    "description", "hookscript", "lock", "migrate_downtime", "migrate_speed", "name", "onboot", "protection", "shares", "startup", "tags",
    "vmstatestorage",
)  # fmt: skip
_DEFAULT = "network,disk,usb"
LEAST_MEMORY = 1024  # MiB: what a VM with hotplug of memory is started with
# Parts of a drive and of a network device that change only with the device itself.
_DRIVE_FIXED = ("aio", "discard", "iothread", "queues", "product", "cache", "ssd", "vendor", "ro")
_NET_FIXED = ("queues", "mtu")


def plug(world: World, guest: Guest, selection: set[str]) -> dict[str, str]:
    """Put what waits in force as far as it can be, of the options that a call names; what went wrong, per option."""
    errors: dict[str, str] = {}
    for name in [name for name in guest.pending if name in _FAST or is_cloudinit(name)]:
        guest.config[name] = guest.pending.pop(name)
    features = features_of(guest)
    for name in sorted(selection & set(guest.pending_delete)):
        if _unpluggable(guest, name, features):
            guest.pending_delete.remove(name)
            changes.let_go(world, guest, name)
    for name in [name for name in guest.pending if name in selection]:
        value = guest.pending[name]
        try:
            plugged = _pluggable(guest, name, value, features)
        except Refused as error:
            errors[name] = f"hotplug problem - {error.message}"
            continue
        if plugged:
            waited = guest.pending.pop(name)
            guest.config[name] = str(mebibytes(waited)) if name == "memory" else waited
    return errors


def features_of(guest: Guest) -> set[str]:
    """What the ``hotplug`` in force allows."""
    text = guest.config.get("hotplug", _DEFAULT)
    return set(split_list({"0": "", "1": _DEFAULT}.get(text, text)))


def _pluggable(guest: Guest, name: str, value: str, features: set[str]) -> bool:
    """Whether a running VM takes a value now.

    :raises Refused: it should, but cannot
    """
    if name in ("cpulimit", "cpuunits"):
        return True
    if name == "hotplug":
        return not any(word in text for word in ("cpu", "memory") for text in (value, guest.config.get("hotplug", "")))
    if name == "balloon":
        return (guest.config.get("balloon") != "0") == (value != "0")
    if name == "vcpus":
        if "cpu" in features and int(value) > guest.vcpus:
            raise Refused("you can't add more vcpus than maxcpus")
        return "cpu" in features
    if name == "memory":
        if "memory" in features and mebibytes(value) < LEAST_MEMORY:
            raise Refused(f"memory can't be lower than {LEAST_MEMORY} MB at /usr/share/perl5/PVE/QemuServer/Memory.pm line 218.")
        return "memory" in features
    if name == "agent":
        return _agent(guest.config.get("agent"), value)
    if name == "tablet":
        return "usb" in features
    if name.startswith("usb") and name[3:].isdigit():
        return "usb" in features
    if name.startswith("net") and name[3:].isdigit():
        return "network" in features or _same_device(guest.config.get(name), value)
    return is_disk(QEMU, name) and _drive(guest, name, value, "disk" in features)


def _agent(before: str | None, value: str) -> bool:
    """Only what concerns cloned disks changes without a restart."""
    if before is None:
        return False
    old, new = (split_properties(text, "enabled") for text in (before, value))
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)} <= {"fstrim_cloned_disks"}


def _same_device(before: str | None, value: str) -> bool:
    """Another bridge, rate or VLAN is no other device."""
    if before is None:
        return False
    old, new = (split_properties(text) for text in (before, value))
    device = [(name, address) for parts in (old, new) for name, address in parts.items() if address.count(":") == 5]
    fixed = all(old.get(key) == new.get(key) for key in _NET_FIXED)
    return len(set(device)) == 1 and fixed and "bridge" in old and "bridge" in new


def _drive(guest: Guest, name: str, value: str, hot: bool) -> bool:
    if name.startswith(("efidisk", "tpmstate")):
        return False
    new = split_properties(value, "file")
    if name in guest.config:
        old = split_properties(guest.config[name], "file")
        if old.get("media", "disk") != new.get("media", "disk"):
            raise Refused("unable to change media type")
        if old.get("media") == "cdrom":
            return True  # another medium
        if old.get("file") == new.get("file"):
            return all(old.get(key) == new.get(key) for key in _DRIVE_FIXED)
    return hot and name.startswith(("scsi", "virtio"))


def _unpluggable(guest: Guest, name: str, features: set[str]) -> bool:
    if name in _FAST or is_cloudinit(name) or name.startswith("unused") or name in ("cpulimit", "cpuunits"):
        return True
    if name == "balloon":
        return guest.config.get("balloon") != "0"
    if name == "hotplug":
        return not any(word in guest.config.get("hotplug", "") for word in ("cpu", "memory"))
    for option, feature in (("vcpus", "cpu"), ("memory", "memory"), ("tablet", "usb")):
        if name == option:
            return feature in features
    if name.startswith(("net", "usb")) and name[3:].isdigit():
        return ("network" if name.startswith("net") else "usb") in features
    return is_disk(QEMU, name) and "disk" in features and name.startswith(("scsi", "virtio"))
