# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each strategy makes of the clusters in $FORESIGHT_DATA/clusters (default ../shared/data). Prints Markdown.

    .venv/bin/python tests/benchmarks/placement_bench.py --seeds 10 [--sizes 13 50]      # made-up clusters instead of files, against greedy_batch
    .venv/bin/python tests/benchmarks/placement_bench.py [--clusters classic_s1 13x20_s1] [--strategies greedy foresight] [--resources memory]

Moves, bytes and spreads are exact and come from the documents; times are CPU seconds of this process after one call to warm up, and as ratios
to `greedy` on the same cluster in the same run. Bounds hold for memory alone. --exact 300 compares `foresight` with the proven best of so many small
random clusters instead.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import pathlib
import sys
import time

import numpy as np
import placement_seeds
from placement_bounds import Memory, counted_moves, least_bytes, programmed_moves
from placement_exact import compare_with_exact

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import read_policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import make_problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.search import Search
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies import STRATEGIES
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.window import Window

HERE = pathlib.Path(__file__).resolve().parent
DATA = pathlib.Path(os.environ.get("FORESIGHT_DATA") or HERE.parents[1].parent / "shared" / "data")
GIB = 2**30
SPREAD = 0.05
BOTH = ("cpu", "memory")
# Clusters and the resources that are to be balanced on each.
CASES = (
    ("classic_s1", ("memory",)), ("13x20_s1", ("memory",)), ("50x20_s1", ("memory",)), ("50x20_s1", BOTH), ("50x20_cpu_s1", ("memory",)),
    ("50x20_cpu_s1", BOTH), ("50x20_anti_s1", BOTH), ("50x20_rules_s1", ("memory",)), ("50x20_rules_s1", BOTH), ("200x20_s1", ("memory",)),
    ("1000x20_s1", ("memory",)),
)  # fmt: skip


def run(name, problem, policy):
    """Return the node of each guest [g] as a strategy leaves it, repair included. The only place that calls strategies."""
    state = State(problem)
    # What has to move goes to where balance wants it.
    low = Shares(state).mean - problem.target / 2
    Search(state, Window(problem, low), problem.movable, np.random.default_rng(policy.seed)).settle()
    STRATEGIES[name](state, Terms(problem.movable, policy.max_moves, policy.max_bytes, policy.seed))
    at = problem.cluster.home.copy()
    for item, members in enumerate(problem.members):
        if state.at[item] >= 0:
            at[list(members)] = state.at[item]
    return at


def main(arguments):
    if arguments.exact:
        warm_up(["exact", "foresight"])
        compare_with_exact(arguments.exact)
        return 0
    if arguments.seeds:
        return others(arguments)
    folder = DATA / "clusters"
    if not folder.is_dir():
        print(f"Clusters left out: there is no folder {folder} (set FORESIGHT_DATA to the folder of data sets).")
        return 0
    warm_up(arguments.strategies)
    for name, resources in CASES:
        if (arguments.clusters and name not in arguments.clusters) or (arguments.resources and set(resources) != set(arguments.resources)):
            continue
        path = folder / f"{name}.json.gz"
        if not path.is_file():
            print(f"{name} left out: there is no {path}.\n")
            continue
        with gzip.open(path) as file:
            compare(name, json.load(file), resources, arguments)
    return 0


def others(arguments):
    """Print what `foresight` and `greedy_batch` make of made-up clusters."""
    strategies, rows = ("foresight", "greedy_batch"), []
    warm_up(strategies)
    for kind, nodes, seed in placement_seeds.clusters(arguments.seeds, arguments.sizes):
        cluster, resources = placement_seeds.read(kind, nodes, seed)
        policy = read_policy(
            {"resources": dict.fromkeys(resources, 1.0), "target_spread": SPREAD, "seed": arguments.seed}, cluster.resources
        )
        problem, bound = make_problem(cluster, policy), counted_moves(memory_of(cluster), SPREAD)
        rows.append(
            (
                kind,
                nodes,
                bound,
                {name: placement_seeds.result(sys.modules[__name__], cluster, problem, policy, name) for name in strategies},
            )
        )
    placement_seeds.table(rows)
    return 0


