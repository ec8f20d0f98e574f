# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How good the forecasts are beside last value and `empirical`, and what they cost. Prints Markdown.

    .venv/bin/python tests/benchmarks/forecast_bench.py [--quick] [--tasks git_weekly,…] [--methods auto,…] [--fleets 200] [--no-cost]

Accuracy: the evaluator bench/forecast_eval.py beside the folder $FORESIGHT_DATA (default ../shared/data), run unchanged; left out with a line where it
is absent. Cost: synthetic series from a fixed seed, times of this machine with the pool of workers warm.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import numpy as np
import psutil

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import forecast_panel

HERE = pathlib.Path(__file__).resolve().parent
DATA = pathlib.Path(os.environ.get("FORESIGHT_DATA") or HERE.parents[1].parent / "shared" / "data")
EVALUATOR = DATA.parent / "bench" / "forecast_eval.py"
METHODS = (
    ("last value, no spread", "forecast_adapter:last"), ("last value, Gaussian", "forecast_adapter:naive"), ("drift", "forecast_adapter:drift"),
    ("seasonal naive", "forecast_adapter:snaive"), ("theta", "forecast_adapter:theta"), ("ETS", "forecast_adapter:ets"),
    ("classic LSTM", "forecast_adapter:classic_lstm"), ("LSTM of each series", "forecast_adapter:lstm"), ("`empirical`", "forecast_eval:empirical"),
    ("global network alone", "forecast_adapter:global"), ("**auto**", "forecast_adapter:auto"),
)  # fmt: skip
QUICK = {"last", "empirical", "auto"}
# Minutes to hours for hundreds of long series.
WEEKLY_ONLY = {"theta", "ets", "classic_lstm", "lstm"}
TASKS = ("git_weekly", "vm_hourly", "vm_5min", "m4_weekly", "m4_hourly", "fullness_day", "lustre_15min")
SIZES, STEPS, HORIZON, SEED = (50, 1_000, 10_000), 432, 36, 20261121


def evaluated(method: str, folder: pathlib.Path, *options: str) -> list[dict]:
    """Return the evaluator's result rows of one method."""
    out = folder / "result.json"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(EVALUATOR), "--data", str(DATA), "--method", method, "--label", "m", *options, "--out", str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The evaluator failed for {method}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    found = json.loads(out.read_text())
    return found["results"] if isinstance(found, dict) else found


def accuracy(tasks: list[str], wanted: set[str]) -> None:
    if not EVALUATOR.exists():
        print(f"Accuracy left out: there is no evaluator at {EVALUATOR} (set FORESIGHT_DATA to the folder of data sets beside it).")
        return
    for task in tasks:
        print(f"\n### {task}\n")
        print(
            "| method | h | vs `empirical` [90 %] | gSQL | q10 lt/le | q90 lt/le | cov80 (moved) | peak > p90, loss "
            "| Brier (`empirical`'s) | sMAPE | ms/series |\n"
            "|---|---|---|---|---|---|---|---|---|---|---|"
        )
        runway = []
        for name, method in METHODS:
            short = method.split(":")[1]
            if short not in wanted or (task != "git_weekly" and short in WEEKLY_ONLY):
                continue
            with tempfile.TemporaryDirectory() as folder:
                rows = evaluated(method, pathlib.Path(folder), "--tasks", task)
            for row in rows:
                print(line(name, row), flush=True)
            runway += [(name, row["runway"]) for row in rows if row.get("runway", {}).get("t10")]
        if runway:
            print("\n| runway | limits reached | p10 lt/le (n), beyond | p50 | p90 | loss |\n|---|---|---|---|---|---|")
            for name, row in runway:
                print(
                    f"| {name} | {row['base']:.0f} % | "
                    + " | ".join(date(row[key]) for key in ("t10", "t50", "t90"))
                    + f" | {row['vs_emp']:.3f} |",
                    flush=True,
                )


def date(row: dict) -> str:
    lower, upper, beyond = ("–" if row[key] is None else f"{row[key]:.0f}" for key in ("lt", "le", "beyond"))
    return f"{lower}/{upper} ({row['n']}), {beyond}"


def fleets(count: int, wanted: set[str]) -> None:
    print(f"\n### {count} small fleets of three to five series\n")
    print("| method | median of the ratio to the better of naive and drift | 95th percentile | by task |\n|---|---|---|---|")
    for name, method in METHODS:
        if method.split(":")[1] in wanted:
            with tempfile.TemporaryDirectory() as folder:
                for row in evaluated(method, pathlib.Path(folder), "--fleets", str(count)):
                    print(f"| {name} | {row['median']:.3f} | {row['p95']:.3f} | {row['per_task']} |", flush=True)


