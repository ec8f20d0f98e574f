# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The VGs of the race, tick by tick, and what is counted.

At each tick a way of planning sees what df has shown so far, its changes are carried out at once, and then the use of the next tick comes.
need(t) = used(t + 1 tick) / 0.95: a volume below its need is above 95 % within the tick, one not larger than its next use is at 100 %.

- A file system holds all of its volume (no overhead, nothing kept for root), and never shrinks (xfs), as the default policy has it.
- A volume that is full takes what fits; the rest fails with ENOSPC, and who writes it tries again: it waits, and comes as soon as there is
  room. So df shows min(use, size), every way meets the same use, and each byte counts as unserved once, when it is refused first.
- At the start every volume has just what it needs: that of the first tick, and what it holds already at 95 %. So no way inherits room that it
  did not ask for. What a volume held earlier in the warm-up is in the history of who forecasts.
- A VG has 1.25 times the sum of its volumes' needs at the end, but never less than the volumes have at the start.
- A VG is exhausted in a tick when after the plan it has less than an extent left to give for each of its volumes. What happens to volumes
  in such a tick is counted apart: nobody could have grown them any more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from race_series import VOLUMES, Replay

EXTENT = 4 * 2**20
START = 1_763_337_600  # the first tick: a Monday, midnight UTC
FULLEST = 0.95
ROOM = 1.25
WITH_ROOM, EXHAUSTED = 0, 1


@dataclasses.dataclass
class Counts:
    """Per VG [g]; the first three by whether the VG was exhausted [2, g].

    full, above: volumes × ticks at 100 %, above 95 %. unserved: bytes. excess: byte-hours above need. resizes: changes of a size.
    exhausted: ticks of the VG.
    """

    full: np.ndarray
    above: np.ndarray
    unserved: np.ndarray
    excess: np.ndarray
    resizes: np.ndarray
    exhausted: np.ndarray

    @classmethod
    def none(cls, groups: int) -> Counts:
        """Return zeros."""
        return cls(*(np.zeros((2, groups)) for _apart in range(3)), *(np.zeros(groups) for _whole in range(3)))


class World:
    """All VGs of replays with the same ticks. Sizes in extents, use in bytes; [v] = volumes, [g] = VGs, volume v in VG v // VOLUMES."""

    def __init__(self, replays: Sequence[Replay]) -> None:
        ticks = {(one.step_seconds, one.warm_up, one.ticks) for one in replays}
        if len(ticks) != 1:
            raise ValueError(f"The replays have {len(ticks)} kinds of ticks; needed is one.")
        self.step_seconds, self.warm_up, self.ticks = ticks.pop()
        self.use = np.concatenate([one.series for one in replays])
        self.group = np.arange(len(self.use)) // VOLUMES
        first = self.use[:, self.warm_up - 1 : self.warm_up + 1].max(axis=1)
        self.size = np.maximum(np.ceil(first / FULLEST / EXTENT), 1).astype(np.int64)
        self.extents = np.maximum(np.ceil(ROOM * self._sums(self.use[:, -1] / FULLEST) / EXTENT), self._sums(self.size)).astype(np.int64)
        self.resized_at: list[int | None] = [None] * len(self.use)
        self.shown = self.use[:, : self.warm_up].copy()
        self.waiting = np.zeros(len(self.use))
        self.counts = Counts.none(len(self.extents))

    @property
    def at(self) -> int:
        """The tick that is being planned, as a column of the use; what is shown ends with it."""
        return self.shown.shape[1] - 1

    @property
    def now(self) -> int:
        """The time of that tick, UTC seconds."""
        return START + (self.at - self.warm_up + 1) * self.step_seconds

    @property
    def over(self) -> bool:
        """Whether the last use has come."""
        return self.shown.shape[1] == self.warm_up + self.ticks

    @property
    def used(self) -> np.ndarray:
        """What df shows now, bytes [v]."""
        return self.shown[:, -1]

    @property
    def free(self) -> np.ndarray:
        """Free extents [g]."""
        return self.extents - self._sums(self.size)

    def live(self, added: np.ndarray, reserve: np.ndarray) -> None:
        """Carry a plan out, and let the next use come.

        :param added: extents that each volume gets [v].
        :param reserve: extents of each VG that this way of planning gives to nobody [g].
        """
        if (added < 0).any() or (self._sums(added) > self.free).any():
            raise ValueError("A plan takes away extents, or gives more than its VG has.")
        for row in np.flatnonzero(added):
            self.resized_at[row] = self.now
        self.size = self.size + added
        self._count(added, np.maximum(self.free - reserve, 0) < VOLUMES)

    def _count(self, added: np.ndarray, exhausted: np.ndarray) -> None:
        wanted, holds = self.use[:, self.at + 1], self.size * EXTENT
        need = wanted / FULLEST
        waiting = np.maximum(wanted - holds, 0)
        counts, apart, groups = self.counts, exhausted.astype(np.int64), np.arange(len(self.extents))
        counts.full[apart, groups] += self._sums(wanted >= holds)
        counts.above[apart, groups] += self._sums(holds < need)
        counts.unserved[apart, groups] += self._sums(np.maximum(waiting - self.waiting, 0))
        counts.excess += self._sums(np.maximum(holds - need, 0)) * self.step_seconds / 3600
        counts.resizes += self._sums(added > 0)
        counts.exhausted += exhausted
        self.waiting = waiting
        self.shown = np.concatenate([self.shown, np.minimum(wanted, holds)[:, None]], axis=1)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(values).reshape(-1, VOLUMES).sum(axis=1)
