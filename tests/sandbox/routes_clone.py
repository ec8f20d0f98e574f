"""Cloning guests, and turning them into templates."""

from __future__ import annotations

import copy
import random
import re
import uuid
from typing import Any

from . import change, volumes
from .api import Call
from .config_lxc import locked
from .errors import Refused
from .guest import LXC, QEMU, Guest, disks_of
from .lifecycle import holding
from .model import Storage, Volume
from .physics import Link, crawl
from .properties import join_properties
from .routes_create import need_allocate, need_free, remove
from .routes_guests import for_both, snapshot_config
from .scheduler import Work
from .tasks import Task, TaskError

_NOT_CLONED = ("lock", "parent", "template", "snaptime", "vmstate", "snapstate", "digest", "description")
_PREFIX = {LXC: "vz", QEMU: "qm"}


@for_both("POST", "/{vmid}/clone")
def clone(call: Call, kind: str) -> Any:
    newid, target = call.number("newid"), call.get("target", call.node.name)
    pool = need_allocate(call, newid)
    if target not in call.world.nodes:
        raise Refused(f"no such cluster node '{target}'")
    storage = None
    if call.has("storage"):
        storage = call.world.storage(call.get("storage"))
        call.need(f"/storage/{storage.id}", "Datastore.AllocateSpace")
        if not storage.on(call.node.name) or not storage.on(target):
            raise Refused(f"storage '{storage.id}' is not available on node '{target}'")
    call.world.need_quorum(call.node)
    guest = call.guest(kind)
    locked(guest)
    config = snapshot_config(guest, call.get("snapname")) if call.has("snapname") else guest.config
    full = call.flag("full", default=not guest.template)
    _possible(call, guest, config, full=full, target=target, storage=storage)
    need_free(call, kind, newid)
    new = Guest(kind, newid, target, {"lock": "create" if kind == LXC else "clone"}, copy.copy(guest.load))
    call.world.add_guest(new)
    if pool is not None:
        call.world.pools[pool].vms.add(newid)

    def run(task: Task) -> Work:
        try:
            yield 0.3
            with holding(guest, "disk" if kind == LXC else "clone"):
                yield from _fill(call, guest, new, config, storage, task, full=full)
        except BaseException as error:
            if not isinstance(error, GeneratorExit) and newid in call.world.guests:
                remove(call, new)
            raise
        call.world.note(new)

    return call.start(f"{_PREFIX[kind]}clone", str(guest.vmid), run)


def _possible(call: Call, guest: Guest, config: dict[str, str], *, full: bool, target: str, storage: Storage | None) -> None:
    """:raises Refused: such a clone is not possible"""
    if not full and storage is not None:
        raise Refused("parameter 'storage' not allowed for linked clones")
    if guest.kind == LXC and guest.running and full and not call.has("snapname"):
        raise Refused("Cannot do full clones on a running container without snapshots")
    for option, parts in disks_of(guest.kind, config).items():
        source = call.world.storage(parts["volume"].partition(":")[0])
        if not full and not guest.template:
            raise Refused(f"Linked clone feature is not supported for '{parts['volume']}' ({option})")
        if target != call.node.name and not (storage or source).shared:
            raise Refused(f"can't clone to non-shared storage '{(storage or source).id}'")


def _fill(call: Call, guest: Guest, new: Guest, config: dict[str, str], storage: Storage | None, task: Task, *, full: bool) -> Work:
    made = {key: value for key, value in config.items() if key not in _NOT_CLONED and not key.startswith("unused")}
    default = "volume" if guest.kind == LXC else "file"
    for option, parts in disks_of(guest.kind, config).items():
        source = call.world.volume(parts["volume"], guest.node)
        if source is None:
            raise TaskError(f"volume '{parts['volume']}' does not exist")
        task.say(f"create {'full' if full else 'linked'} clone of {'mountpoint' if guest.kind == LXC else 'drive'} {option} ({source.id})")
        volume = _copy(call, source, new, storage or call.world.storages[source.storage], full=full)
        if full:
            yield crawl([], Link(call.node, call.world.nodes[new.node], None), source.used)
        rest = {key: value for key, value in parts.items() if key != "volume"}
        made[option] = join_properties({default: volume.id} | rest, default)
    _identity(call, new, made)
    new.config = made


def _copy(call: Call, source: Volume, new: Guest, storage: Storage, *, full: bool) -> Volume:
    form = call.get("format") or source.format
    volume = volumes.allocate(call.world, storage, new.node, new.vmid, source.size, source.content, form, used=source.used if full else 0)
    if not full:
        volume.parent = source.name
    return volume


