# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""False alarms and detections of breaks as rates over generated series, with fixed seeds."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.breaks import find_breaks

Floats = NDArray[np.float64]
Random = np.random.Generator
LENGTH, SERIES = 400, 100
STEPS = np.arange(LENGTH)


def saw_tooth(random: Random) -> Floats:
    """Log rotation: growth, and a fall to some tenths after a fixed number of steps."""
    period = int(random.integers(8, 120))
    age, value, found = int(random.integers(0, period)), 0.0, []
    for _step in range(LENGTH):
        age += 1
        value += random.uniform(0.5, 1.5)
        if age >= period:
            age, value = 0, value * random.uniform(0, 0.3)
        found.append(value)
    return np.array(found)


def autoregressive(random: Random, memory: float) -> Floats:
    found = random.normal(size=LENGTH)
    for step in range(1, LENGTH):
        found[step] += memory * found[step - 1]
    return found


def dormant(random: Random) -> Floats:
    """One jump, up or down, and nothing else."""
    return 1e10 + 1e9 * random.normal() * (int(random.integers(1, LENGTH)) <= STEPS)


def bursts_of_growth(random: Random) -> Floats:
    found: list[float] = []
    while len(found) < LENGTH:
        found += [0.0] * int(random.geometric(1 / 30)) + list(random.gamma(2, 1, size=random.geometric(1 / 10)))
    return np.cumsum(found[:LENGTH])


def season(random: Random) -> Floats:
    phase = STEPS + random.integers(24)
    return 100 + 10 * np.sin(2 * np.pi * phase / 24) + random.choice([0.1, 1.0, 5.0]) * random.normal(size=LENGTH)


def nightly_job(random: Random) -> Floats:
    return 100.0 + 30 * ((STEPS + random.integers(24)) % 24 < random.integers(2, 22)) + random.normal(size=LENGTH)


