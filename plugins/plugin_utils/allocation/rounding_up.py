# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume that grows at all grows by a worthwhile step, out of what nobody wants.

A slowly growing volume that gets just what it needs is resized again and again. Rounding up saves a third of that (docs/benchmarks.md, the race), and is a
cushion for what no forecast saw.
Where a VG has little left it must not eat up what others may need tomorrow, so only a part of it serves for rounding up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.need import Need, bounds
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.water_filling import Claim, fill

# Of what is left in a VG, in one run.
PART = 0.25
# What the user asked for in bytes is given as asked.
_ROUNDED = ("forecast", "floor")


def round_up(needs: Sequence[Need], shares: Mapping[str, int], left: int, policy: Policy) -> dict[str, int]:
    """Return the extents that volumes get on top of their shares.

    :param left: extents of the VG that nobody wants.
    """
    claims = []
    for need in needs:
        granted = shares[need.volume.entity]
        if need.wish is None or need.wish.reason not in _ROUNDED:
            continue
        # Who gets less than it wants has come to some limit; lv_resize rounds up to whole rows of a striped one by itself.
        if not granted or granted < need.wish.extents or need.volume.copies_freed == 0:
            continue
        worthwhile = math.ceil(need.extents * policy.min_growth_fraction - 1e-9)
        most = min(worthwhile, *bounds(need, worthwhile, policy))
        if most > granted:
            claims.append(Claim(need.volume.entity, most - granted, 1.0, need.volume.copies))
    return fill(claims, math.floor(left * PART)) if claims and left > 0 else {}
