# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with making volumes smaller for their neighbours; a part of the verifier of `lv_allocate`."""

from __future__ import annotations

from fractions import Fraction

from .allocation_rules import SLACK, ceil, is_quiet, wishes

# LAB.md §2: what shrinks, and whether that takes an unmount
SHRINKS = {"ext2": True, "ext3": True, "ext4": True, "vfat": True, "f2fs": True, "btrfs": False}


def is_shrinkage(change):
    return change["to"]["size"] < change["from"]["size"]


def shrinkage(change, volume, group, rules, uuids, *, acted):
    """What is wrong with making this volume smaller; `acted`: it is done, not only proposed."""
    extent, size, left = group["extent_bytes"], volume["size_bytes"], change["to"]["size"]
    filesystem = volume.get("fs") or {}
    kind, total, used, avail = (filesystem.get(key) for key in ("type", "size", "used", "avail"))
    checks = [
        (change["kind"] == "lv_resize" and change["host"] == volume["host"], "is no lv_resize of its host"),
        (change["expect"] == {"uuid": volume["uuid"], "size": size} and change["from"] == {"size": size}, "starts from another volume"),
        ((size - left) % extent == 0, "shrinks by a broken extent"),
        (change["reason"] == "neighbour" and bool(change.get("message")), "does not say for whom it shrinks"),
        (change["cost"] == {"bytes": 0, "freed_bytes": (size - left) * volume.get("copies_freed", 1)}, "frees something else"),
        (uuids[group["uuid"]] == 1 and not group.get("shared") and not group.get("refused_reason"), "shrinks in a VG of rule 2"),
        (not volume.get("refused_reason"), "shrinks although it is never to be changed"),
        (kind in SHRINKS and volume.get("mounted"), f"shrinks although {kind} cannot, or nobody knows what it holds"),
        (volume.get("demand_status") == "ok", "shrinks without a good forecast"),
        (volume.get("copies_freed", 1) > 0, "shrinks although nobody knows what that frees"),
        (volume.get("past_peak_bytes") is not None, "shrinks without a known past"),
        ((volume.get("past_seconds") or 0) >= rules["shrink_past_seconds"], "shrinks with too short a past"),
        (not wishes(volume, group, rules), "shrinks although it wants something itself"),
        (left >= (volume.get("min_bytes") or 0), "falls below its minimum"),
        ((size - left) <= size * Fraction(rules["max_shrink_step_fraction"]) + SLACK, "exceeds one step of shrinking"),
    ]
    if acted:
        last = max(volume.get("last_resized_at") or 0, volume.get("last_failed_at") or 0)
        cool = not last or rules["now"] - last >= rules["shrink_cool_down_seconds"]
        allowed = bool(volume.get("managed") and volume.get("allow_shrink") and rules["allow_shrink"])
        checks += [
            (allowed, "shrinks although that is not allowed"),
            (not SHRINKS.get(kind) or volume.get("allow_unmount"), "is unmounted although that is not allowed"),
            (change.get("allow") == {"shrink": True, **({"unmount": True} if SHRINKS.get(kind) else {})}, "carries another allowance"),
            (cool, "shrinks within its cool-down"),
            (not is_quiet(rules), "shrinks in quiet hours"),
            (change["after"] == [], "waits for something"),
        ]
    else:
        checks.append((bool(change.get("option")) and "allow" not in change, "is proposed without naming what would allow it"))
    bad = [text for good, text in checks if not good]
    if total is None or used is None or size % extent:
        return [f"{volume['entity']}: {text}" for text in [*bad, "shrinks although its use is not known"]]
    holds = min(total, used + avail) if avail is not None else total
    room = holds - (size - left)  # what it holds afterwards if its overhead does not shrink with it
    percent = Fraction(rules["shrink_margin"].removesuffix("%")) / 100
    free = Fraction(rules["floor"].get("free_fraction", 0.1))
    more = 1 + Fraction(rules["shrink_headroom"])
    bounds = [
        (used + percent * (used + size - holds), "less than it uses and the margin"),
        (more * used, "less than it uses and the headroom"),
        (more * Fraction(volume.get("past_peak_bytes") or 0), "less than it held before"),
        (more * (1 + Fraction(rules["headroom"])) * Fraction(volume.get("demand_bytes") or 0), "less than its demand"),
        (Fraction(used) / (1 - free) if free < 1 else float("inf"), "less than its floor"),
    ]
    return [f"{volume['entity']}: {text}" for text in [*bad, *(text for least, text in bounds if room + 1 < least)]]


def to_give_away(group, freed):
    """Extents that may be given away once so many came free: the reserve comes first."""
    return max(0, group["extents_free"] + freed - group["reserve_extents"])


def exchange(group, volumes, rules, changes, gifts, got, wanted):
    """What is wrong between those who shrink and those who wait for it; `wanted`: extents that the managed ones want at most."""
    grown = [v for v in volumes if got[v["entity"]] and v.get("managed")]
    taken = {v["entity"]: got[v["entity"]] * v.get("copies", 1) for v in grown}
    waits = {v["entity"]: set(changes[v["entity"]]["after"]) for v in grown}
    found = [f"{entity}: both gives and gets" for entity in gifts if entity in taken]
    found += [
        f"{entity}: waits for {sorted(others - set(gifts))}, which do not shrink" for entity, others in waits.items() if others - set(gifts)
    ]
    found += [f"{entity}: shrinks and nobody waits for it" for entity in gifts if not any(entity in others for others in waits.values())]
    lacking = wanted - (group["extents_free"] - group["reserve_extents"])
    for volume in (v for v in volumes if v["entity"] in gifts):
        entity, copies = volume["entity"], volume.get("copies_freed", 1)
        least = max(
            rules["min_change_extents"], ceil(volume["size_bytes"] // group["extent_bytes"] * Fraction(rules["min_shrink_fraction"]))
        )
        if gifts[entity] - copies >= max(lacking, least * copies):
            found.append(f"{entity}: frees {gifts[entity]} extents where {lacking} are lacking")
        if sum(gifts.values()) - gifts[entity] >= lacking:
            found.append(f"{entity}: shrinks although the others free enough")
    for number in range(1 << len(gifts)):  # whichever of the shrinkings fail
        done = {entity for place, entity in enumerate(sorted(gifts)) if number >> place & 1}
        run = sum(extents for entity, extents in taken.items() if waits[entity] <= done)
        if run > to_give_away(group, sum(gifts[entity] for entity in done)):
            found.append(f"{group['entity']}: takes {run} extents when only {sorted(done)} shrink")
    return found
