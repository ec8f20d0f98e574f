# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a placement is worth, counted one by one: no arithmetic of the strategies is asked."""

from __future__ import annotations

import numpy as np


def aims(state):
    """Return violations, spread above the target, moves and MiB."""
    problem = state.problem
    violations = int(state.overloaded().sum())
    for item in np.flatnonzero(problem.movable).tolist():
        node = int(state.at[item])
        astray = node < 0 or (problem.astray[item] if node == problem.home[item] else not problem.may[item, node])
        violations += len(problem.members[item]) * int(astray)
    for group in range(problem.strict_groups):
        nodes = [int(state.at[item]) for item in range(len(state.at)) if group in problem.groups[item] and state.at[item] >= 0]
        violations += len(set(nodes)) < len(nodes)
    excess = 0.0
    for number, column in enumerate(problem.resources.tolist()):
        capacity = problem.capacity[:, column]
        shares = [state.load[node, column] / capacity[node] for node in np.flatnonzero(problem.open & (capacity > 0)).tolist()]
        if shares:
            over = max(shares) - min(shares) - problem.target[number]
            excess += problem.weights[number] / problem.weights.mean() * max(0.0, over)
    cluster, at = problem.cluster, problem.cluster.home.copy()
    for item, members in enumerate(problem.members):
        at[list(members)] = np.where(state.at[item] < 0, at[list(members)], state.at[item])
    moved = at != cluster.home
    return violations, round(float(excess), 7), int(moved.sum()), round(cluster.bytes[moved].sum() / 2**20)
