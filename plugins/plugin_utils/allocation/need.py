# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many extents one volume wants, for which reason, and how many of them its own limits allow."""

from __future__ import annotations

import dataclasses
import math

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import refusals
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.documents import Group, Volume
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.kinds import SWAP, kind_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

# A file system that fills less of its volume than this was not grown with it: the second step of a resize is missing.
_UNFINISHED_BELOW = 2 / 3
# What a file system usually leaves of its volume to a user who is not root (ext4: 5 % for root, inode tables, journal).
_USUAL_RATIO = 0.9


@dataclasses.dataclass(frozen=True, slots=True)
class Space:
    """What a volume holds. `holds` = bytes its file system has room for, after an unfinished growth is finished; `ratio` = that per byte of volume."""

    extents: int
    holds: float
    used: int | None
    ratio: float
    unfinished: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """Extents to grow by for one reason (0 = only finish what was begun)."""

    reason: str
    extents: int
    message: str


@dataclasses.dataclass(slots=True)
class Need:
    """What one volume wants: `wish` None = nothing. `allowed` ≤ `wish.extents` after its own limits; `required` = bytes that should fit.

    `finish` = the last step of an earlier resize, which takes no extents and so follows even where there are none to give.
    """

    volume: Volume
    group: Group
    extents: int
    wish: Wish | None
    allowed: int
    required: float
    refused: list[refusals.Refusal]
    finish: Wish | None = None


def measure(volume: Volume, group: Group) -> Space | None:
    """Return what the volume holds, or None where its numbers contradict each other.

    A file system's overhead (inode tables, journal, blocks kept for root) has a fixed part and one that grows with it, so its
    present share of the volume is never less than the share after growing: sizing by the present ratio errs to the safe side.
    """
    extents, rest = divmod(volume.size_bytes, group.extent_bytes)
    if rest or not extents:
        return None
    filesystem = volume.filesystem
    if filesystem is None or filesystem.size is None:
        return Space(extents, volume.size_bytes, None, 1.0, False)
    holds, used = filesystem.size, filesystem.used
    if used is not None and filesystem.avail is not None:
        holds = min(holds, used + filesystem.avail)
    if not 0 < holds <= filesystem.size <= volume.size_bytes or (used is not None and used > filesystem.size):
        return None
    if volume.unfinished or filesystem.size < volume.size_bytes * _UNFINISHED_BELOW:
        return Space(extents, volume.size_bytes * _USUAL_RATIO, used, _USUAL_RATIO, True)
    return Space(extents, holds, used, holds / volume.size_bytes, False)


def assess(volume: Volume, group: Group, policy: Policy) -> Need:
    """Return what the volume wants from its VG, with the refusals that its own state, limits and the hour cause."""
    space = measure(volume, group)
    reason = _block(volume, group, space)
    need = Need(volume, group, space.extents if space else 0, None, 0, 0.0, [])
    wishes = _wishes(volume, group, policy, space, need.refused) if space else []
    if reason:
        need.refused = [refusals.blocked(volume, reason)] if wishes or _is_told(volume, reason) else []
        return need
    if not wishes or space is None:
        if volume.managed and volume.demand_status != "ok" and not need.refused:
            need.refused.append(refusals.no_forecast(volume))
        return need
    need.wish = max(wishes, key=lambda wish: wish.extents)
    need.finish = _unfinished(volume, space) or _owed_mount(volume)
    need.allowed = _limit(need, policy)
    demand = max(volume.demand_bytes or 0.0, space.used or 0) * (1 + policy.headroom)
    # Of what nobody sees into, that is the size it is to have.
    need.required = demand or volume.size_bytes + need.allowed * group.extent_bytes
    return need


def _is_told(volume: Volume, reason: str) -> bool:
    """Return whether to say why it is never changed where no wish of it is known: of numbers that contradict each other none can be."""
    return volume.managed and (volume.named_exactly or reason == "invalid_fact")


def _block(volume: Volume, group: Group, space: Space | None) -> str | None:
    reason = group.refused_reason or volume.refused_reason
    if reason:
        return reason
    if space is None:
        return "invalid_fact"
    name = volume.filesystem.type if volume.filesystem else None
    kind = kind_of(name)
    if kind is None:
        return None if volume.named_exactly else "unknown_filesystem"
    if volume.mounted and (volume.filesystem is None or volume.filesystem.size is None):
        return "invalid_fact"
    if volume.mounted or name == SWAP:
        return None if kind.grow_mounted or volume.allow_unmount or not volume.managed else "needs_unmount"
    return None if kind.grow_unmounted else "not_mounted"


def _is_seen(volume: Volume) -> bool:
    """Return whether what the volume holds is known now: of a file system that is not mounted only what it held before."""
    return volume.mounted or kind_of(volume.filesystem.type if volume.filesystem else None) is None


def _wishes(volume: Volume, group: Group, policy: Policy, space: Space, refused: list[refusals.Refusal]) -> list[Wish]:
    wishes = [_floor(volume, policy, space, refused), _minimum(volume, group, space), _unfinished(volume, space), _owed_mount(volume)]
    if volume.managed and was_left_unmounted(volume) and not owes_mount(volume):
        refused.append(refusals.blocked(volume, "left_unmounted"))
    forecast = _forecast(volume, group, policy, space)
    if forecast is not None and not _is_seen(volume):
        # Of one that a resize left so, mounting it is what helps.
        refused.extend([] if was_left_unmounted(volume) else [refusals.blocked(volume, "not_mounted")])
        forecast = None
    if forecast is not None and volume.managed:
        forecast = None if _waits(volume, policy, refused) else forecast
    return [wish for wish in (forecast, *wishes) if wish is not None]


