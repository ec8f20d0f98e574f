# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long it takes to share the VGs of a fleet, and what a fair share is worth. Prints Markdown; fails when a goal is missed.

    .venv/bin/python tests/benchmarks/allocation_bench.py [--quick]

All data is synthetic, made here from a fixed seed. Times are wall times of this machine, the store lies on disk.
"""

from __future__ import annotations

import argparse
import collections
import os
import pathlib
import platform
import sys
import tempfile
import time

import numpy as np
from allocation_fleet import EXTENT, Fleet

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import validate_plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan import plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.volumes import volumes

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from unit.verifiers.allocation import violations  # the verifier of the tests, which shares no code with the allocator

GIB = 2**30
NOW = 1_763_700_000
STEP = 600
HISTORY_STEPS = 144
FLEETS = ((1_000, 20, 2.0), (10_000, 200, 10.0))  # volumes, hosts, goal in seconds
SEED = 20261121


def fill_store(path, count, hosts):
    """Write a fleet with one day of samples every ten minutes, as `record` would have."""
    random = np.random.default_rng(SEED)
    each = count // hosts
    sizes = (random.lognormal(3.0, 0.8, count) * 256).astype(np.int64).clip(256, 256 * 200) * EXTENT
    growth = random.gamma(0.6, 0.0008, count)
    noise = random.normal(0, 0.0005, (count, HISTORY_STEPS)).cumsum(axis=1)
    level = random.uniform(0.4, 0.88, count)[:, None] + growth[:, None] * np.arange(HISTORY_STEPS) + noise
    used = (level.clip(0.01, 0.97) * sizes[:, None] * 0.98).astype(np.int64)
    rows = []
    for host in range(hosts):
        total = int(sizes[host * each : (host + 1) * each].sum() // EXTENT)
        free = int(total * random.uniform(0.02, 0.25))
        group = {
            "host": f"h{host:03}",
            "vg": "vg0",
            "uuid": f"vg-{host}",
            "size_bytes": (total + free) * EXTENT,
            "free_bytes": free * EXTENT,
        }
        group |= {"extent_bytes": EXTENT, "extents": total + free, "extents_free": free, "tags": [], "observed_at": NOW, "recorded": None}
        rows.append(EntityRow(f"vg:h{host:03}/vg-{host}", f"vg:h{host:03}/vg0", "vg", f"h{host:03}", group, NOW))
    for number in range(count):
        host, size, now_used = f"h{number // each:03}", int(sizes[number]), int(used[number, -1])
        total = int(size * 0.98)
        fs = {"type": "xfs", "size": total, "used": now_used, "avail": total - now_used, "mountpoints": [f"/srv/{number}"], "reason": None}
        lv = {"host": host, "vg": "vg0", "lv": f"d{number}", "vg_uuid": f"vg-{number // each}", "uuid": f"lv-{number}", "size_bytes": size}
        lv |= {"role": "plain", "segment_type": "linear", "tags": [], "stack": [], "in_progress": None, "active": True, "origin": None}
        lv |= {"pool": None, "fs": fs, "observed_at": NOW, "recorded": None}
        rows.append(EntityRow(f"lv:{host}/lv-{number}", f"lv:{host}/vg0/d{number}", "lv", host, lv, NOW))
    times = NOW - STEP * np.arange(HISTORY_STEPS)[::-1]
    with open_store(path) as store, store.transaction():
        ids = store.put_entities(rows)
        entities = [ids[f"lv:h{number // each:03}/lv-{number}"] for number in range(count)]
        series = store.put_series([(entity, "used_bytes", "bytes", True) for entity in entities])
        numbers = np.array([series[entity, "used_bytes"] for entity in entities], dtype=np.int64)
        store.write_samples(np.repeat(numbers, HISTORY_STEPS), np.tile(times, count), used.ravel().astype(np.float64))


def timed(function, **arguments):
    """Return the wall time, the processor time of this process, and the answer."""
    start, busy = time.perf_counter(), time.process_time()
    answer = function(**arguments)
    return time.perf_counter() - start, time.process_time() - busy, answer


def measure(count, hosts, folder):
    """Return the seconds of each part of a plan for one fleet, and the counts of its plan."""
    path = str(pathlib.Path(folder) / f"{count}.db")
    fill_store(path, count, hosts)
    names = [f"h{host:03}" for host in range(hosts)]
    options = {"store": path, "now": NOW + 60, "horizon": 6 * 3600, "hosts": names, "manage": [{"match": "lv:*/vg0/*", "max": "2 TiB"}]}
    forecasting, _busy, _first = timed(volumes, **options)
    looking_up, busy_looking, document = timed(volumes, **options)
    policy = {"now": document["now"], "max_step_fraction": 0.5, "hysteresis_fraction": 0.0}
    sharing, busy_sharing, answer = timed(allocate, volumes=document["volumes"], groups=document["groups"], policy=policy)
    planning, busy_planning, made = timed(
        plan, store=path, now=NOW + 61, inventory=names, hosts=names, policy=policy, path=str(pathlib.Path(folder) / "plan.yml"), **answer
    )
    validating, busy_validating, _none = timed(validate_plan, document=made["document"])
    broken = violations(document["volumes"], document["groups"], policy, answer)
    if broken:
        raise SystemExit(f"The verifier found {len(broken)} violations, the first: {broken[0]}")
    return {
        "forecasting": forecasting - looking_up,
        "looking up": looking_up,
        "sharing": sharing,
        "planning": planning,
        "validating": validating,
        "busy": busy_looking + busy_sharing + busy_planning + busy_validating,
        "counts": {key: len(answer[key]) for key in ("actions", "proposals", "refused")},
    }


def speed(fleets):
    """Print the table of times and return the goals that were missed."""
    parts = ("look up volumes", "share", "plan, store, write YAML", "validate again")
    print(
        "| volumes, hosts | "
        + " | ".join(parts)
        + " | **together** | goal | of it processor time | forecasting before | actions, refused |"
    )
    print("|---" * 10 + "|")
    missed = []
    for count, hosts, goal in fleets:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(count, hosts, folder)
        times = [found[name] for name in ("looking up", "sharing", "planning", "validating")]
        together = sum(times)
        shown = " | ".join(f"{seconds:.2f} s" for seconds in times)
        counts = found["counts"]
        print(
            f"| {count:,}, {hosts} | {shown} | **{together:.2f} s** | < {goal:g} s | {found['busy']:.2f} s | {found['forecasting']:.1f} s | "
            f"{counts['actions']:,}, {counts['refused']:,} |"
        )
        if together >= goal:
            missed.append(f"{count:,} volumes took {together:.2f} s, the goal is {goal:g} s")
    return missed


def strategies():
    """Return the ways to compare: name and what it answers to a fleet's documents."""

    def ask(strategy):
        policy = {"strategy": strategy, "max_step_fraction": None, "hysteresis_fraction": 0.0}
        return lambda listed, grouped, now: allocate(listed, grouped, {**policy, "now": now})

    nothing = {"actions": [], "proposals": [], "refused": []}
    return {"do nothing": lambda *_documents: nothing, "proportional": ask("proportional"), "water_filling": ask("water_filling")}


