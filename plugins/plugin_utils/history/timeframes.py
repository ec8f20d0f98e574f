# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The timeframes in which Proxmox VE keeps history: which of them to ask, and how points of several resolutions become one series."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    import numpy.typing as npt

    Times = npt.NDArray[np.int64]
    Values = npt.NDArray[np.float64]

_DAY = 86400


class Timeframe(t.NamedTuple):
    """Seconds between its points, and how far back they reach."""

    step: int
    seconds: int


# Of release 9. Before it each had 70 points and a step of its own; steps are read off the points, so only more is asked then.
TIMEFRAMES = {
    "hour": Timeframe(60, 3600),
    "day": Timeframe(60, _DAY),
    "week": Timeframe(1800, 7 * _DAY),
    "month": Timeframe(1800, 30 * _DAY),
    "year": Timeframe(21600, 360 * _DAY),
}
# The same points, fewer of them.
_SHORTER = {"day": "hour", "month": "week"}
_RELEASE_OF_EQUAL_STEPS = (9,)


class Question(t.NamedTuple):
    """One timeframe to ask, the wanted one that it stands for, and the time up to which that is known already (0 = nothing is)."""

    asked: str
    wanted: str
    after: int


def questions(
    wanted: Collection[str], known: Mapping[str, int], now: int, *, release: Sequence[int]
) -> tuple[list[Question], dict[str, int]]:
    """Return what to ask of one entity, the finest first, and which of the wanted timeframes are up to date after that without being asked.

    :param wanted: names of timeframes.
    :param known: per timeframe the time of the newest point that was imported.
    :param now: the cluster's time, UTC seconds.
    :param release: of Proxmox VE.
    """
    equal_steps = tuple(release) >= _RELEASE_OF_EQUAL_STEPS
    asked: list[Question] = []
    settled: dict[str, int] = {}
    reached, reached_by_step = now, {name.step: now for name in TIMEFRAMES.values()}
    for name in sorted(wanted, key=lambda name: (TIMEFRAMES[name].step, -TIMEFRAMES[name].seconds)):
        step, seconds = TIMEFRAMES[name]
        after = known.get(name, 0)
        contained = equal_steps and reached_by_step[step] <= now - seconds
        if contained or (after and reached <= after):
            settled[name] = now // step * step
        elif not after or now >= after + step:
            asked.append(Question(_shortest(name, after, now) if equal_steps else name, name, after))
        reached = reached_by_step[step] = min(reached, now - seconds)
    return asked, settled


def _shortest(name: str, after: int, now: int) -> str:
    shorter = _SHORTER.get(name)
    return name if shorter is None or now - TIMEFRAMES[shorter].seconds > after else shorter


class Points(t.NamedTuple):
    """Points of one series in one timeframe, in the order of time; each stands for the step seconds that end with it."""

    step: int
    times: Times
    values: Values


def merge(parts: Sequence[Points], stored: Times) -> Points:
    """Return the points to add to what is stored of a series: of several for one time the one of the finest step.

    A point is left out when a stored sample, or a point of a finer part, lies in the time that it stands for. So what was observed stays
    as it is, nothing is added twice, and a gap in the finer points is filled only where the coarser ones know a value of that very time.

    :param stored: times of the samples that the series has, in order.
    """
    taken = stored
    times, values = [np.empty(0, dtype=np.int64)], [np.empty(0)]
    for part in sorted(parts, key=lambda part: part.step):
        first = np.searchsorted(taken, part.times - part.step, side="right")
        free = first == np.searchsorted(taken, part.times, side="right")
        times.append(part.times[free])
        values.append(part.values[free])
        taken = np.union1d(taken, times[-1])
    together = np.concatenate(times)
    order = np.argsort(together, kind="stable")
    return Points(min((part.step for part in parts), default=0), together[order], np.concatenate(values)[order])
