"""/cluster/ha: resources, rules, status, commands to the manager."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from . import affinity
from .api import Call, api
from .errors import BadParameters, Refused
from .formats import split_list
from .model import Resource
from .routes_cluster import config_digest

_NUMBERS = ("max_restart", "max_relocate", "failback")
_GROUPS = "ha groups have been migrated to rules"
_MODIFIED = "detected modified configuration - file changed by other user? Try again."
_RESOURCES_FILE, _RULES_FILE = "ha/resources.cfg", "ha/rules.cfg"


def _sid(call: Call, name: str = "sid") -> str:
    """A bare number is the guest of that number."""
    text = call.get(name)
    if not text.isdigit():
        return text
    guest = call.world.guests.get(int(text))
    return guest.sid if guest else f"vm:{text}"


def _digest(call: Call) -> str:
    return config_digest(*(f"{r.sid} {sorted(r.config.items())}" for r in call.world.ha.resources.values()))


def _shown(call: Call, resource: Resource) -> dict[str, Any]:
    return {"sid": resource.sid, "type": resource.sid.partition(":")[0], "digest": _digest(call), **resource.config}


def _take(call: Call, config: dict[str, Any]) -> None:
    for key in ("state", "comment", "group", *_NUMBERS):
        if call.has(key):
            config[key] = call.number(key) if key in _NUMBERS else call.get(key)


@api("GET", "/cluster/ha")
def index(call: Call) -> Any:
    return [{"id": name} for name in ("status", "resources", "groups", "rules")]


@api("GET", "/cluster/ha/resources")
def resources(call: Call) -> Any:
    return [_shown(call, r) for r in call.world.ha.resources.values() if call.get("type") in ("", r.sid.partition(":")[0])]


@api("GET", "/cluster/ha/resources/{sid}")
def resource_read(call: Call) -> Any:
    return _shown(call, _resource(call, f"no such resource '{_sid(call)}'"))


def _resource(call: Call, text: str) -> Resource:
    found = call.world.ha.resources.get(_sid(call))
    if found is None:
        raise Refused(text)
    return found


@api("POST", "/cluster/ha/resources")
def resource_create(call: Call) -> Any:
    sid = _sid(call)
    kind, _unused, number = sid.partition(":")
    if call.has("type") and call.get("type") != kind:
        raise BadParameters(type=f"types does not match ('{call.get('type')}' != '{kind}')")
    guest = call.world.guests.get(int(number)) if number.isdigit() else None
    if guest is None or guest.sid != sid:
        raise Refused(f"resource '{sid}' does not exist in cluster")
    if call.has("group"):
        raise Refused(f"invalid parameter 'group': {_GROUPS}")
    call.world.need_cluster_file(call.node, _RESOURCES_FILE)
    if sid in call.world.ha.resources:
        raise Refused(f"create resource failed: resource ID '{sid}' already defined")
    add_resource(call, sid)


def add_resource(call: Call, sid: str) -> Resource:
    """A new resource, queued until the manager has seen it."""
    config: dict[str, Any] = {"state": "started"}
    _take(call, config)
    resource = Resource(sid, config)
    resource.node = call.world.guests[resource.vmid].node
    call.world.ha.resources[sid] = resource
    call.world.ha.active = True
    for node in call.world.nodes.values():
        call.world.ha.node_states.setdefault(node.name, "online")
    return resource


@api("PUT", "/cluster/ha/resources/{sid}")
def resource_update(call: Call) -> Any:
    call.world.need_cluster_file(call.node, _RESOURCES_FILE)
    prefix = "update resources config failed: "
    resource = _resource(call, f"{prefix}no such resource '{_sid(call)}'")
    if call.has("digest") and call.get("digest") != _digest(call):
        raise Refused(prefix + _MODIFIED)
    for key in split_list(call.get("delete")):
        if key not in ("state", "comment", "group", *_NUMBERS):
            raise Refused(f"{prefix}unknown option '{key}'")
        resource.config.pop(key, None)
        resource.config.setdefault("state", "started")
    _take(call, resource.config)
    resource.failures = 0


@api("DELETE", "/cluster/ha/resources/{sid}")
def resource_delete(call: Call) -> Any:
    resource = _resource(call, f"cannot delete service '{_sid(call)}', not HA managed!")
    call.world.need_cluster_file(call.node, _RESOURCES_FILE)
    used = [rule for rule in call.world.ha.rules.values() if resource.sid in split_list(rule["resources"])]
    for rule in used if call.flag("purge", default=True) else []:
        rest = [sid for sid in split_list(rule["resources"]) if sid != resource.sid]
        if rest:
            rule["resources"] = ",".join(rest)
        else:
            del call.world.ha.rules[rule["rule"]]
    del call.world.ha.resources[resource.sid]


def _move(call: Call, verb: str) -> Any:
    sid, target = _sid(call), call.get("node")
    if call.world.ha.managed(sid) is None:
        raise Refused(f"resource '{sid}' is not HA managed")
    call.world.need_quorum(call.node)
    found: dict[str, Any] = {"sid": sid, "requested-node": target}
    along, blocked = affinity.companions(call.world, sid), affinity.blocking(call.world, sid, target)
    call.world.ha.commands.append((verb, sid, target))
    return found | ({"comigrated-resources": along} if along else {}) | ({"blocking-resources": blocked} if blocked else {})


@api("POST", "/cluster/ha/resources/{sid}/migrate")
def migrate(call: Call) -> Any:
    return _move(call, "migrate")


@api("POST", "/cluster/ha/resources/{sid}/relocate")
def relocate(call: Call) -> Any:
    return _move(call, "relocate")


# ---- groups ----------------------------------------------------------------------------------------------------------

for _method, _path, _verb in (
    ("GET", "", "index groups"),
    ("POST", "", "create group"),
    ("GET", "/{group}", "read group"),
    ("PUT", "/{group}", "update group"),
    ("DELETE", "/{group}", "delete group"),
):

    @api(_method, f"/cluster/ha/groups{_path}")
    def _groups(call: Call, verb: str = _verb) -> Any:
        raise Refused(f"cannot {verb}: {_GROUPS}")


# ---- status ----------------------------------------------------------------------------------------------------------


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
        {"id": "quorum", "type": "quorum", "node": local, "status": "OK" if quorate else "No quorum on node!", "quorate": int(quorate)},
    ]
    if not ha.active:
        return found
    master = next((node.name for node in world.nodes.values() if node.in_cluster), local)
    armed = "armed" if ha.armed else "disarmed"
    found += [
        {"id": "master", "type": "master", "node": master, "status": f"{master} (active, {_stamp(call)})", "timestamp": now},
        {"id": "fencing", "type": "fencing", "node": master, "status": armed, "armed-state": armed}
        | ({} if ha.armed else {"resource_mode": ha.mode}),
    ]
    for node in world.nodes.values():
        held = any(world.guests[r.vmid].node == node.name for r in ha.resources.values() if r.vmid in world.guests)
        mode = "maintenance mode" if node.maintenance else "active" if held else "idle"
        if not node.in_cluster:
            mode = "old timestamp - dead?"
        found.append(
            {
                "id": f"lrm:{node.name}",
                "type": "lrm",
                "node": node.name,
                "status": f"{node.name} ({mode}, {_stamp(call)})",
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
        "crm_state": resource.state,
        "request_state": resource.requested,
        "max_restart": int(resource.config.get("max_restart", 1)),
        "max_relocate": int(resource.config.get("max_relocate", 1)),
        "failback": int(resource.config.get("failback", 1)),
        "status": f"{resource.sid} ({guest.node}, {shown})",
    }
    if "comment" in resource.config:
        entry["comment"] = resource.config["comment"]
    return entry


def _verbose(resource: Resource, *, running: bool) -> str:
    if resource.requested == "ignored":
        return "ignored"
    if resource.state == "started" and not running:
        return "starting"
    return {"request_stop": "stopping"}.get(resource.state, resource.state)


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
    call.world.need_quorum(call.node)
    call.world.ha.armed, call.world.ha.mode = False, call.get("resource-mode")


@api("POST", "/cluster/ha/status/arm-ha")
def arm(call: Call) -> Any:
    call.world.need_quorum(call.node)
    call.world.ha.armed, call.world.ha.mode = True, ""
