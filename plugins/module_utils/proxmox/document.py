# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster document (docs/proxmox.md) from what the API told. Nothing is asked here."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Entry, Lists, put_together
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.reading import Answers, Place
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.rules import balancers, ha_rules, split_list, wishes

SCHEMA = "foresight.cluster/1"
# States in which the HA manager does not count on a node.
_LOST = ("unknown", "fence", "gone")
_AT_REST = ("started", "stopped", "ignored", "disabled")
Document = t.Dict[str, t.Any]


class Choices(t.NamedTuple):
    """What the caller wants: the nodes of the document (none = all), what of each is kept free, and how fast its link is."""

    nodes: t.Sequence[str]
    host: t.Optional[str]
    reserve: t.Mapping[str, float]
    reserves: t.Mapping[str, t.Mapping[str, float]]
    link: t.Optional[float]
    links: t.Mapping[str, float]


def build(answers: Answers, choices: Choices, bound: t.Mapping[str, t.Optional[str]], *, observed_at: int) -> Document:
    """Put the document together.

    :param bound: where guests that are being moved go to, None where nobody told.
    """
    overview = put_together(answers.resources, answers.status)
    all_guests, all_nodes = list(overview.lists.guests.values()), overview.lists.nodes
    names = sorted(name for name in all_nodes if not choices.nodes or name in choices.nodes)
    wished = wishes(all_guests, answers.pools, all_nodes)
    rules = ha_rules(answers.rules, answers.groups, answers.group_members) + wished.rules
    chosen = set(names)
    held = _held(all_guests, rules, wished.ignored, chosen)
    disks = _disks(answers.contents)
    doubtful = _doubtful(answers.unread, overview.lists)
    guests = [
        {
            **_guest(entry, disks.get(int(entry["vmid"]), {}), held.get(str(entry["id"]), []) + doubtful.get(str(entry["node"]), [])),
            **_way(str(entry["id"]), bound, chosen),
        }
        for entry in sorted(all_guests, key=lambda entry: (str(entry["type"]), int(entry["vmid"])))
        if entry.get("node") in chosen
    ]
    used = _used(guests)
    storages = _storages(overview.lists.storages)
    document: Document = {
        "schema": SCHEMA,
        "observed_at": observed_at,
        "machine_id": None,
        "boot_id": None,
        "api_skew": None if answers.api_time is None else answers.api_time - int(answers.api_time_at),
        "cluster": overview.cluster,
        "version": answers.version,
        "quorate": overview.quorate,
        "balancers": balancers(answers.options, all_guests),
        "demand": {"basis": "current"},
        "nodes": [
            _node(all_nodes[name], answers.arc.get(name, 0), used.get(name, (0.0, 0)), storages.get(name, {}), choices) for name in names
        ],
        "guests": guests,
        "rules": rules,
        "problems": answers.problems + wished.problems,
    }
    if choices.host:
        document["host"] = choices.host
    return document


def _node(entry: Entry, arc: int, used: t.Tuple[float, int], storages: t.Mapping[str, t.Any], choices: Choices) -> Document:
    name, state = str(entry["node"]), entry.get("hastate")
    cores = float(entry.get("maxcpu") or 0)
    online = entry.get("status") == "online" and state not in _LOST
    reserve = {**choices.reserve, **choices.reserves.get(name, {})}
    cpu, memory = used
    link = choices.links.get(name, choices.link)
    document: Document = {
        "name": name,
        "cpu": cores,
        "memory": int(entry.get("maxmem") or 0),
        "online": online,
        "maintenance": state == "maintenance",
        "ha_state": state,
        "reserve": {"cpu": float(reserve.get("cpu", 0)), "memory": int(reserve.get("memory", 0))},
        # Figures of a node and of its guests are a few seconds apart, so the difference may be below nothing. The ZFS cache gives way.
        "overhead": {
            "cpu": max(0.0, _number(entry.get("cpu")) * cores - cpu),
            "memory": max(0, int(_number(entry.get("mem"))) - arc - memory),
        },
        "arc_bytes": arc,
        "tags": [],
        "storages": dict(storages),
    }
    if link is not None:
        document["link_bytes_per_second"] = link
    return document


