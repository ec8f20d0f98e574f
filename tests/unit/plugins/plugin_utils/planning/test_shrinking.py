# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that shrink for their neighbours, in a plan."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import build_plan, summary_lines, validate_plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.render import load_yaml, render_yaml


@pytest.fixture
def exchange(samples):
    """A growth that waits for a neighbour, one that does not, and the neighbour, as lv_allocate gives them."""
    gib = samples.GIB
    spare = samples.volume(
        name="spare",
        size=40 * gib,
        to=36 * gib,
        reason="neighbour",
        allow={"shrink": True, "unmount": True},
        cost={"bytes": 0, "freed_bytes": 4 * gib},
    )
    waiting = samples.volume(name="data", reason="floor", after=["lv:web1/vg0/spare"])
    return [waiting, spare, samples.volume(name="calm")]


def names(document):
    return [action["target"].rsplit("/", 1)[1] for action in document["actions"]]


def test_who_waits_comes_after_who_makes_room_and_both_after_all_others(samples, exchange):
    document = build_plan(**samples.inputs(*exchange))
    validate_plan(document)
    assert names(document) == ["calm", "spare", "data"]
    spare, data = document["actions"][1:]
    assert (spare["after"], data["after"]) == ([], [spare["id"]])
    assert spare["allow"] == {"shrink": True, "unmount": True}
    assert load_yaml(render_yaml(document), source="plan.yml") == document


def test_a_plan_says_what_shrinks(samples, exchange):
    lines = summary_lines(build_plan(**samples.inputs(*exchange)))
    assert "3 actions on 1 host, growing 4 GiB, shrinking 4 GiB;" in lines[0]
    assert "  web1: shrink vg0/spare 40 GiB → 36 GiB (-4 GiB), neighbour" in lines


def test_shrinking_spends_no_budget_of_growth_or_bytes_but_it_is_an_action(samples, exchange):
    spare = exchange[1]
    document = build_plan(**samples.inputs(spare, budgets={"bytes": 0, "growth_bytes": 0, "growth_fraction": 0.0}))
    assert names(document) == ["spare"]
    assert build_plan(**samples.inputs(spare, budgets={"actions": 0}))["actions"] == []


def test_what_waits_for_a_shrinking_that_does_not_fit_the_budget_falls_with_it(samples, exchange):
    document = build_plan(**samples.inputs(*exchange, budgets={"actions": 1}))
    assert names(document) == ["calm"]
    assert {entry["entity"]: entry["reason"] for entry in document["refused"]} == {
        "lv:web1/vg0/spare": "budget",
        "lv:web1/vg0/data": "budget",
    }


@pytest.mark.parametrize(
    ("allow", "told"),
    [({"shrnk": True}, "unknown key 'shrnk'"), ({"shrink": "yes"}, "is not of the type boolean"), (True, "is not of the type object")],
)
def test_an_allowance_that_is_none_is_told(samples, allow, told):
    with pytest.raises(PlanError) as error:
        validate_plan(build_plan(**samples.inputs(samples.volume(allow=allow))))
    assert told in str(error.value)