def one_round(groups, each):
    """Print how one round of sharing differs where the VGs have less than their volumes need."""
    listed, grouped = Fleet(groups, each, 30, 1.0, SEED).documents(0, NOW)
    answers = strategies()
    need = growths(answers["water_filling"](listed, [{**group, "extents_free": 10**9} for group in grouped], NOW))
    by_vg = collections.Counter()
    for target, extents in need.items():
        by_vg[target.split("/")[1]] += extents
    print(
        "| free space / need | strategy | share of the need met | volumes served in full | lowest share of a need met | free extents left idle |"
    )
    print("|---|---|---|---|---|---|")
    for scarcity in (0.25, 0.5, 0.75):
        scarce = [{**group, "extents_free": int(by_vg[group["vg"]] * scarcity)} for group in grouped]
        free = sum(group["extents_free"] for group in scarce)
        for name in ("proportional", "water_filling"):
            got = growths(answers[name](listed, scarce, NOW))
            met = np.array([got.get(target, 0) / extents for target, extents in need.items()])
            given = sum(got.values())
            print(
                f"| {scarcity:.0%} | {name} | {given / sum(need.values()):.1%} | {np.mean(met >= 1):.1%} | {met.min():.1%} | {1 - given / free:.1%} |"
            )


def growths(answer):
    """Return the extents that each target of an answer gets."""
    return {action["target"]: action["cost"]["bytes"] // EXTENT for action in answer["actions"]}


def months(groups, each, days):
    """Print what happens over time: volumes that run full, and what could not be written."""
    print("| free space / growth of the whole time | strategy | volumes that ran full | volume-days full | could not be written |")
    print("|---|---|---|---|---|")
    for scarcity in (0.6, 1.0, 1.5):
        for name, answer in strategies().items():
            fleet = Fleet(groups, each, days, scarcity, SEED)
            full, lost = np.zeros((days, groups * each), dtype=bool), 0.0
            for day in range(days):
                now = NOW + day * 86400
                fleet.grow(answer(*fleet.documents(day, now), now))
                full[day], missing = fleet.live(day)
                lost += missing
            print(
                f"| {scarcity:.0%} | {name} | {full.any(axis=0).mean():.1%} | {full.sum():,} of {full.size:,} | {lost * EXTENT / GIB:,.0f} GiB |"
            )


def main():
    """Run all parts."""
    parser = argparse.ArgumentParser(description="Times and worth of sharing VGs.")
    parser.add_argument("--quick", action="store_true", help="only the smaller fleet, and a short simulation")
    quick = parser.parse_args().quick
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, synthetic data, seed {SEED}\n")
    print("### From recorded facts and forecasts to a validated plan\n")
    missed = speed(FLEETS[:1] if quick else FLEETS)
    groups, each, days = (10, 8, 20) if quick else (40, 12, 90)
    print(f"\n### One round under scarcity ({groups} VGs × {each} volumes)\n")
    one_round(groups, each)
    print(f"\n### {days} days, one plan a day ({groups} VGs × {each} volumes)\n")
    months(groups, each, days)
    for text in missed:
        print(f"\nGoal missed: {text}.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
