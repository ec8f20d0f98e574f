# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bin packing: nothing overfull, nothing lost, reasons that are true, and as few bins as can be."""

from __future__ import annotations

import math
import random

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.filter import bin_pack as face
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import HEURISTICS, read_packing
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_packing import bin_pack
from support.packings import bin_, check, item


def triples(count):
    """Return items of which three fill a bin exactly, in one way or another."""
    draw = random.Random(1)
    found = []
    for number in range(count):
        first, second = draw.randint(26, 49), draw.randint(26, 49)
        first, second = (first, second) if first + second <= 74 else (first, 74 - first)
        found += [item(f"{number}/{place}", memory=size) for place, size in enumerate((first, second, 100 - first - second))]
    return found


def test_improvement_finds_what_no_heuristic_does():
    items, bins = triples(12), [bin_("node", 36, memory=100)]
    plain, improved = (bin_pack(items, bins, {"rounds": rounds}) for rounds in (0, 2000))
    check(items, bins, improved)
    assert improved["bound"] == {"minimise": "bins", "reached": improved["bins_used"], "least": 12.0, "gap": improved["bound"]["gap"]}
    assert plain["bins_used"] > improved["bins_used"]
    assert improved["bins_used"] <= 13


def test_resources_that_do_not_go_together_share_a_bin():
    items = [item(f"c{number}", cpu=7, memory=1) for number in range(10)] + [item(f"m{number}", cpu=1, memory=7) for number in range(10)]
    answer = bin_pack(items, [bin_("node", 20, cpu=8, memory=8)])
    check(items, [bin_("node", 20, cpu=8, memory=8)], answer)
    assert answer["bins_used"] == 10
    assert answer["bound"]["gap"] == 0


@pytest.mark.parametrize(("minimise", "used"), [("bins", {"large#1"}), ("capacity", {"small#1", "small#2"})])
def test_what_is_to_be_small(minimise, used):
    bins = [bin_("large", 2, memory=100), bin_("small", 4, memory=40)]
    answer = bin_pack([item("a", memory=40), item("b", memory=35)], bins, {"minimise": minimise})
    assert set(answer["assignment"].values()) == used
    assert answer["bound"]["gap"] == 0


def test_a_large_bin_is_not_taken_for_what_fits_a_small_one():
    bins = [bin_("large", memory=100), bin_("middle", memory=60), bin_("small", memory=20)]
    assert bin_pack([item("a", memory=55)], bins)["assignment"] == {"a": "middle"}
    many = [item(f"{number:02}", memory=2.5) for number in range(20)]
    assert set(bin_pack(many, bins)["assignment"].values()) == {"middle"}


def test_weights_say_which_capacity_counts():
    bins = [bin_("cores", cpu=100, memory=40), bin_("memory", cpu=20, memory=200)]
    for name in ("cpu", "memory"):
        answer = bin_pack([item("a", cpu=10, memory=10)], bins, {"minimise": "capacity", "resources": {name: 1}})
        assert answer["assignment"] == {"a": "memory" if name == "cpu" else "cores"}


def test_as_many_items_as_possible_have_a_bin():
    items = [item("big", memory=10), *(item(f"s{number}", memory=4) for number in range(4))]
    bins = [bin_("a", memory=11), bin_("b", memory=10)]
    answer = bin_pack(items, bins)
    check(items, bins, answer)
    assert answer["unplaced"] == [{"id": "big", "reason": "No bin has room left: memory is short in 2 of 2."}]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"memory": 65, "cpu": 1}, "No bin is large enough: memory (needed is 65, the largest bin has 64)."),
        ({"gpu": 1}, "No bin is large enough: gpu (needed is 1, the largest bin has 0)."),
        ({"memory": 33, "cpu": 9}, "No bin is large enough in all of its resources: cpu is short in 1 of 2, memory is short in 1 of 2."),
    ],
)
def test_the_reason_names_the_resource(wanted, reason):
    answer = bin_pack([item("x", **wanted)], [bin_("a", memory=64, cpu=8), bin_("b", memory=32, cpu=16)])
    assert answer["unplaced"] == [{"id": "x", "reason": reason}]
    assert answer["bins_used"] == 0


def test_nothing_and_items_that_need_nothing():
    assert bin_pack([], [bin_("a", memory=1)]) == {
        "assignment": {},
        "bins_used": 0,
        "unplaced": [],
        "bound": {"minimise": "bins", "reached": 0.0, "least": 0.0, "gap": 0.0},
    }
    assert bin_pack([item("a"), item("b")], [bin_("x", 5)])["bins_used"] == 1
    assert bin_pack([item("a")], [bin_("x", 0)])["unplaced"] == [{"id": "a", "reason": "There is no bin."}]


