# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks an answer of `lv_allocate` against the rules, from the documents alone. Shares no code with the allocator.

Exact arithmetic (fractions) throughout; where the allocator's floats may round a bound the other way, one byte of slack is given.
"""

from __future__ import annotations

import collections
from fractions import Fraction

# LAB.md §2: what grows while it is mounted, what while it is not; what shrinks, and whether that takes an unmount
GROWS_MOUNTED = {"ext2", "ext3", "ext4", "xfs", "btrfs"}
GROWS_UNMOUNTED = {"ext2", "ext3", "ext4", "vfat", "f2fs", "swap"}
SHRINKS = {"ext2": True, "ext3": True, "ext4": True, "vfat": True, "f2fs": True, "btrfs": False}
DAY = 86400
DEFAULTS = {
    "strategy": "water_filling",
    "headroom": 0.1,
    "max_step_fraction": 0.5,
    "min_change_extents": 1,
    "share_exponent": 0.5,
    "cool_down_seconds": 6 * 3600,
    "hysteresis_fraction": 0.05,
    "quiet_hours": [],
    "allow_shrink": False,
    "shrink_headroom": 0.25,
    "shrink_margin": "10%",
    "min_shrink_fraction": 0.1,
    "max_shrink_step_fraction": 0.25,
    "shrink_past_seconds": 14 * DAY,
    "shrink_cool_down_seconds": 7 * DAY,
}
FLOOR = {"free_fraction": 0.1, "step_fraction": 0.1, "max_age_seconds": 3600}
SLACK = Fraction(1, 10**9)


def violations(volumes, groups, policy, result):
    """Return a sentence for everything in the answer that breaks a rule; an empty list means all is well."""
    rules = {**DEFAULTS, **policy, "floor": {**FLOOR, **(policy.get("floor") or {})}}
    by_entity = {volume["entity"]: volume for volume in volumes}
    by_group = {(group["host"], group["vg"]): group for group in groups}
    uuids = collections.Counter(group["uuid"] for group in groups)
    found = []
    changes = {}
    for kind, managed in (("actions", True), ("proposals", False)):
        for change in result[kind]:
            if change["kind"] in ("vg_extend", "lv_move"):
                continue
            volume = by_entity.get(change["target"])
            if volume is None or change["target"] in changes:
                found.append(f"{change['target']}: unknown, or changed twice")
                continue
            changes[change["target"]] = change
            group = by_group[volume["host"], volume["vg"]]
            if change["to"]["size"] < volume["size_bytes"]:
                found += _shrinkage(change, volume, group, rules, uuids, acted=managed)
                continue
            if bool(volume.get("managed")) is not managed:
                found.append(f"{change['target']}: in {kind} although managed is {volume.get('managed')}")
            found += _change(change, volume, group, rules, uuids)
    refused = collections.defaultdict(set)
    for refusal in result["refused"]:
        refused[refusal["entity"]].add(refusal["reason"])
        for key in ("entity", "reason", "seen", "needed", "option", "message"):
            if refusal.get(key) in (None, ""):
                found.append(f"{refusal['entity']}: refusal without {key}")
    members = collections.defaultdict(list)
    for volume in volumes:
        if (volume["host"], volume["vg"]) in by_group:
            members[volume["host"], volume["vg"]].append(volume)
    for key, inside in members.items():
        shrunk = {change["target"] for change in result["actions"] if change["kind"] == "lv_resize" and _is_shrinkage(change)}
        found += _group(by_group[key], inside, rules, uuids, changes, shrunk, refused, result["proposals"])
    return found


def _is_shrinkage(change):
    return change["to"]["size"] < change["from"]["size"]


def _shrinkage(change, volume, group, rules, uuids, *, acted):
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
        (not _wants(volume, group, rules), "shrinks although it wants something itself"),
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
            (not _is_quiet(rules), "shrinks in quiet hours"),
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


def _change(change, volume, group, rules, uuids):
    entity, extent = volume["entity"], group["extent_bytes"]
    growth = change["to"]["size"] - volume["size_bytes"]
    checks = [
        (change["kind"] == "lv_resize", "is no lv_resize"),
        (change["host"] == volume["host"], "names another host"),
        (change["expect"] == {"uuid": volume["uuid"], "size": volume["size_bytes"]}, "expects another volume"),
        (change["from"] == {"size": volume["size_bytes"]}, "starts from another size"),
        (growth >= 0, "shrinks"),
        (growth > 0 or change["reason"] == "unfinished", "changes nothing"),
        (growth % extent == 0, "grows by a broken extent"),
        (change["cost"] == {"bytes": growth * volume.get("copies", 1)}, "costs something else"),
        (change.get("allow", {}) in _growth_allowances(volume), "carries another allowance"),
        (_never(volume, group, uuids) is None, f"is never to be changed ({_never(volume, group, uuids)})"),
        (volume.get("max_bytes") is None or growth == 0 or change["to"]["size"] <= volume["max_bytes"], "exceeds its maximum"),
        (growth // extent <= _step(volume, group, rules), "exceeds one step"),
        (bool(change.get("message")), "has no message"),
    ]
    wants = _wants(volume, group, rules)
    checks.append((change["reason"] in wants, f"has the reason {change['reason']}, which does not apply"))
    if wants:
        checks.append((growth // extent <= max(high for _low, high in wants.values()), "grows beyond what it needs"))
    if change["reason"] == "forecast":
        checks.append((volume.get("demand_status") == "ok", "acts on a forecast that is not ok"))
        checks.append((not volume.get("managed") or not _waits(volume, rules), "does not wait"))
    return [f"{entity}: {text}" for good, text in checks if not good]


def _growth_allowances(volume):
    """What a growth may carry as `allow`: to unmount what grows in no other way, where the policy says so."""
    kind = (volume.get("fs") or {}).get("type")
    unmounts = volume.get("managed") and volume.get("allow_unmount") and kind in GROWS_UNMOUNTED - GROWS_MOUNTED
    return [{"unmount": True}] if unmounts or _owes_mount(volume) else [{}]


def _owes_mount(volume):
    """A resize left it unmounted, and the policy leaves it to us to mount it again."""
    kind = (volume.get("fs") or {}).get("type")
    leave = volume.get("managed") and volume.get("allow_unmount")
    return bool(leave and volume.get("left_unmounted") and not volume.get("mounted") and kind in GROWS_UNMOUNTED)


def _group(group, volumes, rules, uuids, changes, shrunk, refused, proposals):
    found = []
    extent = group["extent_bytes"]
    gifts = {v["entity"]: -_growth(changes[v["entity"]], v) // extent * v.get("copies_freed", 1) for v in volumes if v["entity"] in shrunk}
    changes = {target: change for target, change in changes.items() if not _is_shrinkage(change)}
    got = {v["entity"]: _growth(changes.get(v["entity"]), v) // extent for v in volumes}
    allowed, wanted, open_wants = {}, 0, []
    for volume in volumes:
        wants = _wants(volume, group, rules)
        low = max((pair[0] for pair in wants.values()), default=0)
        if low > 0 and got[volume["entity"]] < low and not refused[volume["entity"]]:
            found.append(f"{volume['entity']}: got {got[volume['entity']]} of {low} extents and no refusal")
        if _never(volume, group, uuids) is None:
            allowed[volume["entity"]] = min(low, _step(volume, group, rules), _room(volume, group, low))
            high = max((pair[1] for pair in wants.values()), default=0)
            most = min(high, _step(volume, group, rules), _room(volume, group, high))
            wanted += most * volume.get("copies", 1) if volume.get("managed") else 0
            if "unfinished" in wants and volume["entity"] not in changes:
                open_wants.append(volume["entity"])
    found += [f"{entity}: its growth is not finished" for entity in open_wants]
    found += _exchange(group, volumes, rules, changes, gifts, got, wanted)
    spendable = _spendable(group, sum(gifts.values()))
    for managed in (True, False):
        served = [v for v in volumes if bool(v.get("managed")) is managed and v["entity"] in allowed]
        taken = sum(got[v["entity"]] * v.get("copies", 1) for v in served)
        if taken > spendable:
            found.append(f"{group['entity']}: gives {taken} extents of {spendable} (managed: {managed})")
        spendable -= taken
        if rules["strategy"] == "water_filling":
            found += _fairness(group, served, volumes, allowed, got, spendable, rules)
    missing = sum(max(0, allowed[v["entity"]] - got[v["entity"]]) for v in volumes if v["entity"] in allowed)
    extended = [p for p in proposals if p["kind"] == "vg_extend" and p["target"] == group["entity"]]
    lacks = sum(max(0, allowed[v["entity"]] - got[v["entity"]]) * v.get("copies", 1) for v in volumes if v["entity"] in allowed)
    # The classic strategy leaves extents although they are wanted: for those nothing has to be added.
    lacks -= spendable if rules["strategy"] == "proportional" else 0
    if (lacks > 0) != bool(extended) or (missing > 0) < bool(extended):
        found.append(f"{group['entity']}: lacks {lacks} extents, vg_extend proposals: {len(extended)}")
    lacks += max(0, group["reserve_extents"] - group["extents_free"] - sum(gifts.values()))
    found += [f"{group['entity']}: vg_extend does not make room for {lacks} extents" for p in extended if p["bytes"] < lacks * extent]
    return found


def _spendable(group, freed):
    """Extents that may be given away once so many came free: the reserve comes first."""
    return max(0, group["extents_free"] + freed - group["reserve_extents"])


def _exchange(group, volumes, rules, changes, gifts, got, wanted):
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
            rules["min_change_extents"], _ceil(volume["size_bytes"] // group["extent_bytes"] * Fraction(rules["min_shrink_fraction"]))
        )
        if gifts[entity] - copies >= max(lacking, least * copies):
            found.append(f"{entity}: frees {gifts[entity]} extents where {lacking} are lacking")
        if sum(gifts.values()) - gifts[entity] >= lacking:
            found.append(f"{entity}: shrinks although the others free enough")
    for number in range(1 << len(gifts)):  # whichever of the shrinkings fail
        done = {entity for place, entity in enumerate(sorted(gifts)) if number >> place & 1}
        run = sum(extents for entity, extents in taken.items() if waits[entity] <= done)
        if run > _spendable(group, sum(gifts[entity] for entity in done)):
            found.append(f"{group['entity']}: takes {run} extents when only {sorted(done)} shrink")
    return found


def _fairness(group, served, volumes, allowed, got, left, rules):
    means = {v["entity"]: max(v.get("history_mean_bytes") or 0, group["extent_bytes"]) for v in volumes}
    total = sum(means.values())
    weight = {v["entity"]: v.get("priority", 1.0) * (means[v["entity"]] / total) ** rules["share_exponent"] for v in served}
    found = []
    for poor in served:
        name = poor["entity"]
        if got[name] >= allowed[name]:
            continue
        # Whole rows of a striped volume: up to a row is not given to it.
        row = 59 * poor.get("copies", 1) if poor.get("copies_freed", 1) == 0 else 0
        if poor.get("copies", 1) + row <= left:
            found.append(f"{name}: {left} extents of {group['entity']} lie idle while it wants more")
        for rich in served:
            other = rich["entity"]
            if row or other == name or not got[other] or poor.get("copies", 1) > left + rich.get("copies", 1):
                continue
            if (got[other] - 1) / weight[other] > got[name] / weight[name] * (1 + 1e-9):
                found.append(
                    f"{name} has {got[name]} extents at weight {weight[name]}, {other} {got[other]} at {weight[other]}: not max-min fair"
                )
    return found


def _wants(volume, group, rules):
    """Extents that each reason asks for, as {reason: (least, most)}; of a broken document none."""
    extent, size = group["extent_bytes"], volume["size_bytes"]
    filesystem = volume.get("fs") or {}
    total, used, avail = filesystem.get("size"), filesystem.get("used"), filesystem.get("avail")
    if size % extent:
        return {}
    holds, unfinished = Fraction(size), False
    if total is not None:
        holds = Fraction(min(total, used + avail) if used is not None and avail is not None else total)
        if not 0 < holds <= total <= size or (used or 0) > total:
            return {}
        unfinished = bool(volume.get("unfinished")) or 3 * total < 2 * size
        holds = Fraction(9, 10) * size if unfinished else holds
    wants = {"unfinished": (0, 0)} if unfinished or _owes_mount(volume) else {}
    now = size // extent
    if volume.get("demand_status") == "ok":
        demand = Fraction(volume["demand_bytes"])
        needed = demand * (1 + Fraction(rules["headroom"]))
        low, high = (max(0, _ceil(max(Fraction(0), needed + bytes_) / holds * now) - now) for bytes_ in (-1, 1))
        small = low < max(rules["min_change_extents"], rules["hysteresis_fraction"] * now) and demand <= holds
        if high and _seen(volume) and not (volume.get("managed") and _waits(volume, rules)):
            wants["forecast"] = (0 if small else low, high)
    if volume.get("min_bytes") and volume["min_bytes"] > size:
        wants["minimum"] = (_ceil(Fraction(volume["min_bytes"], extent)) - now,) * 2
    floor = rules["floor"]
    fresh = abs(rules["now"] - volume["observed_at"]) <= floor["max_age_seconds"]
    if (
        total is not None
        and used is not None
        and fresh
        and _seen(volume)
        and (holds - used) / holds < Fraction(floor["free_fraction"]) + SLACK
    ):
        step = max(1, _ceil(now * Fraction(floor["step_fraction"]) - SLACK))
        certain = (holds - used) / holds < Fraction(floor["free_fraction"]) - SLACK
        wants["floor"] = (step if certain else 0, step)
    return wants


def _never(volume, group, uuids):
    if uuids[group["uuid"]] > 1 or group.get("shared") or group.get("refused_reason") or volume.get("refused_reason"):
        return "rule 2 or 12"
    filesystem = volume.get("fs") or {}
    kind, total, used = filesystem.get("type"), filesystem.get("size"), filesystem.get("used")
    if volume["size_bytes"] % group["extent_bytes"]:
        return "broken size"
    if total is not None and (not 0 < total <= volume["size_bytes"] or (used or 0) > total):
        return "impossible file system"
    if total is not None and used is not None and used + filesystem.get("avail", 1) <= 0:
        return "impossible file system"
    if kind not in GROWS_MOUNTED | GROWS_UNMOUNTED:
        return None if volume.get("named_exactly") else "file system"
    if volume.get("mounted") and total is None:
        return "mounted without a size"
    if volume.get("mounted") or kind == "swap":
        return None if kind in GROWS_MOUNTED or volume.get("allow_unmount") or not volume.get("managed") else "needs an unmount"
    return None if kind in GROWS_UNMOUNTED else "not mounted"


def _seen(volume):
    """Whether anybody knows what it holds now."""
    return volume.get("mounted") or (volume.get("fs") or {}).get("type") not in GROWS_MOUNTED | GROWS_UNMOUNTED


def _waits(volume, rules):
    last = volume.get("last_resized_at")
    return _is_quiet(rules) or (last is not None and rules["now"] - last < rules["cool_down_seconds"])


def _is_quiet(rules):
    second = rules["now"] % 86400
    for hours in rules["quiet_hours"]:
        start, end = (sum(int(part) * unit for part, unit in zip(hours[key].split(":"), (3600, 60), strict=True)) for key in ("from", "to"))
        if (start <= second < end) if start <= end else (second >= start or second < end):
            return True
    return False


def _step(volume, group, rules):
    if rules["max_step_fraction"] is None:
        return float("inf")
    return max(1, int(Fraction(volume["size_bytes"] // group["extent_bytes"]) * Fraction(rules["max_step_fraction"]) + SLACK))


def _room(volume, group, wanted):
    if volume.get("max_bytes") is None:
        return wanted
    return max(0, volume["max_bytes"] // group["extent_bytes"] - volume["size_bytes"] // group["extent_bytes"])


def _growth(change, volume):
    return change["to"]["size"] - volume["size_bytes"] if change else 0


def _ceil(fraction):
    return -((-fraction) // 1)
