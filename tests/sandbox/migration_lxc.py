"""Migration of a container: stopped, or with a restart, whose downtime is from ``shutdown CT`` to the end of the start."""

from __future__ import annotations

from . import lifecycle
from .errors import ApiError
from .guest import Guest
from .migration import Migration, Plan, reason_of
from .scheduler import Work
from .tasks import Task, TaskError
from .world import World


def migrate(world: World, guest: Guest, plan: Plan, task: Task) -> Work:
    """The work of a ``vzmigrate`` task."""
    migration = Migration(world, guest, plan, task)
    was_running = guest.running
    migration.unlocked()
    if was_running and plan.online:
        raise migration.aborted("lxc live migration is currently not implemented")
    migration.lock()
    try:
        if was_running:
            migration.say(f"shutdown CT {guest.vmid}")
            yield from _shutdown(migration)
        migration.say(f"starting migration of CT {guest.vmid} to node '{plan.target.name}' ({plan.target.ip})")
    except (TaskError, ApiError) as error:
        migration.unlock()
        raise migration.aborted(reason_of(error)) from None
    try:
        yield from _volumes(migration)
        yield from migration.move()
    except (TaskError, ApiError) as error:
        migration.error(reason_of(error))
        migration.say("aborting phase 1 - cleanup resources")
        yield from _back(migration, restart=was_running)
        raise migration.aborted(reason_of(error)) from None
    migration.say("start final cleanup")
    migration.unlock()
    if was_running:
        yield from _start_on_target(migration)
    migration.finished()


def _shutdown(migration: Migration) -> Work:
    """As ``pct shutdown`` does it under the lock that the migration holds."""
    guest, timeout = migration.guest, migration.plan.timeout
    needed = guest.load.shutdown_seconds
    yield min(needed, timeout)
    if needed > timeout:
        raise TaskError("container did not stop")
    migration.world.set_running(guest, False)


def _volumes(migration: Migration) -> Work:
    for volume, storage in migration.moves():
        if migration.world.storages[volume.storage].shared:
            migration.say(f"volume '{volume.id}' is on shared storage '{volume.storage}'")
            continue
        migration.say(f"found local volume '{volume.id}' (in current VM config)")
        yield from migration.copy(volume.used)
        migration.relocate(volume, storage)


def _back(migration: Migration, *, restart: bool) -> Work:
    """The container is on its source as before."""
    migration.say("start final cleanup")
    migration.unlock()
    if restart and migration.source.alive:
        migration.say("start container on source node")
        yield from lifecycle.start(migration.world, migration.guest)


def _start_on_target(migration: Migration) -> Work:
    plan, guest = migration.plan, migration.guest
    migration.say("start container on target node")
    migration.say(
        f"# /usr/bin/ssh -e none -o 'BatchMode=yes' -o 'HostKeyAlias={plan.target.name}' root@{plan.target.ip} pct start {guest.vmid}"
    )
    try:
        yield from lifecycle.start(migration.world, guest)
    except (TaskError, ApiError) as error:
        migration.error(reason_of(error))
        raise migration.problems() from None
