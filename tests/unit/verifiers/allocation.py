# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks an answer of `lv_allocate` against the rules, from the documents alone. Shares no code with the allocator.

Exact arithmetic (fractions) throughout; where the allocator's floats may round a bound the other way, one byte of slack is given.
"""

from __future__ import annotations

import collections

from .allocation_rounding import rounding, worthwhile_step
from .allocation_rules import (
    DEFAULTS,
    FLOOR,
    GROWS_MOUNTED,
    GROWS_UNMOUNTED,
    added_bytes,
    is_waiting,
    largest_step,
    owes_mount,
    room_below_maximum,
    why_never,
    wishes,
)
from .allocation_shrinking import exchange, is_shrinkage, shrinkage, to_give_away


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
                found += shrinkage(change, volume, group, rules, uuids, acted=managed)
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
        shrunk = {change["target"] for change in result["actions"] if change["kind"] == "lv_resize" and is_shrinkage(change)}
        found += _group(by_group[key], inside, rules, uuids, changes, shrunk, refused, result["proposals"])
    return found


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
        (why_never(volume, group, uuids) is None, f"is never to be changed ({why_never(volume, group, uuids)})"),
        (volume.get("max_bytes") is None or growth == 0 or change["to"]["size"] <= volume["max_bytes"], "exceeds its maximum"),
        (growth // extent <= largest_step(volume, group, rules), "exceeds one step"),
        (bool(change.get("message")), "has no message"),
    ]
    wants = wishes(volume, group, rules)
    checks.append((change["reason"] in wants, f"has the reason {change['reason']}, which does not apply"))
    if wants:
        most = max(*(high for _low, high in wants.values()), worthwhile_step(change, volume, group, rules))
        checks.append((growth // extent <= most, "grows beyond what it needs"))
    if change["reason"] == "forecast":
        checks.append((volume.get("demand_status") == "ok", "acts on a forecast that is not ok"))
        checks.append((not volume.get("managed") or not is_waiting(volume, rules), "does not wait"))
    return [f"{entity}: {text}" for good, text in checks if not good]


def _growth_allowances(volume):
    """What a growth may carry as `allow`: to unmount what grows in no other way, where the policy says so."""
    kind = (volume.get("fs") or {}).get("type")
    unmounts = volume.get("managed") and volume.get("allow_unmount") and kind in GROWS_UNMOUNTED - GROWS_MOUNTED
    return [{"unmount": True}] if unmounts or owes_mount(volume) else [{}]


def _group(group, volumes, rules, uuids, changes, shrunk, refused, proposals):
    found = []
    extent = group["extent_bytes"]
    gifts = {
        v["entity"]: -added_bytes(changes[v["entity"]], v) // extent * v.get("copies_freed", 1) for v in volumes if v["entity"] in shrunk
    }
    changes = {target: change for target, change in changes.items() if not is_shrinkage(change)}
    got = {v["entity"]: added_bytes(changes.get(v["entity"]), v) // extent for v in volumes}
    allowed, wanted, open_wants = {}, 0, []
    for volume in volumes:
        wants = wishes(volume, group, rules)
        low = max((pair[0] for pair in wants.values()), default=0)
        if low > 0 and got[volume["entity"]] < low and not refused[volume["entity"]]:
            found.append(f"{volume['entity']}: got {got[volume['entity']]} of {low} extents and no refusal")
        if why_never(volume, group, uuids) is None:
            allowed[volume["entity"]] = min(low, largest_step(volume, group, rules), room_below_maximum(volume, group, low))
            high = max((pair[1] for pair in wants.values()), default=0)
            most = min(high, largest_step(volume, group, rules), room_below_maximum(volume, group, high))
            wanted += most * volume.get("copies", 1) if volume.get("managed") else 0
            if "unfinished" in wants and volume["entity"] not in changes:
                open_wants.append(volume["entity"])
    found += [f"{entity}: its growth is not finished" for entity in open_wants]
    found += exchange(group, volumes, rules, changes, gifts, got, wanted)
    spendable = to_give_away(group, sum(gifts.values()))
    for managed in (True, False):
        served = [v for v in volumes if bool(v.get("managed")) is managed and v["entity"] in allowed]
        taken = sum(got[v["entity"]] * v.get("copies", 1) for v in served)
        if taken > spendable:
            found.append(f"{group['entity']}: gives {taken} extents of {spendable} (managed: {managed})")
        spendable -= taken
        if rules["strategy"] == "water_filling":
            found += _fairness(group, served, volumes, allowed, got, spendable, rules)
    short = {entity for entity, extents in allowed.items() if got[entity] < extents}
    found += rounding(group, volumes, rules, changes, got, short=short, left=spendable, gives=bool(gifts))
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
