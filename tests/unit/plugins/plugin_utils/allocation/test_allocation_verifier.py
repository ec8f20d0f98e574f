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
        ("demand_bytes", 6.9 * 2**30, "rounds up ['lv:web1/vg0/data'] while"),
    ],
)
def test_an_answer_to_another_document_is_noticed(violations, case, field, value, told):
    volumes, groups, answer = case
    changed = [{**volumes[0], field: value}, *volumes[1:]]
    assert told in "\n".join(violations(changed, groups, POLICY, answer))


def test_a_shared_group_is_noticed(violations, case, group):
    volumes, groups, answer = case
    assert "rule 2" in "\n".join(violations(volumes, [*groups, group(host="web2", uuid=groups[0]["uuid"])], POLICY, answer))


@pytest.fixture
def rounded(volume, group):
    """Two volumes that are rounded up by 50 extents each, out of 400 that nobody wants."""
    volumes = [volume("data", demand_bytes=7.6 * 2**30), volume("logs", demand_bytes=7.6 * 2**30)]
    exact = allocate(volumes, [group()], {**POLICY, "min_growth_fraction": 0})
    free = sum(action["cost"]["bytes"] for action in exact["actions"]) // EXTENT + 400
    groups = [group(extents_free=free, reserve_extents=0)]
    answer = allocate(volumes, groups, POLICY)
    more = [new["cost"]["bytes"] - old["cost"]["bytes"] for new, old in zip(answer["actions"], exact["actions"], strict=True)]
    assert more == [50 * EXTENT, 50 * EXTENT]
    return volumes, groups, POLICY, answer


def test_good_rounding_has_no_violation(violations, rounded):
    assert violations(*rounded) == []


def add(action, extents):
    action["to"]["size"] += extents * EXTENT
    action["cost"]["bytes"] += extents * EXTENT


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda a: add(a["actions"][0], 1), "rounds up by 101 extents, more than a quarter of 400"),
        (lambda a: add(a["actions"][0], -1), "where 1 are left for rounding up"),
        (lambda a: shift_one_extent(a, 0, 1), "lv:web1/vg0/logs is rounded up by 51 extents, lv:web1/vg0/data by 49"),
        (lambda a: add(a["actions"][0], 200), "beyond what it needs"),
    ],
)
def test_broken_rounding_is_noticed(violations, rounded, break_it, told):
    volumes, groups, policy, answer = rounded
    broken = copy.deepcopy(answer)
    break_it(broken)
    assert told in "\n".join(violations(volumes, groups, policy, broken))


@pytest.mark.parametrize(
    ("fields", "rules", "told"),
    [
        ({}, {"min_growth_fraction": 0}, "beyond what it needs"),
        ({}, {"strategy": "proportional"}, "beyond what it needs"),
        ({}, {"max_step_fraction": 0.1}, "exceeds one step"),
        ({"copies_freed": 0}, {}, "beyond what it needs"),
        ({"managed": False}, {}, "beyond what it needs"),
        ({"max_bytes": 9 * 2**30}, {}, "exceeds its maximum"),
    ],
)
def test_rounding_of_another_document_is_noticed(violations, rounded, fields, rules, told):
    volumes, groups, policy, answer = rounded
    assert told in "\n".join(violations([{**volumes[0], **fields}, volumes[1]], groups, {**policy, **rules}, answer))


def test_rounding_before_somebody_is_served_is_noticed(violations, rounded, volume):
    volumes, groups, policy, answer = rounded
    waiting = volume("waiting", managed=False)
    assert "while ['lv:web1/vg0/waiting'] lack extents" in "\n".join(violations([*volumes, waiting], groups, policy, answer))


def test_rounding_while_neighbours_shrink_is_noticed(violations, exchange):
    volumes, groups, policy, answer = exchange
    add(answer["actions"][0], 30)
    modest = [{**volumes[0], "demand_bytes": 7 * 2**30}, *volumes[1:]]
    assert "rounds up ['lv:web1/vg0/data'] while neighbours shrink" in "\n".join(
        violations(modest, groups, {**policy, "min_growth_fraction": 10}, answer)
    )


