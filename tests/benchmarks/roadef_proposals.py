# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proposals of a search: each is made if it breaks nothing and costs no more than a limit, else it leaves everything as it was.

rearrange is after the neighbourhood for big processes of Gavranović, Buljubašić: An efficient local search with noising strategy for Google machine
reassignment problem, Annals of Operations Research 242 (2016).
"""

from __future__ import annotations

import numpy as np
from roadef_moves import (
    away_cost,
    compiled,
    fits,
    fits_instead,
    keeps_rules,
    load_cost,
    load_gain,
    load_instead,
    move,
    service_cost,
)
from roadef_state import State


@compiled
def below(random: np.ndarray, count: int) -> int:
    """Return a random number from 0 to count - 1 and change the generator's word [1] (xorshift64*, Vigna 2016)."""
    word = random[0]
    word ^= word >> np.uint64(12)
    word ^= word << np.uint64(25)
    word ^= word >> np.uint64(27)
    random[0] = word
    word *= np.uint64(2685821657736338717)
    return np.int64(((word >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32))


@compiled
def shift(state: State, process: int, machine: int, limit: float) -> bool:
    """A process goes to a machine."""
    if state.at[process] == machine or state.present[state.service[process], machine] or not fits(state, process, machine):
        return False
    cost = load_gain(state, process) + load_cost(state, process, machine) + away_cost(state, process, machine)
    if cost + service_cost(state, process, machine) > limit or not keeps_rules(state, process, machine):
        return False
    move(state, process, machine)
    return True


@compiled
def swap(state: State, one: int, two: int, limit: float) -> bool:
    """Two processes change places."""
    here, there = state.at[one], state.at[two]
    first, second = state.service[one], state.service[two]
    if here == there or (first != second and (state.present[first, there] or state.present[second, here])):
        return False
    if not fits_instead(state, one, there, two) or not fits_instead(state, two, here, one):
        return False
    cost = (
        load_instead(state, one, there, two)
        + load_instead(state, two, here, one)
        + away_cost(state, one, there)
        + away_cost(state, two, here)
    )
    return _both(state, one, there, two, here, cost, limit)


@compiled
def push(state: State, one: int, two: int, machine: int, limit: float) -> bool:
    """A process takes the place of another, which goes to a third machine."""
    here, there = state.at[one], state.at[two]
    first, second = state.service[one], state.service[two]
    if machine in (here, there) or here == there or state.present[second, machine] or (first != second and state.present[first, there]):
        return False
    if not fits_instead(state, one, there, two) or not fits(state, two, machine):
        return False
    cost = load_instead(state, one, there, two) + load_gain(state, one) + load_cost(state, two, machine)
    cost += away_cost(state, one, there) + away_cost(state, two, machine)
    return _both(state, two, machine, one, there, cost, limit)


@compiled
def _both(state: State, one: int, first: int, two: int, second: int, cost: float, limit: float) -> bool:
    """Two processes go to machines; cost: of that without the services' cost, which two of one service share."""
    before, here, there = state.total[0], state.at[one], state.at[two]
    same = state.service[one] == state.service[two] and first == there and second == here
    if cost - 2.0 * state.service_weight > limit or not (same or keeps_rules(state, one, first)):
        return False
    move(state, one, first)
    if same or keeps_rules(state, two, second):
        move(state, two, second)
        if state.total[0] - before <= limit:
            return True
        move(state, two, there)
    move(state, one, here)
    return False


@compiled
def rearrange(state: State, random: np.ndarray, process: int, machine: int, limit: float, tries: int, scratch: np.ndarray) -> bool:
    """A process goes to a machine, and others leave it until there is room, and where that is cheaper.

    Each of them goes where it costs least: where the process came from, home, or a random one of `tries`. scratch [2, p]: any numbers.
    """
    source, total = state.at[process], state.total[0]
    if source == machine or state.present[state.service[process], machine] or not keeps_rules(state, process, machine):
        return False
    inside, gone = scratch[0], scratch[1]
    count = done = 0
    one = state.first[machine]
    while one >= 0:
        inside[count] = one
        count += 1
        one = state.after[one]
    move(state, process, machine)
    while count > 0:
        full = state.slack[machine].min() < 0
        number = below(random, count)
        one = inside[number]
        count -= 1
        inside[number] = inside[count]
        if full and not _relieves(state, one):
            continue
        target = _cheapest(state, random, one, source, tries, np.inf if full else 0.0)
        if target >= 0:
            move(state, one, target)
            gone[done] = one
            done += 1
    if state.slack[machine].min() >= 0 and state.total[0] - total <= limit:
        return True
    while done > 0:
        done -= 1
        move(state, gone[done], machine)
    move(state, process, source)
    return False


@compiled
def _relieves(state: State, process: int) -> bool:
    """Return whether a process takes of what its machine lacks."""
    machine = state.at[process]
    row = process + len(state.at) * (state.home[process] == machine)
    for resource in range(state.slack.shape[1]):  # noqa: SIM110 - numba compiles no generator here
        if state.slack[machine, resource] < 0 < state.demand[row, resource]:
            return True
    return False


@compiled
def _cheapest(state: State, random: np.ndarray, process: int, source: int, tries: int, least: float) -> int:
    """Return which of some machines costs least for a process, and less than `least`; -1: none."""
    found, gain = -1, load_gain(state, process)
    for attempt in range(tries + 2):
        target = source
        if attempt == 1:
            target = state.home[process]
        elif attempt > 1:
            target = below(random, len(state.cost))
        if target == state.at[process] or state.present[state.service[process], target] or not fits(state, process, target):
            continue
        cost = gain + load_cost(state, process, target) + away_cost(state, process, target)
        if cost < least and keeps_rules(state, process, target):
            least, found = cost, target
    return found