def working_days(random: Random) -> Floats:
    return 100.0 + 30 * ((STEPS // 24 + random.integers(7)) % 7 < 5) + random.normal(size=LENGTH)


def on_and_off(random: Random) -> Floats:
    """Two levels that come back again and again."""
    return 10.0 * (STEPS // int(random.integers(30, 60)) % 2) + random.normal(size=LENGTH)


# name: (series, values that a level must last, false alarms of 100 at most)
QUIET: dict[str, tuple[Callable[[Random], Floats], int, int]] = {
    "random walk": (lambda random: np.cumsum(random.normal(size=LENGTH)), 14, 0),
    "random walk, t3 steps": (lambda random: np.cumsum(random.standard_t(3, size=LENGTH)), 14, 1),
    "random walk, t1.5 steps": (lambda random: np.cumsum(random.standard_t(1.5, size=LENGTH)), 14, 3),
    "random walk, Cauchy steps": (lambda random: np.cumsum(random.standard_t(1, size=LENGTH)), 14, 4),
    "random walk that grows": (lambda random: np.cumsum(0.5 + random.standard_t(3, size=LENGTH)), 14, 2),
    "steady growth": (lambda random: STEPS + random.choice([0.0, 0.1, 1, 5, 20]) * random.normal(size=LENGTH), 14, 0),
    "uneven growth": (lambda random: np.cumsum(random.gamma(random.choice([0.1, 0.5, 2.0]), 1, size=LENGTH)), 14, 0),
    "bursts of growth": (bursts_of_growth, 14, 1),
    "saw-tooth": (saw_tooth, 14, 0),
    "saw-tooth that grows": (lambda random: saw_tooth(random) + 0.1 * STEPS, 14, 0),
    "dormant": (dormant, 14, 0),
    "noise": (lambda random: random.normal(size=LENGTH), 14, 0),
    "slow noise": (lambda random: autoregressive(random, 0.9), 14, 1),
    "on and off": (on_and_off, 14, 0),
    "day": (season, 72, 0),
    "nightly job": (nightly_job, 72, 0),
    "working days": (working_days, 72, 0),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_a_series_always_does_is_no_break(name: str) -> None:
    make, least, most = QUIET[name]
    random = np.random.default_rng(11)
    assert sum(bool(find_breaks(make(random), least=least)) for _series in range(SERIES)) <= most


def purge(random: Random, at: int) -> Floats:
    values = 50 + np.cumsum(random.gamma(1, 1, size=LENGTH))
    return np.where(at <= STEPS, values - 0.7 * values[at], values)


def purge_in_three_steps(random: Random, at: int) -> Floats:
    values = 50 + np.cumsum(random.gamma(1, 1, size=LENGTH))
    return values - 0.7 * values[at] * np.interp(STEPS, [at - 3, at], [0, 1])


def purge_in_noise(random: Random, at: int) -> Floats:
    return 200 + 0.5 * STEPS + 2 * random.normal(size=LENGTH) - 80.0 * (at <= STEPS)


def changed_pace(factor: float) -> Callable[[Random, int], Floats]:
    return lambda random, at: np.cumsum(random.gamma(2, 1, size=LENGTH) * np.where(at <= STEPS, factor, 1))


def step(size: float) -> Callable[[Random, int], Floats]:
    return lambda random, at: random.normal(size=LENGTH) + size * random.choice([-1, 1]) * (at <= STEPS)


# name: (series with a break, its kind, steps by which it may be missed, found of 100 at least, values that a level must last)
BROKEN: dict[str, tuple[Callable[[Random, int], Floats], str, int, int, int]] = {
    "purge": (purge, "purge", 1, 95, 14),
    "purge in three steps": (purge_in_three_steps, "purge", 2, 90, 14),
    "purge in noise": (purge_in_noise, "purge", 1, 97, 14),
    "step of three deviations": (step(3), "level", 5, 75, 14),
    "step of five deviations": (step(5), "level", 2, 97, 14),
    "step, of a level that lasts three days": (step(5), "level", 2, 97, 72),
    "step in slow noise": (lambda random, at: autoregressive(random, 0.7) + 12 * (at <= STEPS), "level", 3, 80, 14),
    "three times the pace": (changed_pace(3), "pace", 20, 95, 14),
    "a third of the pace": (changed_pace(1 / 3), "pace", 20, 90, 14),
    "growth that begins": (lambda random, at: np.cumsum(random.gamma(0.5, 1, size=LENGTH) * (at <= STEPS)), "pace", 20, 97, 14),
    "growth that ends": (lambda random, at: np.cumsum(random.gamma(0.5, 1, size=LENGTH) * (at > STEPS)), "pace", 20, 97, 14),
    "changes five times as large": (
        lambda random, at: np.cumsum(random.normal(size=LENGTH) * np.where(at <= STEPS, 5, 1)), "activity", 20, 85, 14,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_happened_once_and_stayed_is_found(name: str) -> None:
    make, kind, near, fewest, least = BROKEN[name]
    random = np.random.default_rng(12)
    hits = others = 0
    for _series in range(SERIES):
        at = int(random.integers(80, LENGTH - 80))
        found = find_breaks(make(random, at), least=least)
        right = [item for item in found if item.kind == kind and abs(item.position - at) <= near]
        hits += bool(right)
        others += len(found) - len(right)
    assert hits >= fewest
    assert others <= 100 - fewest + 3


def test_a_purge_is_known_three_values_later() -> None:
    values = 100.0 + np.arange(60)
    values[57:] -= 80
    (found,) = find_breaks(values)
    assert (found.position, found.kind, found.before, found.after) == (57, "purge", 156, 77)
    assert not find_breaks(values[:-1])


def test_a_dip_that_comes_back_is_none() -> None:
    values = 100.0 + np.arange(200)
    values[100:104] = 0
    assert not find_breaks(values)


def test_falls_that_happen_twice_are_what_the_series_does() -> None:
    values = 100.0 + np.arange(200)
    values[70:] -= 60
    assert [item.position for item in find_breaks(values)] == [70]
    values[150:] -= 60
    assert not find_breaks(values)


def test_levels_one_after_the_other() -> None:
    values = np.repeat([2.0, 6.0, 3.0], 60) + 0.1 * np.random.default_rng(3).normal(size=180)
    assert [(item.position, item.kind, round(item.before), round(item.after)) for item in find_breaks(values)] == [
        (60, "level", 2, 6),
        (120, "level", 6, 3),
    ]


def test_growth_over_a_gap_is_no_jump_and_a_purge_beside_it_is_found() -> None:
    values = 100.0 + np.arange(300)
    values[100:180] = np.nan
    assert not find_breaks(values)
    values[220:] -= 150
    assert [item.position for item in find_breaks(values)] == [220]


def test_fast_enough_for_a_hundred_thousand_series() -> None:
    """Against sorting the same values, so that a busy machine does not matter: about 25 times that, some 0.1 ms."""
    series = [make(np.random.default_rng(seed)) for seed, (make, _least, _most) in enumerate(QUIET.values())]

    def seconds(function: Callable[[Floats], object]) -> float:
        begin = time.process_time()
        for _turn in range(20):
            for values in series:
                function(values)
        return time.process_time() - begin

    assert min(seconds(find_breaks) for _turn in range(3)) < 100 * min(seconds(np.sort) for _turn in range(3))


ANY = hnp.arrays(
    np.float64,
    st.integers(0, 90),
    elements=st.one_of(st.floats(allow_infinity=False), st.sampled_from([0.0, 1.0, -1.0, float("nan"), 1e9])),
)


@given(values=ANY, least=st.integers(1, 30))
@settings(max_examples=150, deadline=None)
def test_any_series(values: Floats, least: int) -> None:
    before = values.copy()
    found = find_breaks(values, least=least)
    np.testing.assert_array_equal(values, before)
    positions = [item.position for item in found]
    assert positions == sorted(set(positions))
    assert all(0 < position < len(values) and not np.isnan(values[position]) for position in positions)
    assert not any(np.isnan([item.before, item.after]).any() for item in found)


@given(seed=st.integers(0, 40), exponent=st.integers(-300, 300), lead=st.integers(0, 30), kind=st.sampled_from(sorted(BROKEN)))
@settings(max_examples=40, deadline=None)
def test_units_and_missing_values_before_the_first_do_not_matter(seed: int, exponent: int, lead: int, kind: str) -> None:
    values = BROKEN[kind][0](np.random.default_rng(seed), 200)
    expected = [(item.position + lead, item.kind) for item in find_breaks(values)]
    moved = np.concatenate([np.full(lead, np.nan), np.ldexp(values, exponent)])
    assert [(item.position, item.kind) for item in find_breaks(moved)] == expected
