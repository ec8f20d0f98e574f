"""Make inventories/clusters/sandbox.json: the cluster that the demo balances, as a state file of the Proxmox sandbox (docs/sandbox.md).

Five nodes, the first two full, one in maintenance; 42 guests, some bound by rules. Equal arguments give an equal file; a test holds that.
"""

from __future__ import annotations

import json
import pathlib
import random
from typing import Any

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
STATE = CHECKOUT / "inventories" / "clusters" / "sandbox.json"
SEED = 20261122
GIB = 1 << 30
NODES = ("pve1", "pve2", "pve3", "pve4", "pve5")
IN_MAINTENANCE = "pve5"
USER, TOKEN, SECRET = "foresight@pve", "demo", "7f1c9a52-3f0b-4d7e-9a55-1d2c3b4a5f60"
# The role of docs/proxmox.md for all that the playbooks do.
ROLE = [
    *("Datastore.AllocateSpace", "Datastore.Audit", "Pool.Audit", "Sys.Audit", "VM.Audit"),
    *("VM.Config.CPU", "VM.Config.Disk", "VM.Config.Memory", "VM.Config.Options", "VM.Migrate"),
]

# name, kind, node, cores, GiB of memory, tags
_BOUND = (
    ("web1", "lxc", "pve1", 2, 2, "foresight.apart.web"),
    ("web2", "lxc", "pve1", 2, 2, "foresight.apart.web"),
    ("web3", "lxc", "pve2", 2, 2, "foresight.apart.web"),
    ("shop", "qemu", "pve1", 4, 8, "foresight.together.shop"),
    ("shop-db", "qemu", "pve1", 4, 8, "foresight.together.shop"),
    ("shop-index", "qemu", "pve1", 2, 4, "foresight.together.shop"),
    ("licences", "qemu", "pve1", 4, 10, "foresight.on.pve1"),
    ("legacy", "qemu", "pve1", 4, 8, "foresight.ignore"),
    ("monitor", "lxc", "pve2", 2, 4, "foresight.on.pve2;foresight.on.pve3"),
    ("dc1", "qemu", "pve2", 2, 4, ""),
    ("dc2", "qemu", "pve3", 2, 4, ""),
    ("mail", "qemu", "pve2", 4, 8, ""),
    ("mail-filter", "qemu", "pve2", 2, 4, ""),
    ("gateway", "qemu", "pve2", 2, 4, ""),
    ("search1", "lxc", "pve1", 4, 6, ""),
    ("search2", "lxc", "pve2", 4, 6, ""),
    ("search3", "lxc", "pve3", 4, 6, ""),
)
# How many guests that nothing binds are on each node.
_FREE = {"pve1": 5, "pve2": 7, "pve3": 4, "pve4": 3, "pve5": 3}
_STOPPED = (("old-shop", "qemu", "pve1", 4, 8), ("debian-12", "qemu", "pve3", 2, 2), ("staging", "lxc", "pve4", 2, 4))


def make() -> dict[str, Any]:
    """The state file."""
    source = random.Random(SEED)
    guests: list[dict[str, Any]] = []
    for name, kind, node, cores, gib, tags in _BOUND:
        guests.append(_guest(source, guests, name, kind, node, cores, gib, tags))
    for node, count in _FREE.items():
        for number in range(count):
            kind = source.choice(("lxc", "qemu"))
            guests.append(
                _guest(source, guests, f"{node}-app{number + 1}", kind, node, source.choice((2, 4)), source.choice((2, 4, 4, 8)), "")
            )
    for name, kind, node, cores, gib in _STOPPED:
        guests.append(_guest(source, guests, name, kind, node, cores, gib, "") | {"running": False})
    ids = {_name(guest): guest["vmid"] for guest in guests}
    next(guest for guest in guests if guest["vmid"] == ids["debian-12"])["config"]["template"] = 1
    return {
        "about": "The cluster that `make demo` balances; made by tests/tools/demo_cluster.py, not recorded from anywhere.",
        "cluster": {"name": "sandbox"},
        "history_days": 14,
        "load_series": {"wave": 0.25, "noise": 0.05},
        "nodes": [_node(name) for name in NODES],
        "storages": [
            {"storage": "local", "type": "dir", "path": "/var/lib/vz", "content": "iso,vztmpl", "total": 60 * GIB},
            {
                "storage": "local-lvm",
                "type": "lvmthin",
                "content": "images,rootdir",
                "vgname": "pve",
                "thinpool": "data",
                "total": 800 * GIB,
            },
            {
                "storage": "ceph",
                "type": "rbd",
                "pool": "vms",
                "content": "images,rootdir",
                "shared": 1,
                "total": 8000 * GIB,
                "used": 900 * GIB,
            },
        ],
        "guests": guests,
        "pools": [
            {
                "poolid": "search",
                "comment": "Replicas of the index: foresight.apart",
                "members": {"vms": [ids[f"search{i}"] for i in (1, 2, 3)]},
            },
            {
                "poolid": "shop",
                "comment": "The shop",
                "members": {"vms": [ids[name] for name in ("shop", "shop-db", "web1", "web2", "web3")]},
            },
        ],
        "ha": _ha(ids),
        "roles": [{"roleid": "ForesightSite", "privs": ROLE}],
        "builtin_roles": {},
        "users": [{"userid": "root@pam"}, {"userid": USER}],
        "tokens": [{"tokenid": f"{USER}!{TOKEN}", "value": SECRET, "privsep": 0}],
        "acl": [{"path": "/", "ugid": USER, "roleid": "ForesightSite", "propagate": 1}],
    }


