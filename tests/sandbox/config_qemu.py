"""Changes of a VM's configuration: what a running VM takes at once (hotplug), what waits for its restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import change as changes
from . import option_privileges
from .change import Change
from .config_lxc import locked
from .errors import BadParameters, Refused
from .formats import split_list
from .guest import QEMU, Guest, is_disk
from .properties import split_properties

if TYPE_CHECKING:
    from .api import Call
    from .world import World

_FAST = (
    "lock",
    "name",
    "onboot",
    "shares",
    "startup",
    "description",
    "protection",
    "vmstatestorage",
    "hookscript",
    "tags",
    "template",
    "cpuunits",
    "cpulimit",
)
CHECKSUM = "checksum mismatch (file change by other user?)"
_DEFAULT_HOTPLUG = "network,disk,usb"


def judge(call: Call) -> tuple[Guest, Change]:
    """All checks of a change, which the synchronous and the task variant make at once."""
    call.only_root("skiplock")
    change = Change.of(call)
    change.conflicts(call)
    option_privileges.check_qemu(call, [*change.values, *change.delete, *change.revert])
    changes.need_space(call, {name: value for name, value in change.values.items() if is_disk(QEMU, name)})
    guest = call.guest(QEMU)
    if call.has("digest") and call.get("digest") != guest.digest:
        raise Refused(CHECKSUM)
    if not call.flag("skiplock"):
        locked(guest)
    _boot(guest, change)
    _balloon(guest, change.values)
    changes.write(call, guest)
    return guest, change


def _order(boot: str) -> list[str]:
    return [name for name in split_properties(boot, "legacy").get("order", "").split(";") if name]


def _boot(guest: Guest, change: Change) -> None:
    for name in _order(change.values.get("boot", "")):
        there = name in guest.config or name in guest.pending or name in change.values
        if not there or name in change.delete:
            raise Refused(f"invalid bootorder: device '{name}' does not exist'")


def _unboot(guest: Guest, change: Change) -> None:
    """A device that is deleted leaves the boot order."""
    order = _order(guest.pending.get("boot") or guest.config.get("boot", ""))
    rest = [name for name in order if name not in change.delete]
    if rest == order or "boot" in change.values or "boot" in change.delete:
        return
    if rest:
        change.values["boot"] = f"order={';'.join(rest)}"
    else:
        change.delete.append("boot")


def _balloon(guest: Guest, values: dict[str, str]) -> None:
    if not values.keys() & {"memory", "balloon"}:
        return
    memory = values.get("memory") or guest.pending.get("memory") or guest.config.get("memory", "512")
    balloon = int(values.get("balloon") or guest.pending.get("balloon") or guest.config.get("balloon") or 0)
    if balloon > int(split_properties(memory, "current")["current"]):
        raise Refused("balloon value too large (must be smaller than assigned memory)")


def apply(world: World, guest: Guest, change: Change) -> None:
    """Carry out a change.

    :raises BadParameters: what could not be plugged, per option; it stays pending
    """
    _unboot(guest, change)
    values = {name: changes.stored(world, guest, name, value) for name, value in change.values.items()}
    for name in (*change.revert, *change.delete, *values):
        guest.pending.pop(name, None)
        if name in guest.pending_delete:
            guest.pending_delete.remove(name)
    guest.pending |= {name: value for name, value in values.items() if guest.config.get(name) != value}
    guest.pending_delete += [name for name in change.delete if name in guest.config]
    if guest.running:
        errors = _plug(world, guest)
        world.note(guest)
        if errors:
            raise BadParameters.of(errors)
    else:
        apply_pending(world, guest)


def apply_pending(world: World, guest: Guest) -> None:
    """A VM that does not run takes everything."""
    for name in guest.pending_delete:
        changes.let_go(world, guest, name)
    guest.config |= guest.pending
    guest.pending, guest.pending_delete = {}, []
    world.note(guest)


def _plug(world: World, guest: Guest) -> dict[str, str]:
    errors: dict[str, str] = {}
    features = hotplug_features(guest)
    for name in list(guest.pending_delete):
        if _unpluggable(guest, name, features):
            guest.pending_delete.remove(name)
            changes.let_go(world, guest, name)
    for name, value in list(guest.pending.items()):
        try:
            plugged = _pluggable(guest, name, value, features)
        except Refused as error:
            errors[name] = f"hotplug problem - {error.message}"
            continue
        if plugged:
            guest.config[name] = guest.pending.pop(name)
    return errors


def hotplug_features(guest: Guest) -> set[str]:
    """What the ``hotplug`` in force allows."""
    text = guest.config.get("hotplug", _DEFAULT_HOTPLUG)
    return set(split_list({"0": "", "1": _DEFAULT_HOTPLUG}.get(text, text)))


def _pluggable(guest: Guest, name: str, value: str, features: set[str]) -> bool:
    """Whether a running VM takes a value now.

    :raises Refused: it should, but cannot
    """
    if name in _FAST:
        return True
    if name == "hotplug":
        return not any(word in text for word in ("cpu", "memory") for text in (value, guest.config.get("hotplug", "")))
    if name == "balloon":
        return (guest.config.get("balloon") != "0") == (value != "0")
    if name == "vcpus":
        if "cpu" not in features:
            return False
        if int(value) > guest.vcpus:
            raise Refused(f"you can't add more vcpus than maxcpus ({value} > {guest.vcpus})")
        return True
    if name == "memory":
        return _memory(guest, features)
    if name == "tablet":
        return "usb" in features
    if name.startswith(("net", "usb")) and name[3:].isdigit():
        return ("network" if name.startswith("net") else "usb") in features
    if is_disk(QEMU, name):
        return _drive(guest, name, value, features)
    return False


def _memory(guest: Guest, features: set[str]) -> bool:
    if "memory" not in features:
        return False
    if guest.config.get("numa") != "1":
        raise Refused("memory hotplug requires NUMA to be enabled")
    return True


def _drive(guest: Guest, name: str, value: str, features: set[str]) -> bool:
    if split_properties(value, "file").get("media") == "cdrom" and name in guest.config:
        return True  # another medium
    return "disk" in features and (name.startswith(("scsi", "virtio")) or name in guest.config)


def _unpluggable(guest: Guest, name: str, features: set[str]) -> bool:
    if name in _FAST or name.startswith("unused"):
        return True
    if name == "balloon":
        return guest.config.get("balloon") != "0"
    if name == "hotplug":
        return not any(word in guest.config.get("hotplug", "") for word in ("cpu", "memory"))
    if name == "vcpus":
        return "cpu" in features
    if name.startswith(("net", "usb")) and name[3:].isdigit():
        return ("network" if name.startswith("net") else "usb") in features
    return is_disk(QEMU, name) and "disk" in features and name.startswith(("scsi", "virtio"))
