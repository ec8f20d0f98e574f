"""HA rules: which nodes a resource prefers, who stays together and who apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .formats import split_list

if TYPE_CHECKING:
    from .world import World


def _sharing(world: World, sid: str, affinity: str) -> list[str]:
    """The resources that a rule binds to (or keeps from) one."""
    found: list[str] = []
    for rule in world.ha.rules.values():
        if rule["type"] == "resource-affinity" and rule.get("affinity") == affinity and not int(rule.get("disable", 0)):
            members = split_list(rule["resources"])
            if sid in members:
                found += [other for other in members if other != sid and world.ha.managed(other)]
    return sorted(set(found))


def companions(world: World, sid: str) -> list[str]:
    """Resources that go along."""
    return _sharing(world, sid, "positive")


def blocking(world: World, sid: str, node: str) -> list[dict[str, str]]:
    """Resources on a node that must not meet this one or those that go along."""
    party = [sid, *companions(world, sid)]
    found = dict.fromkeys(
        other
        for member in party
        for other in _sharing(world, member, "negative")
        if other not in party and world.guests[world.ha.resources[other].vmid].node == node
    )
    return [{"sid": other, "cause": "resource-affinity"} for other in found]


def excluding(world: World, sid: str, node: str) -> list[dict[str, str]]:
    """The resource itself, where a strict rule keeps it from a node."""
    for rule in world.ha.rules.values():
        if rule["type"] != "node-affinity" or int(rule.get("disable", 0)) or not int(rule.get("strict", 0)):
            continue
        if sid in split_list(rule["resources"]) and node not in [entry.partition(":")[0] for entry in split_list(rule["nodes"])]:
            return [{"sid": sid, "cause": "node-affinity"}]
    return []


def preferred(world: World, sid: str, nodes: list[str]) -> list[str]:
    """The nodes among ``nodes`` that the rules want most: those of the highest priority of a node-affinity rule, without those that are blocked."""
    allowed = nodes
    for rule in world.ha.rules.values():
        if rule["type"] != "node-affinity" or int(rule.get("disable", 0)) or sid not in split_list(rule["resources"]):
            continue
        priorities = {name: int(priority or 0) for name, _unused, priority in (entry.partition(":") for entry in split_list(rule["nodes"]))}
        named = [node for node in allowed if node in priorities]
        if named:
            best = max(priorities[node] for node in named)
            allowed = [node for node in named if priorities[node] == best]
        elif int(rule.get("strict", 0)):
            return []
    free = [node for node in allowed if not blocking(world, sid, node)]
    together = {world.guests[world.ha.resources[other].vmid].node for other in companions(world, sid)} & set(free)
    return [node for node in free if node in together] if together else free
