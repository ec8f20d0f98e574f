# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When balance begins again after it was done: a Schmitt trigger that remembers recent moves, so that noise of the loads moves nothing to and fro.

Without memory, balance begins when a spread is above its target. After moves it begins only when the spread is above the target by more than a
margin, and then goes for the target. Every further run with moves that is remembered doubles the margin, up to eight times: what has to be done
again and again within days is noise, or nothing that moves can settle.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.measure import Measures
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Floats

# Moves that are no further apart belong to one run.
ONE_RUN = 1800.0
MOST_DOUBLED = 3


def remembered_runs(cluster: Cluster, policy: Policy) -> int:
    """Return in how many runs guests were moved that are remembered: moves that lie far apart are of different runs."""
    if policy.now is None or not policy.memory_seconds:
        return 0
    times: Floats = np.sort(cluster.last_moved[cluster.last_moved > policy.now - policy.memory_seconds])
    return int(len(times) > 0) + int((np.diff(times) > ONE_RUN).sum())


def begins_above(cluster: Cluster, policy: Policy) -> dict[str, float]:
    """Return the spread of each balanced resource above which balance begins now."""
    runs = remembered_runs(cluster, policy)
    if policy.max_moves is not None or policy.max_bytes is not None:
        # Run after run does its share then: that is no sign of noise.
        runs = min(runs, 1)
    margin = policy.hysteresis * 2.0 ** min(runs - 1, MOST_DOUBLED) if runs else 0.0
    return {name: target + margin for name, target in policy.target_spread.items()}


def settled(policy: Policy, seen: Measures, names: Sequence[str], above: Mapping[str, float]) -> str | None:
    """Return why balance does not begin although a spread is above its target; None = it does.

    :param names: of the cluster's resources.
    :param above: as of `begins_above`.
    """
    if any(float(seen.spread[names.index(name)]) > above[name] for name in policy.resources):
        return None
    shown = ", ".join(f"{name} {above[name]:.1%}" for name in policy.resources)
    return f"guests were moved lately, and balance begins again above {shown} (hysteresis)"
