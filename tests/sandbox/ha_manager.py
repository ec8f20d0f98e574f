"""The HA manager: every few seconds it looks at its resources, starts, stops and moves them, empties nodes in maintenance and recovers what a dead node held.

Its work are ordinary tasks of root@pam whose log starts with a line of the resource agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import affinity, lifecycle, migration_lxc, migration_qemu
from .guest import LXC, Guest
from .migration import Plan
from .scheduler import Work, told
from .tasks import Task

if TYPE_CHECKING:
    from .model import Node, Resource
    from .world import World

TICK = 3.0
UNKNOWN_AFTER = 10.0
FENCE_AFTER = 60.0
_AGENT = "task started by HA resource agent"
_USER = "root@pam"


def start(world: World) -> None:
    """Run the manager."""

    def loop() -> Work:
        while True:
            yield TICK
            tick(world)

    def ended(error: BaseException | None) -> None:
        told(error)
        start(world)

    world.scheduler.start(loop(), ended)


def maintenance(world: World, node: Node, *, on: bool) -> None:
    """What ``ha-manager crm-command node-maintenance`` does."""
    node.maintenance = on
    world.ha.active = True
    _look(world, node)


def _look(world: World, node: Node) -> None:
    gone = world.now() - node.down_since if node.down_since is not None else 0.0
    if node.in_cluster:
        state = "maintenance" if node.maintenance else "online"
    elif gone < UNKNOWN_AFTER:
        return
    else:
        state = "unknown" if gone < FENCE_AFTER else "fence"
    world.ha.node_states[node.name] = state


def tick(world: World) -> None:
    """One round."""
    if not world.ha.active or not world.ha.armed:
        return
    if not any(node.in_cluster and world.quorate(node) for node in world.nodes.values()):
        return
    for node in world.nodes.values():
        _look(world, node)
    commands, world.ha.commands = world.ha.commands, []
    for verb, sid, target in commands:
        _command(world, verb, sid, target)
    for resource in list(world.ha.resources.values()):
        if world.ha.managed(resource.sid) and resource.vmid in world.guests and not busy(world, resource):
            _step(world, resource, world.guests[resource.vmid])


def busy(world: World, resource: Resource) -> bool:
    """Whether one of the manager's own works on it runs."""
    task = world.tasks.get(resource.task) if resource.task else None
    return resource.state in ("migrate", "relocate") or (task is not None and task.running)


def _command(world: World, verb: str, sid: str, target: str) -> None:
    """A command to a node that is not there, or that the resource may not meet, is dropped."""
    resource = world.ha.managed(sid)
    if resource is None or not usable(world, target) or affinity.blocking(world, sid, target):
        return
    for one in (sid, *affinity.companions(world, sid)):
        member = world.ha.resources[one]
        if world.guests[member.vmid].node != target and not busy(world, member):
            move(world, member, world.guests[member.vmid], target, relocate=verb == "relocate")


def usable(world: World, node: str) -> bool:
    """Whether the manager puts resources on a node."""
    return node in world.nodes and world.ha.node_states.get(node) == "online"


def _step(world: World, resource: Resource, guest: Guest) -> None:
    resource.node = guest.node
    state = world.ha.node_states.get(guest.node)
    if state in ("fence", "unknown"):
        if state == "fence":
            _recover(world, resource, guest)
        return
    if state == "maintenance" and resource.requested == "started":
        target = choose(world, resource, guest)
        if target is not None:
            resource.home = resource.home or guest.node
            move(world, resource, guest, target)
            return
    if resource.requested == "started":
        if guest.running:
            resource.state, resource.failures = "started", 0
            _go_home(world, resource, guest)
        elif resource.failures > int(resource.config.get("max_restart", 1)):
            resource.state = "error"
        else:
            resource.state = "started"
            resource.failures += 1
            _task(world, resource, guest.node, "start", guest, lambda: lifecycle.start(world, guest))
    elif guest.running:
        resource.state = "request_stop"
        _task(world, resource, guest.node, "shutdown", guest, lambda: lifecycle.shutdown(world, guest, 60.0, force=True))
    else:
        resource.state = "stopped"


