"""Changes of a container's configuration: at once, or pending while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import change as changes
from . import option_privileges, physics
from .change import Change
from .errors import Refused
from .guest import LXC, Guest, is_disk

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
    "template",
)
MODIFIED = "detected modified configuration - file changed by other user? Try again."


def live(option: str, *, delete: bool = False) -> bool:
    """Whether a running container takes the change at once."""
    if option.startswith(("net", "unused")) and option[-1].isdigit():
        return True
    return option in _LIVE or (option.startswith("mp") and not delete)


def locked(guest: Guest) -> None:
    """:raises Refused: the guest is locked"""
    if guest.lock:
        raise Refused(f"{guest.word} is locked ({guest.lock})")


def update(call: Call) -> None:
    """PUT of a configuration."""
    change = Change.of(call)
    guest = call.guest(LXC)
    locked(guest)
    if call.has("digest") and call.get("digest") != guest.digest:
        raise Refused(MODIFIED)
    unprivileged = guest.config.get("unprivileged") == "1"
    option_privileges.check_lxc(call, change.values, guest.config, unprivileged=unprivileged)
    option_privileges.check_lxc(call, change.delete, guest.config, unprivileged=unprivileged, delete=True)
    change.conflicts(call)
    changes.need_space(call, {name: value for name, value in change.values.items() if is_disk(LXC, name)})
    _allowed(change)
    changes.write(call, guest)
    apply(call.world, guest, change)


def _allowed(change: Change) -> None:
    for name in change.delete:
        if name in REQUIRED:
            raise Refused(f"unable to delete required option '{name}'")
        if name in READ_ONLY:
            raise Refused(f"unable to delete read-only option: '{name}'")
    for name in change.values:
        if name in READ_ONLY:
            raise Refused(f"unable to modify read-only option: '{name}'")


def apply(world: World, guest: Guest, change: Change) -> None:
    """Carry out a change that was allowed."""
    values = {name: changes.stored(world, guest, name, value) for name, value in change.values.items()}
    for name in (*change.revert, *change.delete, *values):
        guest.pending.pop(name, None)
        if name in guest.pending_delete:
            guest.pending_delete.remove(name)
    for name in change.delete:
        if guest.running and not live(name, delete=True):
            if name in guest.config:
                guest.pending_delete.append(name)
        else:
            changes.let_go(world, guest, name)
    for name, value in values.items():
        if guest.config.get(name) == value:
            continue
        if guest.running and not live(name):
            guest.pending[name] = value
        else:
            guest.config[name] = value
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
