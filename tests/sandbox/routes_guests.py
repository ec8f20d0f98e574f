"""Reads of guests: lists, status, indexes, features, addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import figures
from .api import Call, Handler, api
from .errors import Refused
from .guest import LXC, QEMU, Guest
from .properties import split_properties

_INDEX = {
    LXC: (
        "clone", "config", "firewall", "interfaces", "migrate", "pending", "resize", "rrd", "rrddata", "snapshot", "spiceproxy",
        "status", "termproxy", "vncproxy", "vncwebsocket",
    ),
    QEMU: (
        "agent", "cloudinit", "config", "firewall", "migrate", "monitor", "move", "mtunnel", "pending", "remote_migrate", "resize",
        "rrd", "rrddata", "sendkey", "snapshot",
        "spiceproxy", "status", "termproxy", "unlink", "vncproxy",
    ),
}  # fmt: skip
_STATUS_INDEX = {
    LXC: ("current", "migrate", "reboot", "shutdown", "start", "stop"),
    QEMU: ("current", "reboot", "reset", "shutdown", "start", "stop", "suspend"),
}

BothHandler = Callable[[Call, str], Any]


def for_both(method: str, path: str) -> Callable[[BothHandler], BothHandler]:
    """Register one handler for containers and VMs: ``path`` below /nodes/X/KIND, the kind is the handler's second argument."""

    def register(function: BothHandler) -> BothHandler:
        for kind in (LXC, QEMU):
            api(method, f"/nodes/{{node}}/{kind}{path}")(_bound(function, kind))
        return function

    return register


def _bound(function: BothHandler, kind: str) -> Handler:
    return lambda call: function(call, kind)


@for_both("GET", "")
def guests(call: Call, kind: str) -> Any:
    found = []
    for guest in call.world.guests_on(call.node.name, kind):
        if call.may(f"/vms/{guest.vmid}", "VM.Audit"):
            entry = figures.guest_list_entry(call.world, guest)
            found.append(entry | (figures.vm_details(call.world, guest) if call.flag("full") else {}))
    return found


@for_both("GET", "/{vmid}")
def index(call: Call, kind: str) -> Any:
    call.guest(kind)
    return [{"subdir": name} for name in _INDEX[kind]]


@for_both("GET", "/{vmid}/status")
def status_index(call: Call, kind: str) -> Any:
    call.guest(kind)
    return [{"subdir": name} for name in _STATUS_INDEX[kind]]


@for_both("GET", "/{vmid}/status/current")
def current(call: Call, kind: str) -> Any:
    guest = call.guest(kind)
    entry = figures.guest_list_entry(call.world, guest)
    if kind == QEMU:
        entry |= figures.vm_details(call.world, guest)
        if split_properties(guest.config.get("agent", ""), "enabled").get("enabled") == "1":
            entry["agent"] = 1
        if "vga" in guest.config:
            vga = split_properties(guest.config["vga"], "type")
            entry |= {"clipboard": vga.get("clipboard")} | ({"spice": 1} if vga.get("type", "").startswith(("virtio", "qxl")) else {})
    return entry | {"ha": ha_state(call, guest)}


def ha_state(call: Call, guest: Guest) -> dict[str, Any]:
    """What status/current tells of high availability."""
    resource = call.world.ha.managed(guest.sid)
    return {"managed": 1, "state": resource.shown} if resource else {"managed": 0}


@for_both("GET", "/{vmid}/feature")
def feature(call: Call, kind: str) -> Any:
    guest = call.guest(kind) if kind == LXC else call.world.vm(call.node.name, call.vmid)
    config = guest.config
    if call.has("snapname"):
        config = snapshot_config(guest, call.get("snapname"))
    has = has_feature(call, guest, config, call.get("feature"), snapshot=call.has("snapname"))
    if kind == LXC:
        return {"hasFeature": int(has)}
    return {"hasFeature": int(has), "nodes": _reaching(call, guest)}


def snapshot_config(guest: Guest, name: str) -> dict[str, str]:
    """:raises Refused: no such snapshot"""
    if name not in guest.snapshots:
        raise Refused(f"snapshot '{name}' does not exist")
    return guest.snapshots[name]


def has_feature(call: Call, guest: Guest, config: dict[str, str], name: str, *, snapshot: bool = False) -> bool:
    """Whether all disks can be snapshot, cloned as links, or copied."""
    disks = Guest(guest.kind, guest.vmid, guest.node, config, guest.load).disks.values()
    for parts in disks:
        storage = call.world.storage(parts["volume"].partition(":")[0])
        images = parts["volume"].endswith(".qcow2")
        if name == "snapshot" and not (storage.snapshots or images):
            return False
        if name == "clone" and not (guest.template or (snapshot and (storage.snapshots or images))):
            return False
    return True


def _reaching(call: Call, guest: Guest) -> list[str]:
    storages = [call.world.storage(parts["volume"].partition(":")[0]) for parts in guest.disks.values()]
    return [name for name in call.world.nodes if name == guest.node or all(s.shared and s.on(name) for s in storages)]


@api("GET", "/nodes/{node}/lxc/{vmid}/interfaces")
def interfaces(call: Call) -> Any:
    guest = call.world.guests.get(call.vmid)
    if guest is None or guest.kind != LXC or guest.node != call.node.name or not guest.running:
        return None  # what does not run is not asked for its configuration
    lo = {"name": "lo", "hwaddr": "00:00:00:00:00:00", "hardware-address": "00:00:00:00:00:00", "inet": "127.0.0.1/8"}
    found = [lo | {"ip-addresses": [{"ip-address": "127.0.0.1", "ip-address-type": "inet", "prefix": 8}]}]
    for key, value in guest.config.items():
        if key.startswith("net") and key[3:].isdigit():
            parts = split_properties(value)
            address = parts.get("hwaddr", "").lower()
            entry: dict[str, Any] = {"name": parts.get("name", ""), "hwaddr": address, "hardware-address": address, "ip-addresses": []}
            if "/" in parts.get("ip", ""):
                ip, _unused, prefix = parts["ip"].partition("/")
                entry |= {"inet": parts["ip"], "ip-addresses": [{"ip-address": ip, "ip-address-type": "inet", "prefix": int(prefix)}]}
            found.append(entry)
    return found


@api("GET", "/nodes/{node}/qemu/{vmid}/agent/network-get-interfaces")
def agent_interfaces(call: Call) -> Any:
    guest = call.guest(QEMU)
    if "agent" not in guest.config:
        raise Refused("No QEMU guest agent configured")
    if not guest.running:
        raise Refused(f"VM {guest.vmid} is not running")
    if guest.paused or split_properties(guest.config["agent"], "enabled").get("enabled") != "1":
        raise Refused("QEMU guest agent is not running")
    found: list[dict[str, Any]] = [
        {
            "name": "lo",
            "hardware-address": "00:00:00:00:00:00",
            "ip-addresses": [{"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8}],
        },
    ]
    for key, value in sorted(guest.config.items()):
        if key.startswith("net") and key[3:].isdigit():
            mac = next((part.partition("=")[2] for part in value.split(",") if part.count(":") == 5), "")
            number = guest.vmid % 65000
            address = {"ip-address": f"10.{number // 250}.{number % 250 + 1}.{int(key[3:]) + 2}", "ip-address-type": "ipv4", "prefix": 16}
            found.append({"name": f"eth{key[3:]}", "hardware-address": mac.lower(), "ip-addresses": [address]})
    return {"result": found}
