# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Weighted max-min fair shares of a VG's extents, in whole extents.

Every want is filled to the same level (extents per weight); who wants less than that level gets all of it, and what it leaves
over lifts the level of the others. Nobody could get more without taking from somebody with less for its weight.
Source: Bertsekas, Gallager: Data Networks, 2nd edition, section 6.5.2 (max-min flow control); the discrete form is the greedy
of Federgruen, Groenevelt: The greedy procedure for resource allocation problems, Operations Research 34 (1986).
"""

from __future__ import annotations

import dataclasses
import heapq
import math
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """One volume's claim: extents wanted, its weight (> 0), and how many extents of the VG one extent of it takes."""

    name: str
    extents: int
    weight: float
    copies: int = 1


def fill(claims: Sequence[Claim], spendable: int) -> dict[str, int]:
    """Return the extents of each claim by its name.

    The k-th extent of a claim (from 0) has level k / weight. Extents are given in the order of their levels, ties to the heavier
    claim, then by name, until nothing more fits.

    :param spendable: extents of the VG that may be given away.
    """
    if sum(claim.extents * claim.copies for claim in claims) <= spendable:
        return {claim.name: claim.extents for claim in claims}
    level = _level_below(claims, spendable)
    shares = {claim.name: _at(claim, level) for claim in claims}
    left = spendable - sum(shares[claim.name] * claim.copies for claim in claims)
    queue = [
        (shares[claim.name] / claim.weight, -claim.weight, claim.name, claim)
        for claim in claims
        if shares[claim.name] < claim.extents and claim.copies <= left
    ]
    heapq.heapify(queue)
    while queue:
        _level, _weight, name, claim = heapq.heappop(queue)
        if claim.copies > left:
            continue
        shares[name] += 1
        left -= claim.copies
        if shares[name] < claim.extents:
            heapq.heappush(queue, (shares[name] / claim.weight, -claim.weight, name, claim))
    return shares


def _level_below(claims: Sequence[Claim], spendable: int) -> float:
    """Return a level whose extents all fit, with only few extents left over (negative: not even the first of each)."""

    def taken(level: float) -> int:
        return sum(_at(claim, level) * claim.copies for claim in claims)

    low, high = 0.0, max(claim.extents / claim.weight for claim in claims)
    if taken(low) > spendable:
        return -1.0
    while spendable - taken(low) > len(claims):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        if taken(middle) > spendable:
            high = middle
        else:
            low = middle
    return low


def _at(claim: Claim, level: float) -> int:
    return 0 if level < 0 else min(claim.extents, math.floor(min(level * claim.weight, claim.extents)) + 1)
