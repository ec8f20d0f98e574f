# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verifier and the optimisers read a cluster document apart from each other; both must see the same."""

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_facts import Facts


@pytest.fixture(params=range(6))
def document(request):
    return synthetic_cluster(
        seed=request.param,
        nodes=9,
        guests_per_node=6,
        load=[0.2, 1.0],
        more={"gpu": {"capacity": 4}},
        grouped=0.3,
        bound=0.2,
        pinned=0.2,
        broken=0.5,
        soft=0.3,
        maintenance=1,
        offline=1,
        immovable=0.1,
        stopped=0.2,
        local_disks=0.4,
        reserve=0.1,
        overhead=0.02,
    )


def test_both_see_the_same_amounts_and_limits(document):
    cluster, facts = read_cluster(document), Facts(document, overcommit=1.5)
    used = facts.used(facts.home)
    load, most, disks = cluster.load(cluster.home), np.zeros((9, 2)), np.zeros((9, len(cluster.storages)))
    np.add.at(most, cluster.home, cluster.most)
    np.add.at(disks, cluster.home, cluster.disks)
    for limit, amount in used.items():
        node = cluster.nodes.index(limit.node)
        if limit.kind == "storage":
            column = cluster.storages.index(limit.name)
            assert (amount, limit.most) == pytest.approx((disks[node, column], disks[node, column] + cluster.free[node, column]))
        else:
            column = cluster.resources.index(limit.name)
            seen = (load, 1.0) if limit.kind == "resource" else (most, 1.5)
            assert (amount, limit.most) == pytest.approx((seen[0][node, column], cluster.capacity[node, column] * seen[1]))
    assert len(used) == 9 * (3 + 2 + 1)
    for position, name in enumerate(cluster.guests):
        elsewhere = next(node for node in cluster.nodes if node != facts.home[name])
        assert facts.bytes_of_move(name, elsewhere) == pytest.approx(cluster.bytes[position])


def test_both_see_who_may_be_where(document):
    cluster, facts = read_cluster(document), Facts(document)
    assert facts.closed == {name for name, is_open in zip(cluster.nodes, cluster.open, strict=True) if not is_open}
    for position, name in enumerate(cluster.guests):
        bound = [rule for rule in cluster.rules if rule.strict and position in rule.guests and rule.kind.endswith("on_nodes")]
        for node, where in enumerate(cluster.nodes):
            may = bool(cluster.reachable[position, node] and cluster.open[node])
            may &= all((node in rule.nodes) is (rule.kind == "on_nodes") for rule in bound)
            # An arrival that storage or pins forbid, the home apart, which always has the disks of its guests.
            forbidden = bool(facts.barred(name, where)) or (where != facts.home[name] and facts.unreachable(facts.guests[name], where))
            assert may is not forbidden, (name, where)


def test_only_the_nodes_that_are_asked_for_are_looked_at(document):
    facts = Facts(document)
    some = list(facts.nodes)[:2]
    everything = facts.used(facts.home)
    assert facts.used(facts.home, nodes=some) == {limit: amount for limit, amount in everything.items() if limit.node in some}