def _forecast(volume: Volume, group: Group, policy: Policy, space: Space) -> Wish | None:
    if volume.demand_status != "ok" or volume.demand_bytes is None:
        return None
    required = volume.demand_bytes * (1 + policy.headroom)
    growth = math.ceil(required / space.ratio / group.extent_bytes) - space.extents
    if growth <= 0:
        return None
    threshold = max(policy.min_change_extents, policy.hysteresis_fraction * space.extents)
    if volume.demand_bytes <= space.holds and growth < threshold:
        return None
    quantile = (
        f"{volume.forecast['quantile']} quantile of the peak" if volume.forecast and "quantile" in volume.forecast else "forecast peak"
    )
    window = f" within {format_duration(volume.demand_window_seconds)}" if volume.demand_window_seconds else ""
    message = (
        f"The {quantile}{window} is {format_bytes(volume.demand_bytes)}, with {policy.headroom:.0%} headroom {format_bytes(required)}; "
        f"the volume of {format_bytes(volume.size_bytes)} holds {format_bytes(space.holds)}."
    )
    return Wish("forecast", growth, message)


def _waits(volume: Volume, policy: Policy, refused: list[refusals.Refusal]) -> bool:
    quiet = policy.quiet()
    if quiet is not None:
        refused.append(refusals.quiet_hours(volume, policy, quiet.text))
        return True
    since = None if volume.last_resized_at is None else policy.now - volume.last_resized_at
    if policy.cool_down_seconds and since is not None and since < policy.cool_down_seconds:
        refused.append(refusals.cool_down(volume, policy, since))
        return True
    return False


def _floor(volume: Volume, policy: Policy, space: Space, refused: list[refusals.Refusal]) -> Wish | None:
    if space.used is None or not _is_seen(volume):
        return None
    free = (space.holds - space.used) / space.holds
    if free >= policy.floor.free_fraction:
        return None
    if abs(policy.now - volume.observed_at) > policy.floor.max_age_seconds:
        if volume.managed:
            refused.append(refusals.stale_fact(volume, policy))
        return None
    step = max(1, math.ceil(space.extents * policy.floor.step_fraction - 1e-9))
    message = (
        f"Only {max(free, 0):.1%} of {format_bytes(space.holds)} is free, less than {policy.floor.free_fraction:.0%}: "
        f"the volume of {format_bytes(volume.size_bytes)} grows by one step of {policy.floor.step_fraction:.0%}."
    )
    return Wish("floor", step, message)


def _minimum(volume: Volume, group: Group, space: Space) -> Wish | None:
    if volume.min_bytes is None or volume.min_bytes <= volume.size_bytes:
        return None
    growth = math.ceil(volume.min_bytes / group.extent_bytes) - space.extents
    return Wish(
        "minimum", growth, f"The policy's minimum is {format_bytes(volume.min_bytes)}, the volume has {format_bytes(volume.size_bytes)}."
    )


def _unfinished(volume: Volume, space: Space) -> Wish | None:
    if not space.unfinished or volume.filesystem is None or volume.filesystem.size is None:
        return None
    message = (
        f"The file system has {format_bytes(volume.filesystem.size)} of a volume of {format_bytes(volume.size_bytes)}: "
        "an earlier growth was not finished, its second step follows."
    )
    return Wish("unfinished", 0, message)


def was_left_unmounted(volume: Volume) -> bool:
    """Return whether an earlier resize may have unmounted it and not mounted it again."""
    kind = kind_of(volume.filesystem.type if volume.filesystem else None)
    return volume.left_unmounted and not volume.mounted and kind is not None and kind.grow_unmounted


def owes_mount(volume: Volume) -> bool:
    """Return whether it is to be mounted again: where the policy lets it be unmounted."""
    return was_left_unmounted(volume) and volume.managed and volume.allow_unmount


def _owed_mount(volume: Volume) -> Wish | None:
    if not owes_mount(volume):
        return None
    return Wish("unfinished", 0, "An earlier resize stopped while the file system was not mounted: it is mounted again as /etc/fstab says.")


def bounds(need: Need, wanted: int, policy: Policy) -> tuple[int, int]:
    """Return the extents that a volume may grow by in one run: by its largest step, and up to its largest size; `wanted` where there is no limit."""
    volume, group = need.volume, need.group
    step = wanted if policy.max_step_fraction is None else max(1, math.floor(need.extents * policy.max_step_fraction + 1e-9))
    room = wanted if volume.max_bytes is None else max(0, volume.max_bytes // group.extent_bytes - need.extents)
    return step, room


def _limit(need: Need, policy: Policy) -> int:
    volume, group = need.volume, need.group
    wanted = need.wish.extents if need.wish else 0
    step, room = bounds(need, wanted, policy)
    allowed = min(wanted, step, room)
    if allowed < wanted and room <= step:
        need.refused.append(refusals.over_maximum(volume, group, need.extents, wanted, allowed))
    elif allowed < wanted:
        need.refused.append(refusals.over_step(volume, group, need.extents, wanted, allowed, policy))
    return allowed