def line(name: str, row: dict) -> str:
    low, high = row["vs_emp_ci"]
    peak = f"{100 - row['peak_le']:.1f} ({row['peak_vs_emp']:.3f})" if "peak_le" in row else "–"
    seen = row.get("runway", {})
    brier = f"{seen['brier']:.3f} ({seen['brier_emp']:.3f})" if seen.get("brier") is not None else "–"
    return (
        f"| {name} | {row['h']} | {row['vs_emp']:.3f} [{low:.3f}, {high:.3f}] | {row['gSQL']:.3f} | {row['q10lt']:.0f}/{row['q10le']:.0f} "
        f"| {row['q90lt']:.0f}/{row['q90le']:.0f} | {row['cov80']:.0f} ({row['cov_mv']:.0f}) | {peak} | {brier} "
        f"| {row['sMAPE']:.2f} | {row['ms']:.1f} |"
    )


def cost(sizes: tuple[int, ...]) -> None:
    """Print what forecasts cost: of volumes (a sample every ten minutes, no season) and of VMs (hourly, a day as the season)."""
    print(f"\n### Cost\n\n{os.cpu_count()} cores ({platform.machine()}), pool of workers warm. Load before: {os.getloadavg()[0]:.1f}.\n")
    print(
        "| class | series | first time, all learned: wall s / CPU s, wall ms a series "
        "| what was learned handed over: wall s / CPU s, wall ms a series |\n|---|---|---|---|"
    )
    warm()
    random = np.random.default_rng(SEED)
    for size in sizes:
        moves = random.exponential(2**20, (size, STEPS)) * (random.random((size, STEPS)) < random.uniform(0.05, 1, (size, 1)))
        noise = random.normal(0, 2**18, (size, STEPS)) * (random.random((size, 1)) < 0.2)
        told("storage", list(2**34 + np.cumsum(moves, axis=1) + noise), step_seconds=600, horizon=HORIZON, season=None)
        hours = np.arange(28 * 24)
        shape = random.uniform(0, 30, (size, 1)) * np.sin(2 * np.pi * (hours + random.uniform(0, 24, (size, 1))) / 24)
        usage = 50 + shape + np.cumsum(random.normal(0, 1, (size, len(hours))), axis=1) + random.exponential(5, (size, len(hours)))
        told("VM", list(np.abs(usage)), step_seconds=3600, horizon=24, season=24, start=[1_700_000_000.0] * size)


def told(name: str, histories: list, **options) -> None:
    first, *learning = timed(histories, **options)
    _again, *stored = timed(histories, models=first.models, families=first.families, **options)
    size = len(histories)
    print(
        f"| {name} | {size:,} | {learning[0]:.1f} / {learning[1]:.1f}, {1000 * learning[0] / size:.1f} "
        f"| {stored[0]:.1f} / {stored[1]:.1f}, {1000 * stored[0] / size:.2f} |",
        flush=True,
    )


def warm() -> None:
    """Start the workers and import in them what forecasts need."""
    histories = list(np.cumsum(np.random.default_rng(0).exponential(1.0, (60, 300)), axis=1))
    forecast_panel(histories, step_seconds=600, horizon=6, season=None)


def timed(histories, **options):
    """Return a forecast, and the wall and CPU seconds it took; those of its workers are included."""
    wall, cpu = time.perf_counter(), used()
    found = forecast_panel(histories, **options)
    return found, time.perf_counter() - wall, used() - cpu


def used() -> float:
    """Return the CPU seconds of this process and of all that it started and that still runs."""
    return sum(sum(process.cpu_times()[:2]) for process in [psutil.Process(), *psutil.Process().children(recursive=True)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="git_weekly only, three methods, up to 1,000 series")
    parser.add_argument("--tasks", default=",".join(TASKS))
    parser.add_argument("--methods", default=",".join(method.split(":")[1] for _name, method in METHODS))
    parser.add_argument("--fleets", type=int, default=200)
    parser.add_argument("--no-cost", action="store_true")
    options = parser.parse_args()
    wanted = QUICK if options.quick else set(options.methods.split(","))
    if not options.no_cost:
        cost(SIZES[:2] if options.quick else SIZES)
        engine.close()
    accuracy(["git_weekly"] if options.quick else [task for task in options.tasks.split(",") if task], wanted)
    if options.fleets and not options.quick and EVALUATOR.exists():
        fleets(options.fleets, wanted - WEEKLY_ONLY)


if __name__ == "__main__":
    main()
