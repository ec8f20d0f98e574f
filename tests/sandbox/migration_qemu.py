"""Migration of a VM: offline, or live with the lines of the log in the real one's order and numbers from the physics."""

from __future__ import annotations

import re

from .errors import ApiError
from .guest import Guest
from .migration import KIB, Migration, Plan, reason_of
from .model import Volume
from .physics import DOWNTIME_MS, LiveMemory
from .properties import split_properties
from .scheduler import Work
from .tasks import Task, TaskError
from .units import render_bytes
from .world import World

_NO_LOCAL = "can't live migrate attached local disks without with-local-disks option"
_CONNTRACK = "conntrack state migration not supported or disabled, active connections might get dropped"


def migrate(world: World, guest: Guest, plan: Plan, task: Task) -> Work:
    """The work of a ``qmigrate`` task."""
    migration = Migration(world, guest, plan, task)
    live = guest.running and plan.online
    migration.unlocked()
    devices = [device for device in local_devices(guest) if "mapping=" not in guest.config[device]]
    if devices and (live or not plan.force):
        raise migration.aborted(f"can't migrate VM which uses local devices: {', '.join(devices)}")
    migration.lock()
    if live and not plan.conntrack:
        migration.say(_CONNTRACK)
    if live and "network" in split_properties(world.datacenter.get("migration", "")):
        migration.say(f"use dedicated network address for sending migration traffic ({plan.target.ip})")
    migration.say(f"starting migration of VM {guest.vmid} to node '{plan.target.name}' ({plan.target.ip})")
    local = [(volume, storage) for volume, storage in migration.moves() if not world.storages[volume.storage].shared]
    try:
        for volume, _unused in local:
            migration.say(f"found local disk '{volume.id}' (attached)")
        if live and local and not plan.local_disks:
            raise TaskError(f"Problem found while scanning volumes - {_NO_LOCAL}")
        if not live:
            yield from _offline(migration, local)
    except (TaskError, ApiError) as error:
        migration.error(reason_of(error))
        migration.say("aborting phase 1 - cleanup resources")
        migration.unlock()
        raise migration.aborted(reason_of(error)) from None
    if live:
        try:
            yield from _live(migration, local)
        except (TaskError, ApiError) as error:
            _cancel(migration, error)
            raise migration.problems() from None
    yield from _move(migration)
    migration.unlock()
    migration.finished()


def local_devices(guest: Guest) -> list[str]:
    """Options of devices that are its node's own."""
    found = [key for key in guest.config if re.fullmatch(r"(usb|hostpci|serial|parallel|virtiofs)\d+", key) or key == "ivshmem"]
    return [key for key in found if guest.config[key] != "socket" and "spice" not in guest.config[key].lower().partition(",")[0]]


def _offline(migration: Migration, local: list[tuple[Volume, str]]) -> Work:
    if local:
        migration.say("copying local disk images")
    for volume, storage in local:
        yield from migration.copy(volume.used)
        migration.relocate(volume, storage)


def _move(migration: Migration) -> Work:
    """After the memory; a failure leaves the VM where its configuration is."""
    try:
        yield from migration.move()
    except (TaskError, ApiError) as error:
        migration.error(reason_of(error))
        migration.unlock()
        raise migration.problems() from None


def _live(migration: Migration, local: list[tuple[Volume, str]]) -> Work:
    guest, plan = migration.guest, migration.plan
    cpus = plan.target.cpus
    if guest.vcpus > cpus:
        raise TaskError(f"MAX {cpus} vcpus allowed per VM on this node")
    migration.say(f"starting VM {guest.vmid} on remote node '{plan.target.name}'")
    yield 0.5
    migration.say("start remote tunnel")
    migration.say("ssh tunnel ver 1")
    if local:
        yield from _mirror(migration, local)
    migration.say(f"starting online/live migration on unix:/run/qemu-server/{guest.vmid}.migrate")
    migration.say("set migration capabilities")
    limit = migration.link.limit or float(guest.config.get("migrate_speed", 0)) * KIB * KIB
    if limit:
        migration.link.limit = limit
        migration.say(f"migration speed limit: {render_bytes(limit)}/s")
    downtime = float(guest.config.get("migrate_downtime") or DOWNTIME_MS / 1000) * 1000
    migration.say(f"migration downtime limit: {downtime:.0f} ms")
    migration.say(f"migration cachesize: {render_bytes(_cache(guest.memory))}")
    migration.say("set migration parameters")
    migration.say(f"start migrate command to unix:/run/qemu-server/{guest.vmid}.migrate")
    yield from _memory(migration, downtime)
    for volume, storage in local:
        migration.relocate(volume, storage)


def _cache(memory: int) -> int:
    """A tenth of the memory, the next power of two."""
    return 1 << max(0, (memory // 10 - 1).bit_length())


def _mirror(migration: Migration, local: list[tuple[Volume, str]]) -> Work:
    migration.say("starting storage migration")
    for option, parts in migration.guest.disks.items():
        volume = next((v for v, _unused in local if v.id == parts["volume"]), None)
        if volume is None:
            continue
        drive = f"drive-{option}"
        migration.say(f"{option}: start migration to nbd:unix:/run/qemu-server/{migration.guest.vmid}_nbd.migrate:exportname={drive}")

        def progress(sent: float, size: float, drive: str = drive) -> None:
            migration.say(f"{drive}: transferred {render_bytes(sent)} of {render_bytes(size)} ({100 * sent / size:.2f}%)")

        yield from migration.copy(volume.used, progress)
    migration.say("all 'mirror' jobs are ready")


def _memory(migration: Migration, downtime: float) -> Work:
    guest, world = migration.guest, migration.world
    used = world.usage.guest(guest).memory
    stream = LiveMemory(guest.memory, used, guest.load.dirty_rate * (not guest.paused), downtime)
    began = world.now()
    total = render_bytes(stream.total)
    world.links.append(migration.link)
    try:
        while True:
            migration.check_target()
            rate = migration.link.rate(world.links)
            if stream.ready(rate):
                break
            sent = stream.sent
            spent = stream.step(1.0, rate)
            yield spent
            _alive(migration)
            if spent < 1.0:
                continue
            line = f"migration active, transferred {render_bytes(stream.sent)} of {total} VM-state, {render_bytes((stream.sent - sent) / spent)}/s"
            if stream.dirty > rate:
                line += f", VM dirties lots of memory: {render_bytes(stream.dirty)}/s"
            migration.say(line)
            if stream.stalls():
                migration.say(f"auto-increased downtime to continue migration: {stream.limit_ms:.0f} ms")
        milliseconds = stream.finish(rate)
        yield milliseconds / 1000
        migration.check_target()
        _alive(migration)
    finally:
        world.links.remove(migration.link)
    seconds = world.now() - began
    if seconds >= 1:
        migration.say(f"average migration speed: {render_bytes(stream.total / seconds)}/s - downtime {milliseconds} ms")
    migration.say(f"migration completed, transferred {render_bytes(stream.sent)} VM-state")
    migration.say("migration status: completed")


def _alive(migration: Migration) -> None:
    """:raises TaskError: the VM ended while it was sent"""
    if not migration.guest.running:
        raise TaskError("VM quit unexpectedly")


def _cancel(migration: Migration, error: Exception) -> None:
    """The VM runs on at its source."""
    reason = reason_of(error)
    if reason != "interrupted by signal":
        migration.say(f"migration status error: failed - {reason}")
        reason = "aborting"
    migration.error(f"online migrate failure - {reason}")
    migration.say("aborting phase 2 - cleanup resources")
    migration.say("migrate_cancel")
    migration.unlock()
