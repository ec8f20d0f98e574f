# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Items and bins to pack, and a check of what must hold of every packing; for the tests of bin packing."""

from __future__ import annotations

import math

RESOURCES = ("cpu", "disk", "memory")


def item(name, **resources):
    return {"id": name, "resources": resources}


def bin_(name, count=1, **capacity):
    return {"id": name, "capacity": capacity, "count": count}


def one_by_one(bins, most):
    """Return (name, capacity) of every bin."""
    return [
        (kind["id"] if kind["count"] == 1 else f"{kind['id']}#{number + 1}", kind["capacity"])
        for kind in bins
        for number in range(min(kind["count"], max(1, most)) if kind["count"] else 0)
    ]


def check(items, bins, answer):
    """Every item is in one bin or unplaced, no bin is overfull, and each reason holds."""
    capacity = dict(one_by_one(bins, len(items)))
    needed = {one["id"]: one["resources"] for one in items}
    assert sorted([*answer["assignment"], *(one["id"] for one in answer["unplaced"])]) == sorted(needed)
    used = {name: {resource: [] for resource in RESOURCES} for name in capacity}
    for name, place in answer["assignment"].items():
        for resource, amount in needed[name].items():
            used[place][resource].append(amount)
    free = {
        name: {resource: whole.get(resource, 0) - math.fsum(used[name][resource]) for resource in RESOURCES}
        for name, whole in capacity.items()
    }
    for name, whole in capacity.items():
        assert all(left >= -1e-8 * whole.get(resource, 0) for resource, left in free[name].items())
    assert answer["bins_used"] == len(set(answer["assignment"].values()))
    for one in answer["unplaced"]:
        short = {
            resource
            for resource, amount in needed[one["id"]].items()
            if any(amount > left[resource] + 1e-8 * amount for left in free.values())
        }
        assert all(any(amount > left[resource] for resource, amount in needed[one["id"]].items()) for left in free.values())
        assert {resource for resource in RESOURCES if f"{resource} " in one["reason"]} <= short
        assert any(f"{resource} " in one["reason"] for resource in short) or not capacity
    bound = answer["bound"]
    assert bound["least"] <= bound["reached"] + 1e-5
    if bound["minimise"] == "bins":
        assert bound["reached"] == answer["bins_used"]
