# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a VG has no extents left to give, if all its volumes get what they grow into.

Each volume and pool takes extents once it outgrows its size; what is free inside one volume helps no other. So what is summed up
is what each lacks, not what each uses. The early date adds up the 0.9 quantiles of all of them, the median the medians, the late
one the 0.1 quantiles, as if they rose and fell together (comonotone). That is exact for volumes that do. Nobody knows whether
they do; where they do not, the early date is too early and the late one too late, as a rule (test_group_runway.py measures it).
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.far_ahead import NAMES, PASSED, Far, told

Document = dict[str, t.Any]


class Taker(t.NamedTuple):
    """One volume, or one part of a pool, that takes extents of its VG as it grows.

    size: its bytes; ratio: bytes it holds per byte of it; most: bytes beyond which it never needs to grow, None = no such bound.
    far: how high its use may rise; None = not known.
    """

    entity: str
    size: int
    ratio: float
    copies: int
    most: int | None
    far: Far | None


class _Steps(t.NamedTuple):
    """Steps of so many seconds, the first of which begins so many seconds from now (0 or less)."""

    start: int
    seconds: int


def group_runway(takers: Sequence[Taker], *, extent_bytes: int, spendable: int, horizon: int) -> Document:
    """Return `{seconds, horizon_seconds, extents, spendable_extents, volumes, left_out}`.

    seconds: by quantile from now until more extents are needed than may be spent, the early date as "0.1"; None = not within the horizon.
    extents: by the same names how many are needed at its end. left_out: what counts as it is, for nobody knows how it grows.

    :param spendable: free extents without the reserve.
    """
    known = [taker for taker in takers if taker.far is not None]
    seconds: dict[str, float | None] = {}
    needed: dict[str, int] = {}
    for name, level in zip(NAMES, reversed(NAMES), strict=True):
        rising = _needed(known, level, extent_bytes)
        seconds[name] = _first_over(rising, spendable, PASSED[name], horizon)
        needed[name] = int(sum(need[-1] for need in rising.values()))
    return {
        "seconds": seconds if known else dict.fromkeys(NAMES),
        "horizon_seconds": horizon if known else None,
        "extents": needed if known else dict.fromkeys(NAMES),
        "spendable_extents": spendable,
        "volumes": len({taker.entity for taker in known}),
        "left_out": sorted({taker.entity for taker in takers if taker.far is None}),
    }


def _needed(takers: Sequence[Taker], level: str, extent_bytes: int) -> Mapping[_Steps, t.Any]:
    """Return the extents that are needed at each step, by the steps."""
    rising: dict[_Steps, t.Any] = {}
    for taker in takers:
        if taker.far is None:
            continue
        size = taker.far.highest[level] / taker.ratio
        if taker.most is not None:
            size = np.minimum(size, taker.most)
        lacking = np.ceil(np.maximum(size - taker.size, 0.0) / extent_bytes).astype(np.int64) * taker.copies
        steps = _Steps(taker.far.start, taker.far.step)
        rising[steps] = rising[steps] + lacking if steps in rising else lacking
    return rising


def _first_over(rising: Mapping[_Steps, t.Any], spendable: int, passed: float, horizon: int) -> float | None:
    """Return the seconds from now until the sum of all is more than may be spent.

    :param passed: what part of a step has gone by when its need counts.
    """
    counts = {steps: steps.start + passed * steps.seconds for steps in rising}
    for moment in sorted({counts[steps] + number * steps.seconds for steps, need in rising.items() for number in range(len(need))}):
        number = {steps: int((moment - counts[steps]) // steps.seconds) for steps in rising}
        if sum(int(need[min(number[steps], len(need) - 1)]) for steps, need in rising.items() if number[steps] >= 0) > spendable:
            return told(moment, horizon)
    return None