def _node(name: str) -> dict[str, Any]:
    node = {"node": name, "cpus": 16, "memory": 64 * GIB, "overhead_cpu": 0.3, "overhead_memory": 2 * GIB}
    return node | ({"maintenance": True} if name == IN_MAINTENANCE else {})


def _guest(
    source: random.Random, others: list[dict[str, Any]], name: str, kind: str, node: str, cores: int, gib: int, tags: str
) -> dict[str, Any]:
    """A guest; one in six has its disk on a storage of its node."""
    vmid = (100 if kind == "lxc" else 200) + sum(other["type"] == kind for other in others) + 1
    storage = "local-lvm" if not tags and source.random() < 1 / 6 else "ceph"
    volume = f"{storage}:vm-{vmid}-disk-0,size={source.choice((8, 16, 32))}G"
    config: dict[str, Any] = {"cores": cores, "memory": gib * 1024, **({"tags": tags} if tags else {})}
    if kind == "lxc":
        config |= {"hostname": name, "swap": 512, "ostype": "debian", "arch": "amd64", "unprivileged": 1, "rootfs": volume}
    else:
        config |= {"name": name, "ostype": "l26", "scsihw": "virtio-scsi-single", "scsi0": volume, "boot": "order=scsi0"}
    load = {
        "cpu": round(cores * source.uniform(0.15, 0.4), 2),
        "mem": int(gib * source.uniform(0.55, 0.8) * 1024) << 20,
        "seed": source.randrange(1, 1 << 20),
    }
    return {"type": kind, "vmid": vmid, "node": node, "running": True, "config": config, "load": load}


def _name(guest: dict[str, Any]) -> str:
    name: str = guest["config"]["hostname" if guest["type"] == "lxc" else "name"]
    return name


def _ha(ids: dict[str, int]) -> dict[str, Any]:
    """What the HA manager holds; every rule of it is kept at the start, or it would move guests by itself."""
    sid = {name: f"vm:{ids[name]}" for name in ("dc1", "dc2", "mail", "mail-filter", "gateway")}
    return {
        "resources": [{"sid": one, "state": "started"} for one in sid.values()],
        "rules": [
            {"rule": "controllers", "type": "resource-affinity", "affinity": "negative", "resources": f"{sid['dc1']},{sid['dc2']}"},
            {"rule": "mail", "type": "resource-affinity", "affinity": "positive", "resources": f"{sid['mail']},{sid['mail-filter']}"},
            {"rule": "uplink", "type": "node-affinity", "resources": sid["gateway"], "nodes": "pve1,pve2", "strict": 1},
        ],
    }


def text() -> str:
    """The file, a line for each guest."""
    state = make()
    lines = [json.dumps(guest) for guest in state["guests"]]
    shown = json.dumps(state | {"guests": ["GUESTS"]}, indent=1)
    return shown.replace('"GUESTS"', ",\n  ".join(lines)) + "\n"


def main() -> None:
    STATE.parent.mkdir(exist_ok=True)
    STATE.write_text(text(), encoding="utf-8")
    print(f"demo cluster: {len(make()['guests'])} guests in {STATE.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    main()
