# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cluster documents by chance, for the tests of placement."""

from __future__ import annotations

import typing as t

import numpy as np

GIB = 2**30


def random_cluster(seed: int, nodes: int, guests: int, *, plain: bool = False, full: float = 0.6) -> dict[str, t.Any]:
    """Return a cluster document.

    :param plain: no rules, closed nodes, pins, local disks, or guests that stand still.
    :param full: share of the memory that is used, about.
    """
    random = np.random.default_rng(seed)
    names = [f"n{number}" for number in range(nodes)]
    memory = random.choice([128, 256, 256, 512], nodes) * GIB
    weights = random.dirichlet(np.full(nodes, 1.5)) if nodes else np.empty(0)
    sizes = random.choice([1, 2, 4, 8, 8, 16, 32], guests).astype(float) * random.choice([1.0, 1.0, 0.75], guests)
    scale = full * memory.sum() / max(sizes.sum() * GIB, 1.0)
    document: dict[str, t.Any] = {
        "cluster": "random",
        "nodes": [{"name": name, "cpu": float(size // (4 * GIB)), "memory": int(size)} for name, size in zip(names, memory, strict=True)],
        "guests": [
            {
                "id": f"qemu/{100 + number}",
                "node": names[int(random.choice(nodes, p=weights))],
                "cpu": round(float(random.gamma(2.0, size * scale / 12)), 3),
                "memory": int(size * scale * GIB),
            }
            for number, size in enumerate(sizes.tolist())
        ],
        "rules": [],
    }
    if not plain:
        _complicate(document, random)
    return document


def _complicate(document: dict[str, t.Any], random: np.random.Generator) -> None:
    nodes, guests = document["nodes"], document["guests"]
    names = [node["name"] for node in nodes]
    for node in nodes:
        if random.random() < 0.15:
            node["maintenance"] = True
        if random.random() < 0.05:
            node["online"] = False
        if random.random() < 0.3:
            node["reserve"] = {"cpu": 1.0, "memory": 4 * GIB}
            node["overhead"] = {"cpu": 0.5, "memory": 3 * GIB}
        if random.random() < 0.3:
            node["more"] = {"gpu": 2}
        if random.random() < 0.7:
            node["storages"] = {
                "local": {"bytes": 400 * GIB, "used": 300 * GIB},
                "pool": {"bytes": 9000 * GIB, "used": GIB, "shared": True},
            }
    gpus = any("more" in node for node in nodes)
    for guest in guests:
        chance = random.random(8)
        if chance[0] < 0.1:
            guest["movable"] = False
        if chance[1] < 0.1:
            guest["running"] = False
        if chance[2] < 0.1:
            guest["pinned_to"] = [str(name) for name in random.choice(names, min(2, len(names)), replace=False)]
        if chance[3] < 0.2:
            guest["disks"] = [{"storage": str(random.choice(["local", "pool"])), "bytes": int(random.integers(1, 40)) * GIB}]
        if gpus and chance[4] < 0.1:
            guest["more"] = {"gpu": 1}
        if chance[5] < 0.3:
            guest["memory_max"] = guest["memory"] + 4 * GIB
    for _rule in range(int(random.integers(0, 2 + len(guests) // 5))):
        kind = str(random.choice(["together", "apart", "apart", "on_nodes", "not_on_nodes"]))
        size = min(len(guests), int(random.integers(1, 5)))
        members = random.choice(len(guests), size, replace=False).tolist() if guests else []
        document["rules"].append(
            {
                "kind": kind,
                "guests": [guests[member]["id"] for member in members],
                "nodes": [str(name) for name in random.choice(names, min(2, len(names)), replace=False)],
                "strict": bool(random.random() < 0.8),
            }
        )
