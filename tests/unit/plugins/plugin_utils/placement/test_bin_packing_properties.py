# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds of every packing, and what plain first fit and trying everything say."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_documents import HEURISTICS, MINIMISE, read_packing
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.bin_packing import bin_pack
from support.packings import RESOURCES, bin_, check, item, one_by_one


def first_fit_decreasing(items, bins):
    """Return items without a bin, and bins used, of plain first fit by the sum of the shares of an average bin."""
    places = one_by_one(bins, len(items))
    kinds = [kind["capacity"] for kind in bins if kind["count"]]
    mean = {resource: math.fsum(kind.get(resource, 0) for kind in kinds) / max(1, len(kinds)) for resource in RESOURCES}

    def size(one):
        return math.fsum(amount / mean[resource] for resource, amount in one["resources"].items() if mean[resource])

    free = [dict(capacity) for _name, capacity in places]
    used, unplaced = set(), 0
    for one in sorted(items, key=lambda one: (-size(one), one["id"])):
        for number, left in enumerate(free):
            if all(amount <= left.get(resource, 0) for resource, amount in one["resources"].items()):
                for resource, amount in one["resources"].items():
                    left[resource] = left.get(resource, 0) - amount
                used.add(number)
                break
        else:
            unplaced += 1
    return unplaced, len(used)


def best_by_trying(items, bins, minimise):
    """Return the least (unplaced, bins or cost, cost or bins) of all assignments."""
    packing, _policy = read_packing(items, bins, {"minimise": minimise})
    found = []
    for choice in itertools.product(range(-1, len(packing.bins)), repeat=len(items)):
        used = {}
        for position, place in enumerate(choice):
            if place >= 0:
                used[place] = used.get(place, 0.0) + packing.demand[position]
        if all((amount <= packing.limit[place]).all() for place, amount in used.items()):
            worth = float(len(used)), round(sum(float(packing.cost[place]) for place in used), 6)
            found.append((choice.count(-1), *(worth if minimise == "bins" else worth[::-1])))
    return min(found)


def amounts(most):
    return st.dictionaries(st.sampled_from(RESOURCES), st.one_of(st.integers(0, most), st.floats(0, most)), max_size=3)


def documents(most_items, most_bins, count):
    return st.tuples(
        st.lists(amounts(10), max_size=most_items).map(lambda rows: [item(f"i{number}", **row) for number, row in enumerate(rows)]),
        st.lists(st.tuples(amounts(20), st.integers(0, count)), min_size=1, max_size=most_bins).map(
            lambda rows: [bin_(f"b{number}", count, **row) for number, (row, count) in enumerate(rows)]
        ),
    )


@given(documents(40, 4, 6), st.sampled_from(MINIMISE), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_nothing_is_overfull_or_lost_and_it_is_never_worse_than_first_fit(given_documents, minimise, seed):
    items, bins = given_documents
    answer = bin_pack(items, bins, {"minimise": minimise, "seed": seed, "rounds": 20})
    check(items, bins, answer)
    unplaced, used = first_fit_decreasing(items, bins)
    assert len(answer["unplaced"]) <= unplaced
    if minimise == "bins" and len(answer["unplaced"]) == unplaced:
        assert answer["bins_used"] <= used


@given(documents(6, 2, 2), st.sampled_from(MINIMISE))
@settings(max_examples=120, deadline=None)
def test_a_few_items_are_packed_as_well_as_can_be(given_documents, minimise):
    items, bins = given_documents
    answer = bin_pack(items, bins, {"minimise": minimise})
    check(items, bins, answer)
    if not one_by_one(bins, len(items)):
        return
    best = best_by_trying(items, bins, minimise)
    assert len(answer["unplaced"]) == best[0]
    assert answer["bound"]["reached"] == pytest.approx(best[1], abs=2e-6)


@given(documents(30, 3, 5), st.randoms(use_true_random=False), st.sampled_from(HEURISTICS))
@settings(max_examples=60, deadline=None)
def test_equal_input_gives_equal_output_in_whatever_order_the_items_come(given_documents, shuffler, heuristic):
    items, bins = given_documents
    policy = {"heuristics": [heuristic], "rounds": 10}
    answer = bin_pack(items, bins, policy)
    check(items, bins, answer)
    shuffler.shuffle(items)
    assert bin_pack(items, bins, policy) == answer
