# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a volume is not grown, or not as far as it wants: what was seen, what is needed, which option changes it."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.documents import Group, Volume
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

Refusal = dict[str, t.Any]

# code: (what was seen, what is needed, the option that changes it)
_NEVER: dict[str, tuple[str, str, str]] = {
    "shared_vg": (
        "its VG is seen from more than one host (or from clones of one disk image), or has a lock type or another system id",
        "a VG of this host alone (vgchange --uuid for a clone, the playbook forget for a host that no longer exists)", "none",
    ),
    "exported_vg": ("its VG is exported", "vgimport on the host that owns it", "none"),
    "partial_vg": ("a physical volume of its VG is missing", "all physical volumes of the VG", "none"),
    "unknown_vg": ("its VG was not recorded, or another VG has the same name", "facts that hold the VG, and one VG of each name", "none"),
    "internal": ("it is an internal volume of LVM", "a volume that is used directly", "none"),
    "snapshot": ("it is a snapshot", "a volume that is no snapshot", "none"),
    "guest_disk": ("it is the disk of a guest", "a change through the guest's host or cluster", "none"),
    "thin_pool": ("it is a thin pool", "lvextend by hand, or dmeventd", "none"),
    "thin_volume": ("its extents come from a thin pool, not from the VG", "a pool that is large enough", "none"),
    "snapshot_origin": ("it has snapshots, and LVM extends an origin only while it is inactive", "its snapshots removed", "none"),
    "segment_type": ("its segments are of a type that is not extended here", "linear, striped, raid, mirror or cache segments", "none"),
    "inactive": ("it is not active", "lvchange -ay", "none"),
    "in_progress": ("LVM is moving or synchronising it", "the end of that work", "none"),
    "stacked": ("its file system lies on another layer above the volume", "a volume that carries its file system itself", "none"),
    "read_only": ("its file system is mounted read-only", "a file system that can be written", "none"),
    "ignored": ("it or its VG has the tag foresight.ignore", "a volume without that tag", "the LVM tag foresight.ignore"),
    "excluded": ("the policy excludes it", "a policy that does not", "exclude"),
    "not_mounted": ("its file system is not mounted", "a mounted file system", "none"),
    "left_unmounted": (
        "an earlier resize stopped while its file system was not mounted", "leave to mount it again as /etc/fstab says, or mount it by hand",
        "manage[].allow_unmount",
    ),
    "needs_unmount": ("its file system grows only while it is not mounted (swap: not on)", "leave to unmount it", "manage[].allow_unmount"),
    "unknown_filesystem": ("it has no file system that is known here", "its own name in the policy, not a pattern", "manage[].match"),
    "invalid_fact": ("its sizes contradict each other", "facts that agree", "none"),
}  # fmt: skip


def blocked(volume: Volume, reason: str) -> Refusal:
    """Return the refusal of a volume that is never grown, whatever its demand."""
    seen, needed, option = _NEVER.get(reason, (reason.replace("_", " "), "see the reason", "none"))
    if reason in ("unknown_filesystem", "not_mounted", "needs_unmount") and volume.filesystem and volume.filesystem.type:
        seen = f"{seen} ({volume.filesystem.type})"
    return _refusal(volume, reason, seen, needed, option, f"Cannot grow {volume.entity}: {seen}. Needed: {needed}.")


def no_forecast(volume: Volume) -> Refusal:
    """Return the refusal of a managed volume that has no forecast to act on (rule 13)."""
    note = volume.demand_note or {
        "cold_start": "too few samples",
        "stale": "its newest sample is too old",
        "invalid": "no usable sample",
        "no_history": "no sample of its used bytes",
    }.get(volume.demand_status, volume.demand_status)
    option = {"cold_start": "min_samples", "stale": "max_age"}.get(volume.demand_status, "none")
    return _refusal(
        volume,
        volume.demand_status,
        note,
        "a forecast",
        option,
        f"No forecast of {volume.entity} to act on ({volume.demand_status}): {note}.",
    )


