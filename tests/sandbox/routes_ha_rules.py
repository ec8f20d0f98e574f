"""/cluster/ha/rules: node affinity and resource affinity."""

from __future__ import annotations

from typing import Any

from .api import Call, api
from .errors import Refused
from .formats import split_list
from .routes_cluster import config_digest

_FILE = "ha/rules.cfg"
_MODIFIED = "detected modified configuration - file changed by other user? Try again."
_NUMBERS = ("strict", "disable")
_OPTIONS = ("comment", "disable", "resources", "nodes", "strict", "affinity")


def _digest(call: Call) -> str:
    return config_digest(*(str(sorted(rule.items())) for rule in call.world.ha.rules.values()))


def _shown(call: Call, name: str) -> dict[str, Any]:
    order = list(call.world.ha.rules).index(name) + 1
    return {**call.world.ha.rules[name], "digest": _digest(call), "order": order}


@api("GET", "/cluster/ha/rules")
def rules(call: Call) -> Any:
    found = []
    for name, rule in call.world.ha.rules.items():
        if call.get("type") in ("", rule["type"]) and (not call.has("resource") or call.get("resource") in split_list(rule["resources"])):
            found.append(_shown(call, name))
    return found


@api("GET", "/cluster/ha/rules/{rule}")
def rule_read(call: Call) -> Any:
    name = call.get("rule")
    if name not in call.world.ha.rules:
        raise Refused(f"no such ha rule '{name}'")
    return _shown(call, name)


def _sid(call: Call, text: str) -> str:
    guest = call.world.guests.get(int(text)) if text.isdigit() else None
    return guest.sid if guest else text


def _take(call: Call, rule: dict[str, Any], prefix: str) -> dict[str, Any]:
    for key in _OPTIONS:
        if not call.has(key):
            continue
        value: Any = call.get(key)
        if key in _NUMBERS:
            value = int(value)
        elif key == "resources":
            sids = [_sid(call, text) for text in split_list(value)]
            foreign = [sid for sid in sids if sid not in call.world.ha.resources]
            if foreign:
                raise Refused(f"{prefix}cannot use unmanaged resource(s) {', '.join(foreign)}.")
            value = ",".join(sorted(sids))
        elif key == "nodes":
            unknown = [node for node in split_list(value) if node.partition(":")[0] not in call.world.nodes]
            if unknown:
                raise Refused(f"{prefix}cannot use non-existant node(s) {', '.join(unknown)}.")
            value = ",".join(sorted(split_list(value)))
        rule[key] = value
    if rule["type"] == "resource-affinity" and len(split_list(rule["resources"])) < 2:
        raise Refused(f"{prefix}rule '{rule['rule']}' has less than two resources")
    return rule


@api("POST", "/cluster/ha/rules")
def rule_create(call: Call) -> Any:
    prefix, name = "create ha rule failed: ", call.get("rule")
    call.world.need_cluster_file(call.node, _FILE)
    if name in call.world.ha.rules:
        raise Refused(f"{prefix}HA rule '{name}' already defined")
    call.world.ha.rules[name] = _take(call, {"rule": name, "type": call.get("type")}, prefix)


@api("PUT", "/cluster/ha/rules/{rule}")
def rule_update(call: Call) -> Any:
    prefix, name = "update HA rules failed: ", call.get("rule")
    call.world.need_cluster_file(call.node, _FILE)
    if name not in call.world.ha.rules:
        raise Refused(f"{prefix}HA rule '{name}' does not exist")
    if call.has("digest") and call.get("digest") != _digest(call):
        raise Refused(prefix + _MODIFIED)
    rule = dict(call.world.ha.rules[name])
    if call.get("type") != rule["type"]:
        raise Refused(f"{prefix}cannot change the type of rule '{name}'")
    for key in split_list(call.get("delete")):
        rule.pop(key, None)
    call.world.ha.rules[name] = _take(call, rule, prefix)


@api("DELETE", "/cluster/ha/rules/{rule}")
def rule_delete(call: Call) -> Any:
    name = call.get("rule")
    call.world.need_cluster_file(call.node, _FILE)
    if name not in call.world.ha.rules:
        raise Refused(f"delete ha rule failed: HA rule '{name}' does not exist")
    del call.world.ha.rules[name]
