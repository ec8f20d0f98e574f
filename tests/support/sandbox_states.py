"""State files for the sandbox that nobody wants to write by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
