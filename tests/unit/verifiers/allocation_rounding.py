# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with growths beyond what volumes need, for the verifier of `lv_allocate`: who, how far, and out of what."""

from __future__ import annotations

from fractions import Fraction

from .allocation_rules import SLACK, ceil, largest_step, room_below_maximum, wishes

REASONS = ("forecast", "floor")


def worthwhile_step(change, volume, group, rules):
    """Extents up to which this growth may be rounded up; 0 = it may not."""
    striped = volume.get("copies_freed", 1) == 0
    if change["reason"] not in REASONS or striped or not volume.get("managed") or rules["strategy"] == "proportional":
        return 0
    step = ceil(volume["size_bytes"] // group["extent_bytes"] * Fraction(rules["min_growth_fraction"]) - SLACK)
    return min(step, largest_step(volume, group, rules), room_below_maximum(volume, group, step))


def rounding(group, volumes, rules, changes, got, *, short, left, gives):
    """What is wrong with all that the volumes of a VG get beyond their needs.

    :param short: volumes (entities) that lack extents.
    :param left: extents that nobody got, neither for a need nor beyond it.
    :param gives: whether neighbours shrink.
    """
    needs = {v["entity"]: _needed(changes[v["entity"]], v, group, rules) for v in volumes if v["entity"] in changes}
    by_entity = {v["entity"]: v for v in volumes}
    beyond = {entity: got[entity] - most for entity, (_least, most) in needs.items() if got[entity] > most}
    taken = sum(extents * by_entity[entity].get("copies", 1) for entity, extents in beyond.items())
    found = []
    if beyond and short:
        found.append(f"{group['entity']}: rounds up {sorted(beyond)} while {sorted(short)} lack extents")
    if beyond and gives:
        found.append(f"{group['entity']}: rounds up {sorted(beyond)} while neighbours shrink for others")
    if 4 * taken > left + taken:
        found.append(f"{group['entity']}: rounds up by {taken} extents, more than a quarter of {left + taken}")
    # A byte of slack in a need would hide who deserves more.
    if short or gives or found or any(least != most for least, most in needs.values()):
        return found
    budget = (left + taken) // 4 - taken
    for entity in needs:
        poor = by_entity[entity]
        if not got[entity] or got[entity] >= worthwhile_step(changes[entity], poor, group, rules):
            continue
        copies = poor.get("copies", 1)
        if copies <= budget:
            found.append(f"{entity}: grows by {got[entity]} extents only, where {budget} are left for rounding up")
        for other, extents in beyond.items():
            if extents - 1 > beyond.get(entity, 0) and copies <= budget + by_entity[other].get("copies", 1):
                found.append(f"{other} is rounded up by {extents} extents, {entity} by {beyond.get(entity, 0)}")
    return found


def _needed(change, volume, group, rules):
    """Extents that the reason of a change asks for, within the limits, as (least, most)."""
    pair = wishes(volume, group, rules).get(change["reason"], (0, 0))
    return tuple(min(extents, largest_step(volume, group, rules), room_below_maximum(volume, group, extents)) for extents in pair)
