# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Simulated annealing of machine reassignment, thousands of proposals at a time, at first through assignments that break rules.

Machines are nearly full, so feasible assignments lie far apart. What is over a capacity, and each breach of spread and dependency, has a price that
rises while the temperature falls, faster where it lasts. The end keeps to the rules.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from roadef_instance import Instance
from roadef_state import Moves, State

# How many proposals are looked at together: the fewest, those where rules are kept (only the best of them are made), and the most of both.
LEAST, LEAST_STRICT, MOST_RELAXED, MOST = 512, 2048, 4096, 16384
# Prices of a full machine: by how much they rise and fall a step, and how far above the others; in the last part until nothing is too full.
PATIENT, URGENT = (1.005, 0.99, 3.0), (1.02, 0.995, 1000.0)
# Share of the relaxed part in which temperature and prices change, and of the steps that look at full machines only, then and in the rest.
CHANGING, FULL, FULL_LAST = 0.7, 0.3, 0.6


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """Temperatures are shares of what a process of mean size costs where nothing is free.

    relaxed: share of the time in which rules may be broken, hot and cold: its temperatures, cheap and dear: prices of what is over a capacity, by the
    weight of its load; breach: price of a breach of spread or dependency by the same as the temperatures, while capacity is cheap; warm, frozen:
    temperatures of the rest; size: to which power of its size the temperature of a process grows.
    """

    relaxed: float = 0.75
    hot: float = 0.04
    cold: float = 0.005
    cheap: float = 1.0
    dear: float = 10.0
    breach: float = 0.1
    warm: float = 0.004
    frozen: float = 2e-5
    size: float = 0.5


def terms_for(instance: Instance) -> Terms:
    """Return terms that suit an instance: rules are relaxed where services of many processes leave little choice, and time is left for it."""
    processes, services = len(instance.home), len(instance.spread)
    if processes >= 5 * services and processes <= 2000:
        return Terms()
    warm = min(0.1, 100.0 / processes)
    return Terms(relaxed=0.0, warm=warm, frozen=warm / 100.0)


class Annealing:
    """best [p], best_cost: the best feasible assignment yet."""

    def __init__(self, instance: Instance, seed: int, terms: Terms) -> None:
        self._random, self._terms = np.random.default_rng(seed), terms
        self.state = State(instance)
        self.best, self.best_cost = self.state.at.copy(), self.state.cost
        size = np.abs(self.state.load).sum(axis=1)
        self._mean = float(size.mean())
        self._sizes = (size / self._mean) ** terms.size
        self._batch = [1024.0, 1024.0]
        self._stubborn = 1.0

    def run(self, progress: Callable[[], float]) -> None:
        """Search until progress, a share of the time, is 1."""
        terms = self._terms
        self._relaxed(progress)
        if not self.state.feasible:
            repair(self.state)
        self._note()
        if self.best_cost < self.state.cost:
            self.state = State(self.state.instance, self.best)
        begin = progress()
        while (done := progress()) < 1.0:
            share = (done - begin) / (1.0 - begin)
            self._step(terms.warm * (terms.frozen / terms.warm) ** share, strict=True)

    def _relaxed(self, progress: Callable[[], float]) -> None:
        """Search through assignments that break rules, until the time for that is over, or nothing is broken any more."""
        terms = self._terms
        while (done := progress()) < terms.relaxed:
            share = min(done / (CHANGING * terms.relaxed), 1.0)
            last = share == 1.0
            if last and self.state.feasible:
                return
            self._reprice(terms.cheap * (terms.dear / terms.cheap) ** share, *(URGENT if last else PATIENT))
            self._step(terms.hot * (terms.cold / terms.hot) ** share, strict=False, full=FULL_LAST if last else FULL)

    def _reprice(self, base: float, up: float, down: float, most: float) -> None:
        """Raise the prices of what is broken, and lower those of what is not, down to a base."""
        state = self.state
        state.price = np.clip(state.price * np.where(state.over > 0, up, down), base, base * most)
        self._stubborn = min(max(self._stubborn * (up if state.services.breaches else down), 1.0), most)
        state.breach_price = self._mean * self._terms.breach * base / self._terms.cheap * self._stubborn

    def _step(self, warmth: float, *, strict: bool, full: float = 0.0) -> None:
        """Look at some random moves, and make those that the temperature allows."""
        state, random = self.state, self._random
        swapping = int(random.random() < 0.5)
        process = self._processes(int(self._batch[swapping]), full)
        if swapping:
            moves = state.swaps(process, random.integers(state.processes, size=len(process)), strict=strict)
        else:
            moves = state.shifts(process, random.integers(state.machines, size=len(process)), strict=strict)
        size = self._sizes[moves.process]
        if swapping:
            size = size + self._sizes[moves.back]
        gain = self._mean * warmth * size * random.standard_exponential(len(size)) - moves.cost - moves.penalty
        wanted = np.flatnonzero(gain > 0)
        if strict:
            wanted = wanted[np.argsort(-gain[wanted])]
        made = state.apply(moves.pick(wanted)) if len(wanted) else 0
        self._note()
        # Of moves that touch the same machines only one is made: fewer proposals, less waste.
        if made < 0.7 * len(wanted):
            self._batch[swapping] = max(LEAST_STRICT if strict else LEAST, 0.8 * self._batch[swapping])
        elif made >= 0.9 * len(wanted):
            self._batch[swapping] = min(MOST if strict else MOST_RELAXED, 1.1 * self._batch[swapping])

    def _processes(self, count: int, full: float) -> np.ndarray:
        """Return random processes; of machines that are too full only, with a probability."""
        if full and self._random.random() < full:
            inside = np.flatnonzero(self.state.over[self.state.at] > 0)
            if len(inside):
                return inside[self._random.integers(len(inside), size=min(count, 16 * len(inside)))]
        return self._random.integers(self.state.processes, size=count)

    def _note(self) -> None:
        if self.state.cost < self.best_cost and self.state.feasible:
            self.best, self.best_cost = self.state.at.copy(), self.state.cost


def repair(state: State) -> None:
    """Send processes home until nothing is broken: first those whose return mends most for its cost.

    Each step brings one more process home, where all of them together broke nothing.
    """
    while not state.feasible:
        away = np.flatnonzero(state.at != state.home)
        full = away[state.over[state.at[away]] > 0]
        moves = _returns(state, full if len(full) else away)
        # Where it mends nothing, still one returns: the way home ends.
        state.apply(moves.pick([int(np.argmin(moves.cost + moves.penalty))]))


def _returns(state: State, process: np.ndarray) -> Moves:
    """Return moves home of processes; one that finds another of its service there changes places with it."""
    shifts = state.shifts(process, state.home[process], strict=False)
    if len(shifts.process):
        return shifts
    there = {
        (service, machine): number for number, (service, machine) in enumerate(zip(state.service.tolist(), state.at.tolist(), strict=True))
    }
    partners = [there[int(state.service[one]), int(state.home[one])] for one in process]
    return state.swaps(process, np.array(partners, dtype=np.int64), strict=False)
