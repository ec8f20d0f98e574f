"""Changes of a container's configuration: at once, or pending while it runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import change as changes
from . import option_privileges, physics
from .change import Change
from .errors import BadParameters, Refused
from .guest import LXC, Guest, is_disk
from .properties import split_properties

if TYPE_CHECKING:
    from .api import Call
    from .world import World

REQUIRED = ("memory", "rootfs", "ostype")
READ_ONLY = ("unprivileged",)
_LIVE = (
    "cores",
    "cpulimit",
    "cpuunits",
    "memory",
    "swap",
    "tags",
    "hostname",
    "description",
    "onboot",
    "startup",
    "protection",
    "hookscript",
    "lock",
)
MODIFIED = "detected modified configuration - file changed by other user? Try again."


def _live(guest: Guest, option: str, *, delete: bool = False) -> bool:
    """Whether a running container takes the change at once."""
    if delete:
        return re.fullmatch(r"net\d|unused\d+", option) is not None or (option in _LIVE and option != "memory")
    if re.fullmatch(r"mp\d+|dev\d+", option):
        return option not in guest.config
    return re.fullmatch(r"net\d+", option) is not None or option in _LIVE


def locked(guest: Guest) -> None:
    """:raises Refused: the guest is locked"""
    if guest.lock:
        raise Refused(f"{guest.word} is locked ({guest.lock})")


def update(call: Call) -> None:
    """PUT of a configuration."""
    change = Change.of(call)
    if not (change.values or call.has("delete") or call.has("revert")):
        raise Refused("no options specified")
    guest = call.guest(LXC)
    locked(guest)
    if call.get("digest") not in ("", guest.digest):
        raise Refused(MODIFIED)
    unprivileged = guest.config.get("unprivileged") == "1"
    for gone in (change.delete, change.revert):
        option_privileges.check_lxc(call, gone, guest.config, unprivileged=unprivileged, delete=True)
    _conflicts(call, change)
    option_privileges.check_lxc(call, change.values, guest.config, unprivileged=unprivileged)
    changes.need_space(call, {name: value for name, value in change.values.items() if is_disk(LXC, name)})
    _allowed(call, guest, change)
    changes.write(call, guest)
    apply(call.world, guest, change)


def _conflicts(call: Call, change: Change) -> None:
    """:raises BadParameters: one option in two roles, or one that does not exist"""
    for name in change.revert:
        if not changes.known(call, LXC, name):
            raise BadParameters(revert=f"unknown option '{name}'")
        if name in change.values:
            raise BadParameters(revert=f"you can't use '-{name}' and '-revert {name}' at the same time")
    for name in change.delete:
        if not changes.known(call, LXC, name):
            raise BadParameters(delete=f"unknown option '{name}'")
        if name in change.values:
            raise BadParameters(delete=f"you can't use '-{name}' and -delete {name}' at the same time")
        if name in change.revert:
            raise BadParameters(delete=f"you can't use '-delete {name}' and '-revert {name}' at the same time")


def _allowed(call: Call, guest: Guest, change: Change) -> None:
    """:raises Refused: options that stay as they are"""
    protected = guest.config.get("protection") == "1"
    for name in change.delete:
        if name not in guest.config and name not in guest.pending:
            continue
        if name in REQUIRED:
            raise Refused(f"unable to delete required option '{name}'")
        if protected and re.fullmatch(r"(unused|mp)\d+", name):
            raise Refused(f"can't remove CT {guest.vmid} drive '{name}' - protection mode enabled")
        if name in READ_ONLY:
            raise Refused(f"unable to delete read-only option: '{name}'")
    for name in sorted(change.values):
        if is_disk(LXC, name):
            if protected:
                raise Refused(f"can't update CT {guest.vmid} drive '{name}' - protection mode enabled")
            _holds_containers(call, change.values[name])
        elif name in READ_ONLY:
            raise Refused(f"unable to modify read-only option: '{name}'")


def _holds_containers(call: Call, value: str) -> None:
    """:raises Refused: a storage that takes no containers"""
    volume = split_properties(value, "volume").get("volume", "")
    if volume.startswith("/"):
        return
    storage = call.world.storage(volume.partition(":")[0])
    if "rootdir" not in storage.content:
        raise Refused(f"storage '{storage.id}' does not allow content type 'rootdir' (Container)")


def apply(world: World, guest: Guest, change: Change) -> None:
    """Carry out a change that was allowed. What waits already stays beside its own deletion."""
    values = {name: changes.stored(world, guest, name, value) for name, value in change.values.items()}
    for name in change.revert:
        guest.pending.pop(name, None)
    for name in (*change.revert, *values):
        if name in guest.pending_delete:
            guest.pending_delete.remove(name)
    for name in change.delete:
        if name not in guest.config:
            continue
        if guest.running and not _live(guest, name, delete=True):
            if name not in guest.pending_delete:
                guest.pending_delete.append(name)
        else:
            changes.let_go(world, guest, name)
    for name, value in values.items():
        guest.pending.pop(name, None)
        if guest.config.get(name) == value:
            continue
        if guest.running and not _live(guest, name):
            guest.pending[name] = value
        else:
            guest.config[name] = value
    changes.forget_empty(guest)
    world.note(guest)
    if guest.running and values.keys() & {"memory", "swap"}:
        physics.memory_changed(world, guest)


def apply_pending(world: World, guest: Guest) -> None:
    """What waited for a start is in force."""
    for name in guest.pending_delete:
        changes.let_go(world, guest, name)
    guest.config |= guest.pending
    guest.pending, guest.pending_delete = {}, []
    world.note(guest)
