"""Starting and stopping guests, as tasks do it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import config_lxc, config_qemu
from .config_lxc import locked
from .guest import LXC, Guest
from .physics import START_SECONDS, STOP_SECONDS
from .scheduler import Work
from .tasks import TaskError

if TYPE_CHECKING:
    from .world import World


@contextmanager
def holding(guest: Guest, lock: str) -> Iterator[None]:
    """A lock while a task works; a task that is killed leaves it behind."""
    guest.config["lock"] = lock
    killed = False
    try:
        yield
    except GeneratorExit:
        killed = True
        raise
    finally:
        if not killed:
            guest.config.pop("lock", None)


def start(world: World, guest: Guest, *, skiplock: bool = False) -> Work:
    """Start a guest; pending values are in force then."""
    if not skiplock and guest.lock != "suspended":
        locked(guest)
    if guest.template:
        raise TaskError("you can't start a CT if it's a template" if guest.kind == LXC else "you can't start a vm if it's a template")
    if guest.running:
        raise TaskError(f"{guest.word} {guest.vmid} already running")
    (config_lxc if guest.kind == LXC else config_qemu).apply_pending(world, guest)
    cpus = world.nodes[guest.node].cpus
    if guest.kind != LXC and guest.vcpus > cpus:
        raise TaskError(f"MAX {cpus} vcpus allowed per VM on this node")
    missing = next((parts["volume"] for parts in guest.disks.values() if world.volume(parts["volume"], guest.node) is None), None)
    if missing is not None:
        raise TaskError(f"volume '{missing}' does not exist")
    yield START_SECONDS[guest.kind]
    if guest.lock == "suspended":
        del guest.config["lock"]
    world.set_running(guest, True)


def stop(world: World, guest: Guest, *, skiplock: bool = False) -> Work:
    """Pull the plug; a VM that does not run is stopped already."""
    if not skiplock:
        locked(guest)
    if guest.running:
        yield STOP_SECONDS
        world.set_running(guest, False)
        if guest.kind != LXC:
            config_qemu.apply_pending(world, guest)


def shutdown(world: World, guest: Guest, timeout: float, *, force: bool = False) -> Work:
    """Ask it to end; one that does not within ``timeout`` seconds runs on, or is stopped with ``force``."""
    locked(guest)
    if not guest.running:
        return
    needed = guest.load.shutdown_seconds
    if needed > timeout:
        yield timeout
        if not force:
            raise TaskError("container did not stop" if guest.kind == LXC else "VM quit/powerdown failed - got timeout")
    else:
        yield needed
    world.set_running(guest, False)
    if guest.kind != LXC:
        config_qemu.apply_pending(world, guest)
