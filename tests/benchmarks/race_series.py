# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is replayed in the race: used bytes of the volumes of VGs, generated from fixed seeds or real.

A tick is one step of the data: one observation, one plan, carried out at once. It is an hour for the generated families and a week for the
real series. The production defaults look back 400 steps, so the warm-up, which is known but not scored, is two weeks of hours, or a year of
weeks; four weeks of hours and two years of weeks are scored.

Generated families: 20 seeds each, a VG of five volumes a seed, every volume with parameters of its own, drawn from the ranges of FAMILIES.
Even seeds are for tuning, odd ones are reported. The ranges were committed before the first scored run, and are not to be tuned.

Real series: sizes of directories in public git histories (bytes checked out, which rise and fall, and bytes ever added, which only rise; the
last three years), read from $FORESIGHT_DATA. 25 series in random order are five VGs a seed. A directory of some MB is no volume, so each
series is scaled to a size drawn for it; its relative changes stay. Only the odd seeds exist: on real series nothing is tuned.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import pathlib

import numpy as np

GIB = 2**30
HOUR, DAY, WEEK = 3600, 86400, 7 * 86400
VOLUMES = 5
SEEDS = range(20)
TUNED = [seed for seed in SEEDS if seed % 2 == 0]
REPORTED = [seed for seed in SEEDS if seed % 2 == 1]
SIZES = (8 * GIB, 64 * GIB)
_SEED = 20_261_122

HOURLY = {"step_seconds": HOUR, "warm_up": 14 * 24, "ticks": 28 * 24}
WEEKLY = {"step_seconds": WEEK, "warm_up": 52, "ticks": 104}

# From (low, high) each volume draws its own; shares are of its size at the start. Events come at random, with that mean rate.
FAMILIES = {
    "steady": {"growth_a_day": (0.005, 0.04)},
    "bursts": {"growth_a_day": (0.002, 0.01), "bursts_a_day": (0.15, 0.4), "burst": (0.02, 0.25), "burst_hours": (1, 6)},
    "saw-tooth": {"growth_a_day": (0.0, 0.01), "tooth": (0.2, 0.6)},
    "purge": {"growth_a_day": (0.01, 0.04), "purges_a_day": (0.04, 0.1), "purge": (0.15, 0.4)},
    "step": {"growth_a_day": (0.0, 0.005), "bursts_a_day": (0.04, 0.1), "burst": (0.2, 0.8), "burst_hours": (1, 12)},
}
TOOTH_SPREAD = 0.1  # of its height, from day to day
JITTER = 0.002  # temporary files
REAL = {"git checkouts": "checkout_bytes", "git archives": "added_bytes_cum"}


@dataclasses.dataclass(frozen=True)
class Replay:
    """One family under one seed. series: used bytes [v, warm_up + ticks], in which each VOLUMES rows are one VG."""

    family: str
    seed: int
    step_seconds: int
    warm_up: int
    ticks: int
    series: np.ndarray


def generated(family: str, seed: int, ticks: int = HOURLY["ticks"]) -> Replay:
    """Return a VG of one family; fewer ticks are the beginning of the same."""
    random = np.random.default_rng([_SEED, list(FAMILIES).index(family), seed])
    length = HOURLY["warm_up"] + HOURLY["ticks"]
    rows = np.stack([_volume(random, FAMILIES[family], length) for _volume_number in range(VOLUMES)])
    rows = random.permutation(rows)[:, : HOURLY["warm_up"] + ticks]
    return Replay(family, seed, HOUR, HOURLY["warm_up"], ticks, rows)


def _volume(random: np.random.Generator, ranges: dict, length: int) -> np.ndarray:
    drawn = {name: random.uniform(*ranges[name]) for name in ranges if name not in ("burst", "burst_hours", "purge")}
    added = random.exponential(drawn["growth_a_day"] / 24, length)
    for at in _events(random, drawn.get("bursts_a_day", 0.0), length):
        height = np.exp(random.uniform(*np.log(ranges["burst"])))
        hours = random.integers(ranges["burst_hours"][0], ranges["burst_hours"][1], endpoint=True)
        added[at : at + hours] += height / hours
    kept = np.ones(length)
    for at in _events(random, drawn.get("purges_a_day", 0.0), length):
        kept[at] = 1 - random.uniform(*ranges["purge"])
    level = np.empty(length)
    now = 1.0
    for at in range(length):
        now = now * kept[at] + added[at]
        level[at] = now
    level += drawn.get("tooth", 0.0) * _teeth(random, length) + np.abs(random.normal(0, JITTER, length))
    return np.round(level * np.exp(random.uniform(*np.log(SIZES))))


def _events(random: np.random.Generator, a_day: float, length: int) -> np.ndarray:
    return np.flatnonzero(random.random(length) < a_day / 24)


def _teeth(random: np.random.Generator, length: int) -> np.ndarray:
    """Return a file that grows all day and goes at the same hour of every day; 1 = its usual height."""
    hours = np.arange(length) + random.integers(24)
    heights = 1 + random.normal(0, TOOTH_SPREAD, length // 24 + 2).clip(-3 * TOOTH_SPREAD, 3 * TOOTH_SPREAD)
    return heights[hours // 24] * (hours % 24 + 1) / 24


def real(data: pathlib.Path, family: str, seed: int, ticks: int = WEEKLY["ticks"]) -> Replay:
    """Return VGs of real series in the order of one seed."""
    length = WEEKLY["warm_up"] + WEEKLY["ticks"]
    table = _loaders(data).git_sizes(column=REAL[family])
    known = [table[name].dropna().to_numpy(float)[-length:] for name in sorted(table.columns)]
    whole = [row for row in known if len(row) == length and row[WEEKLY["warm_up"] - 1] > 0]
    sizes = np.random.default_rng([_SEED, len(FAMILIES)])
    scaled = [np.round(row / row[WEEKLY["warm_up"] - 1] * np.exp(sizes.uniform(*np.log(SIZES)))) for row in whole]
    order = np.random.default_rng([_SEED, len(FAMILIES) + 1, seed]).permutation(len(scaled))[: len(scaled) // VOLUMES * VOLUMES]
    return Replay(family, seed, WEEK, WEEKLY["warm_up"], ticks, np.stack([scaled[row] for row in order])[:, : WEEKLY["warm_up"] + ticks])


def _loaders(data: pathlib.Path):
    spec = importlib.util.spec_from_file_location("foresight_data_loaders", data / "loaders.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
