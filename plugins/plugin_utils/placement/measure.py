# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a placement of guests is like: spread, standard deviation and maximum of the load of the open nodes, and how many limits are broken."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Cluster, Rule
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import ROUNDING
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats, Ints


class Measures(t.NamedTuple):
    """spread, std, highest: [r] of load / usable capacity over the open nodes that have something of a resource; violations: see `violations`;
    overloaded: resources of nodes that are over their capacity, in words; ratios: [n, r], NaN where a node has nothing of a resource.
    """

    spread: Floats
    std: Floats
    highest: Floats
    violations: int
    overloaded: tuple[str, ...]
    ratios: Floats


def measure(cluster: Cluster, at: Ints, overcommit: float | None, closed: Sequence[int] = (), unused: Sequence[int] = ()) -> Measures:
    """Return what the placement at [g] is like.

    :param closed: nodes that are treated as if they were in maintenance.
    :param unused: nodes that are left out of the figures, as they are not needed any more; nobody has to leave them.
    """
    load = cluster.load(at)
    ratios = np.divide(load, cluster.capacity, out=np.full(load.shape, np.nan), where=cluster.capacity > 0)
    open_ = cluster.open.copy()
    open_[list(closed)] = False
    used = open_.copy()
    used[list(unused)] = False
    figures = [_figures(column[~np.isnan(column)]) for column in ratios[used].T]
    spread, std, highest = np.array(figures).T
    over = [f"{cluster.resources[column]} of {cluster.nodes[node]}" for node, column in np.argwhere(_over(load, cluster.capacity)).tolist()]
    return Measures(spread, std, highest, violations(cluster, at, load, overcommit, open_), tuple(over), ratios)


def _figures(shares: Floats) -> tuple[float, float, float]:
    if not len(shares):
        return 0.0, 0.0, 0.0
    return float(shares.max() - shares.min()), float(shares.std()), float(shares.max())


def violations(cluster: Cluster, at: Ints, load: Floats, overcommit: float | None, open_: Bools) -> int:
    """Return the number of breaches of hard limits.

    Each strict together or apart rule that is broken counts once; each guest that is where it must not be, once (on a node that is not open,
    outside its pins or its strict on_nodes, on a node of its strict not_on_nodes); each resource of each node that holds more than its usable
    capacity, and each sum of cpu_max or memory_max beyond `overcommit`. Storages do not count. Guests that nothing can help are among them. The
    verifier counts the same, in its own way.
    """
    over = np.count_nonzero(_over(load, cluster.capacity))
    if overcommit is not None:
        most = np.zeros((len(cluster.nodes), 2))
        np.add.at(most, at, cluster.most)
        over += np.count_nonzero(_over(most, cluster.capacity[:, :2] * overcommit))
    astray = ~open_[at] | ~cluster.pins[np.arange(len(at)), at]
    broken = 0
    for rule in cluster.rules:
        if not rule.strict:
            continue
        against = breakers(rule, at)
        if rule.kind in ("together", "apart"):
            broken += bool(against)
        else:
            astray[against] = True
    return int(over + np.count_nonzero(astray) + broken)


def _over(load: Floats, capacity: Floats) -> Bools:
    return np.asarray(load > capacity * (1.0 + ROUNDING) + ROUNDING)


def breakers(rule: Rule, at: Ints) -> list[int]:
    """Return the guests that break a rule when they are at [g]: of a together or apart rule all, if any do."""
    nodes = [int(at[guest]) for guest in rule.guests]
    if rule.kind == "together":
        return list(rule.guests) if len(set(nodes)) > 1 else []
    if rule.kind == "apart":
        return list(rule.guests) if len(set(nodes)) < len(nodes) else []
    return [guest for guest, node in zip(rule.guests, nodes, strict=True) if (node in rule.nodes) == (rule.kind == "not_on_nodes")]
