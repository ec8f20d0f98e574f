# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Made-up clusters of several kinds and sizes: is what holds for the clusters of files true of others?"""

from __future__ import annotations

import collections
import dataclasses
import statistics
import time

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster

MEMORY, BOTH = ("memory",), ("cpu", "memory")
RULES = {"grouped": 0.2, "pinned": 0.1, "maintenance": 2, "immovable": 0.02, "reserve": 0.05, "overhead": 0.03}
# Few sizes and nodes of 614 to 2,457 GiB, from next to empty to nearly full.
TILED = {
    "node_sizes": [2457.0, 2099.0, *[1228.0] * 6, *[768.0] * 4, 614.0],
    "guest_sizes": [{"gib": gib, "weight": weight} for gib, weight in ((8, 25), (16, 25), (32, 42), (64, 4), (128, 4))],
    "guests_per_node": None,
    "load": [0.01, 0.9],
}
# Kinds of clusters: options of `synthetic_cluster`, and the resources that are to be balanced.
KINDS = {
    "tiled": (TILED, MEMORY),
    "even": ({"load": [0.1, 0.9]}, MEMORY),
    "full": ({"load": [0.4, 0.95]}, MEMORY),
    "skewed": ({"load": [0.1, 0.9], "distribution": "skewed"}, MEMORY),
    "few large guests": ({"load": [0.1, 0.9], "guests_per_node": 7}, MEMORY),
    "tiled, cpu and memory": ({**TILED, "correlation": 0.9}, BOTH),
    "cpu and memory": ({"load": [0.1, 0.9], "correlation": 0.5}, BOTH),
    "cpu against memory": ({"load": [0.1, 0.8], "correlation": -1.0}, BOTH),
    "tiled, rules": ({**TILED, **RULES}, MEMORY),
    "rules": ({"load": [0.1, 0.85], **RULES}, MEMORY),
    "rules, cpu and memory": ({"load": [0.1, 0.85], "correlation": 0.5, **RULES}, BOTH),
}
SIZES = (13, 50, 200, 1000)
# How many clusters of a kind there are by size, as a part of the seeds asked for.
PARTS = {13: 1.0, 50: 1.0, 200: 0.5, 1000: 0.2}


@dataclasses.dataclass(frozen=True)
class Result:
    """What a strategy made of a cluster. excess: spread above the target."""

    moves: int
    gib: float
    excess: float
    violations: int
    seconds: float


def made_up(kind, nodes, seed):
    """Return the document of a made-up cluster, and the resources to be balanced."""
    options, resources = KINDS[kind]
    return synthetic_cluster(**{"nodes": nodes, "guests_per_node": 20, **options, "seed": seed}), resources


def clusters(seeds, sizes, kinds=tuple(KINDS)):
    """Yield kind, nodes, seed of all clusters."""
    for nodes in sizes:
        for kind in kinds:
            for number in range(max(1, round(seeds * PARTS.get(nodes, 1.0)))):
                yield kind, nodes, 7_000 + number


def table(rows):
    """Print what `rows` of (kind, nodes, bound, {strategy: Result}) come to, by kind and size."""
    print("| nodes | kind | clusters | moves ÷ `greedy_batch` where both reach | bytes ÷ `greedy_batch` | moves ÷ counted bound "
          "| target missed: ours, `greedy_batch` "
          "| more moves than `greedy_batch` | more violations | CPU s, mean (most) |")  # fmt: skip
    print("|" + "---|" * 10)
    found = collections.defaultdict(list)
    for kind, nodes, bound, results in rows:
        found[nodes, kind].append((bound, results["foresight"], results["greedy_batch"]))
    for (nodes, kind), several in found.items():
        both = [(ours, theirs) for _bound, ours, theirs in several if not ours.excess and not theirs.excess and theirs.moves]
        moves, size = (_mean([getattr(ours, what) / getattr(theirs, what) for ours, theirs in both]) for what in ("moves", "gib"))
        to_bound = _mean([ours.moves / bound for bound, ours, _theirs in several if bound and not ours.excess])
        seconds = [ours.seconds for _bound, ours, _theirs in several]
        missed = [sum(results[number].excess > 0 for results in several) for number in (1, 2)]
        more = sum(ours.moves > theirs.moves for ours, theirs in both)
        worse = sum(ours.violations > theirs.violations for _bound, ours, theirs in several)
        print(
            f"| {nodes} | {kind} | {len(several)} | {moves} | {size} | {to_bound} | {missed[0]}, {missed[1]} | {more} | {worse} "
            f"| {statistics.mean(seconds):.2f} ({max(seconds):.2f}) |"
        )


def _mean(values):
    return f"{statistics.mean(values):.2f}" if values else "–"


def result(bench, cluster, problem, policy, strategy):
    """Return what a strategy makes of a cluster; bench: the module that runs it and measures."""
    started = time.process_time()
    at = bench.run(strategy, problem, policy)
    seconds = time.process_time() - started
    moved = at != cluster.home
    spread = dict(zip(cluster.resources, bench.spread_of(cluster, at), strict=True))
    excess = sum(max(0.0, spread[name] - policy.target_spread[name] - 1e-9) for name in policy.resources)
    return Result(int(moved.sum()), float(cluster.bytes[moved].sum()) / bench.GIB, excess, bench.violations(cluster, at), seconds)


def read(kind, nodes, seed):
    """Return a made-up cluster as it is read, and the resources to be balanced."""
    document, resources = made_up(kind, nodes, seed)
    return read_cluster(document), resources
