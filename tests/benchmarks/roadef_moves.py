# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one process's move would break and cost, and the move itself, compiled by numba; O(resources + dependencies of its service).

The data structures are those of Portal, Ritt, Borba, Buriol: Simulated annealing for the machine reassignment problem, Annals of Operations
Research 242 (2016).
"""

from __future__ import annotations

import os
import pathlib
import tempfile

import numba
from roadef_state import State

# What is compiled is kept for the next run, but never in the checkout.
numba.config.CACHE_DIR = numba.config.CACHE_DIR or str(pathlib.Path(tempfile.gettempdir()) / f"foresight-capacity-numba-{os.getuid()}")
compiled = numba.njit(cache=True)


@compiled
def fits(state: State, process: int, machine: int) -> bool:
    """Return whether there is room for a process on a machine."""
    row = process + len(state.at) * (state.home[process] == machine)
    for resource in range(state.slack.shape[1]):  # noqa: SIM110 - numba compiles no generator here
        if state.demand[row, resource] > state.slack[machine, resource]:
            return False
    return True


@compiled
def fits_instead(state: State, process: int, machine: int, leaving: int) -> bool:
    """Return whether there is room for a process on a machine that another one leaves."""
    count = len(state.at)
    row = process + count * (state.home[process] == machine)
    freed = leaving + count * (state.home[leaving] == machine)
    for resource in range(state.slack.shape[1]):
        if state.demand[row, resource] - state.demand[freed, resource] > state.slack[machine, resource]:
            return False
    return True


@compiled
def keeps_rules(state: State, process: int, machine: int) -> bool:
    """Return whether spread and dependency hold when a process moves to a machine."""
    service, source = state.service[process], state.at[process]
    before, after = state.location[source], state.location[machine]
    if before != after and state.spare[service] <= 0 and state.at_location[service, before] == 1 and state.at_location[service, after] > 0:
        return False
    before, after = state.area[source], state.area[machine]
    if before == after:
        return True
    if state.at_area[service, after] == 0:
        for number in range(state.needs_start[service], state.needs_start[service + 1]):
            needed = state.needs[number]
            if state.at_area[needed, after] == 0 and needed != service:
                return False
    if state.at_area[service, before] == 1:
        for number in range(state.needed_by_start[service], state.needed_by_start[service + 1]):
            other = state.needed_by[number]
            if state.at_area[other, before] > 0 and other != service:
                return False
    return True


@compiled
def load_cost(state: State, process: int, machine: int) -> float:
    """Return what a process more costs on a machine by its load."""
    cost = -state.cost[machine]
    for column in range(state.load.shape[1]):
        cost += max(state.excess[machine, column] + state.load[process, column], 0.0)
    return cost


@compiled
def load_gain(state: State, process: int) -> float:
    """Return what a process less costs on its machine by its load."""
    machine = state.at[process]
    cost = -state.cost[machine]
    for column in range(state.load.shape[1]):
        cost += max(state.excess[machine, column] - state.load[process, column], 0.0)
    return cost


@compiled
def load_instead(state: State, process: int, machine: int, leaving: int) -> float:
    """Return what a process costs on a machine instead of another one by its load."""
    cost = -state.cost[machine]
    for column in range(state.load.shape[1]):
        cost += max(state.excess[machine, column] + state.load[process, column] - state.load[leaving, column], 0.0)
    return cost


@compiled
def away_cost(state: State, process: int, machine: int) -> float:
    """Return what it costs that a process goes to a machine, but for its service's cost."""
    home, source = state.home[process], state.at[process]
    cost = state.machine_cost[home, machine] - state.machine_cost[home, source]
    return cost + state.process_cost[process] * (int(home != machine) - int(home != source))


@compiled
def most_after(state: State, service: int, change: int) -> int:
    """Return how many processes have moved of the service of which most have when one more, or less, of a service has."""
    most = state.most[0]
    if change > 0:
        return max(most, state.moved[service] + 1)
    if change < 0 and state.moved[service] == most and state.so_many[most] == 1:
        return most - 1
    return most


@compiled
def service_cost(state: State, process: int, machine: int) -> float:
    """Return what it costs for the service of which most have moved that a process goes to a machine."""
    source, home = state.at[process], state.home[process]
    return state.service_weight * (most_after(state, state.service[process], int(source == home) - int(machine == home)) - state.most[0])


@compiled
def move(state: State, process: int, machine: int) -> None:
    """Move a process, whether or not that breaks rules; add what it costs to the total."""
    count, source, service, home = len(state.at), state.at[process], state.service[process], state.home[process]
    left, come = process + count * (home == source), process + count * (home == machine)
    cost = away_cost(state, process, machine) - state.cost[source] - state.cost[machine]
    for resource in range(state.slack.shape[1]):
        state.slack[source, resource] += state.demand[left, resource]
        state.slack[machine, resource] -= state.demand[come, resource]
    here = there = 0.0
    for column in range(state.load.shape[1]):
        state.excess[source, column] -= state.load[process, column]
        state.excess[machine, column] += state.load[process, column]
        here += max(state.excess[source, column], 0.0)
        there += max(state.excess[machine, column], 0.0)
    state.cost[source], state.cost[machine] = here, there
    change = int(source == home) - int(machine == home)
    most = most_after(state, service, change)
    state.total[0] += cost + here + there + state.service_weight * (most - state.most[0])
    state.so_many[state.moved[service]] -= 1
    state.moved[service] += change
    state.so_many[state.moved[service]] += 1
    state.most[0] = most
    state.at[process] = machine
    if state.before[process] >= 0:
        state.after[state.before[process]] = state.after[process]
    else:
        state.first[source] = state.after[process]
    if state.after[process] >= 0:
        state.before[state.after[process]] = state.before[process]
    if state.first[machine] >= 0:
        state.before[state.first[machine]] = process
    state.before[process], state.after[process], state.first[machine] = -1, state.first[machine], process
    state.present[service, source] -= 1
    state.present[service, machine] += 1
    before, after = state.location[source], state.location[machine]
    state.at_location[service, before] -= 1
    state.spare[service] += int(state.at_location[service, after] == 0) - int(state.at_location[service, before] == 0)
    state.at_location[service, after] += 1
    state.at_area[service, state.area[source]] -= 1
    state.at_area[service, state.area[machine]] += 1
