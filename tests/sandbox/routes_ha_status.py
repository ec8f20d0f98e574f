"""/cluster/ha/status: what the HA manager is doing, and whether it may."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from .api import Call, api
from .model import Resource


def _stamp(call: Call) -> str:
    return datetime.fromtimestamp(call.now, UTC).strftime("%a %b %e %H:%M:%S %Y")


@api("GET", "/cluster/ha/status")
def status_index(call: Call) -> Any:
    return [{"name": name} for name in ("current", "manager_status", "disarm-ha", "arm-ha")]


@api("GET", "/cluster/ha/status/current")
def current(call: Call) -> Any:
    world, ha = call.world, call.world.ha
    local, now = call.node.name, int(call.now)
    quorate = world.quorate(call.node)
    found: list[dict[str, Any]] = [
        {
            "id": "quorum",
            "type": "quorum",
            "node": local,
            "status": "OK" if quorate else f"No quorum on node '{local}'!",
            "quorate": int(quorate),
        },
    ]
    if not ha.active:
        return found
    master = next((node.name for node in world.nodes.values() if node.in_cluster), local)
    armed = "armed" if ha.armed else "disarmed"
    fencing = "armed (CRM watchdog active)" if ha.armed else f"disarmed, resource mode: {ha.mode} (CRM watchdog released)"
    found += [
        {"id": "master", "type": "master", "node": master, "status": f"{master} (active, {_stamp(call)})", "timestamp": now},
        {"id": "fencing", "type": "fencing", "node": master, "status": fencing, "armed-state": armed}
        | ({} if ha.armed else {"resource_mode": ha.mode}),
    ]
    for node in world.nodes.values():
        held = any(world.guests[r.vmid].node == node.name for r in ha.resources.values() if r.vmid in world.guests)
        mode = "maintenance mode" if node.maintenance else "active" if held else "idle"
        dog = "watchdog active" if held or node.maintenance else "watchdog standby"
        if not node.in_cluster:
            mode, dog = "old timestamp - dead?", "watchdog standby"
        found.append(
            {
                "id": f"lrm:{node.name}",
                "type": "lrm",
                "node": node.name,
                "status": f"{node.name} ({mode}, {dog}, {_stamp(call)})",
                "timestamp": now,
            }
        )
    return found + [_service(call, resource) for resource in ha.resources.values()]


def _service(call: Call, resource: Resource) -> dict[str, Any]:
    guest = call.world.guests[resource.vmid]
    shown = _verbose(resource, running=guest.running)
    entry: dict[str, Any] = {
        "id": f"service:{resource.sid}",
        "type": "service",
        "sid": resource.sid,
        "node": guest.node,
        "state": shown,
        "request_state": resource.requested,
        "max_restart": int(resource.config.get("max_restart", 1)),
        "max_relocate": int(resource.config.get("max_relocate", 1)),
        "failback": int(resource.config.get("failback", 1)),
        "status": f"{resource.sid} ({guest.node}, {shown})",
    }
    if resource.shown is not None:
        entry["crm_state"] = resource.shown
    if "comment" in resource.config:
        entry["comment"] = resource.config["comment"]
    return entry


def _verbose(resource: Resource, *, running: bool) -> str:
    wanted, state = resource.requested, resource.state
    if wanted == "ignored":
        return "ignored"
    if state == "stopped":
        return {"started": "starting", "disabled": "disabled"}.get(wanted, state)
    if state == "started":
        return "stopping" if wanted in ("stopped", "disabled") and running else state if running else "starting"
    return "clearing error flag" if state == "error" and wanted == "disabled" else state


@api("GET", "/cluster/ha/status/manager_status")
def manager_status(call: Call) -> Any:
    world, ha = call.world, call.world.ha
    services = {
        r.sid: {"node": world.guests[r.vmid].node, "state": r.state, "running": int(world.guests[r.vmid].running)}
        for r in ha.resources.values()
    }
    master = next((node.name for node in world.nodes.values() if node.in_cluster), call.node.name)
    lrm = {
        name: {"mode": "maintenance" if node.maintenance else "active", "state": "active", "timestamp": int(call.now)}
        for name, node in world.nodes.items()
    }
    manager = {"master_node": master, "node_status": dict(ha.node_states), "service_status": services, "timestamp": int(call.now)}
    return {"manager_status": manager, "lrm_status": lrm, "quorum": {"node": call.node.name, "quorate": int(world.quorate(call.node))}}


@api("POST", "/cluster/ha/status/disarm-ha")
def disarm(call: Call) -> Any:
    call.world.need_ha(call.node)
    call.world.ha.armed, call.world.ha.mode = False, call.get("resource-mode")


@api("POST", "/cluster/ha/status/arm-ha")
def arm(call: Call) -> Any:
    call.world.need_ha(call.node)
    call.world.ha.armed, call.world.ha.mode = True, ""
