"""/cluster/ha/rules: node affinity and resource affinity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .api import Call, api
from .errors import Refused
from .formats import split_list
from .routes_cluster import config_digest

_MODIFIED = "detected modified configuration - file changed by other user? Try again."
_NUMBERS = ("strict", "disable")
# Option → whether a rule of the type can be without it.
_OPTIONS_OF = {
    "node-affinity": {"resources": False, "nodes": False, "strict": True, "disable": True, "comment": True},
    "resource-affinity": {"resources": False, "affinity": False, "disable": True, "comment": True},
}
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
                raise Refused(f"{prefix}cannot use non-existent node(s) {', '.join(unknown)}.")
            value = ",".join(sorted(split_list(value)))
        rule[key] = value
    if not rule.get("disable"):
        rule.pop("disable", None)
        _feasible(call, rule, prefix)
    return rule


def _feasible(call: Call, rule: dict[str, Any], prefix: str) -> None:
    """:raises Refused: the rule cannot hold, alone or beside the others"""
    problems = list(_problems(call, rule))
    if problems:
        raise Refused(f"{prefix}400 Rule '{rule['rule']}' is invalid.\nresources: {', '.join(problems)}")


def _problems(call: Call, rule: dict[str, Any]) -> Iterator[str]:
    members = set(split_list(rule["resources"]))
    others = [one for name, one in call.world.ha.rules.items() if name != rule["rule"] and not one.get("disable")]
    if rule["type"] == "node-affinity":
        for sid in sorted(members):
            if any(one["type"] == "node-affinity" and sid in split_list(one["resources"]) for one in others):
                yield f"resource '{sid}' is already used in another node affinity rule"
        return
    if len(members) < 2:
        yield "rule is ineffective as there are less than two resources"
    if rule["affinity"] == "negative" and len(members) > len(call.world.nodes):
        yield "rule defines more resources than available nodes"
    opposite = "negative" if rule["affinity"] == "positive" else "positive"
    for one in others:
        if one.get("affinity") == opposite and len(members & set(split_list(one["resources"]))) > 1:
            yield f"rule shares two or more resources with a {opposite} resource affinity rule"
            return


@api("POST", "/cluster/ha/rules")
def rule_create(call: Call) -> Any:
    prefix, name = "create ha rule failed: ", call.get("rule")
    call.world.need_quorum(call.node)
    if name in call.world.ha.rules:
        raise Refused(f"{prefix}HA rule '{name}' already defined")
    call.world.ha.rules[name] = _take(call, {"rule": name, "type": call.get("type")}, prefix)


@api("PUT", "/cluster/ha/rules/{rule}")
def rule_update(call: Call) -> Any:
    prefix, name = "update HA rules failed: ", call.get("rule")
    call.world.need_ha(call.node, prefix)
    if call.get("digest") not in ("", _digest(call)):
        raise Refused(prefix + _MODIFIED)
    if name not in call.world.ha.rules:
        raise Refused(f"{prefix}HA rule '{name}' does not exist")
    rule = dict(call.world.ha.rules[name])
    options = _OPTIONS_OF[rule["type"]]
    for key in split_list(call.get("delete")):
        if key not in options:
            raise Refused(f"{prefix}no such option '{key}'")
        if not options[key]:
            raise Refused(f"{prefix}unable to delete required option '{key}'")
        if call.has(key):
            raise Refused(f"{prefix}cannot set and delete property '{key}' at the same time!")
        rule.pop(key, None)
    call.world.ha.rules[name] = _take(call, rule, prefix)


@api("DELETE", "/cluster/ha/rules/{rule}")
def rule_delete(call: Call) -> Any:
    """A rule that is not there is none of its business."""
    call.world.need_ha(call.node, "delete ha rule failed: ")
    call.world.ha.rules.pop(call.get("rule"), None)
