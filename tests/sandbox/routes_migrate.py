"""Migration: what is possible, and the request, refused at once or started as a task."""

from __future__ import annotations

from typing import Any

from . import affinity, migration_lxc, migration_qemu
from .api import Call, api
from .config_lxc import locked
from .errors import BadParameters, Refused
from .formats import FormatError, storage_map
from .guest import LXC, QEMU, Guest
from .migration import Plan
from .routes_guests import for_both
from .routes_status import managed
from .scheduler import Work
from .tasks import Task


def _unavailable(call: Call, guest: Guest, node: str) -> list[str]:
    """Storages of the guest that a node does not have."""
    used = {parts["volume"].partition(":")[0] for parts in guest.disks.values()}
    storages = [call.world.storages[name] for name in sorted(used) if name in call.world.storages]
    return [storage.id for storage in storages if storage.disabled or not storage.on(node)]


@for_both("GET", "/{vmid}/migrate")
def possible(call: Call, kind: str) -> Any:
    call.world.need_quorum(call.node)
    guest = call.guest(kind)
    locked(guest)
    separator = "-" if kind == LXC else "_"
    resource = managed(call, kind)
    allowed, others = [], {}
    for name in call.world.nodes:
        if name == guest.node:
            continue
        reasons: dict[str, Any] = {}
        missing = _unavailable(call, guest, name) if kind == QEMU else []  # containers find out while they migrate
        if missing:
            reasons["unavailable_storages"] = missing
        blocking = [*affinity.excluding(call.world, guest.sid, name), *affinity.blocking(call.world, guest.sid, name)] if resource else []
        if blocking:
            reasons["blocking-ha-resources"] = blocking
        if not reasons:
            allowed.append(name)
        if reasons or kind == QEMU:
            others[name] = reasons
    found: dict[str, Any] = {
        "running": int(guest.running),
        f"allowed{separator}nodes": allowed,
        f"not{separator}allowed{separator}nodes": others,
    }
    if resource is not None:
        found["dependent-ha-resources"] = affinity.companions(call.world, guest.sid)
    return found | (_local(call, guest) if kind == QEMU else {})


def _local(call: Call, guest: Guest) -> dict[str, Any]:
    disks = []
    for option, parts in guest.disks.items():
        volume = call.world.volume(parts["volume"], guest.node)
        if volume is not None and volume.node is not None:
            disks.append(
                {"volid": volume.id, "size": volume.size, "drivename": option, "cdrom": 0, "is_unused": 0, "replicate": 1, "shared": 0}
            )
    devices = migration_qemu.local_devices(guest)
    mapped = sorted(key for key in devices if key.startswith(("hostpci", "usb")) and "mapping=" in guest.config[key])
    info = {key: {"name": guest.config[key].partition("mapping=")[2].partition(",")[0]} for key in mapped}
    return {
        "local_disks": disks,
        "local_resources": devices,
        "mapped-resources": mapped,
        "mapped-resource-info": info,
        "has-dbus-vmstate": 1,
    }


def _before(call: Call, kind: str) -> Guest:
    """The checks of both kinds, in the real server's order."""
    target = call.get("target")
    if target == call.node.name:
        raise BadParameters(target="target is local node.")
    call.world.need_quorum(call.node)
    if target not in call.world.nodes:
        raise Refused(f"no such cluster node '{target}'")
    call.only_root("force", "migration_type", "migration_network")
    return call.guest(kind)


def _storages(call: Call, kind: str, option: str) -> dict[str, str]:
    """The storages of the target, checked.

    :raises ApiError: no such map, or a storage that is unknown, not on the target, or not the caller's
    """
    try:
        found, same = storage_map(call.get(option))
    except FormatError as error:
        raise BadParameters.of({option: f"failed to parse storage map: {error}\n"}) from None
    if not same:
        call.need(f"/vms/{call.vmid}", "VM.Config.Disk")
    for name in found.values():
        storage = call.world.enabled_storage(name, call.get("target"))
        call.need(f"/storage/{name}", "Datastore.AllocateSpace")
        content, words = ("rootdir", "CT rootdirs") if kind == LXC else ("images", "vm images")
        if content not in storage.content:
            raise Refused(f"storage '{name}' does not support {words}")
    return found


def _same_storages(call: Call, guest: Guest) -> None:
    """:raises Refused: a storage of the guest is not on both nodes"""
    for parts in guest.disks.values():
        name = parts["volume"].partition(":")[0]
        for node in (call.node.name, call.get("target")):
            storage = call.world.enabled_storage(name, node)
        if "images" not in storage.content:
            raise Refused(f"{parts['volume']}: content type 'images' is not available on storage '{name}'")


def _queue(call: Call, guest: Guest) -> str:
    """The HA manager moves it later."""
    target = call.get("target")

    def run(task: Task) -> Work:
        task.say(f"Requesting HA migration for {guest.word} {guest.vmid} to node {target}")
        yield 0.2
        call.world.ha.commands.append(("migrate", guest.sid, target))

    return call.start("hamigrate", str(guest.vmid), run)


@api("POST", "/nodes/{node}/lxc/{vmid}/migrate")
def lxc_migrate(call: Call) -> Any:
    guest = _before(call, LXC)
    if guest.running and not (call.flag("online") or call.flag("restart")):
        raise Refused("can't migrate running container without --online or --restart")
    storages = _storages(call, LXC, "target-storage") if call.get("target-storage") else {}
    if managed(call, LXC) is not None:
        return _queue(call, guest)
    plan = Plan(
        call.world.nodes[call.get("target")],
        online=call.flag("online"),
        restart=call.flag("restart"),
        timeout=call.number("timeout", 180),
        bwlimit=float(call.get("bwlimit", "0")),
        storages=storages,
    )
    return call.start("vzmigrate", str(guest.vmid), lambda task: migration_lxc.migrate(call.world, guest, plan, task))


@api("POST", "/nodes/{node}/qemu/{vmid}/migrate")
def qemu_migrate(call: Call) -> Any:
    guest = _before(call, QEMU)
    locked(guest)
    if guest.running and not call.flag("online"):
        raise Refused("can't migrate running VM without --online")
    storages = _storages(call, QEMU, "targetstorage") if call.get("targetstorage") else {}
    if call.get("targetstorage") in ("", "1"):
        _same_storages(call, guest)
    if managed(call, QEMU) is not None:
        return _queue(call, guest)
    plan = Plan(
        call.world.nodes[call.get("target")],
        online=call.flag("online"),
        bwlimit=float(call.get("bwlimit", "0")),
        storages=storages,
        local_disks=call.flag("with-local-disks"),
        force=call.flag("force"),
        conntrack=call.flag("with-conntrack-state"),
    )
    return call.start("qmigrate", str(guest.vmid), lambda task: migration_qemu.migrate(call.world, guest, plan, task))


@for_both("POST", "/{vmid}/remote_migrate")
def remote_migrate(call: Call, kind: str) -> Any:
    """There is no other cluster here: what is asked for cannot be reached."""
    call.guest(kind)
    host = dict(part.partition("=")[::2] for part in call.get("target-endpoint").split(",")).get("host", "")
    raise Refused(f"remote: Can't connect to {host}:8006 (Connection refused)")
