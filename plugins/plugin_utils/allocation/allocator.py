# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins needs and shares into actions, proposals and refusals."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import refusals
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.documents import Group, Volume, read_groups, read_volumes
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.need import Need, Wish, assess
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import Policy, read_policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.proportional import split
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.water_filling import Claim, fill
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

Document = dict[str, t.Any]

# A weight that vanished would make a level infinite.
_LIGHTEST = 1e-30


def allocate(volumes: t.Any, groups: t.Any, policy: t.Any) -> dict[str, list[Document]]:
    """Share the free extents of each VG among its volumes and return what to change.

    Volumes that the policy manages are served first and give actions; the others share what is left, as proposals. Identical
    documents give identical answers, in whatever order they come.

    :param volumes: list of volume documents (bytes, seconds), as of the lookup `volumes`.
    :param groups: list of VG documents (extents), as of the same lookup.
    :param policy: mapping of limits and preferences; `now` is required.
    :returns: `{actions, proposals, refused}`; every volume that wants space is in at least one of them.
    :raises InputError: for a document with a wrong or missing field, an entity given twice, a volume whose VG is not among the groups.
    """
    rules = read_policy(policy)
    by_group = read_groups(groups)
    members: dict[tuple[str, str], list[Volume]] = {}
    actions: list[Document] = []
    proposals: list[Document] = []
    refused: list[Document] = []
    for volume in read_volumes(volumes):
        if (volume.host, volume.vg) in by_group:
            members.setdefault((volume.host, volume.vg), []).append(volume)
        elif volume.refused_reason is None:
            raise InputError(
                f"{volume.entity} lies in vg:{volume.host}/{volume.vg}, which is not among the groups; needed is each volume's VG (O(groups))."
            )
        elif volume.managed and volume.named_exactly:
            refused.append(refusals.blocked(volume, volume.refused_reason))
    for key in sorted(members):
        _share_group(by_group[key], members[key], rules, actions, proposals, refused)
    for found in (actions, proposals):
        found.sort(key=lambda document: (document["host"], document["target"]))
    refused.sort(key=lambda document: (document["entity"], document["reason"]))
    return {"actions": actions, "proposals": proposals, "refused": refused}


def _share_group(
    group: Group, volumes: Sequence[Volume], policy: Policy, actions: list[Document], proposals: list[Document], refused: list[Document]
) -> None:
    needs = [assess(volume, group, policy) for volume in volumes]
    proportions = _proportions(volumes, group)
    left, missing = group.spendable, 0
    for managed, found in ((True, actions), (False, proposals)):
        served = [need for need in needs if need.wish is not None and need.volume.managed is managed]
        shares = _shares(served, proportions, policy, left)
        for need in served:
            granted = shares[need.volume.entity]
            if granted < need.allowed:
                need.refused.append(refusals.no_space(need.volume, group, need.extents, need.allowed, granted, left))
                missing += (need.allowed - granted) * need.volume.copies
            wish = need.wish if granted else need.finish
            if wish is not None:
                found.append(_resize(need, wish, granted, managed))
        left -= sum(shares[need.volume.entity] * need.volume.copies for need in served)
    refused.extend(refusal for need in needs for refusal in need.refused)
    if missing:
        # What the VG already lacks of its reserve comes first out of any new extents.
        proposals.append(_extend(group, missing + max(0, group.reserve_extents - group.extents_free)))


def _proportions(volumes: Sequence[Volume], group: Group) -> dict[str, float]:
    # A volume without history counts with one extent, or nothing would ever be served to it in a full VG.
    means = {volume.entity: max(volume.history_mean_bytes or 0.0, float(group.extent_bytes)) for volume in volumes}
    total = math.fsum(means.values())
    return {entity: mean / total for entity, mean in means.items()}


def _shares(needs: Sequence[Need], proportions: Mapping[str, float], policy: Policy, spendable: int) -> dict[str, int]:
    claims = [
        Claim(
            need.volume.entity,
            need.allowed,
            max(need.volume.priority * proportions[need.volume.entity] ** policy.share_exponent, _LIGHTEST),
            need.volume.copies,
        )
        for need in needs
    ]
    if policy.strategy == "proportional":
        factors = {need.volume.entity: need.required * proportions[need.volume.entity] * need.volume.priority for need in needs}
        return split(claims, factors, spendable)
    return fill(claims, spendable)


def _resize(need: Need, wish: Wish, granted: int, managed: bool) -> Document:
    volume, group = need.volume, need.group
    document: Document = {
        "kind": "lv_resize",
        "host": volume.host,
        "target": volume.entity,
        "expect": {"uuid": volume.uuid, "size": volume.size_bytes},
        "from": {"size": volume.size_bytes},
        "to": {"size": volume.size_bytes + granted * group.extent_bytes},
        "reason": wish.reason,
        "message": wish.message,
        "cost": {"bytes": granted * group.extent_bytes * volume.copies},
    }
    if volume.forecast is not None and wish.reason == "forecast":
        document["forecast"] = dict(volume.forecast)
    if managed:
        document["after"] = []
    else:
        document["option"] = "manage"
    return document


def _extend(group: Group, extents: int) -> Document:
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
