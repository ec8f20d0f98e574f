# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulated annealing of machine reassignment through feasible assignments, some million proposals a second.

A process that is away still takes transient resources at home, so that room for those that ought to move is scarce. Many proposals send a process
home: on warm machines that keeps away those only that gain by it, and as the temperature falls the preference ends by itself.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from roadef_instance import Instance
from roadef_moves import compiled
from roadef_proposals import below, push, rearrange, shift, swap
from roadef_state import State, state_of

# Proposals between two looks at the clock, some hundredths of a second.
BATCH = 20_000
# Share of the time at the end in which the temperature falls to nothing, and what it has come down to at the very end.
LAST, FROZEN = 0.1, 1e-3
# Up to so many processes × machines half the time is enough to cool down: of two times the better counts, as where one sticks is luck.
SMALL = 200_000


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """hot, cold: temperatures, as shares of what a process of mean size costs where nothing is free.

    Shares of the proposals, the rest are pushes: rearranged, shifted, swapped. home, home_pushed: how often one that is away is sent home by a
    shift or by a push. tries: random machines that are looked at for each process that is rearranged.
    """

    hot: float = 0.5
    cold: float = 1e-3
    rearranged: float = 0.01
    shifted: float = 0.2
    swapped: float = 0.1
    home: float = 0.5
    home_pushed: float = 0.9
    tries: int = 4


# Terms of searches beside each other: room for processes as big as machines is made when it is hot, and often, which costs time where there are none.
STYLES = (Terms(), Terms(hot=2.0, rearranged=0.06))


class Annealing:
    """best [p], best_cost: the best assignment yet."""

    def __init__(self, instance: Instance, seed: int, terms: Terms) -> None:
        self._terms, self._state = terms, state_of(instance, instance.home)
        self._random = np.random.default_rng(seed).integers(1, 2**63, size=1, dtype=np.uint64)
        self._shares = np.cumsum([terms.rearranged, terms.shifted, terms.swapped])
        self._rounds = 2 if self._state.present.shape[1] * len(instance.home) <= SMALL else 1
        self._scratch = np.zeros((2, len(instance.home)), dtype=np.int64)
        self._size = float(np.abs(self._state.load).sum(axis=1).mean())
        self.best, self.best_cost = instance.home.copy(), float(self._state.total[0])

    def run(self, progress: Callable[[], float]) -> None:
        """Search until progress, a share of the time, is 1."""
        while (done := progress()) < 1.0:
            self._batch(self._temperature(done * self._rounds % 1.0), BATCH)

    def compile(self) -> None:
        """Have everything compiled, which takes seconds the first time."""
        self._batch(1.0, 0)

    def _temperature(self, done: float) -> float:
        terms = self._terms
        share, last = min(done / (1.0 - LAST), 1.0), max(done - (1.0 - LAST), 0.0) / LAST
        return self._size * terms.hot * (terms.cold / terms.hot) ** share * FROZEN**last

    def _batch(self, temperature: float, count: int) -> None:
        state, terms = self._state, self._terms
        _anneal(state, self._random, temperature, count, self._shares, terms.home, terms.home_pushed, terms.tries, self._scratch)
        if state.total[0] < self.best_cost:
            self.best, self.best_cost = state.at.copy(), float(state.total[0])


@compiled
def _chance(random: np.ndarray) -> float:
    """Return a random number above 0, at most 1."""
    return (below(random, 1 << 30) + 1) / (1 << 30)


@compiled
def _anneal(
    state: State,
    random: np.ndarray,
    temperature: float,
    count: int,
    shares: np.ndarray,
    home: float,
    home_pushed: float,
    tries: int,
    scratch: np.ndarray,
) -> None:
    processes, machines = len(state.at), len(state.cost)
    for _number in range(count):
        one, machine, kind = below(random, processes), below(random, machines), _chance(random)
        limit = -temperature * math.log(_chance(random))
        if kind <= shares[0]:
            rearrange(state, random, one, machine, limit, tries, scratch)
        elif kind <= shares[1]:
            if state.at[one] != state.home[one] and _chance(random) <= home:
                machine = state.home[one]
            shift(state, one, machine, limit)
        elif kind <= shares[2]:
            swap(state, one, below(random, processes), limit)
        else:
            two = below(random, processes)
            if state.at[two] != state.home[two] and _chance(random) <= home_pushed:
                machine = state.home[two]
            push(state, one, two, machine, limit)
