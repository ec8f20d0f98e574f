# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether balance comes to rest: a cluster is balanced once an hour for 1,000 hours while the loads of its guests are noisy. Prints Markdown.

    .venv/bin/python tests/benchmarks/placement_stability_bench.py [--quick]

Every cycle each guest's load is its mean times a log-normal factor: drawn anew each hour, or persistent (correlation 0.9 with the hour before). The
moves of a cycle are carried out and `last_moved_at` is set before the next. The clusters are made up from fixed seeds. Exit status 1 if a guest was
moved for balance within its cool-down, or the verifier found something.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify
from support.noisy_loads import HOUR, cycles
from support.small_clusters import moved

DAY = 24 * HOUR
REALISTIC = {"resources": {"memory": 1.0}, "hold_seconds": HOUR // 2, "cool_down_seconds": DAY, "min_gain": 0.01}
WAYS = {
    "no memory, no waits": {"memory_seconds": 0},
    "no memory, hold, cool-down, min_gain": {**REALISTIC, "memory_seconds": 0},
    "defaults": {},
    "defaults, hold, cool-down, min_gain": REALISTIC,
}
NOISES = ((0.02, 0.0), (0.05, 0.0), (0.1, 0.0), (0.1, 0.9), (0.2, 0.9))


def main(arguments: argparse.Namespace) -> int:
    """Print the table; return 1 if a promise was broken."""
    count = 200 if arguments.quick else 1000
    document = synthetic_cluster(seed=1, nodes=6, guests_per_node=10)
    print(f"6 nodes, {len(document['guests'])} guests, memory, {count:,} hours; moves in each quarter of them.\n")
    print(
        "| noise of a guest, hour to hour | policy | first hour | moves by quarter | hours with moves | last hour with moves | "
        "spread, median and 99 % | the same guest within a day | CPU s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    wrong = 0
    for noise, persistence in NOISES:
        for name, policy in WAYS.items():
            wrong += _row(document, name, policy, noise, persistence, count)
    return 1 if wrong else 0


def _row(document, name, policy, noise, persistence, count):
    begun, moves, spreads, again, wrong = time.process_time(), [], [], 0, 0
    for cycle in cycles(document, policy, noise=noise, persistence=persistence, count=count, seed=1):
        answer = cycle.answer
        moves.append(len(answer["moves"]))
        spreads.append(answer["before"]["spread"]["memory"])
        soon = {guest for guest, since in cycle.since.items() if since < DAY}
        again += len(soon)
        if answer["moves"]:
            wrong += len(verify(cycle.document, answer, {**policy, "now": cycle.now}))
        last = cycle
    if "cool_down_seconds" in policy and again:
        wrong += again
    carried_out = moved(last.document, last.answer)
    wrong += bool(cluster_balance(carried_out, {**policy, "now": last.now})["moves"])
    quarter = count // 4
    parts = ", ".join(str(sum(moves[part * quarter : (part + 1) * quarter])) for part in range(4))
    busy = [hour for hour, number in enumerate(moves) if number]
    settled = np.array(spreads[quarter:])
    kind = "persistent" if persistence else "anew"
    print(
        f"| {noise:.0%}, {kind} | {name} | {moves[0]} | {parts} | {len(busy)} | {busy[-1] if busy else '–'} | "
        f"{np.median(settled):.3f}, {np.quantile(settled, 0.99):.3f} | {again} | {time.process_time() - begun:.0f} |",
        flush=True,
    )
    if wrong:
        print(f"\n{wrong} things are wrong with {name} at {noise:.0%}.\n", file=sys.stderr)
    return wrong


def read_arguments() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="200 hours instead of 1,000")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(read_arguments()))
