# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster document: what it says, its defaults, and the errors of one that means nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_facts import Facts
from support.small_clusters import cluster, guest, node, rule


def test_nodes_and_guests_are_in_the_order_of_their_names():
    read = read_cluster(cluster(["b", "a"], [guest("g2", "b", 5), guest("g1", "a", 3)], rule("apart", "g2 g1")))
    assert (read.nodes, read.guests) == (("a", "b"), ("g1", "g2"))
    assert read.home.tolist() == [0, 1]
    assert read.rules[0].guests == (0, 1)
    assert read.load(read.home)[:, 1].tolist() == [3, 5]


def test_what_a_node_keeps_and_uses_itself_counts():
    read = read_cluster(cluster([node("a", reserve={"memory": 20}, overhead={"cpu": 3}), node("b", reserve={"memory": 200})]))
    assert read.capacity.tolist() == [[100, 80], [100, 0]]
    assert read.load(read.home).tolist() == [[3, 0], [0, 0]]


def test_nodes_are_open_unless_offline_or_in_maintenance():
    read = read_cluster(cluster(["a", node("b", online=False), node("c", maintenance=True)]))
    assert read.online.tolist() == [True, False, True]
    assert read.open.tolist() == [True, False, False]


def test_a_stopped_guest_has_disks_and_nothing_else():
    disks = [{"storage": "local", "bytes": 7}]
    stopped = guest("g", "a", 40, running=False, disks=disks, memory_max=50)
    read = read_cluster(cluster([node("a", storages={"local": {}})], [stopped]))
    assert read.demand.sum() == read.most.sum() == 0
    assert read.bytes.tolist() == [7]


def test_other_resources_are_known_by_name():
    read = read_cluster(cluster([node("a", more={"gpu": 2, "disks": 3}), "b"], [guest("g", "a", more={"gpu": 1})]))
    assert read.resources == ("cpu", "memory", "disks", "gpu")
    assert read.capacity[:, 2:].tolist() == [[3, 2], [0, 0]]
    assert read.demand[0, 2:].tolist() == [0, 1]


def test_what_a_guest_may_use_is_its_demand_where_nothing_else_is_told():
    read = read_cluster(cluster(["a"], [guest("g1", "a", 10, 2), guest("g2", "a", 10, 2, memory_max=16, cpu_max=4)]))
    assert read.most.tolist() == [[2, 10], [4, 16]]


def test_pins_and_storages_say_where_a_guest_can_be():
    nodes = [
        node("a", storages={"local": {"bytes": 100, "used": 60}, "nfs": {"shared": True}}),
        node("b", storages={"nfs": {"shared": True}}),
        "c",
    ]
    guests = [
        guest("g1", "a", disks=[{"storage": "local", "bytes": 5}]),
        guest("g2", "a", disks=[{"storage": "nfs", "bytes": 5}]),
        guest("g3", "a", pinned_to=["b", "gone"]),
        guest("g4", "b", disks=[{"storage": "local", "bytes": 5}]),
    ]
    read = read_cluster(cluster(nodes, guests))
    assert read.reachable.tolist() == [[True, False, True], [True, True, True], [False, True, False], [True, True, True]]
    assert read.storages == ("local",)
    assert read.disks[:, 0].tolist() == [5, 0, 0, 5]
    assert read.free[:, 0].tolist() == [40, math.inf, math.inf]
    assert read.bytes.tolist() == [15, 10, 10, 15]


def test_a_storage_of_which_nothing_is_told_is_the_nodes_own():
    read = read_cluster(cluster([node("a", storages={"local": None})], [guest("g", "a", disks=[{"storage": "local", "bytes": 5}])]))
    assert (read.storages, read.bytes.tolist()) == (("local",), [15])


def test_predictions_of_a_move_win_those_for_a_node_first():
    migration = {"mode": "live", "bytes": {"0.5": 33}, "seconds": {"0.5": 4}, "targets": {"b": {"bytes": {"0.5": 44}}, "gone": {}}}
    read = read_cluster(cluster(["a", "b", "c"], [guest("g", "a", migration=migration), guest("h", "a", 9, migration={"mode": "live"})]))
    assert [read.bytes_to(0, to) for to in (1, 2)] == [44, 33]
    assert read.bytes_to(1, 1) == 9
    assert read.migrations[0].seconds == 4
    assert read.migrations[0].downtime_seconds is None


def test_rules_are_for_those_that_are_there():
    read = read_cluster(cluster(["a"], [guest("g", "a")], rule("on_nodes", "g gone g", ["a", "gone"], strict=False, weight=2)))
    (only,) = read.rules
    assert (only.guests, only.nodes, only.strict, only.weight) == ((0,), (0,), False, 2)


def test_without_guests_everything_is_there_and_empty():
    read = read_cluster({"nodes": [node("a")]})
    assert read.demand.shape == (0, 2)
    assert read.reachable.shape == (0, 1)
    assert np.array_equal(read.load(read.home), [[0, 0]])


GOOD = cluster(["a"], [guest("g", "a")])


