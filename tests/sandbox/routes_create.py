"""Creating and restoring guests."""

from __future__ import annotations

import random
import re
import uuid
from typing import Any

from . import change, option_privileges, option_privileges_qemu
from .api import Call, api
from .config_lxc import locked
from .errors import ApiError, Forbidden, Refused
from .guest import LXC, QEMU, Guest, is_disk
from .lifecycle import start as start_guest
from .load import Load
from .routes_ha import add_resource
from .scheduler import Work
from .tasks import Task, TaskError

CREATE_SECONDS = 1.0
VERSION = "10.1.2"
# Parameters of the call itself, no options of the guest.
_CALL = {
    LXC: (
        "node", "vmid", "ostemplate", "restore", "storage", "pool", "password", "ssh-public-keys", "start", "unique", "bwlimit",
        "force", "ignore-unpack-errors", "ha-managed",
    ),
    QEMU: (
        "node", "vmid", "archive", "storage", "pool", "start", "unique", "bwlimit", "force", "live-restore", "ha-managed",
        "import-working-storage",
    ),
}  # fmt: skip


def need_free(call: Call, kind: str, vmid: int) -> None:
    """:raises Refused: the number is taken"""
    other = call.world.guests.get(vmid)
    if other is not None:
        word = "CT" if kind == LXC else "VM"
        raise Refused(f"unable to create {word} {vmid} - {other.word} {vmid} already exists on node '{other.node}'")


def need_allocate(call: Call, vmid: int) -> str | None:
    """The pool of the new guest.

    :raises Forbidden: there is no such pool, or the caller may not create it there
    """
    pool = call.get("pool") or None
    if pool is not None and pool not in call.world.pools:
        raise Forbidden(f"pool '{pool}' does not exist")
    if not (call.may(f"/vms/{vmid}", "VM.Allocate") or (pool is not None and call.may(f"/pool/{pool}", "VM.Allocate"))):
        raise Forbidden
    return pool


def _restorable(call: Call, kind: str, restore: bool) -> Guest | None:
    """The guest that a restore with ``force`` replaces."""
    present = call.world.guests.get(call.vmid)
    if present is None or not (restore and call.flag("force")):
        need_free(call, kind, call.vmid)
        return None
    if present.kind != kind or present.node != call.node.name:
        need_free(call, kind, call.vmid)
    if present.running:
        raise Refused(f"unable to restore {present.word} {present.vmid} - {present.word.lower()} is running")
    locked(present)
    return present


@api("POST", "/nodes/{node}/lxc")
def lxc_create(call: Call) -> Any:
    restore = call.flag("restore")
    call.world.need_quorum(call.node)
    pool = need_allocate(call, call.vmid)
    values = {name: call.get(name) for name in call.params if name not in _CALL[LXC]}
    if not restore:
        values.setdefault("unprivileged", "1")
        if values["unprivileged"] != "1":
            call.need("/", "Sys.Modify")
    option_privileges.check_lxc(call, values, None, unprivileged=values.get("unprivileged") == "1")
    replaced = _restorable(call, LXC, restore)
    source = call.get("ostemplate")
    storage = call.get("storage", "local")
    call.need(f"/storage/{source.partition(':')[0]}", "Datastore.Audit", "Datastore.AllocateSpace", some=True)
    if "rootfs" not in values and any(is_disk(LXC, name) for name in values):
        raise Refused("mount points configured, but 'rootfs' not set - aborting")
    values.setdefault("rootfs", f"{storage}:4")
    if re.fullmatch(r"\d+(\.\d+)?", values["rootfs"]):
        values["rootfs"] = f"{storage}:{values['rootfs']}"
    disks = {name: value for name, value in values.items() if is_disk(LXC, name)}
    _storages(call, LXC, disks)
    values = {"hostname": f"CT{call.vmid}", "memory": "512", "swap": "512", "arch": "amd64", "ostype": _ostype(source)} | values
    return _create(call, LXC, values, pool, source, "vzrestore" if restore else "vzcreate", replaced)


def _ostype(template: str) -> str:
    known = ("debian", "devuan", "ubuntu", "centos", "fedora", "opensuse", "archlinux", "alpine", "gentoo", "nixos")
    return next((name for name in known if name in template), "unmanaged")


