"""Starting, stopping and pausing guests. What needs no work is refused at once; the rest is a task. Managed guests are only queued."""

from __future__ import annotations

from typing import Any

from . import lifecycle
from .api import Call, api
from .config_lxc import locked
from .errors import BadParameters, Refused
from .guest import LXC, QEMU, Guest
from .properties import split_properties
from .routes_guests import for_both
from .scheduler import Work
from .tasks import Task, TaskError

_PREFIX = {LXC: "vz", QEMU: "qm"}


def _running_anywhere(call: Call) -> bool:
    """Whether a container runs; its command socket tells, wherever its configuration lies."""
    guest = call.world.guests.get(call.vmid)
    return guest is not None and guest.kind == LXC and guest.running


def _need_running(call: Call, word: str = "CT") -> None:
    if not _running_anywhere(call):
        raise Refused(f"{word} {call.vmid} not running")


def _need_running_vm(call: Call) -> Guest:
    guest = call.world.vm(call.node.name, call.vmid)
    if not guest.running:
        raise Refused(f"VM {call.vmid} not running")
    return guest


_START_OPTIONS_OF_ROOT = (
    "stateuri", "skiplock", "migratedfrom", "migration_type", "migration_network", "targetstorage", "force-cpu", "with-conntrack-state",
    "nets-host-mtu",
)  # fmt: skip


def managed(call: Call, kind: str) -> Any:
    """The HA resource of the guest in the path, None if the manager does not care for it."""
    return call.world.ha.managed(f"{'ct' if kind == LXC else 'vm'}:{call.vmid}")


def _queue(call: Call, kind: str, verb: str, state: str) -> str:
    resource = managed(call, kind)
    word = "CT" if kind == LXC else "VM"

    def run(task: Task) -> Work:
        task.say(f"Requesting HA {verb} for {word} {call.vmid}")
        yield 0.2
        resource.config["state"] = state

    return call.start(f"ha{verb}", str(call.vmid), run)


@for_both("POST", "/{vmid}/status/start")
def start(call: Call, kind: str) -> Any:
    call.only_root(*_START_OPTIONS_OF_ROOT)
    if call.get("targetstorage") and not call.get("migratedfrom"):
        raise BadParameters(targetstorage="targetstorage can only by used with migratedfrom.")
    if kind == LXC and _running_anywhere(call):
        raise Refused(f"CT {call.vmid} already running")
    call.world.need_quorum(call.node)
    if managed(call, kind) is not None:
        return _queue(call, kind, "start", "started")
    return call.start(
        f"{_PREFIX[kind]}start", str(call.vmid), lambda _: lifecycle.start(call.world, call.guest(kind), skiplock=call.flag("skiplock"))
    )


@for_both("POST", "/{vmid}/status/stop")
def stop(call: Call, kind: str) -> Any:
    call.only_root("skiplock", "keepActive", "migratedfrom")
    if kind == LXC:
        _need_running(call)
    if managed(call, kind) is not None:
        if call.flag("overrule-shutdown"):
            raise BadParameters.of({"overrule-shutdown": "Not applicable for HA resources."})
        return _queue(call, kind, "stop", "stopped")

    def run(task: Task) -> Work:
        if call.flag("overrule-shutdown"):
            others = [t for t in call.world.tasks.running_on(call.node.name, str(call.vmid)) if t.type == f"{_PREFIX[kind]}shutdown"]
            for other in others:
                call.world.tasks.interrupt(other)
            if others:
                task.say(f"overruled {_PREFIX[kind]}shutdown tasks: {', '.join(other.upid for other in others)}")
        yield from lifecycle.stop(call.world, _to_stop(call, kind), skiplock=call.flag("skiplock"))

    return call.start(f"{_PREFIX[kind]}stop", str(call.vmid), run)


@for_both("POST", "/{vmid}/status/shutdown")
def shutdown(call: Call, kind: str) -> Any:
    if kind == LXC:
        _need_running(call)
    else:
        call.only_root("skiplock", "keepActive")
        if _paused(call) and not call.flag("forceStop"):
            raise Refused("VM is paused - cannot shutdown")
    if managed(call, kind) is not None:
        return _queue(call, kind, "stop", "stopped")

    def run(_task: Task) -> Work:
        guest = _to_stop(call, kind)
        if guest.paused:
            yield from lifecycle.stop(call.world, guest, skiplock=call.flag("skiplock"))
        else:
            yield from lifecycle.shutdown(
                call.world, guest, _patience(call, guest), force=call.flag("forceStop"), skiplock=call.flag("skiplock")
            )

    return call.start(f"{_PREFIX[kind]}shutdown", str(call.vmid), run)


def _to_stop(call: Call, kind: str) -> Guest:
    return call.guest(LXC) if kind == LXC else call.world.vm(call.node.name, call.vmid)


