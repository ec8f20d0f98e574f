"""Growing and moving disks."""

from __future__ import annotations

from typing import Any

from . import change, volumes
from .api import Call, api
from .config_lxc import MODIFIED, locked
from .config_qemu import CHECKSUM
from .errors import ApiError, BadParameters, Refused
from .guest import LXC, QEMU, Guest
from .lifecycle import holding
from .physics import Link, crawl
from .properties import join_properties
from .scheduler import Work
from .tasks import Task, TaskError
from .units import format_size, parse_size

_RESIZE_SECONDS = 0.3
_MISSING = "property is missing and it is not optional"


def _wanted(call: Call, present: int) -> int:
    text = call.get("size")
    size = parse_size(text.removeprefix("+"))
    return present + size if text.startswith("+") else size


def set_size(call: Call, guest: Guest, option: str, size: int) -> None:
    """The configuration and the volume have a new size."""
    parts = dict(guest.disks[option])
    volume = call.world.volume(parts["volume"], guest.node)
    if volume is not None:
        volume.size = size
    default = "volume" if guest.kind == LXC else "file"
    name = parts.pop("volume")
    guest.config[option] = join_properties({default: name} | parts | {"size": format_size(size)}, default)


@api("PUT", "/nodes/{node}/lxc/{vmid}/resize")
def lxc_resize(call: Call) -> Any:
    option = call.get("disk")
    guest = call.guest(LXC)
    locked(guest)
    call.need(f"/vms/{call.vmid}", "VM.Config.Options")  # the real one takes ``disk`` for an option of the container
    if call.get("digest") not in ("", guest.digest):
        raise Refused(MODIFIED)
    if option not in guest.disks:
        raise ApiError(500, "format error\n", {"mp": _MISSING, "volume": _MISSING})
    call.need(f"/storage/{guest.disks[option]['volume'].partition(':')[0]}", "Datastore.AllocateSpace")
    present = change.disk_bytes(guest, option)
    size = _wanted(call, present)
    if size < present:
        raise Refused("unable to shrink disk size")
    if size == present:
        raise Refused("disk is already at specified size")
    change.write(call, guest)

    def run(_task: Task) -> Work:
        with holding(guest, "disk"):
            yield _RESIZE_SECONDS
        set_size(call, guest, option, size)

    return call.start("resize", str(guest.vmid), run)


@api("PUT", "/nodes/{node}/qemu/{vmid}/resize")
def qemu_resize(call: Call) -> Any:
    call.only_root("skiplock")
    option = call.get("disk")

    def run(_task: Task) -> Work:
        guest = call.guest(QEMU)
        if call.get("digest") not in ("", guest.digest):
            raise TaskError(CHECKSUM)
        if not call.flag("skiplock"):
            locked(guest)
        if option not in guest.disks:
            raise TaskError(
                "you can't resize a cdrom" if "media=cdrom" in guest.config.get(option, "") else f"disk '{option}' does not exist"
            )
        call.need(f"/storage/{guest.disks[option]['volume'].partition(':')[0]}", "Datastore.AllocateSpace")
        present = change.disk_bytes(guest, option)
        size = _wanted(call, present)
        if size < present:
            raise TaskError("shrinking disks is not supported")
        if size > present:
            yield _RESIZE_SECONDS
            set_size(call, guest, option, size)

    return call.start("resize", str(call.vmid), run)


@api("POST", "/nodes/{node}/lxc/{vmid}/move_volume")
def move_volume(call: Call) -> Any:
    return _move(call, LXC, call.get("volume"), call.get("target-volume"), "move_volume")


@api("POST", "/nodes/{node}/qemu/{vmid}/move_disk")
def move_disk(call: Call) -> Any:
    return _move(call, QEMU, call.get("disk"), call.get("target-disk"), "qmmove")


def _move(call: Call, kind: str, option: str, target_option: str, type_: str) -> str:
    guest = call.guest(kind)
    if call.has("storage") == call.has("target-vmid"):
        text = "either set 'storage' or 'target-vmid', but not both" if call.has("storage") else "set either 'storage' or 'target-vmid'"
        raise BadParameters(storage=text)
    locked(guest)
    if call.has("digest") and call.get("digest") != guest.digest:
        raise Refused(MODIFIED if kind == LXC else CHECKSUM)
    if option not in guest.disks:
        raise Refused(f"{'volume' if kind == LXC else 'disk'} '{option}' does not exist")
    if call.has("target-vmid"):
        return _reassign(call, guest, option, target_option or option, type_)
    storage = call.world.storage(call.get("storage"))
    call.need(f"/storage/{storage.id}", "Datastore.AllocateSpace")
    if storage.id == guest.disks[option]["volume"].partition(":")[0]:
        raise Refused("you can't move to the same storage with same format")
    if kind == LXC and guest.running:
        raise Refused("cannot move volumes of a running container")

    def run(task: Task) -> Work:
        parts = dict(guest.disks[option])
        old = call.world.volume(parts.pop("volume"), guest.node)
        if old is None:
            raise TaskError(f"volume of '{option}' does not exist")
        with holding(guest, "disk"):
            made = volumes.allocate(call.world, storage, guest.node, guest.vmid, old.size, old.content, old.format, used=old.used)
            task.say(f"create full clone of drive {option} ({old.id})")
            yield crawl([], Link(call.node, call.node, None), old.used)
        default = "volume" if kind == LXC else "file"
        guest.config[option] = join_properties({default: made.id} | parts, default)
        if call.flag("delete"):
            volumes.remove(call.world, old.id, guest.node)
        else:
            guest.config[f"unused{_free(guest)}"] = old.id

    return call.start(type_, str(guest.vmid), run)


def _free(guest: Guest) -> int:
    return next(i for i in range(256) if f"unused{i}" not in guest.config)


def _reassign(call: Call, guest: Guest, option: str, target_option: str, type_: str) -> str:
    """The disk goes to another guest of the same node."""
    other = call.world.guest(guest.kind, call.node.name, call.number("target-vmid"))
    call.need(f"/vms/{other.vmid}", "VM.Config.Disk")
    locked(other)
    if call.has("target-digest") and call.get("target-digest") != other.digest:
        raise Refused(MODIFIED if guest.kind == LXC else CHECKSUM)
    if guest.running or other.running:
        raise Refused(f"cannot move disk '{option}' while one of the guests is running")
    if target_option in other.config:
        raise Refused(f"Target disk key '{target_option}' is already in use for {other.vmid}")

    def run(_task: Task) -> Work:
        yield _RESIZE_SECONDS
        parts = dict(guest.disks[option])
        volume = call.world.volume(parts.pop("volume"), guest.node)
        if volume is None:
            raise TaskError(f"volume of '{option}' does not exist")
        call.world.volumes.remove(volume)
        volume.vmid = other.vmid
        volume.name = volumes.free_name(call.world, call.world.storages[volume.storage], guest.node, other.vmid, form=volume.format)
        call.world.volumes.add(volume)
        del guest.config[option]
        default = "volume" if guest.kind == LXC else "file"
        other.config[target_option] = join_properties({default: volume.id} | parts, default)

    return call.start(type_, f"{guest.vmid}-{other.vmid}", run)
