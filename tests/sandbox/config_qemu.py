"""Changes of a VM's configuration: the checks at once, those with the values at hand, and what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import change as changes
from . import hotplug, option_privileges, option_privileges_qemu
from .change import Change
from .config_lxc import locked
from .errors import BadParameters, Refused
from .guest import QEMU, Guest, is_disk, mebibytes
from .properties import split_properties

if TYPE_CHECKING:
    from .api import Call
    from .world import World

CHECKSUM = "checksum mismatch (file change by other user?)"


def judge(call: Call) -> tuple[Guest, Change]:
    """The checks that the synchronous and the task variant make at once."""
    call.only_root("skiplock")
    change = Change.of(call)
    if not (change.values or call.get("delete") or call.get("revert")):
        raise Refused("no options specified")
    if "cdrom" in change.values:
        change.values["ide2"] = change.values.pop("cdrom")
    change.delete = ["ide2" if name == "cdrom" else name for name in change.delete]
    _conflicts(call, change)
    option_privileges_qemu.check_early(call, change.delete)
    option_privileges_qemu.check_early(call, change.values)
    _storages(call, change)
    for name, value in change.values.items():
        if name.startswith("net") and name[3:].isdigit():
            option_privileges.check_bridge(call, value)
    guest = call.guest(QEMU)
    _again(call, guest)
    _balloon(guest, change)
    return guest, change


def _conflicts(call: Call, change: Change) -> None:
    """:raises BadParameters: one option in two roles, or one that does not exist"""
    for name in change.revert:
        if not changes.known(call, QEMU, name):
            raise BadParameters(revert=f"unknown option '{name}'")
        if name in change.values:
            raise BadParameters(delete=f"you can't use '-{name}' and -revert {name}' at the same time")
    for name in change.delete:
        if name in change.values:
            raise BadParameters(delete=f"you can't use '-{name}' and -delete {name}' at the same time")
        if name in change.revert:
            raise BadParameters(revert=f"you can't use '-delete {name}' and -revert {name}' at the same time")
        if not changes.known(call, QEMU, name):
            raise BadParameters(delete=f"unknown option '{name}'")


def _storages(call: Call, change: Change) -> None:
    """:raises BadParameters, Forbidden: new volumes on a storage that takes no images, or that the caller may not use"""
    for name, value in change.values.items():
        wanted = changes.new_volume(value) if is_disk(QEMU, name) else None
        if wanted is not None:
            changes.need_space(call, {name: value})
            if "images" not in call.world.storage(wanted[1]).content:
                raise BadParameters(storage=f"storage '{wanted[1]}' does not support vm images")
    if "vmstatestorage" in change.values:
        call.need(f"/storage/{change.values['vmstatestorage']}", "Datastore.AllocateSpace")


def _again(call: Call, guest: Guest) -> None:
    """:raises Refused: the configuration is another one, or locked"""
    if call.get("digest") not in ("", guest.digest):
        raise Refused(CHECKSUM)
    if not call.flag("skiplock"):
        locked(guest)


def _balloon(guest: Guest, change: Change) -> None:
    values = {name: guest.config[name] for name in change.revert if name in guest.config} | change.values
    if not values.keys() & {"memory", "balloon"}:
        return
    memory = values.get("memory") or guest.pending.get("memory") or guest.config.get("memory", "512")
    balloon = int(values.get("balloon") or guest.pending.get("balloon") or guest.config.get("balloon") or 0)
    if balloon > mebibytes(memory):
        raise Refused("balloon value too large (must be smaller than assigned memory)")


def update(call: Call, guest: Guest, change: Change) -> None:
    """Carry out a change that was judged.

    :raises ApiError: values that the caller may not touch, or what could not be plugged, per option; that stays pending
    """
    _again(call, guest)
    _allowed(call, guest, change)
    changes.write(call, guest)
    _apply(call.world, guest, change)


def _allowed(call: Call, guest: Guest, change: Change) -> None:
    """:raises Forbidden, Refused: old and new values that the caller may not touch"""
    stored = guest.config | guest.pending
    for name in change.delete:
        if name not in stored:
            continue
        value = guest.config.get(name, stored[name])
        if guest.config.get("protection") == "1":
            if name.startswith("unused"):
                raise Refused(f"can't remove unused disk '{value.partition(',')[0]}' - protection mode enabled")
            if is_disk(QEMU, name):
                raise Refused(f"can't remove drive '{name}' - protection mode enabled")
        option_privileges_qemu.check_late(call, name, value, verb="delete")
        if name.startswith("net") and name[3:].isdigit():
            option_privileges.check_bridge(call, guest.config.get(name))
        elif name == "tags":
            option_privileges.check_tags(call, value, "")
    for name, value in change.values.items():
        for one in (guest.config.get(name), value):
            if one is not None:
                option_privileges_qemu.check_late(call, name, one, verb="modify")
        if name.startswith("net") and name[3:].isdigit():
            option_privileges.check_bridge(call, guest.config.get(name))
        elif name == "tags":
            option_privileges.check_tags(call, guest.config.get("tags", ""), value)
    _boot(guest, change)


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


def _apply(world: World, guest: Guest, change: Change) -> None:
    """:raises BadParameters: what could not be plugged"""
    _unboot(guest, change)
    values = {name: changes.stored(world, guest, name, value) for name, value in change.values.items()}
    for name in (*change.revert, *change.delete, *values):
        guest.pending.pop(name, None)
        if name in guest.pending_delete:
            guest.pending_delete.remove(name)
    guest.pending |= {name: value for name, value in values.items() if guest.config.get(name) != value}
    guest.pending_delete += [name for name in change.delete if name in guest.config]
    if guest.running:
        errors = hotplug.plug(world, guest, {*change.revert, *change.delete, *values})
        changes.forget_empty(guest)
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
    changes.forget_empty(guest)
    world.note(guest)
