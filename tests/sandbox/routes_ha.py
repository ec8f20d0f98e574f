"""/cluster/ha: resources, and commands to the manager."""

from __future__ import annotations

import re
from typing import Any

from . import affinity
from .api import Call, api
from .errors import Refused
from .formats import split_list
from .model import Resource
from .routes_cluster import config_digest

_NUMBERS = ("max_restart", "max_relocate", "failback")
_GROUPS = "ha groups have been migrated to rules"
_MODIFIED = "detected modified configuration - file changed by other user? Try again."


def _sid(call: Call) -> str:
    """A bare number is the guest of that number.

    :raises Refused: there is none
    """
    text = call.get("sid")
    if not text.isdigit():
        return text
    guest = call.world.guests.get(int(text))
    if guest is None:
        raise Refused(f"unable to detect SID from VMID - VM/CT {text} does not exist")
    return guest.sid


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
    call.world.need_quorum(call.node)
    sid = _sid(call)
    if call.get("type") not in ("", sid.partition(":")[0]):
        raise Refused("types does not match")
    if call.has("group"):
        raise Refused(f"invalid parameter 'group': {_GROUPS}")
    _exists(call, sid)
    if sid in call.world.ha.resources:
        raise Refused(f"create resource failed: resource ID '{sid}' already defined")
    add_resource(call, sid)


def _exists(call: Call, sid: str) -> None:
    """:raises Refused: no such guest"""
    kind, _unused, number = sid.partition(":")
    if kind not in ("ct", "vm"):
        raise Refused(f"unknown section type '{kind}'")
    if not re.fullmatch(r"[1-9]\d+", number):
        raise Refused("invalid VMID")
    guest = call.world.guests.get(int(number))
    if guest is None:
        raise Refused(f"resource '{sid}' does not exist in cluster")
    if guest.sid != sid:
        raise Refused(f"resource '{sid}' - guest with ID {number} is not a {'CT' if kind == 'ct' else 'VM'}")


def add_resource(call: Call, sid: str) -> Resource:
    """A new resource, queued until the manager has seen it."""
    config: dict[str, Any] = {}
    _take(call, config)
    resource = Resource(sid, config)
    resource.node = call.world.guests[resource.vmid].node
    call.world.ha.resources[sid] = resource
    call.world.ha.active = True
    for node in call.world.nodes.values():
        call.world.ha.node_states.setdefault(node.name, "online")
    return resource


def _no_error(call: Call, sid: str, wanted: str = "") -> None:
    """:raises Refused: a resource that failed must be disabled first"""
    resource = call.world.ha.managed(sid)
    if resource is not None and resource.state == "error" and wanted != "disabled":
        raise Refused(f"service '{sid}' in error state, must be disabled and fixed first")


@api("PUT", "/cluster/ha/resources/{sid}")
def resource_update(call: Call) -> Any:
    prefix, sid = "update resources config failed: ", _sid(call)
    if call.get("group"):
        raise Refused(f"invalid parameter 'group': {_GROUPS}")
    _no_error(call, sid, call.get("state"))
    call.world.need_ha(call.node, prefix)
    if call.get("digest") not in ("", _digest(call)):
        raise Refused(prefix + _MODIFIED)
    resource = _resource(call, f"{prefix}no such resource '{sid}'")
    for key in split_list(call.get("delete")):
        if key not in ("state", "comment", "group", *_NUMBERS):
            raise Refused(f"{prefix}no such option '{key}'")
        if call.has(key):
            raise Refused(f"{prefix}cannot set and delete property '{key}' at the same time!")
        resource.config.pop(key, None)
    _take(call, resource.config)
    resource.failures = 0


@api("DELETE", "/cluster/ha/resources/{sid}")
def resource_delete(call: Call) -> Any:
    resource = _resource(call, f"cannot delete service '{_sid(call)}', not HA managed!")
    call.world.need_ha(call.node, "delete resource failed: ")
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
    _no_error(call, sid)
    call.world.need_ha(call.node)
    found: dict[str, Any] = {"sid": sid, "requested-node": target}
    along = affinity.companions(call.world, sid)
    blocked = affinity.blocking(call.world, sid, target) if call.world.ha.node_states.get(target) == "online" else []
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
