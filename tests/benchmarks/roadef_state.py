# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An assignment of processes to machines that can be changed, and what thousands of moves at once would cost.

The load of a resource over its safety capacity and a balance of two are the same thing: a sum over processes that costs what it is over a limit.
So a machine costs Σ max(0, excess) over such columns, each scaled by its weight.
"""

from __future__ import annotations

import typing as t

import numpy as np
from roadef_instance import Instance
from roadef_rules import Services


class Moves(t.NamedTuple):
    """Process and target of each move, a second process that goes the other way (−1: none), what the move costs, and its penalty by the prices of
    what it breaks; below zero where it mends more."""

    process: np.ndarray
    target: np.ndarray
    back: np.ndarray
    cost: np.ndarray
    penalty: np.ndarray

    def pick(self, which: np.ndarray | list[int]) -> Moves:
        return Moves(*(part[which] for part in self))


class State:
    """at [p]: machine of each process; cost: of the whole; machine [m]: what each machine costs by its load; over [m]: by how much each is over its
    capacity; price [m] of that; breaches of spread and dependency, and breach_price of one.
    """

    def __init__(self, instance: Instance, at: np.ndarray | None = None) -> None:
        self.instance = instance
        self.at = (instance.home if at is None else at).copy()
        self.service, self.home = instance.service, instance.home
        self.processes, self.machines = len(self.at), len(instance.capacity)
        self.services = Services(instance, self.at)
        self.load, limit = _columns(instance)
        self._ones = np.ones(self.load.shape[1])
        self.excess = -limit
        np.add.at(self.excess, self.at, self.load)
        self.machine = self._loaded(self.excess)
        resources = len(instance.load_weights)
        self._arriving, self._whole = _arrivals(instance)
        self._column_prices = np.zeros(self._arriving.shape[1])
        self._column_prices[:resources] = np.maximum(instance.load_weights, 1)
        self._slack = np.zeros((self.machines, self._arriving.shape[1]))
        self._slack[:, :resources] = instance.capacity
        np.subtract.at(self._slack, self.at, self._arriving[: self.processes])
        moved = np.flatnonzero(self.at != self.home)
        staying = self._arriving[: self.processes] - self._arriving[self.processes :]
        np.subtract.at(self._slack, self.home[moved], staying[moved])
        self.over = self._short(self._slack)
        self.price, self.breach_price = np.ones(self.machines), 1.0
        self._process_cost = (instance.process_weight * instance.process_cost).astype(np.float64)
        self._machine_cost = (instance.machine_weight * instance.machine_cost).astype(np.float64).ravel()
        self._moved = np.bincount(self.service[moved], minlength=len(instance.spread))
        self._most_moved()
        self.cost = float(instance.cost(self.at))

    @property
    def feasible(self) -> bool:
        return not self.services.breaches and not self.over.any()

    def shifts(self, process: np.ndarray, target: np.ndarray, *, strict: bool) -> Moves:
        """Return the moves of processes to targets without conflict, if strict only those that are feasible."""
        source, service = self.at[process], self.service[process]
        keep = np.flatnonzero((source != target) & self.services.free(service, target))
        if strict:
            keep = keep[self._fits(self._taken(process[keep], target[keep]) <= self._slack[target[keep]])]
        process, target, source, service = process[keep], target[keep], source[keep], service[keep]
        breached = self.services.breached(service, source, target)
        if strict:
            keep = np.flatnonzero(breached <= 0)
            process, target, source, breached = process[keep], target[keep], source[keep], breached[keep]
        load = self.load[process]
        cost = self._loaded(self.excess[target] + load) + self._loaded(self.excess[source] - load)
        cost += self.moving(process, target) - self.moving(process, source) - self.machine[target] - self.machine[source]
        cost += self._service_cost((process, source, target))
        come, left = self._taken(process, target), self._taken(process, source)
        penalty = self._penalty(source, target, left, come, breached, strict=strict)
        return Moves(process, target, np.full(len(process), -1), cost, penalty)

    def swaps(self, one: np.ndarray, two: np.ndarray, *, strict: bool) -> Moves:
        """Return the pairs of processes that may change places without conflict, if strict only where that is feasible.

        Two of which one's service needs the other's are left out.
        """
        here, there = self.at[one], self.at[two]
        first, second = self.service[one], self.service[two]
        same, free = first == second, self.services.free
        keep = np.flatnonzero((here != there) & (same | (free(first, there) & free(second, here))))
        one, two, here, there = one[keep], two[keep], here[keep], there[keep]
        if strict:
            fits = self._fits(self._taken(one, there) - self._taken(two, there) <= self._slack[there])
            fits &= self._fits(self._taken(two, here) - self._taken(one, here) <= self._slack[here])
            keep = np.flatnonzero(fits)
            one, two, here, there = one[keep], two[keep], here[keep], there[keep]
        keep = np.flatnonzero(~self.services.related(self.service[one], self.service[two]))
        one, two, here, there = one[keep], two[keep], here[keep], there[keep]
        breached = self._breached(one, two, here, there)
        if strict:
            keep = np.flatnonzero(breached <= 0)
            one, two, here, there, breached = one[keep], two[keep], here[keep], there[keep], breached[keep]
        load = self.load[one] - self.load[two]
        cost = self._loaded(self.excess[there] + load) + self._loaded(self.excess[here] - load) - self.machine[here] - self.machine[there]
        cost += self.moving(one, there) - self.moving(one, here) + self.moving(two, here) - self.moving(two, there)
        cost += self._service_cost((one, here, there), (two, there, here))
        left, come = self._taken(one, here) - self._taken(two, here), self._taken(one, there) - self._taken(two, there)
        return Moves(one, there, two, cost, self._penalty(here, there, left, come, breached, strict=strict))

    def _breached(self, one: np.ndarray, two: np.ndarray, here: np.ndarray, there: np.ndarray) -> np.ndarray:
        first, second = self.service[one], self.service[two]
        found = self.services.breached(first, here, there) + self.services.breached(second, there, here)
        # Two of one service change nothing for it.
        return np.where(first == second, 0, found)

    def _penalty(
        self, source: np.ndarray, target: np.ndarray, left: np.ndarray, come: np.ndarray, breached: np.ndarray, *, strict: bool
    ) -> np.ndarray:
        if strict:
            return np.zeros(len(source))
        penalty = self.price[source] * (self._short(self._slack[source] + left) - self.over[source])
        penalty += self.price[target] * (self._short(self._slack[target] - come) - self.over[target])
        return penalty + self.breach_price * breached

    def apply(self, moves: Moves) -> int:
        """Make moves, in their order, as far as none touches what another did; return how many."""
        source = self.at[moves.process]
        chosen = self._independent(moves, source)
        one, there, two, cost, _penalty = moves.pick(chosen)
        here, most = source[chosen], self._most
        load, left, come = self.load[one], self._taken(one, here), self._taken(one, there)
        process, begin, end = one, here, there
        paired = np.flatnonzero(two >= 0)
        single = np.flatnonzero(two < 0)
        breaches = int(self.services.breached(self.service[one[single]], here[single], there[single]).sum())
        if len(paired):
            partner, first, second = two[paired], here[paired], there[paired]
            breaches += int(self._breached(one[paired], partner, first, second).sum())
            load[paired] -= self.load[partner]
            left[paired] -= self._taken(partner, first)
            come[paired] -= self._taken(partner, second)
            process, begin, end = np.concatenate([one, partner]), np.concatenate([here, second]), np.concatenate([there, first])
        # No machine is in here or there twice, so these assignments lose nothing.
        self.excess[here] -= load
        self.excess[there] += load
        self._slack[here] += left
        self._slack[there] -= come
        for machine in (here, there):
            self.machine[machine], self.over[machine] = self._loaded(self.excess[machine]), self._short(self._slack[machine])
        home, service = self.home[process], self.service[process]
        twin = np.zeros(len(process), dtype=bool)
        twin[: len(one)] = self.service[one] == self.service[two]
        twin[: len(one)][two < 0] = False
        twin[len(one) :] = twin[paired]
        self.services.move(process[~twin], begin[~twin], end[~twin])
        self.services.breaches += breaches
        self.at[process] = end
        # Of moves made at once, only the cost of the service of which most moved is not a sum.
        alone = self._service_cost((one[single], here[single], there[single])).sum()
        if len(paired):
            alone += self._service_cost((one[paired], here[paired], there[paired]), (two[paired], there[paired], here[paired])).sum()
        np.add.at(self._moved, service, (begin == home).astype(np.int64) - (end == home))
        self._most_moved()
        self.cost += float(cost.sum() - alone + self.instance.service_weight * (self._most - most))
        return len(chosen)

    def moving(self, process: np.ndarray, machine: np.ndarray) -> np.ndarray:
        """Return what it costs that processes are on machines instead of at home, but for their services' cost."""
        home = self.home[process]
        return self._machine_cost[home * self.machines + machine] + self._process_cost[process] * (home != machine)

    def _independent(self, moves: Moves, source: np.ndarray) -> list[int]:
        machines: set[int] = set()
        services: set[int] = set()
        chosen = []
        service = self.service[moves.process].tolist()
        second = self.service[moves.back].tolist()
        back = moves.back.tolist()
        for number, (here, there) in enumerate(zip(source.tolist(), moves.target.tolist(), strict=True)):
            if here in machines or there in machines or service[number] in services:
                continue
            if back[number] >= 0:
                if second[number] in services:
                    continue
                services.update(self.services.touched(second[number]))
            services.update(self.services.touched(service[number]))
            machines.add(here)
            machines.add(there)
            chosen.append(number)
        return chosen

    def _loaded(self, excess: np.ndarray) -> np.ndarray:
        return np.maximum(excess, 0.0) @ self._ones

    def _short(self, slack: np.ndarray) -> np.ndarray:
        return np.maximum(-slack, 0.0) @ self._column_prices

    def _taken(self, process: np.ndarray, machine: np.ndarray) -> np.ndarray:
        """Return what processes take of machines when they come, and give back when they leave."""
        return self._arriving[process + self.processes * (self.home[process] == machine)]

    def _fits(self, less: np.ndarray) -> np.ndarray:
        """Return whether all columns [n, c] of truth values are true: several at once, read as one number."""
        words = less.view(self._whole)
        found = words[:, 0] == _ALL[self._whole]
        for column in range(1, words.shape[1]):
            found &= words[:, column] == _ALL[self._whole]
        return found

    def _service_cost(self, *changes: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        """Return what moves (process, source, target), or two at once, change in the cost of the service of which most have moved."""
        services = [self.service[process] for process, _source, _target in changes]
        away = [(source == self.home[process]).astype(np.int64) - (target == self.home[process]) for process, source, target in changes]
        if len(changes) == 2:
            twin = services[0] == services[1]
            away = [away[0] + twin * away[1], away[1] + twin * away[0]]
        moved = [self._moved[service] for service in services]
        highest = np.max([before + change for before, change in zip(moved, away, strict=True)], axis=0)
        falling = np.array([(before == self._most) & (change < 0) for before, change in zip(moved, away, strict=True)])
        if len(changes) == 2:
            falling[1] &= ~twin
        highest = np.where(falling.sum(axis=0) < self._at_most, np.maximum(highest, self._most), np.maximum(highest, self._most - 1))
        return self.instance.service_weight * (highest - self._most).astype(np.float64)

    def _most_moved(self) -> None:
        self._most = int(self._moved.max())
        self._at_most = int(np.count_nonzero(self._moved == self._most)) if self._most else 0


_ALL = {np.uint8: 0x01, np.uint16: 0x0101, np.uint32: 0x01010101, np.uint64: 0x0101010101010101}


def _columns(instance: Instance) -> tuple[np.ndarray, np.ndarray]:
    """Return loads [p, k] and limits [m, k] of what costs, scaled by its weight."""
    loads, limits = [], []
    for resource in np.flatnonzero(instance.load_weights).tolist():
        loads.append(instance.load_weights[resource] * instance.demand[:, resource])
        limits.append(instance.load_weights[resource] * instance.safety[:, resource])
    for first, second, share, weight in instance.balance:
        loads.append(weight * (instance.demand[:, second] - share * instance.demand[:, first]))
        limits.append(weight * (instance.capacity[:, second] - share * instance.capacity[:, first]))
    return np.array(loads, dtype=np.float64).T.copy(), np.array(limits, dtype=np.float64).T.copy()


def _arrivals(instance: Instance) -> tuple[np.ndarray, type]:
    """Return what processes take of a machine that is not their home and, below, of their home [2 p, c], c filled up so that a row of truth
    values is a whole number of words, and the type of these words.

    At home a process that is away still takes the transient resources.
    """
    resources = instance.demand.shape[1]
    width = next((size for size in (1, 2, 4) if resources <= size), -(-resources // 8) * 8)
    arriving = np.zeros((2 * len(instance.demand), width))
    arriving[: len(instance.demand), :resources] = instance.demand
    arriving[len(instance.demand) :, :resources] = np.where(instance.transient, 0, instance.demand)
    return arriving, {1: np.uint8, 2: np.uint16, 4: np.uint32}.get(width, np.uint64)
