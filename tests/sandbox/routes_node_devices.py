"""/nodes/X/network and /nodes/X/disks: one bridge, one disk per node; pools of disks are made as tasks."""

from __future__ import annotations

from typing import Any

from .api import Call, api
from .errors import Refused
from .scheduler import Work
from .tasks import Task, TaskError

_BRIDGES = ("bridge", "any_bridge", "any_local_bridge", "include_sdn")


@api("GET", "/nodes/{node}/network")
def network(call: Call) -> Any:
    address = call.node.ip
    found: list[dict[str, Any]] = [
        {
            "iface": "eno1",
            "type": "eth",
            "method": "manual",
            "method6": "manual",
            "families": ["inet"],
            "active": 1,
            "exists": 1,
            "priority": 3,
        },
    ]
    if call.may("/sdn/zones/localnetwork/vmbr0", "SDN.Audit", "SDN.Use", some=True):
        found.append(
            {
                "iface": "vmbr0",
                "type": "bridge",
                "method": "static",
                "method6": "manual",
                "families": ["inet"],
                "active": 1,
                "autostart": 1,
                "priority": 4,
                "address": address,
                "netmask": "24",
                "cidr": f"{address}/24",
                "gateway": f"{address.rpartition('.')[0]}.254",
                "bridge_ports": "eno1",
                "bridge_stp": "off",
                "bridge_fd": "0",
            }
        )
    kind = call.get("type")
    if kind:
        found = [one for one in found if one["type"] == kind or (one["type"] == "bridge" and kind in _BRIDGES)]
    return found


@api("GET", "/nodes/{node}/disks/list")
def disks(call: Call) -> Any:
    if call.get("type"):
        return []
    return [
        {
            "devpath": "/dev/sda",
            "by_id_link": f"/dev/disk/by-id/scsi-sandbox-{call.node.name}",
            "gpt": 1,
            "health": "OK",
            "model": "SANDBOX",
            "mounted": 0,
            "osdid": -1,
            "osdid-list": None,
            "rpm": 0,
            "serial": f"S{call.node.nodeid:07d}",
            "size": call.node.rootfs,
            "type": "ssd",
            "used": "partitions",
            "vendor": "ATA",
            "wearout": 99,
            "wwn": "unknown",
        }
    ]


def _storages(call: Call, kind: str) -> list[Any]:
    found = [s for s in call.world.storages.values() if s.type == kind and s.on(call.node.name)]
    return [(storage, storage.used + call.world.volumes.used(storage.id, call.node.name)) for storage in found]


@api("GET", "/nodes/{node}/disks/lvm")
def lvm(call: Call) -> Any:
    groups = [
        {
            "name": s.config.get("vgname", s.id),
            "size": s.total,
            "free": s.total - used,
            "lvcount": 1,
            "leaf": 0,
            "children": [{"name": "/dev/sdb", "size": s.total, "free": s.total - used, "leaf": 1}],
        }
        for s, used in _storages(call, "lvm")
    ]
    return {"leaf": 0, "children": groups}


@api("GET", "/nodes/{node}/disks/lvmthin")
def lvmthin(call: Call) -> Any:
    return [
        {
            "lv": s.config.get("thinpool", s.id),
            "vg": s.config.get("vgname", s.id),
            "lv_size": s.total,
            "used": used,
            "metadata_size": s.total // 1000,
            "metadata_used": used // 1000,
        }
        for s, used in _storages(call, "lvmthin")
    ]


@api("GET", "/nodes/{node}/disks/zfs")
def zfs(call: Call) -> Any:
    return [
        {
            "name": s.config.get("pool", s.id),
            "size": s.total,
            "alloc": used,
            "free": s.total - used,
            "frag": 10,
            "dedup": 1,
            "health": "ONLINE",
        }
        for s, used in _storages(call, "zfspool")
    ]


def _create(call: Call, type_: str, device: str) -> str:
    """There is no unused disk, so the task ends as the real one would on a disk in use."""
    if not device.startswith("/dev/"):
        raise Refused(f"unable to get device info for '{device}'")

    def run(task: Task) -> Work:
        yield 0.2
        raise TaskError(f"device '{device}' is already in use")

    return call.start(type_, call.get("name"), run)


@api("POST", "/nodes/{node}/disks/lvm")
def lvm_create(call: Call) -> Any:
    return _create(call, "lvmcreate", call.get("device"))


@api("POST", "/nodes/{node}/disks/lvmthin")
def lvmthin_create(call: Call) -> Any:
    return _create(call, "lvmthincreate", call.get("device"))


@api("POST", "/nodes/{node}/disks/zfs")
def zfs_create(call: Call) -> Any:
    return _create(call, "zfscreate", call.get("devices").replace(";", ",").split(",")[0])
