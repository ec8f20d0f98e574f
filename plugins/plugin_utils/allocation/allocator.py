# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins needs and shares into actions, proposals and refusals."""

from __future__ import annotations

import dataclasses
import math
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import changes, group_proposals, refusals
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.documents import Group, Volume, read_groups, read_volumes
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.group_proposals import Spare
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.need import Need, assess
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import Policy, read_policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.pool_need import PoolNeeds, pools_by_group
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.pool_refusals import overflowing
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.pools import Pool, read_pools
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.proportional import split
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.rounding_up import round_up
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.shrinking import Exchange, collect, exchange, find_donors
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.water_filling import Claim, fill
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError

Document = dict[str, t.Any]

# The facts do not tell how many stripes a volume has: this many extents are whole rows of 2 to 6, 10 and 12.
_ROW = 60
# A weight that vanished would make a level infinite.
_LIGHTEST = 1e-30


class Answer(t.NamedTuple):
    """What is found, VG after VG."""

    actions: list[Document]
    proposals: list[Document]
    refused: list[Document]


def allocate(volumes: t.Any, groups: t.Any, policy: t.Any, pools: t.Any = None, snapshots: t.Any = None) -> dict[str, list[Document]]:
    """Share the free extents of each VG among its volumes and return what to change.

    Volumes that the policy manages are served first and give actions; the others share what is left, as proposals. What the free
    extents of a VG cannot give to the managed ones comes from neighbours that have more than they need and may be made smaller;
    what could come from others is proposed. Identical documents give identical answers, in whatever order they come.

    :param volumes: list of volume documents (bytes, seconds), as of the lookup `volumes`.
    :param groups: list of VG documents (extents), as of the same lookup.
    :param policy: mapping of limits and preferences; `now` is required.
    :param pools: list of thin pools, as of the same lookup; they share with the volumes.
    :param snapshots: list of copy-on-write snapshots, as of the same lookup; they are only warned of.
    :returns: `{actions, proposals, refused}`; every volume that wants space is in at least one of them.
    :raises InputError: for a document with a wrong or missing field, an entity given twice, a volume whose VG is not among the groups.
    """
    rules = read_policy(policy)
    by_group = read_groups(groups)
    members: dict[tuple[str, str], list[Volume]] = {}
    answer = Answer([], [], [])
    for volume in read_volumes(volumes):
        if (volume.host, volume.vg) in by_group:
            members.setdefault((volume.host, volume.vg), []).append(volume)
        elif volume.refused_reason is None:
            raise InputError(
                f"{volume.entity} lies in vg:{volume.host}/{volume.vg}, which is not among the groups; needed is each volume's VG (O(groups))."
            )
        elif volume.managed and volume.named_exactly:
            answer.refused.append(refusals.blocked(volume, volume.refused_reason))
    inside = pools_by_group(read_pools(pools or []), by_group, answer.refused)
    spare = {
        key: _share_group(by_group[key], members.get(key, []), inside.get(key, []), rules, answer) for key in sorted({*members, *inside})
    }
    group_proposals.complete(answer.proposals, groups, by_group, spare, members)
    answer.refused.extend(overflowing(snapshots or [], rules))
    for found in (answer.actions, answer.proposals):
        found.sort(key=lambda document: (document["host"], document["target"]))
    answer.refused.sort(key=lambda document: (document["entity"], document["reason"]))
    return answer._asdict()


