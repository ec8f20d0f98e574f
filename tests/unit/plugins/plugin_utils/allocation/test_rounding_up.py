# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What grows, grows by a worthwhile step, out of what nobody wants: 2048 extents of a volume are rounded up to 410."""

from __future__ import annotations

import pytest

from support.allocations import EXTENT, GIB, NOW, ask, grown

DATA, LOGS = "lv:web1/vg0/data", "lv:web1/vg0/logs"
STEP = 410
DEMAND = int(7.6 * GIB)


@pytest.fixture
def slow(volume):
    """Return a maker of volumes that need a little more than they have."""
    return lambda name="data", **fields: volume(name, **{"demand_bytes": DEMAND, **fields})


@pytest.fixture
def need(slow, group):
    """Return the extents that such a volume needs."""
    extents = grown(ask([slow()], [group()]))[DATA]
    assert 200 < extents < 300
    return extents


def rounded(volumes, groups, **policy):
    return ask(volumes, groups, **{"min_growth_fraction": 0.2, **policy})


def free(extents):
    """Return fields of a VG with so many extents to give away."""
    return {"extents_free": extents, "reserve_extents": 0}


def test_by_default_what_grows_grows_by_a_fifth(slow, group, need, violations):
    answer = rounded([slow()], [group()])
    assert grown(answer) == {DATA: STEP}
    (action,) = answer["actions"]
    assert action["cost"] == {"bytes": STEP * EXTENT}
    assert action["message"].endswith(" Rounded up to 20% of it, for nobody else wants that space.")
    assert (answer["proposals"], answer["refused"]) == ([], [])
    assert violations([slow()], [group()], {"now": NOW}, answer) == []
    exact = ask([slow()], [group()])["actions"][0]
    assert exact["to"]["size"] - exact["from"]["size"] == need * EXTENT
    assert "Rounded up" not in exact["message"]


def test_the_next_plan_asks_for_nothing(slow, group):
    """Not even when the demand has grown a little; without rounding up it would be resized again."""
    again = {}
    for fraction in (0, 0.2):
        (action,) = ask([slow()], [group()], min_growth_fraction=fraction)["actions"]
        size, before = action["to"]["size"], slow()
        factor = size / before["size_bytes"]
        fs = {**before["fs"], "size": int(before["fs"]["size"] * factor)}
        fs["avail"] = int((before["fs"]["used"] + before["fs"]["avail"]) * factor) - fs["used"]
        for demand in (DEMAND, DEMAND * 1.05):
            after = slow(size_bytes=size, fs=fs, demand_bytes=demand)
            again[fraction, demand] = ask([after], [group()], min_growth_fraction=fraction, hysteresis_fraction=0)["actions"]
    assert again[0.2, DEMAND] == again[0.2, DEMAND * 1.05] == []
    assert again[0, DEMAND * 1.05] != []


def test_what_needs_more_than_the_step_gets_what_it_needs(volume, group):
    more = volume(demand_bytes=9 * GIB)
    assert rounded([more], [group()]) == ask([more], [group()])
    assert grown(rounded([more], [group()]))[DATA] > STEP


def test_what_does_not_grow_is_not_rounded_up(slow, group):
    answer = rounded([slow(), slow("logs", demand_bytes=5 * GIB)], [group()])
    assert grown(answer) == {DATA: STEP}


@pytest.mark.parametrize(("left", "more"), [(0, 0), (3, 0), (4, 1), (103, 25), (400, 100)])
def test_a_quarter_of_what_is_left_serves_for_it(slow, group, need, left, more):
    answer = rounded([slow()], [group(**free(need + left))])
    assert grown(answer) == {DATA: need + more}
    assert ("Rounded up" in answer["actions"][0]["message"]) is bool(more)
    assert answer["refused"] == answer["proposals"] == []


def test_the_reserve_is_not_left_over(slow, group, need):
    assert grown(rounded([slow()], [group(extents_free=need + 500, reserve_extents=500)])) == {DATA: need}


def test_those_who_are_rounded_up_share_evenly(slow, group, need):
    volumes = [slow(priority=5.0), slow("logs", history_mean_bytes=GIB)]
    assert grown(rounded(volumes, [group(**free(2 * need + 400))])) == {DATA: need + 50, LOGS: need + 50}


