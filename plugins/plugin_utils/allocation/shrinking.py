# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which volumes of a VG make room for the others, by how much, and who waits for whom."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.donors import Donor, find_donor
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.need import Need
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import Policy


@dataclasses.dataclass(frozen=True, slots=True)
class Gift:
    """What one volume gives: extents of it, and the volumes for which it does."""

    donor: Donor
    extents: int
    takers: tuple[str, ...] = ()

    @property
    def freed(self) -> int:
        """Return the extents of the VG that become free."""
        return self.extents * self.donor.copies


@dataclasses.dataclass(frozen=True, slots=True)
class Exchange:
    """Who gives, and for which volumes (by entity) each grown one waits."""

    gifts: tuple[Gift, ...]
    waits: Mapping[str, tuple[str, ...]]

    @property
    def freed(self) -> int:
        """Return the extents of the VG that become free."""
        return sum(gift.freed for gift in self.gifts)


def find_donors(needs: Iterable[Need], policy: Policy) -> list[Donor]:
    """Return the volumes that could give, the one with the largest surplus first: what is taken there is missed least."""
    donors = [donor for need in needs if (donor := find_donor(need, policy)) is not None]
    return sorted(donors, key=lambda donor: (-donor.surplus * donor.copies, donor.entity))


def collect(donors: Iterable[Donor], lacking: int) -> list[Gift]:
    """Return gifts of together as many extents of the VG as are lacking, or as there are; without any one of them it would be too little.

    Who is asked gives its least at least: the need of one hour may be a few extents, and the next one would have to wait for the
    end of the donor's cool-down.
    """
    wanted, gifts = lacking, []
    for donor in donors:
        if lacking <= 0:
            break
        extents = min(donor.most, max(donor.least, math.ceil(lacking / donor.copies)))
        gifts.append(Gift(donor, extents))
        lacking -= extents * donor.copies
    for gift in sorted(gifts, key=lambda gift: gift.freed):
        if sum(one.freed for one in gifts) - gift.freed >= wanted:
            gifts.remove(gift)
    return gifts


def exchange(
    needs: Sequence[Need],
    alone: Mapping[str, int],
    together: Mapping[str, int],
    spendable: int,
    gifts: Sequence[Gift],
    owed: int = 0,
    creditors: Sequence[str] = (),
) -> Exchange:
    """Return who gives what to whom.

    What each volume gets from the free extents of the VG alone is its own, whatever becomes of the gifts. What it gets beyond that
    comes out of what is left of the free extents, then out of the gifts one after the other, and it waits for those: so the growths
    that are left when a shrinking fails never take more than there is. The most urgent are served first; a gift of which nobody
    takes anything is not made. What is left of the others stays free for what is wanted next.

    What is owed is paid out of the first gifts, before anybody takes of them: so all who take wait for those too.

    :param alone: extents of each volume (by entity) without gifts; their sum fits the spendable ones.
    :param together: the same with all gifts.
    :param owed: extents that the VG's reserve lacks, and that the metadata of pools (`creditors`, entities) get out of the gifts.
    """
    more = {need.volume.entity: max(0, together[need.volume.entity] - alone[need.volume.entity]) * need.volume.copies for need in needs}
    own = sum(min(together[need.volume.entity], alone[need.volume.entity]) * need.volume.copies for need in needs)
    sources: list[tuple[Gift | None, int]] = [(None, spendable - own)]
    paying: tuple[str, ...] = ()
    for giver in gifts:
        part = min(owed, giver.freed)
        owed -= part
        paying += (giver.donor.entity,) if part else ()
        sources.append((giver, giver.freed - part))
    takers: dict[str, list[str]] = {gift.donor.entity: [] for gift in gifts}
    waits: dict[str, tuple[str, ...]] = dict.fromkeys(creditors, paying)
    for need in sorted(needs, key=_urgency):
        entity, missing = need.volume.entity, more[need.volume.entity]
        while missing:
            gift, left = sources[0]
            part = min(missing, left)
            missing -= part
            if gift is not None and part:
                waits[entity] = tuple(dict.fromkeys((*waits.get(entity, ()), *paying, gift.donor.entity)))
            sources[0] = (gift, left - part)
            if missing:
                sources.pop(0)
    for entity, others in waits.items():
        for other in others:
            takers[other].append(entity)
    made = [dataclasses.replace(gift, takers=tuple(takers[gift.donor.entity])) for gift in gifts if takers[gift.donor.entity]]
    return Exchange(tuple(made), waits)


def _urgency(need: Need) -> tuple[bool, float, str]:
    runway = (need.volume.forecast or {}).get("runway_seconds")
    floor = need.wish is not None and need.wish.reason == "floor"
    return not floor, math.inf if runway is None else float(runway), need.volume.entity