def _identity(call: Call, new: Guest, config: dict[str, str]) -> None:
    """A clone has addresses and ids of its own, and the name it was given."""
    for option in list(config):
        if re.fullmatch(r"net\d+", option):
            address = change.mac(call.world, new.vmid, option)
            config[option] = re.sub(r"(?i)[0-9a-f]{2}(:[0-9a-f]{2}){5}", address, config[option])
    source = random.Random(f"{new.vmid} {int(call.now)}")
    if new.kind == QEMU:
        config["smbios1"] = f"uuid={uuid.UUID(int=source.getrandbits(128), version=4)}"
        if "vmgenid" in config:
            config["vmgenid"] = str(uuid.UUID(int=source.getrandbits(128), version=4))
        config["name"] = call.get("name") or f"Copy-of-VM-{config.get('name', call.vmid)}"
    else:
        config["hostname"] = call.get("hostname") or f"Copy-of-CT-{config.get('hostname', call.vmid)}"
    if call.has("description"):
        config["description"] = call.get("description")


@for_both("POST", "/{vmid}/template")
def template(call: Call, kind: str) -> Any:
    guest = call.guest(kind)
    locked(guest)
    if guest.snapshots:
        raise Refused(f"unable to create template, because {guest.word} contains snapshots")
    if guest.template:
        raise Refused("you can't convert a template to a template")
    if guest.running:
        text = (
            "you can't convert a CT to template if the CT is running"
            if kind == LXC
            else "you can't convert a VM to template if VM is running"
        )
        raise Refused(text)

    def run(_task: Task) -> Work:
        yield 0.3
        for option, parts in guest.disks.items():
            if call.get("disk") in ("", option):
                _base(call, guest, option, dict(parts))
        if not call.has("disk"):
            guest.config["template"] = "1"
            call.world.note(guest)

    upid = call.start(f"{_PREFIX[kind]}template", str(guest.vmid), run)
    return upid if kind == QEMU else None


def _base(call: Call, guest: Guest, option: str, parts: dict[str, str]) -> None:
    volume = call.world.volume(parts.pop("volume"), guest.node)
    if volume is None:
        raise TaskError(f"volume of '{option}' does not exist")
    call.world.volumes.remove(volume)
    volume.name = re.sub(r"\b(vm|subvol)-", lambda match: "base-" if match[1] == "vm" else "basevol-", volume.name)
    call.world.volumes.add(volume)
    default = "volume" if guest.kind == LXC else "file"
    guest.config[option] = join_properties({default: volume.id} | parts, default)


@for_both("DELETE", "/{vmid}")
def delete(call: Call, kind: str) -> Any:
    call.only_root("skiplock")
    guest = call.guest(kind)
    if guest.config.get("protection") == "1":
        raise Refused(f"can't remove {guest.word} {guest.vmid} - protection mode enabled")
    if kind == LXC:
        locked(guest)
    if not call.flag("purge"):
        if guest.sid in call.world.ha.resources:
            raise Refused(f"unable to remove {guest.word} {guest.vmid} - used in HA resources and purge parameter not set.")
        for name, job in call.world.replication_jobs.items():
            if job["guest"] == guest.vmid:
                raise Refused(f"There is a replication job '{name}' for guest '{guest.vmid}' - Please remove that first.")
    if guest.running and not (kind == LXC and call.flag("force")):
        if kind == LXC:
            raise Refused(f"unable to destroy CT {guest.vmid} - container is running")
        raise Refused(f"VM {guest.vmid} is running - destroy failed")
    change.write(call, guest)

    def run(task: Task) -> Work:
        present = call.guest(kind)
        if not call.flag("skiplock"):
            locked(present)
        children = [
            volume.id
            for volume in call.world.volumes
            if volume.parent and volume.parent in {own.name for own in call.world.volumes.of_guest(present.vmid)}
        ]
        if children:
            raise TaskError(f"base volume is still in use by linked cloned '{children[0]}'")
        yield 0.5
        if call.flag("purge"):
            task.say(f"purging {present.word} {present.vmid} from related configurations..")
            if call.world.ha.resources.pop(present.sid, None) is not None:
                task.say(f"NOTE: removed {present.word} {present.vmid} from HA resource configuration.")
            for job in [name for name, job in call.world.replication_jobs.items() if job["guest"] == present.vmid]:
                del call.world.replication_jobs[job]
        remove(call, present)

    return call.start(f"{_PREFIX[kind]}destroy", str(guest.vmid), run)