def test_guests_and_nodes_of_a_cluster_are_taken_as_they_are():
    guests = [
        {"id": "lxc/1", "node": "a", "cpu": 2, "memory": 30, "more": {"gpu": 1}},
        {"id": "lxc/2", "node": "b", "cpu": 2, "memory": 40},
        {"id": "lxc/3", "node": "b", "cpu": 9, "memory": 99, "running": False},
    ]
    node = {"cpu": 8, "memory": 100, "more": {"gpu": 1}, "reserve": {"memory": 20}, "overhead": {"memory": 10}}
    nodes = [
        {"name": "a", **node, "more": {}},
        {"name": "b", **node, "maintenance": True},
        {"name": "c", **node, "online": False},
        {"name": "d", **node},
    ]
    answer = bin_pack(guests, nodes)
    assert answer["assignment"] == dict.fromkeys(("lxc/1", "lxc/2", "lxc/3"), "d")
    guests[1]["memory"] = 41
    assert bin_pack(guests, nodes)["bins_used"] == 2
    guests[0]["memory"] = 71
    assert bin_pack(guests, nodes)["unplaced"] == [
        {"id": "lxc/1", "reason": "No bin is large enough: memory (needed is 71, the largest bin has 70)."}
    ]


def test_a_thousand_items_of_three_resources():
    draw = random.Random(3)
    items = [
        item(f"i{number}", cpu=draw.uniform(0.5, 8), memory=draw.choice([2, 4, 8, 16, 32]), disk=draw.uniform(1, 20))
        for number in range(1000)
    ]
    bins = [bin_(f"b{size}", 60, cpu=30.0 * size, memory=90.0 * size, disk=75.0 * size) for size in (1, 2, 3)]
    answer = bin_pack(items, bins, {"rounds": 50})
    check(items, bins, answer)
    assert answer["unplaced"] == []
    assert answer["bound"]["gap"] < 0.1


@pytest.mark.parametrize(
    ("items", "bins", "policy", "told"),
    [
        ({}, [], {}, "items is {} (dict); needed is a list (O(items))"),
        ([], {}, {}, "bins is {} (dict); needed is a list (O(bins))"),
        ([], [], {}, "There are no bins; needed is at least one (O(bins))"),
        ([{"resources": {}}], [bin_("a")], {}, "Item 0 has no id (O(items[0].id))"),
        ([{"id": "x"}], [bin_("a")], {}, "Item x: resources is missing; needed is a mapping"),
        ([item("x", memory=-1)], [bin_("a")], {}, "memory is -1 (int); needed is a number of 0 or more"),
        ([item("x", memory="8G")], [bin_("a")], {}, "memory is '8G' (str)"),
        ([item("x", memory=math.nan)], [bin_("a")], {}, "memory is nan (float)"),
        ([{**item("x"), "count": 2}], [bin_("a")], {}, "unknown key 'count'"),
        ([item("x"), item("x")], [bin_("a")], {}, "The id 'x' appears twice among the items"),
        ([item("x"), item("y")], [bin_("a", 2), bin_("a#2")], {}, "The id 'a#2' appears twice among the bins"),
        ([], [bin_("a", -1)], {}, "count is -1 (int); needed is a whole number of 0 or more (O(bins[0].count))"),
        ([], [bin_("a")], {"heuristic": []}, "unknown key 'heuristic'; did you mean heuristics?"),
        ([], [bin_("a")], {"heuristics": ["last_fit"]}, "heuristics is 'last_fit' (str); needed is a list of some of first_fit"),
        ([], [bin_("a")], {"minimise": "cost"}, "minimise is 'cost' (str); needed is one of bins, capacity (O(policy.minimise))"),
        ([], [bin_("a", memory=1)], {"resources": {"ram": 1}}, "unknown key 'ram'"),
        ([], [bin_("a")], {"rounds": 10**6}, "needed is a whole number from 0 to 100000"),
        ([], [bin_("a")], [], "The policy is [] (list); needed is a mapping (O(policy))"),
    ],
)
def test_wrong_documents_are_refused(items, bins, policy, told):
    with pytest.raises(InputError) as caught:
        bin_pack(items, bins, policy)
    assert told in str(caught.value)


def test_the_documented_defaults_are_the_real_ones():
    documented = yaml.safe_load(face.DOCUMENTATION)["options"]["_policy"]["suboptions"]
    defaults = {name: option["default"] for name, option in documented.items() if "default" in option}
    assert read_packing([], [bin_("a")], defaults)[1] == read_packing([], [bin_("a")], None)[1]
    assert set(documented["heuristics"]["choices"]) == set(HEURISTICS)
    for name in documented:
        read_packing([], [bin_("a")], {name: defaults.get(name)})
