"""/storage and /nodes/X/storage: definitions, status, content."""

from __future__ import annotations

import re
from typing import Any

from . import figures, schema, volumes
from .api import Call, api
from .errors import BadParameters, Refused
from .formats import split_list
from .model import GIB, Storage, Volume
from .routes_cluster import config_digest

_SUBDIRS = (
    "content",
    "download-url",
    "file-restore",
    "identity",
    "import-metadata",
    "oci-registry-pull",
    "prunebackups",
    "rrd",
    "rrddata",
    "status",
    "upload",
)
_FILE = "storage.cfg"
_PLACES = {
    "dir": {"path"},
    "nfs": {"server", "export"},
    "cifs": {"server", "share"},
    "lvm": {"vgname"},
    "lvmthin": {"vgname", "thinpool"},
    "zfspool": {"pool"},
    "btrfs": {"path"},
    "iscsi": {"portal", "target"},
    "pbs": {"server", "datastore"},
    "esxi": {"server"},
    "zfs": {"portal", "target", "pool", "blocksize", "iscsiprovider"},
    "iscsidirect": {"portal", "target"},
}


def _digest(call: Call) -> str:
    return config_digest(
        *(f"{s.id} {s.type} {s.content} {s.shared} {s.nodes} {s.disabled} {sorted(s.config.items())}" for s in call.world.storages.values())
    )


def _definition(call: Call, storage: Storage) -> dict[str, Any]:
    shown: dict[str, Any] = {"storage": storage.id, "type": storage.type, "content": ",".join(storage.content), "digest": _digest(call)}
    shown |= {key: int(value) if key in ("krbd", "sparse", "mkdir", "disable") else value for key, value in storage.config.items()}
    if storage.shared and storage.type in ("dir", "lvm", "btrfs", "nfs", "cifs"):
        shown["shared"] = 1
    if storage.nodes is not None:
        shown["nodes"] = ",".join(storage.nodes)
    if storage.disabled:
        shown["disable"] = 1
    return shown


@api("GET", "/storage")
def storages(call: Call) -> Any:
    return [
        _definition(call, storage)
        for storage in call.world.storages.values()
        if call.get("type") in ("", storage.type)
        and call.may(f"/storage/{storage.id}", "Datastore.Audit", "Datastore.AllocateSpace", some=True)
    ]


@api("GET", "/storage/{storage}")
def storage_read(call: Call) -> Any:
    return _definition(call, call.world.storage(call.get("storage")))


@api("POST", "/storage")
def storage_create(call: Call) -> Any:
    name, kind = call.get("storage"), call.get("type")
    missing = next((key for key in sorted(_PLACES.get(kind, ())) if not call.has(key)), None)
    if missing is not None:
        raise Refused(f"missing value for required option '{missing}'")
    call.world.need_cluster_file(call.node, _FILE, "create storage failed: ")
    if name in call.world.storages:
        raise Refused(f"create storage failed: storage ID '{name}' already defined")
    nodes = tuple(split_list(call.get("nodes"))) if call.has("nodes") else None
    storage = Storage(
        name,
        kind,
        tuple(split_list(call.get("content", "images,rootdir"))),
        kind in ("nfs", "cifs", "rbd", "cephfs", "iscsi", "pbs"),
        nodes,
        100 * GIB,
        0,
        {},
    )
    call.world.storages[name] = storage
    _change(call, storage)
    return {"storage": name, "type": kind}


def _change(call: Call, storage: Storage) -> None:
    for key in call.params:
        value = call.get(key)
        if key == "content":
            storage.content = tuple(split_list(value))
        elif key == "nodes":
            storage.nodes = tuple(split_list(value))
        elif key == "shared":
            storage.shared = value == "1"
        elif key == "disable":
            storage.disabled = value == "1"
        elif key not in ("storage", "type", "delete", "digest", "password"):
            storage.config[key] = value


@api("PUT", "/storage/{storage}")
def storage_update(call: Call) -> Any:
    prefix = "update storage failed: "
    call.world.need_cluster_file(call.node, _FILE, prefix)
    if call.get("digest") not in ("", _digest(call)):
        raise Refused(f"{prefix}detected modified configuration - file changed by other user? Try again.")
    storage = _defined(call, prefix)
    for key in split_list(call.get("delete")):
        if key == "path" or schema.describe(call.method.parameters, key) is None:
            raise Refused(f"{prefix}no such option '{key}'")
        if call.has(key):
            raise Refused(f"{prefix}cannot set and delete property '{key}' at the same time!")
        if key == "nodes":
            storage.nodes = None
        elif key == "disable":
            storage.disabled = False
        elif key == "shared":
            storage.shared = False
        else:
            storage.config.pop(key, None)
    _change(call, storage)
    return {"storage": storage.id, "type": storage.type}


def _defined(call: Call, prefix: str) -> Storage:
    """:raises Refused: no such storage"""
    found = call.world.storages.get(call.get("storage"))
    if found is None:
        raise Refused(f"{prefix}storage '{call.get('storage')}' does not exist")
    return found


@api("DELETE", "/storage/{storage}")
def storage_delete(call: Call) -> Any:
    prefix = "delete storage failed: "
    call.world.need_cluster_file(call.node, _FILE, prefix)
    del call.world.storages[_defined(call, prefix).id]


