# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An assignment of processes to machines as arrays that compiled code can change.

The load of a resource over its safety capacity and a balance of two are the same thing: a sum over processes that costs what it is over a limit.
So a machine costs Σ max(0, excess) over such columns, each scaled by its weight. All numbers are whole, as floats, which are exact below 2^53.
"""

from __future__ import annotations

import typing as t

import numpy as np
from roadef_instance import Instance


class State(t.NamedTuple):
    """What stays: load [p, k] in the columns that cost; demand [2 p, r] of machines other than home and, below, of home, where a process that is
    away still takes the transient resources; costs of moving, by their weights; needs: of service s from needs_start[s] to needs_start[s + 1],
    needed_by likewise.

    What changes: at [p]; the first process of each machine, and the one after and before each process, -1: none; excess [m, k], and what a machine
    costs by it; slack [m, r] of capacity; present [s, m], at_location, at_area: processes of a service there; spare [s] locations; moved [s]
    processes; so_many: services of which so many have moved; most of them; total: the cost of the whole.
    """

    load: np.ndarray
    demand: np.ndarray
    service: np.ndarray
    home: np.ndarray
    process_cost: np.ndarray
    machine_cost: np.ndarray
    service_weight: float
    location: np.ndarray
    area: np.ndarray
    needs: np.ndarray
    needs_start: np.ndarray
    needed_by: np.ndarray
    needed_by_start: np.ndarray
    at: np.ndarray
    first: np.ndarray
    after: np.ndarray
    before: np.ndarray
    excess: np.ndarray
    cost: np.ndarray
    slack: np.ndarray
    present: np.ndarray
    at_location: np.ndarray
    at_area: np.ndarray
    spare: np.ndarray
    moved: np.ndarray
    so_many: np.ndarray
    most: np.ndarray
    total: np.ndarray


def state_of(instance: Instance, at: np.ndarray) -> State:
    """Return the state of a feasible assignment [p]."""
    machines, services = len(instance.capacity), len(instance.spread)
    load, limit = _columns(instance)
    excess = -limit
    np.add.at(excess, at, load)
    away = np.flatnonzero(at != instance.home)
    slack = instance.capacity.astype(np.float64)
    np.subtract.at(slack, at, instance.demand)
    np.subtract.at(slack, instance.home[away], instance.demand[away] * instance.transient)
    present = np.zeros((services, machines), dtype=np.int8)
    np.add.at(present, (instance.service, at), 1)
    at_location = np.zeros((services, int(instance.location.max()) + 1), dtype=np.int32)
    np.add.at(at_location, (instance.service, instance.location[at]), 1)
    at_area = np.zeros((services, int(instance.neighbourhood.max()) + 1), dtype=np.int32)
    np.add.at(at_area, (instance.service, instance.neighbourhood[at]), 1)
    moved = np.bincount(instance.service[away], minlength=services)
    needed_by: list[list[int]] = [[] for _service in range(services)]
    for service, needed in enumerate(instance.needs):
        for other in needed:
            needed_by[other].append(service)
    return State(
        load,
        np.concatenate([instance.demand, np.where(instance.transient, 0, instance.demand)]).astype(np.float64),
        instance.service,
        instance.home,
        (instance.process_weight * instance.process_cost).astype(np.float64),
        (instance.machine_weight * instance.machine_cost).astype(np.float64),
        float(instance.service_weight),
        instance.location,
        instance.neighbourhood,
        *_rows(instance.needs),
        *_rows(needed_by),
        at.copy(),
        *_chains(at, machines),
        excess,
        np.maximum(excess, 0.0).sum(axis=1),
        slack,
        present,
        at_location,
        at_area,
        (at_location > 0).sum(axis=1) - instance.spread,
        moved,
        np.bincount(moved, minlength=len(at) + 2),
        moved.max(keepdims=True),
        np.array([float(instance.cost(at))]),
    )


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


def _rows(lists: t.Sequence[t.Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return lists behind one another, and where each starts."""
    start = np.cumsum([0, *map(len, lists)])
    return np.array([one for some in lists for one in some], dtype=np.int64), start


def _chains(at: np.ndarray, machines: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the first process of each machine [m], and the next and the one before of each process [p]; −1: none."""
    first, after, before = np.full(machines, -1), np.full(len(at), -1), np.full(len(at), -1)
    for process, machine in enumerate(at.tolist()):
        after[process] = first[machine]
        if first[machine] >= 0:
            before[first[machine]] = process
        first[machine] = process
    return first, after, before
