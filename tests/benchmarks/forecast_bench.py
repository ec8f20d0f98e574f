# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How good the forecasts are beside last value and `empirical`, and what they cost. Prints Markdown.

    .venv/bin/python tests/benchmarks/forecast_bench.py [--quick]

Accuracy: the evaluator bench/forecast_eval.py beside the folder $FORESIGHT_DATA (default ../shared/data), run unchanged; left out with a line where it
is absent. Cost: synthetic series from a fixed seed, wall times of this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import forecast_panel

HERE = pathlib.Path(__file__).resolve().parent
DATA = pathlib.Path(os.environ.get("FORESIGHT_DATA") or HERE.parents[1].parent / "shared" / "data")
EVALUATOR = DATA.parent / "bench" / "forecast_eval.py"
METHODS = (
    ("last value, no spread", "forecast_eval:last"), ("last value, Gaussian", "forecast_eval:naive"), ("`empirical`", "forecast_eval:empirical"),
    ("ours: naive", "forecast_adapter:naive"), ("ours: drift", "forecast_adapter:drift"), ("ours: snaive", "forecast_adapter:snaive"),
    ("ours: theta", "forecast_adapter:theta"), ("ours: ets", "forecast_adapter:ets"), ("**ours: auto**", "forecast_adapter:auto"),
)  # fmt: skip
QUICK = {"forecast_eval:last", "forecast_eval:empirical", "forecast_adapter:naive", "forecast_adapter:auto"}
SLOW = {"forecast_adapter:ets", "forecast_adapter:theta"}  # hours with a season of 24
SIZES, STEPS, HORIZON, SEED = (50, 1_000, 10_000), 432, 36, 20261121


def evaluated(method: str, tasks: str, folder: pathlib.Path) -> list[dict]:
    """Return the evaluator's result rows of one method."""
    out = folder / "result.json"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(EVALUATOR), "--data", str(DATA), "--method", method, "--label", "m", "--tasks", tasks, "--out", str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The evaluator failed for {method}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    found = json.loads(out.read_text())
    return found["results"] if isinstance(found, dict) else found


def accuracy(tasks: list[str], quick: bool) -> None:
    if not EVALUATOR.exists():
        print(f"Accuracy left out: there is no evaluator at {EVALUATOR} (set FORESIGHT_DATA to the folder of data sets beside it).")
        return
    for task in tasks:
        print(f"\n### {task}\n")
        print(
            "| method | h | vs `empirical` [90 %] | gSQL | q10 lt/le | q90 lt/le | cov80 (moved) | peak > p90, loss | Brier | ms/series |\n"
            "|---|---|---|---|---|---|---|---|---|---|"
        )
        for name, method in METHODS:
            if (quick and method not in QUICK) or (task != "git_weekly" and method in SLOW):
                continue
            with tempfile.TemporaryDirectory() as folder:
                rows = evaluated(method, task, pathlib.Path(folder))
            for row in rows:
                print(line(name, row), flush=True)


def line(name: str, row: dict) -> str:
    low, high = row["vs_emp_ci"]
    peak = f"{100 - row['peak_le']:.1f} ({row['peak_vs_emp']:.3f})" if "peak_le" in row else "–"
    brier = f"{row['runway']['brier']:.3f}" if row.get("runway", {}).get("brier") is not None else "–"
    return (
        f"| {name} | {row['h']} | {row['vs_emp']:.3f} [{low:.3f}, {high:.3f}] | {row['gSQL']:.3f} | {row['q10lt']:.0f}/{row['q10le']:.0f} "
        f"| {row['q90lt']:.0f}/{row['q90le']:.0f} | {row['cov80']:.0f} ({row['cov_mv']:.0f}) | {peak} | {brier} | {row['ms']:.1f} |"
    )


def cost(sizes: tuple[int, ...]) -> None:
    print(
        f"\n### Cost\n\n{STEPS} samples a series every ten minutes, {HORIZON} steps ahead, {os.cpu_count()} cores ({platform.machine()}), "
        f"worker start included. Load: {os.getloadavg()[0]:.1f}.\n"
    )
    print(
        "| series | first time (choosing): wall s / CPU s | theta, ETS tried for | with stored choices: wall s / CPU s | CPU ms/series |\n|---|---|---|---|---|"
    )
    random = np.random.default_rng(SEED)
    for size in sizes:
        moves = random.exponential(2**20, (size, STEPS)) * (random.random((size, STEPS)) < random.uniform(0.05, 1, (size, 1)))
        noise = random.normal(0, 2**18, (size, STEPS)) * (random.random((size, 1)) < 0.2)
        histories = list(2**34 + np.cumsum(moves, axis=1) + noise)
        first, *choosing = timed(histories, None)
        _again, *stored = timed(histories, first.models)
        tried = sum(bool(model and model["tried_fits"]) for model in first.models)
        print(
            f"| {size:,} | {choosing[0]:.1f} / {choosing[1]:.1f} | {tried:,} | {stored[0]:.1f} / {stored[1]:.1f} | {1000 * stored[1] / size:.2f} |",
            flush=True,
        )


def timed(histories, models):
    """Return a forecast, and the wall and CPU seconds it took; those of its workers are included."""
    wall, cpu = time.perf_counter(), used()
    found = forecast_panel(histories, step_seconds=600, horizon=HORIZON, models=models)
    return found, time.perf_counter() - wall, used() - cpu


def used() -> float:
    seen = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="git_weekly only, four methods, up to 1,000 series")
    quick = parser.parse_args().quick
    cost(SIZES[:2] if quick else SIZES)
    accuracy(["git_weekly"] if quick else ["git_weekly", "vm_hourly"], quick)


if __name__ == "__main__":
    main()