def compare(name, document, resources, arguments):
    """Print the table of a cluster."""
    cluster = read_cluster(document)
    policy = read_policy({"resources": dict.fromkeys(resources, 1.0), "target_spread": SPREAD, "seed": arguments.seed}, cluster.resources)
    problem, memory = make_problem(cluster, policy), memory_of(cluster)
    least, counted, programmed = least_bytes(memory, SPREAD), counted_moves(memory, SPREAD), programmed_moves(memory, SPREAD)
    bound = f"at least {counted} by counting"
    if programmed:
        bound += f", {programmed[0]} by an integer program{'' if programmed[1] else ' (not solved to the end)'}"
    print(f"\n### `{name}`, {' + '.join(resources)}: {len(cluster.nodes)} nodes, {len(cluster.guests)} guests\n")
    print(f"Start: {figures(cluster, cluster.home)}. For memory alone: B({SPREAD}) = {least:,.0f} GiB; moves {bound}.\n", flush=True)
    print("| strategy | moves | GiB | × B(.05) | spread " + " | spread ".join(cluster.resources) + " | violations | CPU s | × greedy |")
    print("|" + "---|" * (7 + len(cluster.resources)))
    base = None
    for strategy in sorted(arguments.strategies, key=lambda one: one != "greedy"):
        try:
            started = time.process_time()
            at = run(strategy, problem, policy)
        except InputError as error:
            print(f"| {strategy} | left out: {error} |" + " |" * (5 + len(cluster.resources)))
            continue
        seconds = time.process_time() - started
        base = base or seconds
        moved = at != cluster.home
        size = cluster.bytes[moved].sum() / GIB
        spreads = " | ".join(f"{value:.3f}" for value in spread_of(cluster, at))
        ratio = f"{seconds / base:.1f}" if "greedy" in arguments.strategies else ""
        print(
            f"| {strategy} | {moved.sum()} | {size:,.0f} | {size / least if least else 0:.2f} | {spreads} | {violations(cluster, at)} "
            f"| {seconds:.2f} | {ratio} |",
            flush=True,
        )


def warm_up(strategies):
    """Call every strategy once, on next to nothing: what it imports is not what it takes."""
    document = {
        "nodes": [{"name": name, "cpu": 8.0, "memory": 8 * GIB} for name in "ab"],
        "guests": [{"id": str(number), "node": "a", "cpu": 1.0, "memory": GIB} for number in range(4)],
    }
    cluster = read_cluster(document)
    policy = read_policy({}, cluster.resources)
    for strategy in strategies:
        run(strategy, make_problem(cluster, policy), policy)


def figures(cluster, at):
    spreads = ", ".join(f"{name} {value:.3f}" for name, value in zip(cluster.resources, spread_of(cluster, at), strict=True))
    return f"spread {spreads}, {violations(cluster, at)} violations"


def spread_of(cluster, at):
    """Return max − min of load / usable capacity over the open nodes [r]."""
    load, capacity = cluster.load(at)[cluster.open], cluster.capacity[cluster.open]
    shares = [load[has, column] / capacity[has, column] for column, has in enumerate((capacity > 0).T)]
    return [float(np.ptp(share)) if len(share) else 0.0 for share in shares]


def violations(cluster, at):
    """Return strict rules that are broken, guests on nodes that they must not be on, and overloaded resources of nodes."""
    found = int((cluster.load(at) > cluster.capacity * (1 + 1e-9) + 1e-9).sum())
    found += int((~(cluster.reachable & cluster.open[None, :])[np.arange(len(at)), at]).sum())
    for rule in (rule for rule in cluster.rules if rule.strict):
        nodes = at[list(rule.guests)].tolist()
        found += {
            "together": len(set(nodes)) > 1,
            "apart": len(set(nodes)) < len(nodes),
            "on_nodes": not set(nodes) <= set(rule.nodes),
            "not_on_nodes": bool(set(nodes) & set(rule.nodes)),
        }[rule.kind]
    return found


def memory_of(cluster):
    """Return the memory of open nodes, and what has to leave the closed ones."""
    nodes, column = np.flatnonzero(cluster.open), cluster.resources.index("memory")
    mobile = cluster.movable & cluster.running & (cluster.demand[:, column] > 0)
    size = cluster.demand[:, column] / GIB
    leaving = mobile & ~cluster.open[cluster.home] & cluster.online[cluster.home]
    return Memory(
        capacity=cluster.capacity[nodes, column] / GIB,
        load=cluster.load(cluster.home)[nodes, column] / GIB,
        sizes=[size[mobile & (cluster.home == node)] for node in nodes],
        must=size[leaving],
    )


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clusters", nargs="*", help="names of clusters; default: all")
    parser.add_argument("--strategies", nargs="*", default=[name for name in STRATEGIES if name != "exact"], choices=STRATEGIES)
    parser.add_argument("--resources", nargs="*", help="only the cases that balance just these")
    parser.add_argument(
        "--exact", type=int, metavar="N", help="compare foresight with exact on so many small random clusters, and nothing else"
    )
    parser.add_argument("--seeds", type=int, help="so many made-up clusters of each kind and size instead of files")
    parser.add_argument("--sizes", type=int, nargs="*", default=placement_seeds.SIZES, help="nodes of the made-up clusters")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main(read_arguments()))
