"""/cluster: status, resources, options, next id."""

from __future__ import annotations

import hashlib
from typing import Any

from .api import Call, api
from .errors import BadParameters, Refused
from .formats import split_list
from .guest import as_text
from .model import Node, Pool, Storage
from .properties import split_properties

_OPTIONS_PARTS = {
    "crs": None,
    "ha": None,
    "migration": "type",
    "next-id": None,
    "notify": None,
    "replication": "type",
    "tag-style": None,
    "u2f": None,
    "user-tag-access": None,
    "webauthn": None,
}


@api("GET", "/cluster/status")
def status(call: Call) -> Any:
    world, view = call.world, call.node
    nodes = [
        {
            "type": "node",
            "id": f"node/{node.name}",
            "name": node.name,
            "nodeid": node.nodeid,
            "ip": node.ip,
            "online": int(world.online(view, node)),
            "local": int(node is view),
            "level": "",
        }
        for node in world.nodes.values()
    ]
    if not world.name:
        return nodes
    quorate = int(world.quorate(view))
    return [
        {"type": "cluster", "id": "cluster", "name": world.name, "version": world.cluster_version, "nodes": len(nodes), "quorate": quorate},
        *nodes,
    ]


@api("GET", "/cluster/resources")
def resources(call: Call) -> Any:
    call.world.broadcast.refresh()
    kind = call.get("type")
    found: list[dict[str, Any]] = []
    guests = _guests(call) if kind in ("", "vm") else []
    if not kind:
        found += [entry for pool in call.world.pools.values() if (entry := _pool(call, pool))]
    found += guests
    if kind in ("", "node"):
        found += [_node(call, node) for node in call.world.nodes.values()]
    if kind in ("", "storage"):
        for storage in call.world.storages.values():
            if not storage.disabled and call.may(f"/storage/{storage.id}", "Datastore.Audit"):
                found += [storage_entry(call, storage, node) for node in call.world.nodes.values() if storage.on(node.name)]
    if not kind and call.may("/sdn/zones/localnetwork", "SDN.Audit"):
        found += [
            {
                "type": "network",
                "id": f"network/{node.name}/zone/localnetwork",
                "node": node.name,
                "network": "localnetwork",
                "network-type": "zone",
                "status": "ok",
            }
            for node in call.world.nodes.values()
        ]
    return found


def guest_entry(call: Call, vmid: int, *, full: bool = True) -> dict[str, Any]:
    """A guest's entry of resources (``full``) and of a pool's members; figures are those of the last broadcast."""
    world, guest = call.world, call.world.guests[vmid]
    entry: dict[str, Any] = {"id": guest.id, "vmid": guest.vmid, "type": guest.kind, "node": guest.node, "status": "unknown"}
    entry |= world.broadcast.guest(guest) or {}
    if full:
        for key in ("tags", "lock"):
            if key in guest.config:
                entry[key] = guest.config[key]
        resource = world.ha.resources.get(guest.sid)
        if resource is not None:
            entry["hastate"] = resource.shown or resource.config.get("state")
    return entry


def _guests(call: Call) -> list[dict[str, Any]]:
    pools = {vmid: pool.id for pool in call.world.pools.values() for vmid in pool.vms}
    audited = {pool.id: call.may(f"/pool/{pool.id}", "Pool.Audit") for pool in call.world.pools.values()}
    found = []
    for vmid in call.world.guests:
        if not call.may(f"/vms/{vmid}", "VM.Audit"):
            continue
        entry = guest_entry(call, vmid)
        pool = pools.get(vmid)
        if pool is not None and audited[pool]:
            entry["pool"] = pool
        found.append(entry)
    return found


def _pool(call: Call, pool: Pool) -> dict[str, Any] | None:
    """The sums over a pool's running guests."""
    if not call.may(f"/pool/{pool.id}", "Pool.Audit"):
        return None
    entry: dict[str, Any] = {"type": "pool", "id": f"/pool/{pool.id}", "pool": pool.id}
    figures = [call.world.broadcast.guest(call.world.guests[vmid]) for vmid in pool.vms if vmid in call.world.guests]
    running = [one for one in figures if one and one["status"] == "running"]
    if running:
        cores = sum(one["maxcpu"] for one in running)
        entry |= {
            "maxcpu": cores,
            "cpu": sum(one["cpu"] * one["maxcpu"] for one in running) / cores,
            "mem": sum(one["mem"] for one in running),
            "maxmem": sum(one["maxmem"] for one in running),
            "uptime": max(one["uptime"] for one in running),
        }
    return entry