def changed(where, **more):
    """Return a document of which the first node or guest has these keys; None takes one away."""
    first = {key: value for key, value in {**GOOD[where][0], **more}.items() if value is not None}
    return {**GOOD, where: [first]}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "The cluster document is [] (list); needed is a mapping (O(cluster))."),
        ({}, "The cluster document has no nodes; needed is at least one (O(cluster.nodes))."),
        ({"nodes": {}}, "The cluster document: nodes is {} (dict); needed is a list (O(cluster.nodes))."),
        ({"nodes": ["a"]}, "Node 0 is 'a' (str); needed is a mapping (O(cluster.nodes[0]))."),
        (changed("nodes", name=None), "Node 0 has no name (O(cluster.nodes[0].name))."),
        (changed("nodes", name=""), "Node 0: name is '' (str); needed is a text (O(cluster.nodes[0].name))."),
        (changed("nodes", memory=None), "Node a has no memory (O(cluster.nodes[0].memory))."),
        (changed("nodes", memory=-1), "Node a: memory is -1 (int); needed is a number of 0 or more (O(cluster.nodes[0].memory))."),
        (changed("nodes", memory=math.nan), "Node a: memory is nan (float); needed is a number of 0 or more (O(cluster.nodes[0].memory))."),
        (changed("nodes", cpu="8"), "Node a: cpu is '8' (str); needed is a number of 0 or more (O(cluster.nodes[0].cpu))."),
        (changed("nodes", cpu=True), "Node a: cpu is True (bool); needed is a number of 0 or more (O(cluster.nodes[0].cpu))."),
        (changed("nodes", online="no"), "Node a: online is 'no' (str); needed is true or false (O(cluster.nodes[0].online))."),
        (
            changed("nodes", reserve={"memory": -5}),
            "reserve of Node a: memory is -5 (int); needed is a number of 0 or more (O(cluster.nodes[0].reserve.memory)).",
        ),
        (
            changed("nodes", link_bytes_per_second=0),
            "Node a: link_bytes_per_second is 0 (int); needed is a number above 0 (O(cluster.nodes[0].link_bytes_per_second)).",
        ),
        (cluster(["a", "a"]), "The name 'a' appears twice among the nodes; each must be its own (O(cluster.nodes[].name))."),
        (cluster(["a"], [guest("g", "a")] * 2), "The id 'g' appears twice among the guests; each must be its own (O(cluster.guests[].id))."),
        (changed("guests", id=None), "Guest 0 has no id (O(cluster.guests[0].id))."),
        (changed("guests", node="b"), "Guest g: node is 'b' (str); needed is the name of a node of the document (O(cluster.guests[0].node))."),
        (changed("guests", cpu=math.inf), "Guest g: cpu is inf (float); needed is a number of 0 or more (O(cluster.guests[0].cpu))."),
        (changed("guests", priority=0), "Guest g: priority is 0 (int); needed is a number above 0 (O(cluster.guests[0].priority))."),
        (
            changed("guests", more={"gpu": 1}),
            "Guest g: more is 'gpu' (str); needed is a resource that a node has (more: none is told) (O(cluster.guests[0].more)).",
        ),
        (changed("guests", pinned_to="a"), "Guest g: pinned_to is 'a' (str); needed is a list (O(cluster.guests[0].pinned_to))."),
        (changed("guests", pinned_to=[{}]), "Guest g: pinned_to is {} (dict); needed is a list of texts (O(cluster.guests[0].pinned_to))."),
        (changed("guests", disks=[{}]), "Disk 0 of Guest g has no storage (O(cluster.guests[0].disks[0].storage))."),
        (cluster(["a"], [], {"guests": []}), "Rule 0: kind is missing; needed is one of together, apart, on_nodes, not_on_nodes (O(cluster.rules[0].kind))."),
        (
            cluster(["a"], [], rule("near", "")),
            "Rule 0: kind is 'near' (str); needed is one of together, apart, on_nodes, not_on_nodes (O(cluster.rules[0].kind)).",
        ),
        (cluster(["a"], [], {"kind": "apart", "guests": [["g"]]}), "Rule 0: guests is ['g'] (list); needed is a list of texts (O(cluster.rules[0].guests))."),
        (cluster(["a"], [], rule("apart", "", weight=-1)), "Rule 0: weight is -1 (int); needed is a number of 0 or more (O(cluster.rules[0].weight))."),
        (
            {**GOOD, "demand": {"basis": "guess"}},
            "demand of The cluster document: basis is 'guess' (str); needed is one of current, predicted_peak (O(cluster.demand.basis)).",
        ),
        ({**GOOD, "balancers": "drs"}, "The cluster document: balancers is 'drs' (str); needed is a list (O(cluster.balancers))."),
    ],
)  # fmt: skip
def test_a_document_that_means_nothing_is_refused_with_what_is_needed(document, told):
    with pytest.raises(InputError) as raised:
        read_cluster(document)
    assert str(raised.value) == told


def test_a_storage_that_no_node_names_is_where_no_storages_are_told():
    nodes = [node("a", storages={"nfs": {"shared": True}}), node("b", storages={"nfs": {"shared": True}}), "c"]
    document = cluster(nodes, [guest("g1", "a", disks=[{"storage": "tape", "bytes": 5}]), guest("g2", "c", disks=[{"storage": "tape"}])])
    read, facts = read_cluster(document), Facts(document)
    assert read.reachable.tolist() == [[True, False, True], [False, False, True]]
    for row, one in enumerate(document["guests"]):
        missing = [facts.unreachable(one, name) and name != one["node"] for name in "abc"]
        assert missing == [not there for there in read.reachable[row].tolist()]


def test_disks_are_everywhere_where_no_node_tells_storages():
    assert read_cluster(cluster("ab", [guest("g", "a", disks=[{"storage": "tape", "bytes": 5}])])).reachable.all()