def _guest(entry: Entry, disks: t.Mapping[str, int], held: t.Sequence[str]) -> Document:
    running = entry.get("status") == "running"
    cores = float(entry.get("maxcpu") or 0)
    cpu = max(0.0, _number(entry.get("cpu"))) * cores if running else 0.0
    memory = max(0, int(_number(entry.get("mem")))) if running else 0
    state = entry.get("hastate")
    reasons = [*held, *_own_reasons(entry)]
    return {
        "id": str(entry["id"]),
        "name": str(entry.get("name") or entry["id"]),
        "node": str(entry["node"]),
        "running": running,
        "status": str(entry.get("status", "unknown")),
        "cpu": cpu,
        "memory": memory,
        "now": {"cpu": cpu, "memory": memory},
        "cpu_max": cores,
        "memory_max": int(entry.get("maxmem") or 0),
        "disks": [{"storage": storage, "bytes": size} for storage, size in sorted(disks.items())],
        "tags": split_list(entry.get("tags")),
        "pool": entry.get("pool"),
        "ha": state is not None and state != "ignored",
        "movable": not reasons,
        "unmovable_because": reasons,
    }


def _way(guest: str, bound: t.Mapping[str, t.Optional[str]], names: t.Container[str]) -> Document:
    """That it is on its way, and to where, if that is a node of the document."""
    if guest not in bound:
        return {}
    return {"moving": True, "moving_to": bound[guest] if bound[guest] in names else None}


def _own_reasons(entry: Entry) -> t.List[str]:
    """Why a guest cannot be moved as it is."""
    found = []
    if entry.get("template"):
        found.append("is a template")
    if entry.get("lock"):
        found.append(f"is locked ({entry['lock']})")
    if entry.get("status") not in ("running", "stopped"):
        found.append(f"is in state {entry.get('status', 'unknown')}")
    if entry.get("hastate") is not None and entry["hastate"] not in _AT_REST:
        found.append(f"is in state {entry['hastate']} of the HA manager")
    return found


def _held(
    guests: t.Sequence[Entry], rules: t.Sequence[Document], ignored: t.Mapping[str, str], names: t.Container[str]
) -> t.Dict[str, t.List[str]]:
    """Guests that stay where they are: told so, or bound to one that is on a node outside the document."""
    found = {guest: [why] for guest, why in ignored.items()}
    at = {str(entry["id"]): str(entry["node"]) for entry in guests}
    for rule in rules:
        outside = [guest for guest in rule["guests"] if guest in at and at[guest] not in names]
        if rule["kind"] == "together" and rule["strict"] and outside:
            for guest in rule["guests"]:
                found.setdefault(guest, []).append(f"belongs to {outside[0]}, which is not in the document ({rule['name']})")
    return found


def _disks(contents: t.Mapping[Place, t.Sequence[Entry]]) -> t.Dict[int, t.Dict[str, int]]:
    """Bytes of each guest by storage."""
    found: t.Dict[int, t.Dict[str, int]] = {}
    for (_node, storage), entries in contents.items():
        for entry in entries:
            places = found.setdefault(int(entry["vmid"]), {})
            places[storage] = places.get(storage, 0) + int(entry.get("size") or 0)
    return found


def _doubtful(unread: t.Mapping[Place, str], lists: Lists) -> t.Dict[str, t.List[str]]:
    """By node, why its guests' disks are not known: a guest is not moved blind. A shared storage that all nodes have hides nothing."""
    everywhere = set(lists.nodes)
    has: t.Dict[str, t.Set[str]] = {}
    for node, storage in lists.storages:
        has.setdefault(storage, set()).add(node)
    shared = {storage for (_node, storage), entry in lists.storages.items() if entry.get("shared")}
    found: t.Dict[str, t.List[str]] = {}
    for (node, storage), why in sorted(unread.items()):
        if storage not in shared:
            found.setdefault(node, []).append(f"may have disks on {storage} ({why})")
        elif has[storage] != everywhere:
            for one in sorted(has[storage]):
                reason = f"may have disks on {storage} ({why})"
                if reason not in found.setdefault(one, []):
                    found[one].append(reason)
    return found


def _storages(entries: t.Mapping[Place, Entry]) -> t.Dict[str, t.Dict[str, Document]]:
    found: t.Dict[str, t.Dict[str, Document]] = {}
    for (node, storage), entry in entries.items():
        if entry.get("status") == "available":
            found.setdefault(node, {})[storage] = {
                "bytes": int(entry.get("maxdisk") or 0),
                "used": int(entry.get("disk") or 0),
                "shared": bool(entry.get("shared")),
            }
    return found


def _used(guests: t.Sequence[Document]) -> t.Dict[str, t.Tuple[float, int]]:
    """Cores and bytes that the guests of each node use."""
    found: t.Dict[str, t.Tuple[float, int]] = {}
    for guest in guests:
        cpu, memory = found.get(guest["node"], (0.0, 0))
        found[guest["node"]] = (cpu + guest["cpu"], memory + guest["memory"])
    return found


def _number(value: t.Any) -> float:
    return float(value) if value is not None else 0.0
