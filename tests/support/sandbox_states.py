"""State files for the sandbox that nobody wants to write by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[2] / "docs" / "proxmox.md"
GIB = 1 << 30


def wide(state: dict[str, Any], nodes: int, guests: int) -> dict[str, Any]:
    """A cluster of many equal nodes with as many guests each, every second one a VM; users and tokens are those of ``state``."""
    found = {key: state[key] for key in ("version", "users", "tokens", "acl", "roles", "builtin_roles")}
    found["cluster"] = {"name": "wide", "version": nodes}
    found["nodes"] = [{"node": f"n{i:04d}", "cpus": 32, "memory": 256 * GIB} for i in range(nodes)]
    found["storages"] = [
        {"storage": "ceph", "type": "rbd", "content": "images,rootdir", "shared": 1, "total": 1000 * nodes * GIB},
        {"storage": "local-lvm", "type": "lvmthin", "content": "images,rootdir", "vgname": "pve", "thinpool": "data", "total": 2000 * GIB},
    ]
    found["guests"] = [_guest(1000 + i * guests + j, f"n{i:04d}") for i in range(nodes) for j in range(guests)]
    return found


def _guest(vmid: int, node: str) -> dict[str, Any]:
    volume = f"{'ceph' if vmid % 3 else 'local-lvm'}:vm-{vmid}-disk-0,size=32G"
    if vmid % 2:
        config: dict[str, Any] = {"name": f"vm{vmid}", "cores": 2, "memory": 8192, "scsi0": volume, "boot": "order=scsi0"}
    else:
        config = {"hostname": f"ct{vmid}", "cores": 2, "memory": 8192, "swap": 512, "ostype": "debian", "rootfs": volume}
    load = {"cpu": 0.5 + vmid % 7 / 7, "mem": (2 + vmid % 5) * GIB}
    return {"type": "qemu" if vmid % 2 else "lxc", "vmid": vmid, "node": node, "running": bool(vmid % 10), "config": config, "load": load}


USER, SECRET = "foresight@pve", "99999999-9999-9999-9999-999999999999"
SITE_TOKEN = {"api_token_id": f"{USER}!site", "api_token_secret": SECRET}

# What is moved of it by the role balance, and where to: in the first wave a container and a VM of the HA manager, in the second another VM.
SITE_MOVES = {"lxc/102": "n2", "qemu/203": "n2", "qemu/202": "n3"}


def site_role() -> list[str]:
    """The privileges of the role for all that the playbooks do, as docs/proxmox.md creates it."""
    line = re.search(r'pveum role add ForesightSite --privs "([^"]+)"', DOCS.read_text(encoding="utf-8"))
    assert line is not None
    return line[1].split(",")


def uneven(privileges: Sequence[str]) -> dict[str, Any]:
    """A small cluster whose first node is full: running and stopped guests of both kinds, one of the HA manager, loads that stand still.

    :param privileges: of the one user and its token.
    """
    guests = [
        _uneven("qemu", 201, "n1", 6, cpu=1.0),
        _uneven("qemu", 202, "n1", 5, cpu=0.9),
        _uneven("lxc", 101, "n1", 5, cpu=0.8),
        _uneven("lxc", 102, "n1", 4, cpu=0.7),
        _uneven("qemu", 203, "n1", 4, cpu=0.6),
        _uneven("lxc", 103, "n2", 2, cpu=0.2),
        _uneven("qemu", 204, "n3", 2, cpu=0.2),
        _uneven("lxc", 104, "n1", 2, cpu=None),
    ]
    return {
        "cluster": {"name": "uneven"},
        "history_days": 1,
        "load_series": {"seed": 1, "wave": 0, "noise": 0},
        "nodes": [{"node": name, "cpus": 8, "memory": 32 * GIB, "overhead_memory": GIB} for name in ("n1", "n2", "n3")],
        "storages": [{"storage": "ceph", "type": "rbd", "content": "images,rootdir", "shared": 1, "total": 1000 * GIB}],
        "guests": guests,
        "ha": {"resources": [{"sid": "vm:203", "state": "started"}], "rules": []},
        "users": [{"userid": "root@pam"}, {"userid": USER}],
        "tokens": [{"tokenid": SITE_TOKEN["api_token_id"], "value": SECRET, "privsep": 1}],
        "roles": [{"roleid": "ForesightSite", "privs": list(privileges)}],
        "builtin_roles": {"NoAccess": []},
        "acl": [{"path": "/", "ugid": who, "roleid": "ForesightSite", "propagate": 1} for who in (USER, SITE_TOKEN["api_token_id"])],
    }


def _uneven(kind: str, vmid: int, node: str, gib: int, *, cpu: float | None) -> dict[str, Any]:
    """A guest that uses three quarters of its memory; one without ``cpu`` is stopped."""
    disk = f"ceph:vm-{vmid}-disk-0,size=8G"
    config: dict[str, Any] = {"cores": 2, "memory": gib * 1024}
    if kind == "lxc":
        config |= {"hostname": f"ct{vmid}", "ostype": "debian", "swap": 512, "rootfs": disk}
    else:
        config |= {"name": f"vm{vmid}", "ostype": "l26", "scsihw": "virtio-scsi-single", "scsi0": disk, "boot": "order=scsi0"}
    load = {"cpu": cpu or 0.0, "mem": gib * GIB * 3 // 4}
    return {"type": kind, "vmid": vmid, "node": node, "running": cpu is not None, "config": config, "load": load}


def few(state: Path, folder: Path, **more: Any) -> Path:
    """A file with the cluster of a state file, four of its guests (one is stopped) and forty days of a history that varies."""
    found = json.loads(state.read_text(encoding="utf-8"))
    found["guests"] = [guest for guest in found["guests"] if guest["vmid"] in (101, 104, 105, 204)]
    numbers = {f"{kind}:{guest['vmid']}" for guest in found["guests"] for kind in ("ct", "vm")}
    found["ha"]["resources"] = [entry for entry in found["ha"].get("resources", []) if entry["sid"] in numbers]
    found["nodes"][0]["arcsize"] = GIB
    # Only the HA manager's own rules know guests by name.
    found["ha"].pop("rules", None)
    found |= {"history_days": 40, "load_series": {"seed": 1, "wave": 0.3, "noise": 0.1}, **more}
    file = folder / "state.json"
    file.write_text(json.dumps(found), encoding="utf-8")
    return file
