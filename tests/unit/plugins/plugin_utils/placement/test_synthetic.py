# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Synthetic clusters are what their options say, the same on every machine, and what the readers of cluster documents take."""

from __future__ import annotations

import collections
import hashlib
import json
import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.lookup import synthetic_cluster as face
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic_options import read_options

GIB = 2**30
DIGEST = "db585c7fc991276bb22acaaf1d51471ba59d5cbc073a85fe71f77e1b0e54c064"
EVERYTHING = {
    "nodes": 20,
    "guests_per_node": 15,
    "more": {"gpu": {"capacity": 4, "load": [0.0, 0.5], "correlation": -1}},
    "grouped": 0.2,
    "bound": 0.05,
    "pinned": 0.1,
    "soft": 0.3,
    "maintenance": 2,
    "offline": 1,
    "immovable": 0.05,
    "stopped": 0.1,
    "local_disks": 0.3,
    "reserve": 0.05,
    "overhead": 0.01,
    "link_bytes_per_second": 1.25e9,
    "observed_at": 1_763_700_000,
}


def loads(document, resource="memory"):
    """Return the load of each node as a fraction of its usable capacity."""
    found = {}
    for node in document["nodes"]:
        used = node["overhead"].get(resource, 0)
        whole = node["more"][resource] if resource in node.get("more", {}) else node[resource] - node["reserve"][resource]
        here = [guest for guest in document["guests"] if guest["node"] == node["name"]]
        found[node["name"]] = (used + sum(guest.get("more", guest).get(resource, guest.get(resource, 0)) for guest in here)) / whole
    return found


def is_broken(rule, at):
    nodes = [at[name] for name in rule["guests"]]
    if rule["kind"] == "together":
        return len(set(nodes)) > 1
    if rule["kind"] == "apart":
        return len(set(nodes)) < len(nodes)
    return any((node in rule["nodes"]) is (rule["kind"] == "not_on_nodes") for node in nodes)


@st.composite
def options(draw):
    share = st.floats(0, 1)
    nodes = draw(st.one_of(st.integers(2, 12), st.lists(st.floats(1, 2000), min_size=2, max_size=8)))
    return {
        "nodes": nodes,
        "seed": draw(st.integers(0, 1000)),
        "guests_per_node": draw(st.one_of(st.none(), st.floats(0.5, 12))),
        "guest_sizes": [{"gib": 16, "weight": 2}, {"gib": 40}],
        "load": sorted(draw(st.tuples(share, share))),
        "distribution": draw(st.sampled_from(["uniform", "skewed"])),
        "correlation": draw(st.floats(-1, 1)),
        "maintenance": draw(st.integers(0, 1)),
        "more": draw(st.sampled_from([{}, {"gpu": {"capacity": 3}}])),
        **{name: draw(share) for name in ("grouped", "apart", "bound", "pinned", "broken", "soft", "immovable", "stopped", "local_disks")},
        "reserve": draw(st.floats(0, 0.5)),
        "overhead": draw(st.floats(0, 0.3)),
    }


@given(options())
@settings(max_examples=150, deadline=None)
def test_any_options_give_a_cluster_that_can_be_read_and_is_not_overloaded(chosen):
    document = synthetic_cluster(**chosen)
    cluster = read_cluster(document)
    assert document == synthetic_cluster(**chosen)
    assert document["synthetic"] is True
    assert (cluster.load(cluster.home) <= cluster.capacity * (1 + 1e-9) + cluster.overhead).all()
    assert {rule.kind for rule in cluster.rules} <= {"together", "apart", "on_nodes", "not_on_nodes"}
    named = collections.Counter(name for rule in document["rules"] for name in rule["guests"])
    named.update(guest["id"] for guest in document["guests"] if "pinned_to" in guest)
    assert set(named.values()) <= {1}


