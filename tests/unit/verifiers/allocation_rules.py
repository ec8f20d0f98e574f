# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What documents and policy say of one volume, for the verifier of `lv_allocate`: what it wants, what forbids it, how far it may go."""

from __future__ import annotations

from fractions import Fraction

# LAB.md §2: what grows while it is mounted, what while it is not
GROWS_MOUNTED = {"ext2", "ext3", "ext4", "xfs", "btrfs"}
GROWS_UNMOUNTED = {"ext2", "ext3", "ext4", "vfat", "f2fs", "swap"}
DAY = 86400
DEFAULTS = {
    "strategy": "water_filling",
    "headroom": 0.1,
    "max_step_fraction": 0.5,
    "min_change_extents": 1,
    "min_growth_fraction": 0.2,
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


def owes_mount(volume):
    """A resize left it unmounted, and the policy leaves it to us to mount it again."""
    kind = (volume.get("fs") or {}).get("type")
    leave = volume.get("managed") and volume.get("allow_unmount")
    return bool(leave and volume.get("left_unmounted") and not volume.get("mounted") and kind in GROWS_UNMOUNTED)


def wishes(volume, group, rules):
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
    wants = {"unfinished": (0, 0)} if unfinished or owes_mount(volume) else {}
    now = size // extent
    if volume.get("demand_status") == "ok":
        demand = Fraction(volume["demand_bytes"])
        needed = demand * (1 + Fraction(rules["headroom"]))
        low, high = (max(0, ceil(max(Fraction(0), needed + bytes_) / holds * now) - now) for bytes_ in (-1, 1))
        small = low < max(rules["min_change_extents"], rules["hysteresis_fraction"] * now) and demand <= holds
        if high and is_seen(volume) and not (volume.get("managed") and is_waiting(volume, rules)):
            wants["forecast"] = (0 if small else low, high)
    if volume.get("min_bytes") and volume["min_bytes"] > size:
        wants["minimum"] = (ceil(Fraction(volume["min_bytes"], extent)) - now,) * 2
    floor = rules["floor"]
    fresh = abs(rules["now"] - volume["observed_at"]) <= floor["max_age_seconds"]
    if (
        total is not None
        and used is not None
        and fresh
        and is_seen(volume)
        and (holds - used) / holds < Fraction(floor["free_fraction"]) + SLACK
    ):
        step = max(1, ceil(now * Fraction(floor["step_fraction"]) - SLACK))
        certain = (holds - used) / holds < Fraction(floor["free_fraction"]) - SLACK
        wants["floor"] = (step if certain else 0, step)
    return wants


def why_never(volume, group, uuids):
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


def is_seen(volume):
    """Whether anybody knows what it holds now."""
    return volume.get("mounted") or (volume.get("fs") or {}).get("type") not in GROWS_MOUNTED | GROWS_UNMOUNTED


def is_waiting(volume, rules):
    last = volume.get("last_resized_at")
    return is_quiet(rules) or (last is not None and rules["now"] - last < rules["cool_down_seconds"])


def is_quiet(rules):
    second = rules["now"] % 86400
    for hours in rules["quiet_hours"]:
        start, end = (sum(int(part) * unit for part, unit in zip(hours[key].split(":"), (3600, 60), strict=True)) for key in ("from", "to"))
        if (start <= second < end) if start <= end else (second >= start or second < end):
            return True
    return False


def largest_step(volume, group, rules):
    if rules["max_step_fraction"] is None:
        return float("inf")
    return max(1, int(Fraction(volume["size_bytes"] // group["extent_bytes"]) * Fraction(rules["max_step_fraction"]) + SLACK))


def room_below_maximum(volume, group, wanted):
    if volume.get("max_bytes") is None:
        return wanted
    return max(0, volume["max_bytes"] // group["extent_bytes"] - volume["size_bytes"] // group["extent_bytes"])


def added_bytes(change, volume):
    return change["to"]["size"] - volume["size_bytes"] if change else 0


def ceil(fraction):
    return -((-fraction) // 1)