def _share_group(group: Group, volumes: Sequence[Volume], pools: Sequence[Pool], policy: Policy, answer: Answer) -> Spare:
    """Share one VG and return what is left of it, and what its volumes did not get."""
    pooled = PoolNeeds(pools, group, policy)
    needs = [*(assess(volume, group, policy) for volume in volumes), *pooled.needs]
    proportions = _proportions([need.volume for need in needs], group)
    shares, made = _share_managed(pooled, needs, proportions, group, policy)
    managed = [need for need in needs if need.wish is not None and need.volume.managed]
    others = [need for need in needs if need.wish is not None and not need.volume.managed]
    answer.actions.extend(changes.shrinkage(gift, policy) for gift in made.gifts)
    spendable = group.spendable_with(made.freed) - pooled.taken
    left = spendable - _taken(managed, shares)
    left -= pooled.serve_others(left)
    shares.update(_shares(others, proportions, policy, left))
    _tell(others, shares, left, Exchange((), {}), answer.proposals)
    left -= _taken(others, shares)
    short = [need for need in [*managed, *others] if shares[need.volume.entity] < need.allowed]
    if not (short or pooled.missing or made.gifts) and policy.strategy != "proportional":
        inside = {volume.entity for volume in volumes}
        extra = round_up([need for need in managed if need.volume.entity in inside], shares, left, policy)
        shares.update({entity: shares[entity] + extents for entity, extents in extra.items()})
        left -= sum(extra.get(need.volume.entity, 0) * need.volume.copies for need in managed)
    _tell(managed, shares, group.spendable, made, answer.actions)
    pooled.complete(answer.actions, answer.proposals)
    answer.refused.extend(refusal for need in needs for refusal in need.refused)
    lacking = pooled.missing + sum((need.allowed - shares[need.volume.entity]) * need.volume.copies for need in short)
    # The proportional strategy leaves extents although they are wanted: nothing has to be added for those.
    missing = lacking if policy.strategy != "proportional" else max(0, lacking - left)
    if missing:
        giving = {gift.donor.entity for gift in made.gifts}
        owed = 0 if made.gifts else group.owed
        unasked = any(not need.volume.managed for need in short)
        possible = [donor for donor in find_donors(needs, policy) if donor.entity not in giving and (donor.hindrances or unasked)]
        takers = list(dict.fromkeys([*(need.volume.entity for need in short), *pooled.short]))
        for gift in collect(possible, missing + owed):
            answer.proposals.append(changes.possible_shrinkage(gift.donor, gift.extents, takers, policy))
        # What the VG already lacks of its reserve comes first out of any new extents.
        answer.proposals.append(changes.extension(group, missing + owed))
    changed = {need.volume.entity: shares[need.volume.entity] for need in managed}
    changed.update({gift.donor.entity: -gift.extents for gift in made.gifts})
    return Spare(max(0, left - made.freed), {need.volume.entity: need.allowed - shares[need.volume.entity] for need in short}, changed)


def _share_managed(
    pooled: PoolNeeds, needs: Sequence[Need], proportions: Mapping[str, float], group: Group, policy: Policy
) -> tuple[dict[str, int], Exchange]:
    """Return the extents of each managed volume, and what neighbours give so that they can have them."""
    first = pooled.serve(group.spendable)
    spendable = group.spendable - first
    managed = [need for need in needs if need.wish is not None and need.volume.managed]
    alone = _shares(managed, proportions, policy, spendable)
    # A pool whose metadata are served now does not let them wait until a neighbour makes room for its data.
    asking = [
        dataclasses.replace(need, allowed=alone[need.volume.entity]) if need.volume.entity in pooled.urgent else need for need in managed
    ]
    lacking = sum(need.allowed * need.volume.copies for need in asking) + pooled.asked_of_neighbours - spendable
    if lacking <= 0:
        return alone, Exchange((), {})
    gifts = collect([donor for donor in find_donors(needs, policy) if not donor.hindrances], lacking + group.owed)
    freed = sum(gift.freed for gift in gifts)
    if group.spendable_with(freed) <= group.spendable:
        return alone, Exchange((), {})
    more, served = pooled.serve_more(group.spendable_with(freed) - first)
    together = _shares(asking, proportions, policy, group.spendable_with(freed) - first - more)
    return together, exchange(asking, alone, together, spendable, gifts, group.owed + more, served)


def _tell(needs: Sequence[Need], shares: Mapping[str, int], spendable: int, made: Exchange, found: list[Document]) -> None:
    """Note the growth of each volume, and the refusal of what it does not get."""
    for need in needs:
        granted = shares[need.volume.entity]
        if granted < need.allowed:
            need.refused.append(refusals.no_space(need.volume, need.group, need.extents, need.allowed, granted, spendable, made.freed))
        wish = need.wish if granted else need.finish
        if wish is not None:
            found.append(changes.growth(need, wish, granted, made.waits.get(need.volume.entity, ())))


def _taken(needs: Sequence[Need], shares: Mapping[str, int]) -> int:
    return sum(shares[need.volume.entity] * need.volume.copies for need in needs)


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
        return split(_in_rows(needs, claims, split(claims, factors, spendable)), factors, spendable)
    return fill(_in_rows(needs, claims, fill(claims, spendable)), spendable)


def _in_rows(needs: Sequence[Need], claims: Sequence[Claim], shares: Mapping[str, int]) -> list[Claim]:
    """Return the claims, of striped volumes that get less than they want only whole rows: lv_resize would round up, into the reserve."""
    striped = {need.volume.entity for need in needs if need.volume.copies_freed == 0}
    return [
        dataclasses.replace(claim, extents=shares[claim.name] // _ROW * _ROW)
        if claim.name in striped and shares[claim.name] < claim.extents
        else claim
        for claim in claims
    ]