def test_extents_that_are_taken_twice_count_twice(slow, group, need):
    assert grown(rounded([slow(copies=2)], [group(**free(2 * need + 400))])) == {DATA: need + 50}


def test_whoever_is_only_proposed_is_served_first_and_never_rounded_up(slow, group, need):
    answer = rounded([slow(), slow("logs", managed=False)], [group(**free(2 * need + 40))])
    assert grown(answer) == {DATA: need + 10}
    (proposal,) = answer["proposals"]
    assert proposal["to"]["size"] - proposal["from"]["size"] == need * EXTENT
    scarce = rounded([slow(), slow("logs", managed=False)], [group(**free(2 * need - 1))])
    assert grown(scarce) == {DATA: need}


def test_nobody_is_rounded_up_while_somebody_lacks_what_cannot_be_given_to_it(slow, volume, group, need):
    """A striped volume gets whole rows only: what is left of them is no surplus."""
    striped = volume("logs", copies_freed=0)
    answer = rounded([slow(), striped], [group(**free(2 * need + 70))])
    assert ask([slow(), striped], [group(**free(2 * need + 70))]) == answer
    assert {refusal["reason"] for refusal in answer["refused"]} == {"no_space"}
    assert sum(grown(answer).values()) <= 2 * need + 70 - 4


def test_the_maximum_and_one_step_bound_it(slow, group, need):
    assert grown(rounded([slow(max_bytes=8 * GIB + (need + 7) * EXTENT + 1)], [group()])) == {DATA: need + 7}
    assert grown(rounded([slow()], [group()], max_step_fraction=0.15)) == {DATA: 307}
    assert grown(rounded([slow()], [group()], max_step_fraction=0.1)) == {DATA: 204}
    assert grown(rounded([slow()], [group()], max_step_fraction=None, min_growth_fraction=1)) == {DATA: 2048}


def test_a_floor_is_rounded_up_too(volume, group):
    fs = {"type": "xfs", "size": 8 * GIB, "used": int(7.5 * GIB), "avail": GIB // 2}
    answer = rounded([volume(demand_status="stale", demand_bytes=None, fs=fs)], [group()])
    assert [(action["reason"], "Rounded up to 20%" in action["message"]) for action in answer["actions"]] == [("floor", True)]
    assert grown(answer) == {DATA: STEP}


@pytest.mark.parametrize(
    "fields",
    [
        {"copies_freed": 0},
        {"demand_status": "stale", "demand_bytes": None, "min_bytes": 9 * GIB},
        {"demand_bytes": GIB, "unfinished": True},
        {"managed": False},
    ],
)
def test_striped_volumes_minima_unfinished_growth_and_proposals_stay_exact(slow, group, fields):
    case = [slow(**fields)], [group()]
    exact = ask(*case)
    assert exact["actions"] or exact["proposals"]
    assert rounded(*case) == exact


def test_the_proportional_strategy_stays_exact(slow, group):
    case = [slow()], [group()]
    assert rounded(*case, strategy="proportional") == ask(*case, strategy="proportional") != rounded(*case)


def test_pools_stay_exact_beside_a_volume_that_is_rounded_up(slow, group):
    pool = {
        "entity": "lv:web1/vg0/pool", "host": "web1", "vg": "vg0", "lv": "pool", "uuid": "pool", "observed_at": NOW - 60, "managed": True,
        "named_exactly": True, "data": {"size_bytes": 8 * GIB, "used_bytes": int(7.5 * GIB)},
    }  # fmt: skip
    exact = grown(ask([slow()], [group()], pools=[pool]))
    assert exact["lv:web1/vg0/pool"] == 205
    assert grown(rounded([slow()], [group()], pools=[pool])) == {**exact, DATA: STEP}


def test_nothing_is_rounded_up_where_neighbours_make_room(slow, volume, spare, group):
    """They give a tenth at least, more than is needed: that stays free for what is needed next."""
    case = [volume(demand_bytes=9 * GIB), slow("logs"), spare("archive")], [group(**free(600))]
    answer = rounded(*case, allow_shrink=True)
    changes = grown(answer)
    assert changes["lv:web1/vg0/archive"] < 0
    assert sum(changes.values()) < 600 - 100
    assert answer == ask(*case, allow_shrink=True)