@api("POST", "/nodes/{node}/qemu")
def qemu_create(call: Call) -> Any:
    archive = call.get("archive")
    call.world.need_quorum(call.node)
    pool = need_allocate(call, call.vmid)
    values = {name: call.get(name) for name in call.params if name not in _CALL[QEMU]}
    option_privileges_qemu.check_early(call, values, pool)
    option_privileges_qemu.check_values(call, values, pool)
    replaced = _restorable(call, QEMU, bool(archive))
    if archive:
        call.need(f"/storage/{archive.partition(':')[0]}", "Datastore.Audit", "Datastore.AllocateSpace", some=True)
    disks = {name: value for name, value in values.items() if is_disk(QEMU, name)}
    _storages(call, QEMU, disks)
    now = int(call.now)
    values |= {"meta": f"creation-qemu={VERSION},ctime={now}"}
    source = random.Random(f"{call.vmid} {now}")
    values.setdefault("smbios1", f"uuid={uuid.UUID(int=source.getrandbits(128), version=4)}")
    if values.get("vmgenid", "1") == "1":
        values["vmgenid"] = str(uuid.UUID(int=source.getrandbits(128), version=4))
    values.setdefault("boot", _boot(values))
    if not values["boot"]:
        del values["boot"]
    return _create(call, QEMU, values, pool, archive or None, "qmrestore" if archive else "qmcreate", replaced)


def _boot(values: dict[str, str]) -> str:
    """The first disk, the CD-ROM, the first network device."""
    drives = [name for name in values if is_disk(QEMU, name) and not name.startswith(("efidisk", "tpmstate"))]
    disks = sorted(name for name in drives if "media=cdrom" not in values[name])[:1]
    roms = sorted(name for name in drives if "media=cdrom" in values[name])[:1]
    order = disks + roms + sorted(name for name in values if re.fullmatch(r"net\d+", name))[:1]
    return f"order={';'.join(order)}" if order else ""


def _storages(call: Call, kind: str, disks: dict[str, str]) -> None:
    """:raises Refused, Forbidden: storages that are not there, or not for the caller"""
    change.need_space(call, disks)
    for value in disks.values():
        storage = value.partition(":")[0].rpartition("=")[2]
        if ":" in value.partition(",")[0] and not value.startswith("/"):
            found = call.world.storage(storage)
            if not found.on(call.node.name):
                raise Refused(f"storage '{storage}' is not available on node '{call.node.name}'")
            wanted = "rootdir" if kind == LXC else "images"
            if wanted not in found.content and "media=cdrom" not in value:
                raise Refused(f"storage '{storage}' does not support {'container directories' if kind == LXC else 'vm images'}")


def _create(call: Call, kind: str, values: dict[str, str], pool: str | None, source: str | None, type_: str, replaced: Guest | None) -> str:
    world, vmid = call.world, call.vmid
    if replaced is not None:
        remove(call, replaced)
    guest = Guest(kind, vmid, call.node.name, {"lock": "create"}, Load(salt=vmid, noise=0.05))
    world.add_guest(guest)

    def run(task: Task) -> Work:
        try:
            yield CREATE_SECONDS
            if source is not None:
                _extract(call, source, task)
            for option in sorted(values, key=lambda name: not is_disk(kind, name)):
                guest.config[option] = change.stored(world, guest, option, values[option])
        except (TaskError, ApiError) as error:
            if vmid in world.guests:
                remove(call, guest)
            word = "CT" if kind == LXC else "VM"
            text = error.message.rstrip("\n") if isinstance(error, ApiError) else str(error)
            raise TaskError(f"unable to {'restore' if 'restore' in type_ else 'create'} {word} {vmid} - {text}") from None
        guest.config.pop("lock", None)
        if values.get("template") == "1":
            guest.config["template"] = "1"
        if pool is not None and pool in world.pools:
            world.pools[pool].vms.add(vmid)
        world.note(guest)
        if call.flag("ha-managed"):
            resource = add_resource(call, guest.sid)
            resource.config["state"] = "started" if call.flag("start") else "stopped"
        elif call.flag("start"):
            world.tasks.start(guest.node, "vzstart" if kind == LXC else "qmstart", str(vmid), call.who, lambda _: start_guest(world, guest))

    return call.start(type_, str(vmid), run)


def _extract(call: Call, source: str, task: Task) -> None:
    """:raises TaskError: neither a template nor an archive of that name"""
    volume = call.world.volume(source, call.node.name)
    if volume is None or volume.content not in ("vztmpl", "backup"):
        raise TaskError(f"volume '{source}' does not exist")
    task.say(f"extracting archive '{source}'", f"Total bytes read: {volume.size}")


def remove(call: Call, guest: Guest) -> None:
    """The guest, its volumes and what knows it by number are gone."""
    world = call.world
    world.volumes.drop_guest(guest.vmid)
    for pool in world.pools.values():
        pool.vms.discard(guest.vmid)
    world.access.acl.pop(f"/vms/{guest.vmid}", None)
    world.broadcast.forget(guest.vmid)
    guest.running = False
    world.note(guest)
    world.remove_guest(guest)
