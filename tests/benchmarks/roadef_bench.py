# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How good a local search is on machine reassignment, the ROADEF/EURO challenge 2012, in $FORESIGHT_DATA/roadef2012 (default ../shared/data).

    .venv/bin/python tests/benchmarks/roadef_bench.py [--instances a1_1 b_01] [--seconds 60] [--workers 2] [--seed 0]

Score = 100 × (cost − that of the winning team S41 after 300 s) / cost at the beginning: 0 is as good, below 0 better. Each worker has so many CPU
seconds, reading and compiling (numba, in requirements-test.txt) not counted; the best answer of all workers counts. Prints Markdown.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import importlib.util
import multiprocessing
import os
import pathlib
import sys
import time

import numpy as np
from roadef_instance import load_instance

HERE = pathlib.Path(__file__).resolve().parent
DATA = pathlib.Path(os.environ.get("FORESIGHT_DATA") or HERE.parents[1].parent / "shared" / "data")
NAMES = (
    *(f"a1_{number}" for number in range(1, 6)),
    *(f"a2_{number}" for number in range(1, 6)),
    *(f"b_0{number}" for number in range(1, 5)),
)
GOALS = {"a1": 0.1, "a2": 3.0, "b": 1.0}


def solve(folder, name, seed, worker, seconds):
    """Return the best assignment [p] of one worker, and its CPU seconds. The only place that calls the search."""
    from roadef_search import STYLES, Annealing  # needs numba, which main() looks for

    instance = load_instance(folder, name)
    search = Annealing(instance, seed + worker, STYLES[worker % len(STYLES)])
    search.compile()
    start = time.process_time()
    search.run(lambda: (time.process_time() - start) / seconds)
    return search.best, time.process_time() - start


def measure(folder, name, arguments):
    """Return the best cost of all workers, and their CPU seconds together."""
    instance = load_instance(folder, name)
    tasks = [(folder, name, arguments.seed, worker, arguments.seconds) for worker in range(arguments.workers)]
    if len(tasks) == 1:
        found = [solve(*tasks[0])]
    else:
        with concurrent.futures.ProcessPoolExecutor(len(tasks), mp_context=multiprocessing.get_context("spawn")) as pool:
            found = [job.result() for job in [pool.submit(solve, *task) for task in tasks]]
    for at, _seconds in found:
        if broken := instance.breaches(at):
            raise SystemExit(f"{name}: the answer breaks {', '.join(broken)}")
    return min(instance.cost(at) for at, _seconds in found), sum(seconds for _at, seconds in found)


def main(arguments):
    folder = DATA / "roadef2012"
    if not folder.is_dir():
        print(f"Machine reassignment left out: there is no folder {folder} (set FORESIGHT_DATA to the folder of data sets).")
        return 0
    if importlib.util.find_spec("numba") is None:
        print("Machine reassignment left out: numba is missing (python -m pip install -r requirements-test.txt).")
        return 0
    with open(folder / "reference_costs.csv", encoding="utf-8") as file:
        reference = {row["instance"]: (int(row["initial_cost"]), int(row["team_S41_300s_cost"])) for row in csv.DictReader(file)}
    scores: dict[str, list[float]] = {}
    print(f"{arguments.workers} × {arguments.seconds:g} CPU s.\n\n| instance | score | CPU s |\n|---|---|---|")
    for name in arguments.instances or NAMES:
        cost, seconds = measure(folder, name, arguments)
        initial, winner = reference[name]
        score = 100 * (cost - winner) / initial
        scores.setdefault(name.split("_")[0], []).append(score)
        print(f"| {name} | {score:.2f} | {seconds:.0f} |", flush=True)
    print("\n| set | instances | mean score | goal | |\n|---|---|---|---|---|")
    for group, some in scores.items():
        mean = float(np.mean(some))
        print(f"| {group} | {len(some)} | {mean:.2f} | ≤ {GOALS[group]:g} | {'reached' if mean <= GOALS[group] else 'missed'} |")
    return 0


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", nargs="+", choices=NAMES, help="only these")
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds of each worker (default: %(default)s)")
    parser.add_argument(
        "--workers", type=int, default=2, help="searches with seeds and terms of their own, of which the best counts (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(read_arguments()))