def _patience(call: Call, guest: Guest) -> float:
    """Seconds that a shutdown may take: as asked, as a VM's startup order says, else a minute."""
    down = split_properties(guest.config.get("startup", "")).get("down", "60") if guest.kind == QEMU else "60"
    return call.number("timeout", int(down))


def _paused(call: Call) -> bool:
    guest = call.world.guests.get(call.vmid)
    return guest is not None and guest.paused and guest.node == call.node.name


@for_both("POST", "/{vmid}/status/reboot")
def reboot(call: Call, kind: str) -> Any:
    if kind == LXC:
        _need_running(call, "VM")
    else:
        if _paused(call):
            raise Refused("VM is paused - cannot shutdown")
        _need_running_vm(call)

    def run(_task: Task) -> Work:
        guest = call.guest(kind)
        forced = kind == LXC  # nobody looks at a container's lock, and one that takes too long is stopped
        yield from lifecycle.shutdown(call.world, guest, _patience(call, guest), force=forced, skiplock=forced)
        yield from lifecycle.start(call.world, guest, skiplock=forced)

    return call.start(f"{_PREFIX[kind]}reboot", str(call.vmid), run)


@api("POST", "/nodes/{node}/lxc/{vmid}/status/suspend")
def lxc_suspend(call: Call) -> Any:
    _need_running(call)
    return _checkpoint(call, "vzsuspend", "-s -D /var/lib/vz/dump")


@api("POST", "/nodes/{node}/lxc/{vmid}/status/resume")
def lxc_resume(call: Call) -> Any:
    if _running_anywhere(call):
        raise Refused(f"CT {call.vmid} already running")
    return _checkpoint(call, "vzresume", "-r --foreground -D /var/lib/vz/dump")


def _checkpoint(call: Call, type_: str, options: str) -> str:
    """Containers cannot be frozen to disk here, as on most real nodes."""

    def run(_task: Task) -> Work:
        if type_ == "vzsuspend":
            locked(call.guest(LXC))
        yield 0.2
        raise TaskError(f"command 'lxc-checkpoint -n {call.vmid} {options}' failed: exit code 1")

    return call.start(type_, str(call.vmid), run)


@api("POST", "/nodes/{node}/qemu/{vmid}/status/suspend")
def qemu_suspend(call: Call) -> Any:
    call.only_root("skiplock")
    _need_running_vm(call)
    todisk = call.flag("todisk")

    def run(_task: Task) -> Work:
        guest = call.guest(QEMU)
        if guest.lock == "backup" and todisk:
            raise TaskError("cannot suspend to disk during backup")
        if not call.flag("skiplock") and guest.lock != "backup":
            locked(guest)
        yield 0.2
        if todisk:
            call.world.set_running(guest, False)
            guest.config["lock"] = "suspended"
        else:
            guest.paused = True
            call.world.note(guest)

    if todisk:
        if managed(call, QEMU) is not None:
            raise Refused("Cannot suspend HA managed VM to disk")
        call.need(f"/vms/{call.vmid}", "VM.Config.Disk")
        call.need(f"/storage/{_state_storage(call)}", "Datastore.AllocateSpace")
    return call.start("qmsuspend" if todisk else "qmpause", str(call.vmid), run)


def _state_storage(call: Call) -> str:
    """Where the memory goes: as asked, as configured, to a shared storage of the VM's disks, or to ``local``."""
    guest = call.guest(QEMU)
    if call.has("statestorage"):
        return call.get("statestorage")
    used = sorted({parts["volume"].partition(":")[0] for parts in guest.disks.values()})
    shared = [name for name in used if name in call.world.storages and call.world.storages[name].shared]
    return guest.config.get("vmstatestorage") or next(iter(shared or used), "local")


@api("POST", "/nodes/{node}/qemu/{vmid}/status/resume")
def qemu_resume(call: Call) -> Any:
    call.only_root("skiplock", "nocheck")
    suspended = call.world.guests.get(call.vmid)
    if suspended is None or suspended.lock != "suspended":
        _need_running_vm(call)

    def run(_task: Task) -> Work:
        guest = call.guest(QEMU)
        if not guest.running:
            yield from lifecycle.start(call.world, guest)
            return
        if not call.flag("skiplock") and guest.lock != "backup":
            locked(guest)
        yield 0.1
        guest.paused = False
        call.world.note(guest)

    return call.start("qmresume", str(call.vmid), run)


@api("POST", "/nodes/{node}/qemu/{vmid}/status/reset")
def qemu_reset(call: Call) -> Any:
    call.only_root("skiplock")
    _need_running_vm(call)

    def run(_task: Task) -> Work:
        guest = call.guest(QEMU)
        if not call.flag("skiplock"):
            locked(guest)
        yield 0.2
        guest.paused = False
        call.world.note(guest)

    return call.start("qmreset", str(call.vmid), run)
