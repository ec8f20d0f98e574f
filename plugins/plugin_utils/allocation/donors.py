# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much a volume could give to a neighbour in need, and what stands against asking it.

A volume is made smaller only on what is known of a long past: within the planning window a nightly dump or a weekly report may
not show, and what was taken from them would be missing at night. So a donor keeps the most it ever held within that past, or its
demand with the headroom of growing, and on top of that a larger headroom, so that it does not want back what it gave.
"""

from __future__ import annotations

import dataclasses
import math

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.kinds import SWAP, kind_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.need import Need, measure
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import Policy

# What the rounding of floats may cost: a floor that is to be met exactly would otherwise fire by a hair.
_ROUNDING = 1 + 1e-9


@dataclasses.dataclass(frozen=True, slots=True)
class Donor:
    """A volume that holds more than it needs. `least`, `most` = extents that it gives in one run, `surplus` = in all.

    :ivar keeps: bytes that it needs, headroom included.
    :ivar hindrances: options that would have to change before it may be asked; none = it may.
    """

    need: Need
    surplus: int
    least: int
    most: int
    keeps: float
    hindrances: tuple[str, ...]

    @property
    def entity(self) -> str:
        """Return the key of the volume."""
        return self.need.volume.entity

    @property
    def copies(self) -> int:
        """Return how many extents of the VG one extent of it frees."""
        return self.need.volume.copies_freed

    @property
    def unmounts(self) -> bool:
        """Return whether its file system has to be unmounted for it."""
        return _must_unmount(self.need)


def find_donor(need: Need, policy: Policy) -> Donor | None:
    """Return what this volume could give, or None where it needs all it has, or nobody knows.

    Whatever lacks a fact is no donor, not even a proposed one: a kind of file system that cannot shrink or is not known, a volume
    that is refused for changes or wants something itself, one without a good forecast, without a present use, or without a past of
    `shrink_past_seconds`.
    """
    volume, group = need.volume, need.group
    filesystem = volume.filesystem
    name = filesystem.type if filesystem else None
    kind = kind_of(name)
    space = measure(volume, group)
    if need.wish is not None or group.refused_reason or volume.refused_reason or kind is None or not kind.shrinks or name == SWAP:
        return None
    if space is None or space.used is None or space.unfinished or not volume.mounted or not volume.copies_freed:
        return None
    if volume.demand_status != "ok" or volume.demand_bytes is None or volume.past_peak_bytes is None:
        return None
    if (volume.past_seconds or 0) < policy.shrinking.past_seconds:
        return None
    overhead = volume.size_bytes - space.holds
    keeps = _holds_at_least(space.used, volume.demand_bytes, volume.past_peak_bytes, overhead, policy)
    if not math.isfinite(keeps):
        return None
    smallest = max(math.ceil((keeps + overhead) / group.extent_bytes), math.ceil((volume.min_bytes or 0) / group.extent_bytes), 1)
    surplus = space.extents - smallest
    most = min(surplus, math.floor(space.extents * policy.shrinking.max_step_fraction + 1e-9))
    if most < max(1, policy.min_change_extents) or surplus < policy.hysteresis_fraction * space.extents:
        return None
    least = min(most, max(policy.min_change_extents, math.ceil(space.extents * policy.shrinking.min_fraction - 1e-9)))
    return Donor(need, surplus, least, most, keeps, tuple(_hindrances(need, policy)))


def _holds_at_least(used: int, demand: float, past_peak: float, overhead: float, policy: Policy) -> float:
    """Return the bytes that its file system must hold afterwards.

    The overhead of a file system is taken to stay as it is, so it never holds less than this; and the margin that lv_resize
    demands counts from the use with the overhead, as lv_resize sees it.
    """
    free = 1 - policy.floor.free_fraction
    return max(
        max(past_peak, demand * (1 + policy.headroom), used) * (1 + policy.shrinking.headroom),
        used + policy.shrinking.margin.in_bytes(math.ceil(used + overhead)),
        used / free * _ROUNDING if free > 0 else math.inf,
    )


def _hindrances(need: Need, policy: Policy) -> list[str]:
    volume = need.volume
    last = max(volume.last_resized_at or 0, volume.last_failed_at or 0)
    standing = (
        ("manage", not volume.managed),
        ("manage[].allow_shrink", not volume.allow_shrink),
        ("manage[].allow_unmount", _must_unmount(need) and not volume.allow_unmount),
        ("allow_shrink", not policy.allow_shrink),
        ("quiet_hours", policy.quiet() is not None),
        ("shrink_cool_down_seconds", last > 0 and policy.now - last < policy.shrinking.cool_down_seconds),
    )
    return [option for option, stands in standing if stands]


def _must_unmount(need: Need) -> bool:
    filesystem = need.volume.filesystem
    kind = kind_of(filesystem.type if filesystem else None)
    return need.volume.mounted and kind is not None and not kind.shrink_mounted
