# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Seeded cluster documents for simulation, tests and benchmarks.

The same options give the same document on every machine: only `random.Random.random` is drawn from, whose sequence Python promises to keep, each
subject has a sequence of its own, and sums are exact.
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic_options import (
    GIB,
    MOST_GUESTS,
    Draw,
    Options,
    Span,
    read_options,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic_rules import add_rules

MIB = 2**20
FIRST_ID, SHARE_OF_CONTAINERS = 100, 0.4
# A guest may grow to so many times what it takes now; its disk is so many times that; a storage is filled to so much, or has so many times the memory.
GROWTH: Span = (1.0, 1.5)
DISK: Span = (2.0, 10.0)
FILLED, STORED = 0.5, 20.0
# Sizes that are scaled stay whole steps; what is not counted in bytes is rounded down to so many digits.
STEP, DIGITS = 64 * MIB, 4
SCALINGS = 4

Item = dict[str, t.Any]
Loads = Mapping[str, Mapping[str, float]]


def synthetic_cluster(**options: t.Any) -> Item:
    """Return a cluster document, labelled `synthetic: true`.

    :param options: those of the lookup.
    :raises InputError: for options that mean nothing.
    """
    wanted = read_options(options)
    nodes = _nodes(wanted)
    loads = _loads(wanted, nodes)
    guests = _guests(wanted, nodes, loads["memory"])
    _share_out(wanted, nodes, guests, loads)
    _store(wanted, nodes, guests)
    document: Item = {
        "cluster": wanted.name,
        "synthetic": True,
        "demand": {"basis": "current"},
        "nodes": nodes,
        "guests": guests,
        "rules": add_rules(wanted, nodes, guests),
    }
    if wanted.observed_at is not None:
        document["observed_at"] = wanted.observed_at
    return document


def _nodes(wanted: Options) -> list[Item]:
    digits = max(2, len(str(len(wanted.nodes))))
    found = []
    for number, size in enumerate(wanted.nodes):
        whole = {"cpu": round(size / wanted.memory_per_core, 2), "memory": round(size * GIB)}
        node: Item = {"name": f"node{number + 1:0{digits}}", **whole, "online": True, "maintenance": False}
        for key, share in (("reserve", wanted.reserve), ("overhead", wanted.overhead)):
            node[key] = {"cpu": round(whole["cpu"] * share, DIGITS), "memory": math.floor(whole["memory"] * share)}
        if wanted.more:
            node["more"] = {extra.name: extra.capacity for extra in wanted.more}
        if wanted.link is not None:
            node["link_bytes_per_second"] = wanted.link
        found.append(node)
    closed = Draw(wanted.seed, "closed").shuffled(range(len(found)))
    for number in closed[: wanted.maintenance]:
        found[number]["maintenance"] = True
    for number in closed[wanted.maintenance : wanted.maintenance + wanted.offline]:
        found[number]["online"] = False
    return found


def _loads(wanted: Options, nodes: list[Item]) -> Loads:
    """Return the share of its usable capacity that each node is to be loaded with, by resource and node; an offline one holds nothing.

    With the probability |correlation| a node has the rank of its memory (or, for a negative one, the opposite), else any: that is its rank correlation.
    """
    draw = Draw(wanted.seed, "load")
    ranks = {node["name"]: draw.between((0.0, 1.0)) for node in nodes}
    found = {"memory": {name: _load(wanted, wanted.load, rank) for name, rank in ranks.items()}}
    for name, span, correlation in (
        ("cpu", wanted.cpu_load, wanted.correlation),
        *((extra.name, extra.load, extra.correlation) for extra in wanted.more),
    ):
        draw = Draw(wanted.seed, f"load of {name}")
        found[name] = {}
        for node, rank in ranks.items():
            other, follows = draw.between((0.0, 1.0)), draw.chance(abs(correlation))
            mine = (rank if correlation > 0 else 1.0 - rank) if follows else other
            found[name][node] = _load(wanted, span, mine)
    return found


def _load(wanted: Options, span: Span, rank: float) -> float:
    return span[0] + (span[1] - span[0]) * (rank * rank * rank if wanted.skewed else rank)


def _usable(node: Item, resource: str) -> float:
    """Return what is left for guests of a node that is filled to its brim, and what its overhead takes of that."""
    if resource in node.get("more", {}):
        return float(node["more"][resource])
    return float(node[resource] - node["reserve"][resource])


def _room(node: Item, resource: str, load: float) -> float:
    """Return how much guests are to take so that a node is loaded as wanted."""
    return max(0.0, _usable(node, resource) * load - node["overhead"].get(resource, 0))


def _guests(wanted: Options, nodes: list[Item], loads: Mapping[str, float]) -> list[Item]:
    """Return guests that fill the memory of each node as wanted."""
    rooms = {node["name"]: _room(node, "memory", loads[node["name"]]) for node in nodes if node["online"]}
    sizes = _sizes(wanted, rooms)
    _check_count(wanted, rooms, sizes)
    draw, found = Draw(wanted.seed, "guests"), list[Item]()
    for node, filled in _filled(wanted, rooms, sizes).items():
        for size in filled:
            found.append(_guest(draw, len(found), node, size, running=True))
            if draw.chance(wanted.stopped):
                found.append(_guest(draw, len(found), node, draw.weighted(sizes), running=False))
    return found


def _filled(wanted: Options, rooms: Mapping[str, float], sizes: Sequence[tuple[int, float]]) -> dict[str, list[int]]:
    """Return the sizes of the guests of each node: they are drawn until none fits any more."""
    smallest, draw = min(size for size, _weight in sizes), Draw(wanted.seed, "sizes")
    found: dict[str, list[int]] = {node: [] for node in rooms}
    for node, left in rooms.items():
        while left >= smallest:
            size = draw.weighted(sizes)
            if size > left:
                size = max(one for one, _weight in sizes if one <= left)
            left -= size
            found[node].append(size)
    return found


def _sizes(wanted: Options, rooms: Mapping[str, float]) -> list[tuple[int, float]]:
    """Return sizes in bytes and their weights, scaled so that about as many guests as wanted fill the nodes.

    What is left of a node takes small ones only, so there are more of them than their mean size says; that is tried, and the scale corrected.
    """
    if wanted.guests_per_node is None:
        return [(max(MIB, round(size * GIB)), weight) for size, weight in wanted.guest_sizes]
    weights = math.fsum(weight for _size, weight in wanted.guest_sizes)
    mean = math.fsum(size * weight for size, weight in wanted.guest_sizes) / weights
    count = wanted.guests_per_node * len(rooms)
    scale = math.fsum(rooms.values()) / (count * mean)
    for _trial in range(SCALINGS):
        sizes = [(max(1, round(size * scale / STEP)) * STEP, weight) for size, weight in wanted.guest_sizes]
        _check_count(wanted, rooms, sizes)
        scale *= sum(map(len, _filled(wanted, rooms, sizes).values())) / count
    return sizes


def _check_count(wanted: Options, rooms: Mapping[str, float], sizes: Sequence[tuple[int, float]]) -> None:
    mean = math.fsum(size * weight for size, weight in sizes) / math.fsum(weight for _size, weight in sizes)
    count = math.fsum(rooms.values()) / mean
    if count > MOST_GUESTS:
        raise InputError(
            f"These sizes make about {count:.0f} guests on {len(wanted.nodes)} nodes; needed are at most {MOST_GUESTS} "
            "(O(guest_sizes), O(guests_per_node), O(nodes))."
        )


def _guest(draw: Draw, number: int, node: str, size: int, *, running: bool) -> Item:
    kind = "lxc" if draw.chance(SHARE_OF_CONTAINERS) else "qemu"
    return {
        "id": f"{kind}/{FIRST_ID + number}",
        "name": f"guest{number + 1:05}",
        "node": node,
        "running": running,
        "cpu": 0.0,
        "memory": size if running else 0,
        "memory_max": math.floor(size * draw.between(GROWTH)),
        "movable": True,
    }


def _share_out(wanted: Options, nodes: list[Item], guests: list[Item], loads: Loads) -> None:
    """Give the running guests of each node their parts of the other resources: more for a larger one, but not strictly."""
    on: dict[str, list[Item]] = {node["name"]: [] for node in nodes}
    for guest in guests:
        if guest["running"]:
            on[guest["node"]].append(guest)
    for resource in ("cpu", *(extra.name for extra in wanted.more)):
        draw = Draw(wanted.seed, f"guests of {resource}")
        for node in nodes:
            here = on[node["name"]]
            parts = [guest["memory"] * draw.between((0.25, 1.75)) for guest in here]
            whole, room = math.fsum(parts), _room(node, resource, loads[resource][node["name"]])
            for guest, part in zip(here, parts, strict=True):
                amount = math.floor(room * part / whole * 10**DIGITS) / 10**DIGITS
                if resource == "cpu":
                    guest["cpu"] = amount
                else:
                    guest.setdefault("more", {})[resource] = amount
    draw = Draw(wanted.seed, "limits of cpu")
    for guest in guests:
        guest["cpu_max"] = max(1, math.ceil(guest["cpu"] * draw.between(GROWTH)))


def _store(wanted: Options, nodes: list[Item], guests: list[Item]) -> None:
    """Give each guest a disk, on storage of its node or on what all nodes share."""
    draw = Draw(wanted.seed, "disks")
    used = {node["name"]: 0 for node in nodes}
    shared = 0
    for guest in guests:
        size, local = math.floor(guest["memory_max"] * draw.between(DISK)), draw.chance(wanted.local_disks)
        guest["disks"] = [{"storage": "local" if local else "shared", "bytes": size}]
        used[guest["node"]] += size if local else 0
        shared += 0 if local else size
    for node in nodes:
        node["storages"] = {"shared": {"bytes": math.ceil(shared / FILLED), "used": shared, "shared": True}}
        if wanted.local_disks > 0:
            mine = used[node["name"]]
            node["storages"]["local"] = {"bytes": math.ceil(max(mine / FILLED, node["memory"] * STORED)), "used": mine, "shared": False}
