# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.managed import EXCLUDED, NOT_NAMED, Naming

GUESTS = [
    {"id": "lxc/101", "node": "pve1", "cpu": 1.0, "memory": 4, "tags": ["web"]},
    {"id": "lxc/102", "node": "pve1", "cpu": 1.0, "memory": 4, "tags": []},
    {
        "id": "qemu/201",
        "node": "pve2",
        "cpu": 1.0,
        "memory": 4,
        "tags": [],
        "movable": False,
        "unmovable_because": ["it has a local device"],
    },
]


def marked(manage=None, exclude=None):
    """Return the marks of the guests by id."""
    guests = Naming(manage, exclude).marked(GUESTS, cluster="prod", host="prod-api")
    return {guest["id"]: (guest["managed"], guest.get("movable", True)) for guest in guests}


def test_nothing_named_leaves_all_as_movable_as_they_were():
    assert marked() == marked([]) == {"lxc/101": (False, True), "lxc/102": (False, True), "qemu/201": (False, False)}


@pytest.mark.parametrize(
    ("match", "named"),
    [
        ("lxc/101", {"lxc/101"}),
        ("guest:prod/lxc/101", {"lxc/101"}),
        ("prod/lxc/*", {"lxc/101", "lxc/102"}),
        ("other/lxc/*", set()),
        ("contains(tags, 'web')", {"lxc/101"}),
        ("host == 'prod-api' && node == 'pve2'", {"qemu/201"}),
        ("*", {"lxc/101", "lxc/102", "qemu/201"}),
    ],
)
def test_what_is_named_is_managed_and_the_rest_stays(match, named):
    marks = marked([{"match": match}])
    assert {one for one, (managed, _movable) in marks.items() if managed} == named
    assert {one for one, (_managed, movable) in marks.items() if movable} == named - {"qemu/201"}


def test_exclude_wins_and_says_so():
    assert marked([{"match": "*"}], ["lxc/102"])["lxc/102"] == (False, False)
    assert marked([], ["lxc/102"]) == {"lxc/101": (False, True), "lxc/102": (False, False), "qemu/201": (False, False)}
    reasons = {
        guest["id"]: guest.get("unmovable_because")
        for guest in Naming([{"match": "lxc/1*"}], ["lxc/102"]).marked(GUESTS, cluster="c", host="h")
    }
    assert reasons == {"lxc/101": None, "lxc/102": [EXCLUDED], "qemu/201": ["it has a local device", NOT_NAMED]}


def test_expressions_that_fit_nothing_are_told():
    naming = Naming([{"match": "lxc/101"}, {"match": "lxc/999"}], ["qemu/9*", "qemu/201"])
    assert naming.unused(GUESTS, cluster="prod", host="h") == ["lxc/999", "qemu/9*"]


@pytest.mark.parametrize(
    ("manage", "exclude", "message"),
    [
        ("lxc/101", None, "needed is a list of mappings"),
        (["lxc/101"], None, "Entry 1 of manage is"),
        ([{"match": "lxc/101", "mach": 1}], None, "unknown key 'mach'; did you mean match?"),
        ([{}], None, "match"),
        ([{"match": "!lxc/101"}], None, "O(exclude)"),
        ([], "lxc/101", "needed is a list of globs"),
        ([], ["lxc/1,lxc/2"], "excludes nothing"),
    ],
)
def test_what_makes_no_sense_is_told(manage, exclude, message):
    with pytest.raises(InputError) as caught:
        Naming(manage, exclude)
    assert message in str(caught.value)


@given(named=st.sets(st.integers(1, 12)), excluded=st.sets(st.integers(1, 12)), where=st.lists(st.integers(0, 2), min_size=12, max_size=12))
@settings(deadline=None)
def test_no_plan_moves_what_is_not_named(named, excluded, where):
    nodes = [{"name": name, "cpu": 64.0, "memory": 100} for name in "abc"]
    guests = [
        {"id": f"lxc/{number}", "node": "abc"[place], "cpu": 1.0, "memory": 6 + number % 3} for number, place in enumerate(where, start=1)
    ]
    naming = Naming([{"match": f"lxc/{number}"} for number in sorted(named)], [f"lxc/{number}" for number in sorted(excluded)])
    document = {"cluster": "prod", "observed_at": 1, "nodes": nodes, "guests": naming.marked(guests, cluster="prod", host="h")}
    moved = {int(move["guest"].partition("/")[2]) for move in cluster_balance(document, {})["moves"]}
    assert moved.isdisjoint(excluded)
    if named:
        assert moved <= named