def stale_fact(volume: Volume, policy: Policy) -> Refusal:
    """Return the refusal of a floor whose fact is not fresh."""
    age, limit = policy.now - volume.observed_at, policy.floor.max_age_seconds
    message = f"{volume.entity} is below its floor, but was observed {_age(age)}; needed is at most {format_duration(limit)} (floor.max_age_seconds)."
    return _refusal(volume, "stale_fact", age, limit, "floor.max_age_seconds", message)


def quiet_hours(volume: Volume, policy: Policy, text: str) -> Refusal:
    """Return the refusal of a change that waits for the end of the quiet hours."""
    return _refusal(
        volume,
        "quiet_hours",
        f"{policy.now // 3600 % 24:02}:{policy.now // 60 % 60:02} UTC",
        f"not {text}",
        "quiet_hours",
        f"{volume.entity} waits for the end of the quiet hours {text} (quiet_hours).",
    )


def cool_down(volume: Volume, policy: Policy, since: int) -> Refusal:
    """Return the refusal of a change too soon after the last one."""
    message = (
        f"{volume.entity} was resized {format_duration(since)} ago; "
        f"the next change waits until {format_duration(policy.cool_down_seconds)} have passed (cool_down_seconds)."
    )
    return _refusal(volume, "cool_down", since, policy.cool_down_seconds, "cool_down_seconds", message)


def over_step(volume: Volume, group: Group, now: int, wanted: int, allowed: int, policy: Policy) -> Refusal:
    """Return the refusal of what is more than one step."""
    target, step = format_bytes((now + wanted) * group.extent_bytes), format_bytes(allowed * group.extent_bytes)
    message = f"Cannot grow {volume.entity} to {target} at once: one step is at most {step}, {policy.max_step_fraction:.0%} of its size (max_step_fraction)."
    return _refusal(volume, "max_step", allowed * group.extent_bytes, wanted * group.extent_bytes, "max_step_fraction", message)


def over_maximum(volume: Volume, group: Group, now: int, wanted: int, allowed: int) -> Refusal:
    """Return the refusal of what is more than the volume's maximum."""
    target, maximum = format_bytes((now + wanted) * group.extent_bytes), format_bytes(volume.max_bytes or 0)
    message = f"Cannot grow {volume.entity} to {target}: its maximum is {maximum} (manage[].max)."
    return _refusal(volume, "max_bytes", allowed * group.extent_bytes, wanted * group.extent_bytes, "manage[].max", message)


def no_space(volume: Volume, group: Group, now: int, wanted: int, granted: int, left: int, freed: int = 0) -> Refusal:
    """Return the refusal of what the VG cannot give.

    :param left: extents that could be given away before anybody of its kind got any.
    :param freed: extents that shrinking neighbours adds to them.
    """
    target, free = format_bytes((now + wanted) * group.extent_bytes), format_bytes(left * group.extent_bytes)
    reserve = format_bytes(group.reserve_extents * group.extent_bytes)
    more = f", {format_bytes(freed * group.extent_bytes)} more from neighbours" if freed else ""
    share = f"; its share is {format_bytes(granted * group.extent_bytes)}" if granted else ""
    message = f"Cannot grow {volume.entity} to {target}: {free} free in {group.vg} after its reserve of {reserve} (reserve){more}{share}."
    return _refusal(volume, "no_space", granted * group.extent_bytes, wanted * group.extent_bytes, "reserve", message)


def _refusal(volume: Volume, reason: str, seen: t.Any, needed: t.Any, option: str, message: str) -> Refusal:
    return {
        "entity": volume.entity,
        "host": volume.host,
        "reason": reason,
        "seen": seen,
        "needed": needed,
        "option": option,
        "message": message,
    }


def _age(seconds: int) -> str:
    return f"{format_duration(seconds)} ago" if seconds >= 0 else f"{format_duration(-seconds)} in the future"
