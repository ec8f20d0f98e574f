# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instances of the ROADEF/EURO challenge 2012 (machine reassignment): the format of its files, and what an assignment costs.

Processes of services are on machines; they may move so that machines are less loaded than their safety capacity and free resources stand in
proportion to each other, against the cost of moving them. Machines, processes and services are called so here, as in the challenge.
"""

from __future__ import annotations

import dataclasses
import lzma
from collections.abc import Iterator

import numpy as np


@dataclasses.dataclass(frozen=True, slots=True)
class Instance:
    """p processes, m machines, r resources, s services.

    demand [p, r], service [p], process_cost [p] of moving it, home [p] its machine now; capacity and safety [m, r]; transient [r]: resources that a
    process that moves takes on both machines; load_weights [r]; location and neighbourhood [m]; machine_cost [m, m] of moving from one to another;
    spread [s]: locations that a service needs; needs: services that each service needs in each of its neighbourhoods; balance: (resource, of
    another resource, how many for each of the first, weight); process_weight, service_weight, machine_weight: of the three costs of moving.
    """

    demand: np.ndarray
    service: np.ndarray
    process_cost: np.ndarray
    home: np.ndarray
    capacity: np.ndarray
    safety: np.ndarray
    transient: np.ndarray
    load_weights: np.ndarray
    location: np.ndarray
    neighbourhood: np.ndarray
    machine_cost: np.ndarray
    spread: np.ndarray
    needs: tuple[tuple[int, ...], ...]
    balance: tuple[tuple[int, int, int, int], ...]
    process_weight: int
    service_weight: int
    machine_weight: int

    def cost(self, at: np.ndarray) -> int:
        """Return what an assignment [p] costs."""
        usage = self.usage(at)
        free = self.capacity - usage
        total = int((np.maximum(usage - self.safety, 0).sum(axis=0) * self.load_weights).sum())
        for first, second, share, weight in self.balance:
            total += weight * int(np.maximum(share * free[:, first] - free[:, second], 0).sum())
        moved = at != self.home
        total += self.process_weight * int(self.process_cost[moved].sum())
        total += self.service_weight * int(np.bincount(self.service[moved], minlength=1).max())
        return total + self.machine_weight * int(self.machine_cost[self.home, at].sum())

    def usage(self, at: np.ndarray) -> np.ndarray:
        """Return what each machine's processes use [m, r]."""
        usage = np.zeros_like(self.capacity)
        np.add.at(usage, at, self.demand)
        return usage

    def breaches(self, at: np.ndarray) -> list[str]:
        """Return which of the challenge's constraints an assignment [p] breaks; empty: it is feasible."""
        usage = self.usage(at)
        leaving = usage.copy()
        moved = at != self.home
        np.add.at(leaving, self.home[moved], self.demand[moved])
        services, machines = len(self.spread), len(self.capacity)
        beside = len(np.unique(self.service * machines + at)) < len(at)
        locations = _counts(self.service, self.location[at], services, int(self.location.max()) + 1) > 0
        areas = _counts(self.service, self.neighbourhood[at], services, int(self.neighbourhood.max()) + 1) > 0
        alone = any((areas[service] & ~areas[other]).any() for service, needed in enumerate(self.needs) for other in needed)
        found = {
            "capacity": (usage > self.capacity).any(),
            "transient": (leaving > self.capacity)[:, self.transient].any(),
            "conflict": beside,
            "spread": (locations.sum(axis=1) < self.spread).any(),
            "dependency": alone,
        }
        return [name for name, broken in found.items() if broken]


def _counts(rows: np.ndarray, columns: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.bincount(rows * width + columns, minlength=height * width).reshape(height, width)


def read_instance(model: str, assignment: str) -> Instance:
    """Return the instance of two files' text."""
    numbers = map(int, model.split())

    def row(length: int) -> list[int]:
        return [next(numbers) for _number in range(length)]

    resources = np.array([row(2) for _resource in range(next(numbers))])
    width, machines = len(resources), next(numbers)
    machine = np.array([row(2 + 2 * width + machines) for _machine in range(machines)])
    spread, needs = [], []
    for _service in range(next(numbers)):
        spread.append(next(numbers))
        needs.append(tuple(row(next(numbers))))
    process = np.array([row(width + 2) for _process in range(next(numbers))])
    balance = tuple(_balance(numbers) for _cost in range(next(numbers)))
    process_weight, service_weight, machine_weight = row(3)
    return Instance(
        demand=process[:, 1 : 1 + width],
        service=process[:, 0],
        process_cost=process[:, 1 + width],
        home=np.array(assignment.split(), dtype=np.int64),
        capacity=machine[:, 2 : 2 + width],
        safety=machine[:, 2 + width : 2 + 2 * width],
        transient=resources[:, 0].astype(bool),
        load_weights=resources[:, 1],
        location=machine[:, 1],
        neighbourhood=machine[:, 0],
        machine_cost=machine[:, 2 + 2 * width :],
        spread=np.array(spread, dtype=np.int64),
        needs=tuple(needs),
        balance=balance,
        process_weight=process_weight,
        service_weight=service_weight,
        machine_weight=machine_weight,
    )


def _balance(numbers: Iterator[int]) -> tuple[int, int, int, int]:
    first, second, share, weight = (next(numbers) for _number in range(4))
    return first, second, share, weight


def load_instance(folder, name: str) -> Instance:
    """Return an instance of the challenge, such as `a1_1` or `b_01`, from a folder with its files in `A` and `B`."""
    texts = []
    for kind in ("model", "assignment"):
        with lzma.open(folder / name[0].upper() / f"{kind}_{name}.txt.xz", "rt") as file:
            texts.append(file.read())
    return read_instance(*texts)
