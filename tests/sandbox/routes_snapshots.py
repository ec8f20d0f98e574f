"""Snapshots of guests."""

from __future__ import annotations

from typing import Any

from . import lifecycle
from .api import Call
from .config_lxc import locked
from .errors import Refused
from .guest import LXC, Guest
from .lifecycle import holding
from .routes_config import shown
from .routes_guests import for_both, has_feature, snapshot_config
from .scheduler import Work
from .tasks import Task, TaskError

_PREFIX = {LXC: "vz", "qemu": "qm"}
_NOT_KEPT = ("lock", "parent", "snaptime", "snapstate", "vmstate", "digest", "description", "template")


@for_both("GET", "/{vmid}/snapshot")
def snapshots(call: Call, kind: str) -> Any:
    guest = call.guest(kind)
    found = []
    for name, section in guest.snapshots.items():
        entry = {"name": name, "snaptime": int(section.get("snaptime", 0))}
        text = shown(guest, section).get("description", "")
        entry["description"] = text
        if kind != LXC:
            entry["vmstate"] = int("vmstate" in section)
        if "parent" in section:
            entry["parent"] = section["parent"]
        if "snapstate" in section:
            entry["snapstate"] = section["snapstate"]
        found.append(entry)
    current: dict[str, Any] = {"name": "current", "description": "You are here!", "digest": guest.digest, "running": int(guest.running)}
    if "parent" in guest.config:
        current["parent"] = guest.config["parent"]
    return [*found, current]


@for_both("GET", "/{vmid}/snapshot/{snapname}")
def snapshot_index(call: Call, kind: str) -> Any:
    return [{"cmd": "rollback"}, {"cmd": "config"}]


@for_both("GET", "/{vmid}/snapshot/{snapname}/config")
def snapshot_read(call: Call, kind: str) -> Any:
    guest = call.guest(kind)
    return shown(guest, snapshot_config(guest, call.get("snapname")))


@for_both("PUT", "/{vmid}/snapshot/{snapname}/config")
def snapshot_update(call: Call, kind: str) -> None:
    if not call.has("description"):
        return
    guest = call.guest(kind)
    locked(guest)
    snapshot_config(guest, call.get("snapname"))["description"] = call.get("description")


@for_both("POST", "/{vmid}/snapshot")
def snapshot_create(call: Call, kind: str) -> Any:
    name = call.get("snapname")
    reserved = name == "current" or (name == "vzdump" if kind == LXC else name.lower() == "pending")
    if reserved:
        raise Refused(f"unable to use snapshot name '{name.lower()}' (reserved name)")
    if kind != LXC:
        call.guest(kind)

    def run(_task: Task) -> Work:
        guest = call.guest(kind)
        if guest.template:
            raise TaskError("you can't take a snapshot if it's a template")
        locked(guest)
        if name in guest.snapshots:
            raise TaskError(f"snapshot name '{name}' already used")
        if not has_feature(call, guest, guest.config, "snapshot"):
            raise TaskError("snapshot feature is not available")
        with holding(guest, "snapshot"):
            yield 0.3
        guest.snapshots[name] = _section(guest, call)
        guest.config["parent"] = name

    return call.start(f"{_PREFIX[kind]}snapshot", str(call.vmid), run)


def _section(guest: Guest, call: Call) -> dict[str, str]:
    section = {key: value for key, value in guest.config.items() if key not in _NOT_KEPT and not key.startswith("unused")}
    section["snaptime"] = str(int(call.now))
    if "parent" in guest.config:
        section["parent"] = guest.config["parent"]
    if call.get("description"):
        section["description"] = call.get("description")
    if call.flag("vmstate") and guest.running:
        section["vmstate"] = f"local:{guest.vmid}/vm-{guest.vmid}-state-{call.get('snapname')}.raw"
    return section


@for_both("POST", "/{vmid}/snapshot/{snapname}/rollback")
def rollback(call: Call, kind: str) -> Any:
    name = call.get("snapname")
    if kind != LXC and call.flag("start"):
        call.need(f"/vms/{call.vmid}", "VM.PowerMgmt")

    def run(_task: Task) -> Work:
        guest = call.guest(kind)
        if guest.template:
            raise TaskError("you can't rollback if vm is a template")
        section = snapshot_config(guest, name)
        if "snapstate" in section:
            raise TaskError(f"unable to rollback to incomplete snapshot (snapstate = {section['snapstate']})")
        locked(guest)
        if guest.running:
            yield from lifecycle.stop(call.world, guest)
        _images(call, guest, section, "rollback", "can't rollback snapshot this image format")
        with holding(guest, "rollback"):
            yield 0.3
        kept = {key: value for key, value in guest.config.items() if key == "description" or key.startswith("unused")}
        guest.config = kept | {key: value for key, value in section.items() if key not in _NOT_KEPT} | {"parent": name}
        guest.pending, guest.pending_delete = {}, []
        call.world.note(guest)
        if call.flag("start") or "vmstate" in section:
            yield from lifecycle.start(call.world, guest)

    return call.start(f"{_PREFIX[kind]}rollback", str(call.vmid), run)


def _images(call: Call, guest: Guest, section: dict[str, str], lock: str, text: str) -> None:
    """:raises TaskError: images without snapshots; the lock that was taken before stays, as on the real server"""
    if not has_feature(call, guest, section, "snapshot"):
        guest.config["lock"] = lock
        raise TaskError(text)


@for_both("DELETE", "/{vmid}/snapshot/{snapname}")
def snapshot_delete(call: Call, kind: str) -> Any:
    name = call.get("snapname")

    def run(_task: Task) -> Work:
        guest = call.guest(kind)
        section = snapshot_config(guest, name)
        locked(guest)
        if guest.template:
            guest.config["lock"] = "snapshot-delete"
            raise TaskError("you can't delete a snapshot if vm is a template")
        if not call.flag("force"):
            section["snapstate"] = "delete"
            _images(call, guest, section, "snapshot-delete", "can't delete snapshot for this image format")
        with holding(guest, "snapshot-delete"):
            yield 0.3
        del guest.snapshots[name]
        for other in (guest.config, *guest.snapshots.values()):
            if other.get("parent") == name:
                _reparent(other, section.get("parent"))

    return call.start(f"{_PREFIX[kind]}delsnapshot", str(call.vmid), run)


def _reparent(config: dict[str, str], parent: str | None) -> None:
    if parent is None:
        del config["parent"]
    else:
        config["parent"] = parent
