# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where guests must, should and must not be: rules of the HA manager, tags of guests, comments of pools, as rules of a cluster document."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.ha import guest_of

Entry = t.Dict[str, t.Any]
Rule = t.Dict[str, t.Any]

_WORD = re.compile(r"foresight\.(together|apart|on|ignore)(?:\.([a-z0-9_.+-]+))?$", re.I)


class Wishes(t.NamedTuple):
    """What tags and pools say: rules, and the guests that nobody may move, with what says so."""

    rules: t.List[Rule]
    ignored: t.Dict[str, str]
    problems: t.List[str]


def split_list(text: t.Any) -> t.List[str]:
    """The parts of a list of Proxmox VE: separated by semicolons, commas or blanks."""
    return [part for part in re.split(r"[;,\s]+", str(text or "")) if part]


def ha_rules(rules: t.Sequence[Entry], groups: t.Sequence[Entry], members: t.Sequence[Entry]) -> t.List[Rule]:
    """Rules of the HA manager (release 9), or its groups (before)."""
    found: t.List[Rule] = []
    for rule in rules:
        if _truth(rule.get("disable")):
            continue
        name, guests = str(rule.get("rule", "")), _guests(split_list(rule.get("resources")))
        if rule.get("type") == "node-affinity":
            found += _node_affinity(name, guests, rule.get("nodes"), strict=_truth(rule.get("strict")))
        elif rule.get("type") == "resource-affinity":
            kind = "together" if rule.get("affinity") == "positive" else "apart"
            found.append(_rule(kind, guests, [], strict=True, source="ha", name=name))
    for group in groups:
        name = str(group.get("group", ""))
        guests = _guests([str(one.get("sid", "")) for one in members if one.get("group") == name])
        if guests:
            found += _node_affinity(name, guests, group.get("nodes"), strict=_truth(group.get("restricted")))
    return found


def _node_affinity(name: str, guests: t.List[str], nodes: t.Any, *, strict: bool) -> t.List[Rule]:
    """The nodes as they are, and where some have a higher priority, a wish for those: the manager goes back to them when it can."""
    priorities = {node: int(priority or 0) for node, _unused, priority in (text.partition(":") for text in split_list(nodes))}
    found = [_rule("on_nodes", guests, sorted(priorities), strict=strict, source="ha", name=name)]
    best = [node for node in sorted(priorities) if priorities[node] == max(priorities.values())]
    if len(best) < len(priorities):
        found.append(_rule("on_nodes", guests, best, strict=False, source="ha", name=name))
    return found


def wishes(guests: t.Sequence[Entry], pools: t.Sequence[Entry], nodes: t.Container[str]) -> Wishes:
    """Read the words foresight.together.NAME, foresight.apart.NAME, foresight.on.NODE and foresight.ignore of tags and pool comments.

    :param guests: guests of /cluster/resources.
    :param nodes: all nodes of the cluster.
    """
    found = Wishes([], {}, [])
    groups: t.Dict[t.Tuple[str, str, str], t.List[str]] = {}
    places: t.Dict[str, t.Set[str]] = {}
    comments = {str(pool["poolid"]): _words(str(pool.get("comment") or "")) for pool in pools if pool.get("poolid")}
    for guest in guests:
        name, pool = str(guest["id"]), str(guest.get("pool") or "")
        words = [("tag", word, "") for word in _words(str(guest.get("tags") or ""))]
        words += [("pool", word, pool) for word in comments.get(pool, [])]
        for source, (kind, value), fallback in words:
            _take(found, groups, places, guest=name, source=source, kind=kind, value=value or fallback)
    for (source, kind, name), members in sorted(groups.items()):
        found.rules.append(_rule(kind, sorted(members), [], strict=True, source=source, name=name))
    by_nodes: t.Dict[t.Tuple[str, ...], t.List[str]] = {}
    for guest_id, targets in places.items():
        by_nodes.setdefault(tuple(sorted(targets)), []).append(guest_id)
    for targets_of, members in sorted(by_nodes.items()):
        unknown = [node for node in targets_of if node not in nodes]
        if unknown:
            found.problems.append(
                f"{', '.join(sorted(members)[:5])} shall be on {', '.join(unknown)} (foresight.on), which the cluster does not have"
            )
        found.rules.append(_rule("on_nodes", sorted(members), list(targets_of), strict=True, source="tag", name=".".join(targets_of)))
    return found


def _take(
    found: Wishes,
    groups: t.Dict[t.Tuple[str, str, str], t.List[str]],
    places: t.Dict[str, t.Set[str]],
    *,
    guest: str,
    source: str,
    kind: str,
    value: str,
) -> None:
    if kind == "ignore":
        found.ignored.setdefault(guest, f"foresight.ignore ({source})")
    elif not value:
        found.problems.append(f"{guest} has foresight.{kind} without a name ({source}); needed is foresight.{kind}.NAME")
    elif kind == "on":
        places.setdefault(guest, set()).add(value)
    else:
        groups.setdefault((source, kind, value), []).append(guest)


def _words(text: str) -> t.List[t.Tuple[str, str]]:
    matches = (_WORD.match(part) for part in split_list(text))
    return [(match[1].lower(), (match[2] or "").lower()) for match in matches if match]


def balancers(options: Entry, guests: t.Sequence[Entry]) -> t.List[str]:
    """Others that move these guests: the cluster's own resource scheduler, and tools that leave tags."""
    crs = options.get("crs") or {}
    if not isinstance(crs, dict):
        crs = dict(part.partition("=")[::2] for part in str(crs).split(","))
    found = [f"crs {key}" for key in ("ha-auto-rebalance", "ha-rebalance-on-start") if _truth(crs.get(key))]
    if any(tag.startswith("plb_") for guest in guests if guest.get("tags") for tag in split_list(guest["tags"])):
        found.append("ProxLB (tags plb_…)")
    return found


def _guests(sids: t.Sequence[str]) -> t.List[str]:
    return sorted(guest for sid in sids for guest in [guest_of(sid)] if guest)


def _rule(kind: str, guests: t.List[str], nodes: t.List[str], *, strict: bool, source: str, name: str) -> Rule:
    return {"kind": kind, "guests": guests, "nodes": nodes, "strict": strict, "weight": 1.0, "source": source, "name": name}


def _truth(value: t.Any) -> bool:
    return str(value or "0").lower() in ("1", "true", "yes", "on")
