"""Nodes that lose power, come back, or fall out of the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import lifecycle
from .scheduler import Work

if TYPE_CHECKING:
    from .guest import Guest
    from .model import Node
    from .world import World

BOOT_SECONDS = 20.0


def connect(world: World, node: Node, *, connected: bool) -> None:
    """A node leaves or joins the cluster's communication; its own API answers on."""
    if not connected:
        world.broadcast.refresh()
    node.connected = connected
    _seen(world, node)


def _seen(world: World, node: Node) -> None:
    node.down_since = None if node.in_cluster else world.now()
    if node.in_cluster and world.ha.active:
        world.ha.node_states[node.name] = "maintenance" if node.maintenance else "online"


def die(world: World, node: Node) -> None:
    """The power is gone: guests and tasks end without a word, locks stay."""
    if not node.alive:
        return
    world.broadcast.refresh()
    node.alive = False
    _seen(world, node)
    for task in world.tasks.running_on(node.name):
        world.tasks.kill(task)
    for guest in world.guests_on(node.name):
        if guest.running:
            world.set_running(guest, False)
    world.power_changed(node.name)


def live(world: World, node: Node) -> None:
    """The power is back: the node joins, and guests with ``onboot`` start."""
    if node.alive:
        return
    node.alive, node.booted_at = True, world.now()
    _seen(world, node)
    world.power_changed(node.name)
    for guest in world.guests_on(node.name):
        if guest.config.get("onboot") == "1" and not guest.lock and world.ha.managed(guest.sid) is None:
            _start(world, guest)


def _start(world: World, guest: Guest) -> None:
    prefix = "vz" if guest.kind == "lxc" else "qm"
    world.tasks.start(guest.node, f"{prefix}start", str(guest.vmid), "root@pam", lambda _: lifecycle.start(world, guest))


def cycle(world: World, node: Node, *, again: bool) -> Work:
    """Shut a node down, and boot it ``again``."""
    yield 1.0
    die(world, node)
    if again:
        yield BOOT_SECONDS
        live(world, node)