# ---- of a node -------------------------------------------------------------------------------------------------------


@api("GET", "/nodes/{node}/storage")
def node_storages(call: Call) -> Any:
    wanted = set(split_list(call.get("content")))
    target = call.get("target")
    if call.has("storage") and not (wanted or set(_here(call).content)) & set(_here(call).content):
        raise BadParameters(storage="No such storage.")
    found = []
    for storage in call.world.storages.values():
        if call.get("storage") not in ("", storage.id) or (wanted and not (wanted & set(storage.content) and _enabled(call, storage))):
            continue
        if target not in ("", "localhost", call.node.name) and not (storage.shared and storage.on(target) and storage.on(call.node.name)):
            continue
        if (storage.disabled and call.flag("enabled")) or not call.may(
            f"/storage/{storage.id}", "Datastore.Audit", "Datastore.AllocateSpace", some=True
        ):
            continue
        found.append(_status(call, storage) | {"storage": storage.id})
    for entry in found:
        if entry["total"]:
            entry["used_fraction"] = entry["used"] / entry["total"]
        if call.flag("format") and entry["enabled"]:
            supported = ["qcow2", "raw", "subvol", "vmdk"] if call.world.storages[entry["storage"]].files else ["raw"]
            entry |= {"formats": {"default": "raw", "supported": supported}, "format": [dict.fromkeys(supported, 1), "raw"]}
    return found


def _status(call: Call, storage: Storage) -> dict[str, Any]:
    enabled = _enabled(call, storage)
    amounts = figures.of_storage(call.world, storage, call.node.name) if enabled else {"total": 0, "used": 0, "avail": 0}
    return {
        "type": storage.type,
        "content": ",".join(storage.content),
        "shared": int(storage.shared),
        "enabled": int(enabled),
        "active": int(enabled),
        **amounts,
    }


def _enabled(call: Call, storage: Storage) -> bool:
    """Whether the node uses it; lists show it anyway."""
    return storage.on(call.node.name) and not storage.disabled


def _here(call: Call) -> Storage:
    """:raises BadParameters: the cluster does not have the storage"""
    storage = call.world.storages.get(call.get("storage"))
    if storage is None:
        raise BadParameters(storage="No such storage.")
    return storage


@api("GET", "/nodes/{node}/storage/{storage}")
def node_storage(call: Call) -> Any:
    return [{"subdir": name} for name in _SUBDIRS]


@api("GET", "/nodes/{node}/storage/{storage}/status")
def node_storage_status(call: Call) -> Any:
    return _status(call, _here(call))


def _usable(call: Call) -> Storage:
    return call.world.enabled_storage(call.get("storage"), call.node.name)


@api("GET", "/nodes/{node}/storage/{storage}/content")
def content(call: Call) -> Any:
    storage = _usable(call)
    found = []
    for volume in call.world.volumes_on(storage.id, call.node.name):
        if call.get("content") not in ("", volume.content) or (call.has("vmid") and volume.vmid != call.vmid):
            continue
        if _visible(call, volume):
            found.append(_shown(volume))
    return found


def _visible(call: Call, volume: Volume) -> bool:
    if call.may(f"/storage/{volume.storage}", "Datastore.Allocate"):
        return True
    if volume.content in ("iso", "vztmpl", "import"):
        return call.may(f"/storage/{volume.storage}", "Datastore.Audit", "Datastore.AllocateSpace", some=True)
    if not volume.vmid:
        return False
    storage, guest = ("Datastore.AllocateSpace", "VM.Backup") if volume.content == "backup" else ("Datastore.Audit", "VM.Config.Disk")
    return call.may(f"/storage/{volume.storage}", storage) and call.may(f"/vms/{volume.vmid}", guest)


def _shown(volume: Volume) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "volid": volume.id,
        "content": volume.content,
        "format": volume.format,
        "size": volume.size,
        "ctime": volume.ctime,
    }
    if volume.vmid:
        entry |= {"vmid": volume.vmid, "used": volume.used, "parent": volume.parent}
    return entry


@api("POST", "/nodes/{node}/storage/{storage}/content")
def allocate(call: Call) -> Any:
    storage = _usable(call)
    size = re.fullmatch(r"(\d+)([MG]?)", call.get("size"))
    assert size is not None  # verified by the schema
    amount = int(size[1]) * {"": 1024, "M": 1 << 20, "G": GIB}[size[2]]
    name, form = call.get("filename"), call.get("format") or "raw"
    if not re.fullmatch(rf"vm-{call.vmid}-\S+", name):
        raise Refused(f"illegal name '{name}' - should be 'vm-{call.vmid}-*'")
    call.need(f"/vms/{call.vmid}", "VM.Allocate") if call.vmid not in call.world.guests else call.need(
        f"/vms/{call.vmid}", "VM.Config.Disk"
    )
    if storage.files:
        name = f"{call.vmid}/{name}"
    if call.world.volume(f"{storage.id}:{name}", call.node.name):
        raise Refused(f"disk image '{storage.config.get('path', '')}/images/{name}' already exists")
    return volumes.add(call.world, storage, call.node.name, call.vmid, name, amount, form, "images").id