def test_the_same_options_give_the_same_document_on_every_machine():
    text = json.dumps(synthetic_cluster(seed=5, **EVERYTHING), sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() == DIGEST
    assert synthetic_cluster(seed=6, **EVERYTHING) != json.loads(text)


def test_the_classic_nodes():
    document = synthetic_cluster(load=[0.4, 0.5])
    assert [node["memory"] // GIB for node in document["nodes"]] == [768, 656, *[384] * 6, *[240] * 4, 192]
    assert [node["cpu"] for node in document["nodes"]][:2] == [96.0, 82.0]
    assert all(0.4 - 2 / 192 < load <= 0.5 for load in loads(document).values())


def test_numbers_lists_and_sizes_of_nodes():
    assert len(synthetic_cluster(nodes="15")["nodes"]) == 15
    assert [node["memory"] // GIB for node in synthetic_cluster(nodes=3, node_sizes=[100, 200])["nodes"]] == [100, 200, 100]
    assert [node["cpu"] for node in synthetic_cluster(nodes=[64, 32.0], memory_per_core=4)["nodes"]] == [16, 8]


def test_loads_lie_between_the_fractions_and_skewed_ones_are_mostly_low():
    even, skewed = (
        list(loads(synthetic_cluster(nodes=200, distribution=kind, load=[0.2, 0.8])).values()) for kind in ("uniform", "skewed")
    )
    assert 0.17 < min(even) < 0.25
    assert 0.75 < max(even) <= 0.8
    assert 0.45 < sum(even) / 200 < 0.55
    assert 0.30 < sum(skewed) / 200 < 0.40
    assert max(skewed) > 0.7


def test_guests_per_node_scales_their_sizes():
    for count in (5, 40):
        document = synthetic_cluster(nodes=100, guests_per_node=count, seed=2)
        assert 0.85 * count < len(document["guests"]) / 100 < 1.2 * count
        assert len({guest["memory"] for guest in document["guests"]}) <= 6


def test_sizes_come_as_often_as_their_weights_say():
    document = synthetic_cluster(nodes=100, guest_sizes=[{"gib": 1, "weight": 3}, {"gib": 2}])
    sizes = collections.Counter(guest["memory"] // GIB for guest in document["guests"])
    assert set(sizes) == {1, 2}
    assert 2.8 < sizes[1] / sizes[2] < 3.3


@pytest.mark.parametrize(("correlation", "least", "most"), [(1, 0.99, 1), (-1, -1, -0.99), (0, -0.25, 0.25), (0.5, 0.3, 0.7)])
def test_cpu_goes_with_memory_as_told(correlation, least, most):
    document = synthetic_cluster(nodes=150, correlation=correlation, guests_per_node=30)
    memory, cpu = loads(document), loads(document, "cpu")
    ranks = [{name: rank for rank, name in enumerate(sorted(one, key=one.get))} for one in (memory, cpu)]
    squares = sum((ranks[0][name] - ranks[1][name]) ** 2 for name in memory)
    assert least <= 1 - 6 * squares / (150 * (150**2 - 1)) <= most


def test_other_resources():
    document = synthetic_cluster(nodes=50, more={"gpu": {"capacity": 4, "load": [0.2, 0.6], "correlation": -1}, "slots": {"capacity": 10}})
    assert read_cluster(document).resources == ("cpu", "memory", "gpu", "slots")
    gpu, memory = loads(document, "gpu"), loads(document)
    assert min(gpu.values()) > 0.19
    assert max(gpu.values()) <= 0.6
    assert gpu[max(memory, key=memory.get)] < 0.25


@pytest.mark.parametrize("broken", [0, 1])
def test_rules_pins_and_who_must_not_move(broken):
    document = synthetic_cluster(**{**EVERYTHING, "broken": broken, "soft": 0})
    guests, at = document["guests"], {guest["id"]: guest["node"] for guest in document["guests"]}
    closed = {node["name"] for node in document["nodes"] if node["maintenance"] or not node["online"]}
    groups = [rule for rule in document["rules"] if rule["kind"] in ("together", "apart")]
    assert abs(sum(len(rule["guests"]) for rule in groups) - 0.2 * len(guests)) < 1.5
    assert {len(rule["guests"]) for rule in groups} <= {2, 3, 4, 5}
    assert {rule["kind"] for rule in document["rules"]} == {"together", "apart", "on_nodes", "not_on_nodes"}
    assert {is_broken(rule, at) for rule in document["rules"]} == {bool(broken)}
    pinned = [guest for guest in guests if "pinned_to" in guest]
    assert len(pinned) == round(0.1 * len(guests))
    assert {guest["node"] not in guest["pinned_to"] for guest in pinned} == {bool(broken)}
    assert all(set(guest["pinned_to"]) - closed for guest in pinned)
    fixed = [guest for guest in guests if not guest["movable"]]
    assert len(fixed) == round(0.05 * len(guests))
    assert not closed & {guest["node"] for guest in fixed}


def test_soft_rules_closed_nodes_stopped_guests_and_disks():
    document = synthetic_cluster(**EVERYTHING)
    assert {rule["strict"] for rule in document["rules"]} == {True, False}
    assert sum(node["maintenance"] for node in document["nodes"]) == 2
    (offline,) = (node["name"] for node in document["nodes"] if not node["online"])
    assert offline not in {guest["node"] for guest in document["guests"]}
    stopped = [guest for guest in document["guests"] if not guest["running"]]
    assert 0.05 < len(stopped) / (len(document["guests"]) - len(stopped)) < 0.2
    assert {(guest["cpu"], guest["memory"]) for guest in stopped} == {(0.0, 0)}
    local = [guest for guest in document["guests"] if guest["disks"][0]["storage"] == "local"]
    assert 0.2 < len(local) / len(document["guests"]) < 0.4
    for node in document["nodes"]:
        place = node["storages"]["local"]
        assert place["used"] == sum(guest["disks"][0]["bytes"] for guest in local if guest["node"] == node["name"])
        assert place["bytes"] >= place["used"]
    assert {node["link_bytes_per_second"] for node in document["nodes"]} == {1.25e9}
    assert document["observed_at"] == 1_763_700_000


def test_an_option_changes_what_it_is_about_and_nothing_else():
    plain, ruled = synthetic_cluster(seed=1, nodes=10), synthetic_cluster(seed=1, nodes=10, grouped=0.3, soft=0.5)
    assert plain["rules"] == []
    assert {**ruled, "rules": []} == plain


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"nodes": 0}, "nodes is 0 (int); needed is a number from 1 to 20000, a list of GiB, or classic"),
        ({"nodes": [64, -1]}, "nodes is -1 (int); needed is a list of numbers of GiB, each above 0"),
        ({"nodes": []}, "needed is a list of 1 to 20000 numbers"),
        ({"load": [0.5, 0.2]}, "load is [0.5, 0.2] (list); needed is a list of two numbers from 0 to 1, the smaller one first"),
        ({"load": [0.5, 1.2]}, "from 0 to 1"),
        ({"group_size": [1, 2]}, "two whole numbers of 2 or more"),
        ({"correlation": 2}, "needed is a number from -1"),
        ({"grouped": 1.5}, "grouped is 1.5 (float); needed is a number of 0 or more and at most 1"),
        ({"guest_sizes": [{"size": 4}]}, "unknown key 'size'"),
        ({"guest_sizes": []}, "at least one size"),
        ({"more": {"memory": {"capacity": 1}}}, "another resource than cpu and memory"),
        ({"nodes": math.inf}, "nodes is inf (float); needed is a number from 1 to 20000, a list of GiB, or classic"),
        ({"nodes": [1e308]}, "nodes is 1e+308 (float); needed is a list of numbers of GiB, each above 0 and at most 1073741824"),
        ({"nodes": [10**400]}, "needed is a list of numbers of GiB, each above 0 and at most 1073741824 (O(synthetic_cluster.nodes))"),
        ({"guests_per_node": 5e-324}, "guests_per_node is 5e-324 (float); needed is a number of 0.001 or more"),
        ({"memory_per_core": 1e-9}, "memory_per_core is 1e-09 (float); needed is a number of 0.001 or more"),
        (
            {"guest_sizes": [{"gib": 5e-324}]},
            "Guest size 0: gib is 5e-324 (float); needed is a number of 0.001 or more (O(guest_sizes[0].gib))",
        ),
        ({"more": {1: {"capacity": 2}}}, "more is 1 (int); needed is the name of another resource than cpu and memory, as a text"),
        ({"observed_at": 1763700000000}, "observed_at is 1763700000000 (int); needed is a time in UTC seconds since 1970"),
        ({"more": {"gpu": {}}}, "more.gpu has no capacity (O(more.gpu.capacity))"),
        ({"nodes": 3, "maintenance": 2, "offline": 1}, "leave none for guests"),
        ({"nodes": 20000, "guest_sizes": [{"gib": 0.01}]}, "needed are at most 2000000 (O(guest_sizes), O(guests_per_node), O(nodes))"),
        ({"sed": 1}, "unknown key 'sed'; did you mean seed?"),
    ],
)
def test_options_that_mean_nothing_are_refused(chosen, told):
    with pytest.raises(InputError) as caught:
        synthetic_cluster(**chosen)
    assert told in str(caught.value)


def test_the_documented_defaults_are_the_real_ones():
    documented = yaml.safe_load(face.DOCUMENTATION)["options"]
    assert read_options({name: option.get("default") for name, option in documented.items()}) == read_options({})
    for name in documented:
        read_options({name: None})
