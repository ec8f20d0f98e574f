# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`foresight` against `exact` on small random clusters: called by placement_bench.py --exact."""

from __future__ import annotations

import pathlib
import sys
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.repair import Limits, repair
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies import STRATEGIES
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.exact import solve
from support.placement_aims import aims
from support.random_clusters import random_cluster
from support.strategy_runs import settled, terms

AIMS = ("violations", "spread", "moves")
BOTH = {"cpu": 1.0, "memory": 1.0}
# Spreads that the solver's rounding makes differ are the same.
SAME = 1e-4


def small_cluster(seed):
    """Return a document and a policy: 2 to 4 nodes, 4 to 12 guests, 30, 50 or 70 % full; half of them with rules, closed nodes, pins and local
    disks, half of them balanced in two resources."""
    random = np.random.default_rng(seed)
    nodes, guests = int(random.integers(2, 5)), int(random.integers(4, 13))
    document = random_cluster(seed, nodes, guests, full=[0.3, 0.5, 0.7][seed % 3], plain=seed % 2 == 0)
    return document, {"resources": BOTH} if seed % 4 > 1 else {}


def compare_with_exact(count):
    """Print how `foresight` does on so many clusters, and every one on which it is not equal."""
    unproven, ratios, seconds = 0, [], {"exact": 0.0, "foresight": 0.0}
    worse, better, unrepaired = dict.fromkeys(AIMS, 0), 0, 0
    for seed in range(count):
        document, policy = small_cluster(seed)
        best, ours = settled(document, **policy), settled(document, **policy)
        started = time.process_time()
        proven = solve(best, terms(best))
        between = time.process_time()
        STRATEGIES["foresight"](ours, terms(ours))
        seconds["foresight"] += time.process_time() - between
        seconds["exact"] += between - started
        wanted, found = aims(best), aims(ours)
        unproven += not proven
        differs = next((number for number in range(3) if abs(wanted[number] - found[number]) > SAME), None)
        if differs is not None:
            better += found[differs] < wanted[differs]
            worse[AIMS[differs]] += proven and found[differs] > wanted[differs]
            print(f"- cluster {seed}, {'proven' if proven else 'not proven'}: exact {wanted}, foresight {found}", flush=True)
        elif proven and wanted[3]:
            ratios.append(found[3] / wanted[3])
        unrepaired += aims(repaired(ours.problem))[0] > wanted[0]
    print(
        f"\n{count} clusters, {count - unproven} proven by exact. foresight: {', '.join(f'{number} worse in {aim}' for aim, number in worse.items())}; "
        f"{better} better; equal in all three on {count - better - sum(worse.values())}; bytes × {np.mean(ratios or [1.0]):.4f} there on average, "
        f"{max(ratios, default=1.0):.3f} at most. Repair alone leaves more violations on {unrepaired}. "
        f"CPU: exact {seconds['exact']:.1f} s, foresight {seconds['foresight']:.1f} s."
    )  # fmt: skip


def repaired(problem):
    """Return the state in which repair leaves a problem."""
    state: State = repair(problem, Limits(problem.movable, None, None, 0)).search.state
    return state
