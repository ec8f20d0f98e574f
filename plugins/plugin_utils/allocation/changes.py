# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions and proposals as documents."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.documents import Group, Volume
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.donors import Donor
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.kinds import kind_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.need import Need, Wish, owes_mount
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.shrinking import Gift
from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

Document = dict[str, t.Any]

_MANY = 3


def growth(need: Need, wish: Wish, granted: int, waits: Sequence[str] = ()) -> Document:
    """Return the growth of a volume by so many extents (0 = only its second step follows).

    :param waits: the volumes (entities) that make room for it first.
    """
    volume, group = need.volume, need.group
    document = _resize(volume, volume.size_bytes + granted * group.extent_bytes, wish.reason, wish.message)
    document["cost"] = {"bytes": granted * group.extent_bytes * volume.copies}
    if granted > need.allowed:
        document["message"] += f" Rounded up to {granted / need.extents:.0%} of it, for nobody else wants that space."
    if waits:
        document["message"] += f" {_names(waits)} {'makes' if len(waits) == 1 else 'make'} room for it first."
    if volume.forecast is not None and wish.reason == "forecast":
        document["forecast"] = dict(volume.forecast)
    if not volume.managed:
        return {**document, "option": "manage"}
    kind = kind_of(volume.filesystem.type if volume.filesystem else None)
    if owes_mount(volume) or (kind is not None and not kind.grow_mounted and volume.allow_unmount):
        document["allow"] = {"unmount": True}
    return {**document, "after": list(waits)}


def shrinkage(gift: Gift, policy: Policy) -> Document:
    """Return the shrinking of a volume for its neighbours."""
    donor = gift.donor
    document = _smaller(donor, gift.extents, f"Makes room for {_names(gift.takers)}. {_spare(donor, policy)}")
    document["allow"] = {"shrink": True, "unmount": True} if donor.unmounts else {"shrink": True}
    return {**document, "after": []}


def possible_shrinkage(donor: Donor, extents: int, takers: Sequence[str], policy: Policy) -> Document:
    """Return the shrinking of a volume that would help others, but that the policy does not allow."""
    group = donor.need.group
    freed = format_bytes(extents * donor.copies * group.extent_bytes)
    names = _names(takers)
    # Whom it may serve is not managed itself: then that is what is missing.
    options = donor.hindrances or ("manage",)
    message = f"Would free {freed} of {group.vg} for {names}. {_spare(donor, policy)} Needed for it: {', '.join(options)}."
    return {**_smaller(donor, extents, message), "option": ", ".join(options)}


def extension(group: Group, extents: int) -> Document:
    """Return the proposal to extend a VG by so many extents."""
    amount = extents * group.extent_bytes
    return {
        "kind": "vg_extend",
        "host": group.host,
        "target": group.entity,
        "vg": group.vg,
        "bytes": amount,
        "reason": "no_space",
        "message": f"{group.vg} on {group.host} lacks {format_bytes(amount)} for what its volumes want: add a physical volume of that size (vgextend).",
    }


def _smaller(donor: Donor, extents: int, message: str) -> Document:
    volume, group = donor.need.volume, donor.need.group
    amount = extents * group.extent_bytes
    document = _resize(volume, volume.size_bytes - amount, "neighbour", message)
    document["cost"] = {"bytes": 0, "freed_bytes": amount * donor.copies}
    if volume.forecast is not None:
        document["forecast"] = dict(volume.forecast)
    return document


def _spare(donor: Donor, policy: Policy) -> str:
    volume, past = donor.need.volume, format_duration(policy.shrinking.past_seconds)
    text = (
        f"It held at most {format_bytes(volume.past_peak_bytes or 0)} within {past} and keeps room for {format_bytes(donor.keeps)}"
        if volume.past_peak_bytes is not None
        else f"It keeps room for {format_bytes(donor.keeps)}"
    )
    return f"{text}{'; it is unmounted for it.' if donor.unmounts else '.'}"


def _resize(volume: Volume, size: int, reason: str, message: str) -> Document:
    return {
        "kind": "lv_resize",
        "host": volume.host,
        "target": volume.entity,
        "expect": {"uuid": volume.uuid, "size": volume.size_bytes},
        "from": {"size": volume.size_bytes},
        "to": {"size": size},
        "reason": reason,
        "message": message,
    }


def _names(entities: Sequence[str]) -> str:
    shown = ", ".join(entities[:_MANY])
    return f"{shown} and {len(entities) - _MANY} more" if len(entities) > _MANY else shown
