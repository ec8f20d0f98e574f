# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules, pins and guests that must not move, for synthetic clusters.

Each guest is named by one thing only, so that every rule can be met as far as the nodes have room.
"""

from __future__ import annotations

import collections
import typing as t
from collections.abc import Iterable

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic_options import Draw, Options

# How many guests an on_nodes or not_on_nodes rule names, and which part of the open nodes.
BOUND, PART = 10, 4

Item = dict[str, t.Any]


def add_rules(wanted: Options, nodes: list[Item], guests: list[Item]) -> list[Item]:
    """Return the rules; pins and what must not move are added to the guests."""
    open_ = [node["name"] for node in nodes if node["online"] and not node["maintenance"]]
    free = {guest["id"]: guest for guest in Draw(wanted.seed, "who has rules").shuffled(guests)}
    rules = _groups(wanted, open_, free, round(wanted.grouped * len(guests)))
    rules += _bound(wanted, open_, free, round(wanted.bound * len(guests)))
    _pin(wanted, open_, free, round(wanted.pinned * len(guests)))
    settled = [guest for guest in free.values() if guest["node"] in open_]
    for guest in settled[: round(wanted.immovable * len(guests))]:
        guest["movable"] = False
    draw = Draw(wanted.seed, "soft rules")
    return [{**rule, "strict": not draw.chance(wanted.soft), "weight": 1.0} for rule in rules]


def _groups(wanted: Options, open_: list[str], free: dict[str, Item], count: int) -> list[Item]:
    """Return together and apart rules of so many guests."""
    draw, rules = Draw(wanted.seed, "groups"), list[Item]()
    while count >= 2 and len(free) >= 2:
        size = min(draw.count(wanted.group_size), count, len(free))
        apart, broken = draw.chance(wanted.apart), draw.chance(wanted.broken)
        found = _members(free.values(), min(size, len(open_)) if apart else size, spread=apart is not broken)
        if len(found) < 2:
            # No two guests are free on one node (or none on two): the other way round there are.
            found = _members(free.values(), min(size, len(open_)) if apart else size, spread=apart is broken)
        if len(found) < 2:
            return rules
        rules.append({"kind": "apart" if apart else "together", "guests": sorted(found)})
        for name in found:
            del free[name]
        count -= len(found)
    return rules


def _members(free: Iterable[Item], size: int, *, spread: bool) -> list[str]:
    """Return up to so many guests that are on different nodes, or all on one: the first one for which there are as many."""
    on: dict[str, list[str]] = collections.defaultdict(list)
    for guest in free:
        on[guest["node"]].append(guest["id"])
        if spread and len(on) == size:
            break
        if not spread and len(on[guest["node"]]) == size:
            return on[guest["node"]]
    if spread:
        return [names[0] for names in on.values()]
    return max(on.values(), key=len, default=[])


def _bound(wanted: Options, open_: list[str], free: dict[str, Item], count: int) -> list[Item]:
    """Return on_nodes and not_on_nodes rules, in turn, of so many guests."""
    draw, rules = Draw(wanted.seed, "bound to nodes"), list[Item]()
    while count > 0 and free and len(open_) > 1:
        kind = "not_on_nodes" if len(rules) % 2 else "on_nodes"
        nodes = draw.shuffled(open_)[: max(1, len(open_) // PART)]
        found = []
        for guest in free.values():
            if ((guest["node"] in nodes) is (kind == "on_nodes")) is not draw.chance(wanted.broken):
                found.append(guest["id"])
            if len(found) == min(BOUND, count):
                break
        found = found or [next(iter(free))]
        rules.append({"kind": kind, "guests": sorted(found), "nodes": sorted(nodes)})
        for name in found:
            del free[name]
        count -= len(found)
    return rules


def _pin(wanted: Options, open_: list[str], free: dict[str, Item], count: int) -> None:
    """Pin so many guests to a few nodes, one of them open, and their own among them unless the pin is to be broken."""
    draw = Draw(wanted.seed, "pins")
    for guest in list(free.values())[:count]:
        others = [name for name in draw.shuffled(open_) if name != guest["node"]]
        size, broken = draw.count(wanted.pinned_nodes), draw.chance(wanted.broken)
        kept = [] if broken and others else [guest["node"]]
        least = 0 if guest["node"] in open_ else 1
        guest["pinned_to"] = sorted(kept + others[: max(size - len(kept), least if kept else 1)])
        del free[guest["id"]]
