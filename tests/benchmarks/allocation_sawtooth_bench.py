# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often volumes are resized that rise and fall: one plan an hour for 60 days in a VG that is too small for all. Prints Markdown.

    .venv/bin/python tests/benchmarks/allocation_sawtooth_bench.py [--quick]

The allocator is the real one. The forecast is a stand-in that knows the past only: the 0.9 quantile of what the same six hours
of each of the last 14 days added. All data is synthetic, made here from fixed seeds. An applied action succeeds at once.
"""

from __future__ import annotations

import argparse
import collections
import sys

import numpy as np

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate

GIB = 2**30
EXTENT = 4 * 2**20
HOUR = 3600
NOW = 1_763_683_200  # midnight UTC
WARM_UP, DAYS = 14, 60
WINDOW = 6
OVERHEAD = 0.02
# The weekly one shows its height on the seventh day.
FIRST_DAYS = 8
SAW_TEETH = ("logs", "dump", "weekly")
# name: size in GiB at first
SIZES = {"logs": 7, "dump": 18, "weekly": 18, "steady": 12, "step": 8, "archive": 37}
FREE = 10

# What is compared: policies, as the role would hand them over.
PLAIN = {
    "allow_shrink": True, "min_growth_fraction": 0.0, "hysteresis_fraction": 0.0, "cool_down_seconds": 0, "shrink_cool_down_seconds": 0,
}  # fmt: skip
WAYS = {
    "defaults": {"allow_shrink": True},
    "no rounding up": {"allow_shrink": True, "min_growth_fraction": 0.0},
    "no hysteresis": {"allow_shrink": True, "hysteresis_fraction": 0.0},
    "no cool-downs": {"allow_shrink": True, "cool_down_seconds": 0, "shrink_cool_down_seconds": 0},
    "none of the three": PLAIN,
    "none of the three, six hours are all it looks at": {**PLAIN, "past_days": 0, "shrink_headroom": 0.1, "max_shrink_step_fraction": 1.0},
    "gives no more than the need": {"allow_shrink": True, "min_shrink_fraction": 0.0},
    "no shrinking": {"allow_shrink": False},
}


def use_of(seed):
    """Return the used GiB of each volume, hour by hour, warm-up included."""
    random = np.random.default_rng(seed)
    days = WARM_UP + DAYS + 1
    hours = np.arange(days * 24)
    day, hour = hours // 24, hours % 24

    def daily(spread):
        return (1 + random.normal(0, spread, days).clip(-3 * spread, 3 * spread))[day]

    dumping = np.interp(hour, [0, 1, 3, 5, 5.5, 23], [0, 0, 1, 1, 0, 0])
    reporting = np.where(day % 7 == 6, np.interp(hour, [0, 6, 9, 20, 21, 23], [0, 0, 1, 1, 0, 0]), 0)
    step_at = (WARM_UP + 25) * 24
    jitter = random.normal(0, 0.02, (len(SIZES), len(hours)))
    return {
        "logs": 4 + 3.6 * (hour + 1) / 24 * daily(0.05) + jitter[0],  # rotated at midnight
        "dump": 9 + 8 * dumping * daily(0.04) + jitter[1],
        "weekly": 12 + 6 * reporting * daily(0.04) + jitter[2],
        "steady": 9 + 0.15 * (hours / 24 - WARM_UP) + jitter[3],
        "step": 5.5 + 5 * np.clip((hours - step_at) / 24, 0, 1) + jitter[4],
        "archive": 18 + jitter[5],
    }


class World:
    """One VG, hour by hour; sizes in extents."""

    def __init__(self, seed, past_days=14):
        self.use = use_of(seed)
        self.size = {name: gib * 256 for name, gib in SIZES.items()}
        self.first = dict(self.size)
        self.free = FREE * 256
        self.past_days = past_days
        self.resized = {}
        self.full = collections.Counter()
        self.changes = []

    def holds(self, name):
        """Return the GiB that fit; the overhead is that of the first size and stays."""
        return (self.size[name] - self.first[name] * OVERHEAD) / 256

    def documents(self, at, now):
        """Return what the lookup would at this hour (index into the use)."""
        listed = [self._volume(name, use, at, now) for name, use in self.use.items()]
        group = {
            "entity": "vg:h/vg0", "host": "h", "vg": "vg0", "uuid": "g", "extent_bytes": EXTENT,
            "extents_free": self.free, "reserve_extents": 0,
        }  # fmt: skip
        return listed, [group]

    def _volume(self, name, use, at, now):
        held = min(use[at], self.holds(name))
        before = at - 24 * np.arange(1, WARM_UP + 1)
        before = before[before >= 0]
        rises = [use[start : start + WINDOW + 1].max() - use[start] for start in before]
        past = use[max(0, at - 24 * self.past_days) : at + 1].max()
        total, used = int(self.holds(name) * GIB), int(held * GIB)
        return {
            "entity": f"lv:h/vg0/{name}", "host": "h", "vg": "vg0", "lv": name, "uuid": name, "size_bytes": self.size[name] * EXTENT,
            "fs": {"type": "ext4", "size": total, "used": used, "avail": total - used}, "managed": True, "mounted": True,
            "allow_shrink": True, "allow_unmount": True, "observed_at": now, "demand_status": "ok",
            "demand_bytes": float(held + np.quantile(rises, 0.9)) * GIB, "history_mean_bytes": float(use[before].mean()) * GIB,
            "past_peak_bytes": float(past) * GIB, "past_seconds": 14 * 86400, "last_resized_at": self.resized.get(name),
        }  # fmt: skip

    def run(self, policy):
        """Plan and apply once an hour."""
        for at in range(WARM_UP * 24, (WARM_UP + DAYS) * 24):
            now = NOW + (at - WARM_UP * 24) * HOUR
            for name, use in self.use.items():
                self.full[name] += bool(use[at] > self.holds(name))
            answer = allocate(*self.documents(at, now), {**policy, "now": now})
            for action in answer["actions"]:
                self._apply(action, now)
        return self

    def _apply(self, action, now):
        name = action["target"].rsplit("/", 1)[1]
        extents = (action["to"]["size"] - action["from"]["size"]) // EXTENT
        self.size[name] += extents
        self.free -= extents
        self.resized[name] = now
        self.changes.append((now, name, extents))

    def count(self, names, shrunk, after_day=0):
        """Return how often these volumes were resized since a day."""
        since = NOW + after_day * 86400
        return sum(name in names and (extents < 0) is shrunk and now >= since for now, name, extents in self.changes)


def simulate(seed, policy):
    """Return the world after 60 days under a policy; its key past_days is how long a past counts before a volume shrinks."""
    rest = {key: value for key, value in policy.items() if key != "past_days"}
    return World(seed, policy.get("past_days", 14)).run(rest)


def table(ways, seeds):
    """Print a line for each way, means over the seeds."""
    print(
        f"| policy | saw-teeth: growths, shrinkings each in 60 days | most growths of one after day {FIRST_DAYS} | steady, step: growths | "
        "archive: shrinkings | resizes a day, all | volume-hours full |"
    )
    print("|---" * 7 + "|")
    for name, policy in ways.items():
        worlds = [simulate(seed, policy) for seed in seeds]
        each = len(worlds) * len(SAW_TEETH)
        grown, shrunk = (sum(world.count(SAW_TEETH, less) for world in worlds) / each for less in (False, True))
        most = max(world.count((tooth,), False, FIRST_DAYS) for world in worlds for tooth in SAW_TEETH)
        rest = [
            sum(world.count((volume,), less) for world in worlds) / len(worlds)
            for volume, less in (("steady", False), ("step", False), ("archive", True))
        ]
        resizes = sum(len(world.changes) for world in worlds) / len(worlds) / DAYS
        full = sum(sum(world.full.values()) for world in worlds) / len(worlds)
        print(
            f"| {name} | {grown:.1f}, {shrunk:.1f} | {most} | {rest[0]:.1f}, {rest[1]:.1f} | {rest[2]:.1f} | {resizes:.2f} | {full:.1f} |"
        )


def main():
    """Print the comparison, then how it depends on hysteresis and cool-down."""
    parser = argparse.ArgumentParser(description="Resizes of volumes that rise and fall.")
    parser.add_argument("--quick", action="store_true", help="one seed instead of five")
    seeds = range(1 if parser.parse_args().quick else 5)
    print(f"One VG, {len(SIZES)} volumes, one plan an hour for {DAYS} days, {len(seeds)} seeds, synthetic\n")
    table(WAYS, seeds)
    print("\nBy hysteresis and cool-down of growing:\n")
    table(
        {
            f"hysteresis {hysteresis:.0%}, cool-down {hours} h": {
                "allow_shrink": True,
                "hysteresis_fraction": hysteresis,
                "cool_down_seconds": hours * HOUR,
            }
            for hysteresis in (0.0, 0.02, 0.05, 0.1)
            for hours in (0, 6, 24)
        },
        seeds,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
