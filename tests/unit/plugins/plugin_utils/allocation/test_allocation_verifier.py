# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verifier finds what is wrong: each answer here breaks one rule."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate

EXTENT = 4 * 2**20
POLICY = {"now": 1_763_700_000}


@pytest.fixture
def case(volume, group):
    """Two managed volumes and one that is not, in a VG that cannot serve them all."""
    volumes = [volume("data"), volume("logs", history_mean_bytes=2**30), volume("spare", managed=False)]
    groups = [group(extents_free=700, reserve_extents=400)]
    answer = allocate(volumes, groups, POLICY)
    assert [action["target"] for action in answer["actions"]] == ["lv:web1/vg0/data", "lv:web1/vg0/logs"]
    return volumes, groups, answer


def shift_one_extent(answer, giver, taker):
    for position, sign in ((giver, -1), (taker, 1)):
        action = answer["actions"][position]
        action["to"]["size"] += sign * EXTENT
        action["cost"]["bytes"] += sign * EXTENT


def test_a_good_answer_has_no_violation(violations, case):
    volumes, groups, answer = case
    assert violations(volumes, groups, POLICY, answer) == []


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda a: shift_one_extent(a, 1, 0), "not max-min fair"),
        (lambda a: shift_one_extent(a, 0, 1), "not max-min fair"),
        (lambda a: a["actions"][0]["to"].update(size=a["actions"][0]["to"]["size"] + EXTENT), "gives 301 extents of 300"),
        (lambda a: a["actions"][0]["to"].update(size=a["actions"][0]["to"]["size"] + 7), "broken extent"),
        (lambda a: a["actions"][0]["to"].update(size=EXTENT), "shrinks"),
        (lambda a: a["actions"][0]["to"].update(size=20 * 2**30), "exceeds one step"),
        (lambda a: a["actions"].pop(), "lie idle"),
        (lambda a: a["refused"].clear(), "no refusal"),
        (lambda a: a["refused"][0].pop("option"), "refusal without option"),
        (lambda a: a["proposals"].clear(), "vg_extend"),
        (lambda a: a["actions"][0].update(target="lv:web1/vg0/spare"), "although managed"),
        (lambda a: a["actions"][0].update(reason="floor"), "does not apply"),
        (lambda a: a["actions"].append(copy.deepcopy(a["actions"][0])), "changed twice"),
        (lambda a: a["actions"][0]["expect"].update(uuid="other"), "expects another volume"),
    ],
)
def test_a_broken_answer_is_noticed(violations, case, break_it, told):
    volumes, groups, answer = case
    broken = copy.deepcopy(answer)
    break_it(broken)
    assert told in "\n".join(violations(volumes, groups, POLICY, broken))


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("refused_reason", "snapshot", "rule 2 or 12"),
        ("mounted", False, "has the reason forecast, which does not apply"),
        ("fs", {"type": "vfat", "size": 2**33, "used": 6 * 2**30}, "needs an unmount"),
        ("max_bytes", 8 * 2**30, "exceeds its maximum"),
        ("demand_status", "stale", "forecast that is not ok"),
        ("demand_bytes", 6.9 * 2**30, "beyond what it needs"),
    ],
)
def test_an_answer_to_another_document_is_noticed(violations, case, field, value, told):
    volumes, groups, answer = case
    changed = [{**volumes[0], field: value}, *volumes[1:]]
    assert told in "\n".join(violations(changed, groups, POLICY, answer))


def test_a_shared_group_is_noticed(violations, case, group):
    volumes, groups, answer = case
    assert "rule 2" in "\n".join(violations(volumes, [*groups, group(host="web2", uuid=groups[0]["uuid"])], POLICY, answer))