@pytest.fixture
def exchange(volume, group, spare):
    """Two neighbours that make room for one volume; the policy allows it."""
    volumes = [volume("data", demand_bytes=9 * 2**30), spare("one"), spare("two", past_peak_bytes=2**30)]
    groups, policy = [group(extents_free=400)], {**POLICY, "allow_shrink": True, "max_shrink_step_fraction": 0.05}
    answer = allocate(volumes, groups, policy)
    assert [action["target"].rsplit("/", 1)[1] for action in answer["actions"]] == ["data", "one", "two"]
    return volumes, groups, policy, answer


def test_a_good_exchange_has_no_violation(violations, exchange):
    assert violations(*exchange) == []


def less(action, extents=1):
    action["to"]["size"] -= extents * EXTENT
    action["cost"]["freed_bytes"] += extents * EXTENT


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda a: a["actions"][0].update(after=[]), "when only []"),
        (lambda a: a["actions"][0].update(after=["lv:web1/vg0/one"]), "nobody waits for it"),
        (lambda a: a["actions"][0]["after"].append("lv:web1/vg0/three"), "which do not shrink"),
        (lambda a: a["actions"].pop(1), "which do not shrink"),
        (lambda a: less(a["actions"][1]), "exceeds one step of shrinking"),
        (lambda a: a["actions"][1]["to"].update(size=a["actions"][1]["to"]["size"] + 7), "broken extent"),
        (lambda a: a["actions"][1].pop("allow"), "carries another allowance"),
        (lambda a: a["actions"][1]["allow"].update(unmount=True), "carries another allowance"),
        (lambda a: a["actions"][1].update(after=["lv:web1/vg0/data"]), "waits for something"),
        (lambda a: a["actions"][1]["cost"].update(freed_bytes=1), "frees something else"),
        (lambda a: a["actions"][0].update(allow={"shrink": True}), "carries another allowance"),
    ],
)
def test_a_broken_exchange_is_noticed(violations, exchange, break_it, told):
    volumes, groups, policy, answer = exchange
    broken = copy.deepcopy(answer)
    break_it(broken)
    assert told in "\n".join(violations(volumes, groups, policy, broken))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"managed": False}, "not allowed"),
        ({"allow_shrink": False}, "not allowed"),
        ({"fs": {"type": "xfs", "size": 40 * 2**30, "used": 2**33, "avail": 2**35}}, "xfs cannot"),
        ({"fs": {"type": "ext4", "size": 40 * 2**30, "used": 2**33, "avail": 2**35}}, "unmounted although that is not allowed"),
        ({"fs": {"type": "btrfs", "size": 40 * 2**30, "used": 35 * 2**30, "avail": 5 * 2**30}}, "less than it uses and the margin"),
        ({"past_peak_bytes": 35 * 2**30}, "less than it held before"),
        ({"past_peak_bytes": None}, "without a known past"),
        ({"past_seconds": 3600}, "too short a past"),
        ({"demand_bytes": 30 * 2**30}, "less than its demand"),
        ({"demand_status": "stale"}, "without a good forecast"),
        ({"min_bytes": 39 * 2**30}, "below its minimum"),
        ({"last_resized_at": POLICY["now"] - 60}, "within its cool-down"),
        ({"last_failed_at": POLICY["now"] - 60}, "within its cool-down"),
        ({"refused_reason": "snapshot_origin"}, "never to be changed"),
        ({"copies_freed": 0}, "nobody knows what that frees"),
    ],
)
def test_a_shrinking_of_another_document_is_noticed(violations, exchange, fields, told):
    volumes, groups, policy, answer = exchange
    changed = [volumes[0], {**volumes[1], **fields}, volumes[2]]
    assert told in "\n".join(violations(changed, groups, policy, answer))


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"allow_shrink": False}, "not allowed"),
        ({"quiet_hours": [{"from": "00:00", "to": "23:59"}]}, "shrinks in quiet hours"),
        ({"floor": {"free_fraction": 0.9}}, "less than its floor"),
    ],
)
def test_a_shrinking_under_another_policy_is_noticed(violations, exchange, rules, told):
    volumes, groups, policy, answer = exchange
    assert told in "\n".join(violations(volumes, groups, {**policy, **rules}, answer))


def test_a_shrinking_that_nobody_needs_is_noticed(violations, exchange, group):
    volumes, _groups, policy, answer = exchange
    assert "shrinks although the others free enough" in "\n".join(violations(volumes, [group()], policy, answer))
