# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The classic way to share a VG, for comparison: one factor per volume, no second round for what is left over."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.water_filling import Claim


def split(claims: Sequence[Claim], factors: Mapping[str, float], spendable: int) -> dict[str, int]:
    """Return the extents of each claim by its name: the free space split by factor, never more than was claimed.

    :param factors: allocation factor of each claim, 0 or more: demand × share of the VG's history × priority.
    :param spendable: extents of the VG that may be given away; the parts are scaled so that their sum fits.
    """
    total = math.fsum(factors[claim.name] for claim in claims)
    if total <= 0:
        return {claim.name: 0 for claim in claims}
    return {claim.name: min(claim.extents, math.floor(spendable * (factors[claim.name] / total)) // claim.copies) for claim in claims}