def _go_home(world: World, resource: Resource, guest: Guest) -> None:
    """Back after a maintenance, or to where a rule wants it."""
    if resource.home is not None and resource.home == guest.node:
        resource.home = None
    if resource.home is not None and usable(world, resource.home) and not affinity.blocking(world, resource.sid, resource.home):
        home, resource.home = resource.home, None
        move(world, resource, guest, home)
        return
    nodes = [name for name in world.nodes if usable(world, name)]
    wanted = affinity.preferred(world, resource.sid, nodes)
    if wanted and guest.node not in wanted and int(resource.config.get("failback", 1)):
        move(world, resource, guest, _least(world, wanted))


def choose(world: World, resource: Resource, guest: Guest) -> str | None:
    """Another node for a resource, None if the rules leave none."""
    nodes = [name for name in world.nodes if name != guest.node and usable(world, name)]
    wanted = affinity.preferred(world, resource.sid, nodes)
    return _least(world, wanted) if wanted else None


def _least(world: World, nodes: list[str]) -> str:
    """The node with the fewest managed guests."""
    held = [world.guests[resource.vmid].node for resource in world.ha.resources.values() if resource.vmid in world.guests]
    return min(nodes, key=lambda name: (held.count(name), name))


def _recover(world: World, resource: Resource, guest: Guest) -> None:
    """Its node is fenced: its configuration goes to another node, where it is started next round."""
    target = choose(world, resource, guest)
    resource.state = "recovery" if target is None else "started"
    if target is not None:
        if guest.running:  # a node that lost the cluster resets itself
            world.set_running(guest, False)
        guest.config.pop("lock", None)
        world.move_guest(guest, target)
        resource.node, resource.failures = target, 0


def _task(world: World, resource: Resource, node: str, verb: str, guest: Guest, work: Any) -> Task:
    prefix = "vz" if guest.kind == LXC else "qm"

    def run(task: Task) -> Work:
        task.say(_AGENT)
        yield from work()

    task = world.tasks.start(node, f"{prefix}{verb}", str(guest.vmid), _USER, run)
    resource.task = task.upid
    return task


def move(world: World, resource: Resource, guest: Guest, target: str, *, relocate: bool = False) -> None:
    """Move a resource: a running container is shut down, moved and started; a VM migrates live unless it is to be relocated."""
    resource.state = "relocate" if relocate or guest.kind == LXC else "migrate"
    resource.target = target
    world.scheduler.start(_moving(world, resource, guest, target, relocate=relocate), lambda error: _moved(resource, error))


def _moved(resource: Resource, error: BaseException | None) -> None:
    resource.state, resource.target = "started", None
    told(error)


def _moving(world: World, resource: Resource, guest: Guest, target: str, *, relocate: bool) -> Work:
    source, was_running = guest.node, guest.running
    offline = guest.kind == LXC or relocate
    if was_running and offline:
        task = _task(world, resource, source, "shutdown", guest, lambda: lifecycle.shutdown(world, guest, 60.0, force=True))
        yield from _wait(task)
    plan = Plan(world.nodes[target], online=not offline, local_disks=True)
    migrate = migration_lxc.migrate if guest.kind == LXC else migration_qemu.migrate
    if not (offline and guest.running):

        def run(task: Task) -> Work:
            task.say(_AGENT)
            yield from migrate(world, guest, plan, task)

        task = world.tasks.start(source, "vzmigrate" if guest.kind == LXC else "qmigrate", str(guest.vmid), _USER, run)
        resource.task = task.upid
        yield from _wait(task)
    if world.guests.get(guest.vmid) is not guest:  # removed, or restored from the state file
        return
    resource.node = guest.node
    if was_running and not guest.running and resource.requested == "started":
        task = _task(world, resource, guest.node, "start", guest, lambda: lifecycle.start(world, guest))
        yield from _wait(task)


def _wait(task: Task) -> Work:
    while task.running:
        yield 0.2
