"""/nodes: lists, status, version, time, configuration."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from . import figures, power
from .api import Call, api
from .errors import Refused
from .formats import split_list
from .model import Node
from .routes_cluster import config_digest, node_entry
from .scheduler import Work, told
from .tasks import Task

_KERNEL = "6.17.2-1-pve"
_SUBDIRS = (
    "aplinfo", "apt", "capabilities", "ceph", "certificates", "config", "disks", "dns", "execute", "firewall", "hardware", "hosts",
    "journal", "lxc", "migrateall",
    "netstat", "network", "qemu", "query-oci-repo-tags", "query-url-metadata", "replication", "report", "rrd", "rrddata", "scan", "sdn",
    "services", "spiceshell",
    "startall", "status", "stopall", "storage", "subscription", "suspendall", "syslog", "tasks", "termproxy", "time", "version",
    "vncshell", "vncwebsocket",
    "vzdump", "wakeonlan",
)  # fmt: skip


@api("GET", "/nodes")
def nodes(call: Call) -> Any:
    call.world.broadcast.refresh()
    return [node_entry(call, node) | {"ssl_fingerprint": call.world.fingerprint} for node in call.world.nodes.values()]


@api("GET", "/nodes/{node}")
def node_index(call: Call) -> Any:
    return [{"name": name} for name in _SUBDIRS]


@api("GET", "/nodes/{node}/version")
def version(call: Call) -> Any:
    return dict(call.world.version)


@api("GET", "/nodes/{node}/status")
def status(call: Call) -> Any:
    node, world = call.node, call.world
    used = world.usage.node(node, call.now)
    busy = used.cores / node.cpus
    disk = figures.rootfs_used(node)
    load = f"{used.cores:.2f}"
    return {
        "cpu": busy,
        "wait": 0.0,
        "idle": 0,
        "loadavg": [load, load, load],
        "uptime": int(call.now - node.booted_at),
        "memory": _memory(node, used.memory),
        "swap": {"total": node.swap, "used": 0, "free": node.swap},
        "rootfs": {"total": node.rootfs, "used": disk, "free": node.rootfs - disk, "avail": int((node.rootfs - disk) * 0.95)},
        "ksm": {"shared": 0},
        "kversion": f"Linux {_KERNEL} #1 SMP PREEMPT_DYNAMIC PMX {_KERNEL} (2025-10-21T11:55Z)",
        "current-kernel": {"sysname": "Linux", "release": _KERNEL, "version": f"#1 SMP PREEMPT_DYNAMIC PMX {_KERNEL}", "machine": "x86_64"},
        "boot-info": {"mode": "efi"},
        "pveversion": f"pve-manager/{world.version['version']}/{world.version.get('repoid', '')}",
        "cpuinfo": {
            "cpus": node.cpus,
            "cores": node.cpus,
            "sockets": 1,
            "model": "Sandbox Processor",
            "vendor": "GenuineIntel",
            "family": "6",
            "mhz": "2400.000",
            "hvm": "1",
            "flags": "fpu vme de pse tsc msr pae mce vmx",
            "user_hz": 100,
        },
    }


def _memory(node: Node, used: int) -> dict[str, int]:
    """A third of what nobody uses is page cache: not free, but available."""
    available = node.memory - used
    return {"total": node.memory, "used": used, "available": available, "free": available * 2 // 3}


@api("POST", "/nodes/{node}/status")
def node_command(call: Call) -> Any:
    node, world = call.node, call.world

    def run(task: Task) -> Work:
        yield 2.0
        task.say(f"the system is going down for {call.get('command')}")
        world.scheduler.start(power.cycle(world, node, again=call.get("command") == "reboot"), told)

    call.start(f"node{call.get('command')}", "", run)


@api("GET", "/nodes/{node}/time")
def time(call: Call) -> Any:
    zone = call.world.timezones.get(call.node.name, "UTC")
    now = int(call.now)
    offset = datetime.fromtimestamp(now, ZoneInfo(zone)).utcoffset()
    return {"time": now, "localtime": now + int(offset.total_seconds() if offset else 0), "timezone": zone}


@api("PUT", "/nodes/{node}/time")
def set_time(call: Call) -> Any:
    zone = call.get("timezone")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise Refused(f"No such timezone: {zone}") from None
    call.world.timezones[call.node.name] = zone


@api("GET", "/nodes/{node}/config")
def config(call: Call) -> Any:
    stored = call.node.config
    if not stored:
        return {}
    shown: dict[str, Any] = dict(stored)  # numbers are texts here
    if call.has("property"):
        return {key: value for key, value in shown.items() if key == call.get("property")}
    return shown | {"digest": config_digest(*(f"{key}: {value}" for key, value in sorted(stored.items())))}


@api("PUT", "/nodes/{node}/config")
def set_config(call: Call) -> Any:
    stored = call.node.config
    if call.get("digest") not in ("", config_digest(*(f"{key}: {value}" for key, value in sorted(stored.items())))) and stored:
        raise Refused("detected modified configuration - file changed by other user? Try again.")
    if not call.world.quorate(call.node):
        raise Refused(f"unable to open file '/etc/pve/nodes/{call.node.name}/config.tmp.{call.node.nodeid + 1000}' - Permission denied")
    for key in call.params:
        if key not in ("node", "delete", "digest"):
            value = call.get(key)
            stored[key] = value + "\n" if key == "description" and not value.endswith("\n") else value
    for key in split_list(call.get("delete")):
        stored.pop(key, None)


@api("GET", "/nodes/{node}/subscription")
def subscription(call: Call) -> Any:
    found = {
        "status": "notfound",
        "message": "There is no subscription key",
        "url": "https://www.proxmox.com/en/proxmox-virtual-environment/pricing",
    }
    if call.may(f"/nodes/{call.node.name}", "Sys.Audit"):
        found["serverid"] = hashlib.md5(call.node.name.encode(), usedforsecurity=False).hexdigest().upper()
    return found
