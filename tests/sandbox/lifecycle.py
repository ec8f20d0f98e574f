"""Starting and stopping guests, as tasks do it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import config_lxc, config_qemu, hotplug
from .config_lxc import locked
from .guest import LXC, MIB, QEMU, Guest
from .physics import START_SECONDS, STOP_SECONDS
from .scheduler import Work
from .tasks import TaskError

if TYPE_CHECKING:
    from .world import World


# The lock that does not keep a guest from being started (and a container from being stopped).
_PASSING = {LXC: "mounted", QEMU: "suspended"}


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
    if guest.template:
        raise TaskError("you can't start a CT if it's a template" if guest.kind == LXC else "you can't start a vm if it's a template")
    if not skiplock and guest.lock != _PASSING[guest.kind]:
        locked(guest)
    if guest.running:
        raise TaskError(f"{guest.word} {guest.vmid} already running")
    (config_lxc if guest.kind == LXC else config_qemu).apply_pending(world, guest)
    if guest.kind == QEMU:
        _fits(world, guest)
    missing = next((parts["volume"] for parts in guest.disks.values() if world.volume(parts["volume"], guest.node) is None), None)
    if missing is not None:
        raise TaskError(f"volume '{missing}' does not exist")
    yield START_SECONDS[guest.kind]
    if guest.lock == "suspended":
        del guest.config["lock"]
    world.set_running(guest, True)


def _fits(world: World, guest: Guest) -> None:
    """:raises TaskError: a VM that its node, or QEMU, does not take"""
    cpus = world.nodes[guest.node].cpus
    if guest.vcpus > cpus:
        raise TaskError(f"MAX {cpus} vcpus allowed per VM on this node")
    if "memory" not in hotplug.features_of(guest):
        return
    if guest.config.get("numa") != "1":
        raise TaskError("NUMA needs to be enabled for memory hotplug")
    if guest.memory < hotplug.LEAST_MEMORY * MIB:
        raise TaskError(f"minimum memory must be {hotplug.LEAST_MEMORY}MB")


def stop(world: World, guest: Guest, *, skiplock: bool = False) -> Work:
    """Pull the plug; a VM that does not run is stopped already, whatever locks it."""
    if guest.kind == QEMU and not guest.running:
        return
    if not skiplock and not (guest.kind == LXC and guest.lock == _PASSING[LXC]):
        locked(guest)
    if guest.running:
        yield STOP_SECONDS
        world.set_running(guest, False)
        if guest.kind != LXC:
            config_qemu.apply_pending(world, guest)


def shutdown(world: World, guest: Guest, timeout: float, *, force: bool = False, skiplock: bool = False) -> Work:
    """Ask it to end; one that does not within ``timeout`` seconds runs on, or is stopped with ``force``."""
    if guest.kind == QEMU and not guest.running:
        return
    if not skiplock:
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