def node_entry(call: Call, node: Node) -> dict[str, Any]:
    """What /nodes and resources share of a node."""
    online = call.world.online(call.node, node)
    entry: dict[str, Any] = {
        "type": "node",
        "id": f"node/{node.name}",
        "node": node.name,
        "status": "online" if online else "offline",
        "level": "",
    }
    if call.may(f"/nodes/{node.name}", "Sys.Audit"):
        figures = call.world.broadcast.node(node) or {"maxcpu": node.cpus, "maxmem": node.memory, "maxdisk": node.rootfs, "level": ""}
        entry |= figures if online else {key: figures[key] for key in ("maxcpu", "maxmem", "maxdisk", "level")}
    return entry


def _node(call: Call, node: Node) -> dict[str, Any]:
    entry = node_entry(call, node) | {"cgroup-mode": node.cgroup_mode}
    if call.world.ha.active:
        entry["hastate"] = call.world.ha.node_states.get(node.name, "unknown")
    return entry


def storage_entry(call: Call, storage: Storage, node: Node) -> dict[str, Any]:
    """A storage's entry of resources."""
    figures = call.world.broadcast.storage(storage, node)
    entry: dict[str, Any] = {
        "type": "storage",
        "id": f"storage/{node.name}/{storage.id}",
        "storage": storage.id,
        "node": node.name,
        "plugintype": storage.type,
        "content": ",".join(storage.content),
        "shared": int(storage.shared),
        "status": "available" if figures else "unknown",
    }
    if figures:
        entry |= {"disk": figures["used"], "maxdisk": figures["total"]}
    return entry


@api("GET", "/cluster/nextid")
def nextid(call: Call) -> Any:
    taken = call.world.guests
    if call.has("vmid"):
        if call.vmid in taken:
            raise BadParameters(vmid=f"VM {call.vmid} already exists")
        return str(call.vmid)
    limits = split_properties(call.world.datacenter.get("next-id", ""))
    lower, upper = int(limits.get("lower", 100)), int(limits.get("upper", 1_000_000))
    for vmid in range(lower, upper):
        if vmid not in taken:
            return str(vmid)
    raise Refused(f"unable to get any free VMID in range [{lower}, {upper}]")


def guest_tags(call: Call) -> list[str]:
    """The tags of the guests that the caller may see."""
    tags = set(split_list(call.world.datacenter.get("registered-tags", "")))
    for guest in call.world.guests.values():
        if "tags" in guest.config and call.may(f"/vms/{guest.vmid}", "VM.Audit"):
            tags |= set(guest.config["tags"].split(";"))
    return sorted(tags)


@api("GET", "/cluster/options")
def options(call: Call) -> Any:
    tags = {"allowed-tags": guest_tags(call)}
    stored = call.world.datacenter
    if not call.may("/", "Sys.Audit"):
        shown: dict[str, Any] = {key: stored[key] for key in ("console", "tag-style") if key in stored}
    else:
        shown = {"description": "", "mac_prefix": "BC:24:11", **stored}
    for key, default in _OPTIONS_PARTS.items():
        if key in shown:
            shown[key] = split_properties(shown[key], default)
    if "registered-tags" in shown:
        shown["registered-tags"] = split_list(shown["registered-tags"])
    if "migration_unsecure" in shown:  # other numbers are texts
        shown["migration_unsecure"] = int(shown["migration_unsecure"])
    access = shown.get("user-tag-access", {})
    if "user-allow-list" in access:
        access["user-allow-list"] = split_list(access["user-allow-list"])
    return shown | tags


@api("PUT", "/cluster/options")
def set_options(call: Call) -> Any:
    call.world.need_cluster_file(call.node, "datacenter.cfg")
    stored = call.world.datacenter
    for key in call.params:
        if key != "delete":
            value = as_text(call.get(key))
            stored[key] = value + "\n" if key == "description" and not value.endswith("\n") else value
    for key in split_list(call.get("delete")):
        stored.pop(key, None)


def config_digest(*texts: str) -> str:
    """The digest of a configuration file."""
    return hashlib.sha1("\n".join(texts).encode()).hexdigest()


@api("GET", "/cluster/config/qdevice")
def qdevice(call: Call) -> Any:
    return {}
