# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The safety rules as properties: whatever the documents, the answer passes the verifier."""

from __future__ import annotations

import copy
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError

EXTENT = 4 * 2**20
NOW = 1_763_700_000
STATES = ["ok", "ok", "ok", "cold_start", "stale", "invalid", "no_history"]


@st.composite
def volume_documents(draw, name, vg):
    extents = draw(st.integers(4, 4000))
    size = extents * EXTENT
    total = int(size * draw(st.sampled_from([0.5, 0.7, 0.9, 0.98, 1.0])))
    used = int(total * draw(st.floats(0, 1)))
    avail = max(0, int((total - used) * draw(st.sampled_from([0.95, 1.0]))))
    status = draw(st.sampled_from(STATES))
    filesystem = {
        "type": draw(st.sampled_from(["ext4", "ext2", "xfs", "xfs", "btrfs", "vfat", "f2fs", "swap", "ntfs", None])),
        "size": total,
        "used": used,
        "avail": avail,
    }
    return {
        "entity": f"lv:web1/{vg}/{name}",
        "host": "web1",
        "vg": vg,
        "lv": name,
        "uuid": f"uuid-{vg}-{name}",
        "size_bytes": size,
        "fs": draw(st.sampled_from([filesystem, filesystem, filesystem, None, {"type": "ext4", "size": None}])),
        "managed": draw(st.booleans()),
        "named_exactly": draw(st.booleans()),
        "mounted": draw(st.sampled_from([True, True, True, False])),
        "demand_bytes": size * draw(st.floats(0, 3)) if status == "ok" else draw(st.sampled_from([None, 1e15])),
        "demand_status": status,
        "history_mean_bytes": draw(st.sampled_from([None, 0.0, size * 0.1, size * 0.7])),
        "priority": draw(st.sampled_from([0.01, 0.5, 1.0, 1.0, 3.0])),
        "min_bytes": draw(st.sampled_from([None, None, size // 2, size * 2])),
        "max_bytes": draw(st.sampled_from([None, None, size * 2, size * 2 + 5 * EXTENT, size * 3])),
        "observed_at": NOW - draw(st.sampled_from([0, 600, 3600, 3601, 10**6, -60, -4000])),
        "last_resized_at": draw(st.sampled_from([None, None, NOW - 100, NOW - 100_000])),
        "last_failed_at": draw(st.sampled_from([None, None, None, NOW - 200_000])),
        "past_peak_bytes": draw(st.sampled_from([None, used, used * 1.2, used * 3.0])),
        "past_seconds": draw(st.sampled_from([None, 3600, 14 * 86400, 14 * 86400])),
        "allow_shrink": draw(st.booleans()),
        "allow_unmount": draw(st.booleans()),
        "copies": draw(st.sampled_from([1, 1, 1, 2])),
        "copies_freed": draw(st.sampled_from([1, 1, 0])),
        "unfinished": draw(st.sampled_from([False, False, False, True])),
        "left_unmounted": draw(st.booleans()),
        "refused_reason": draw(st.sampled_from([None, None, None, None, "internal", "snapshot", "guest_disk", "ignored"])),
    }


@st.composite
def fleets(draw):
    groups, volumes = [], []
    for vg in ("vg0", "vg1"):
        groups.append(
            {
                "entity": f"vg:web1/{vg}",
                "host": "web1",
                "vg": vg,
                "uuid": draw(st.sampled_from([f"uuid-{vg}", f"uuid-{vg}", "uuid-twice"])),
                "extent_bytes": EXTENT,
                "extents_free": draw(st.sampled_from([0, 3, 50, 500, 100_000])),
                "reserve_extents": draw(st.sampled_from([0, 5, 400])),
                "shared": draw(st.sampled_from([False, False, False, True])),
            }
        )
        volumes += [draw(volume_documents(f"d{number}", vg)) for number in range(draw(st.integers(0, 6)))]
    return volumes, groups


policies = st.fixed_dictionaries(
    {
        "now": st.just(NOW),
        "headroom": st.sampled_from([0, 0.1, 0.35]),
        "max_step_fraction": st.sampled_from([None, 0.01, 0.25, 0.5]),
        "min_change_extents": st.sampled_from([0, 1, 20]),
        "min_growth_fraction": st.sampled_from([0, 0.2, 1]),
        "share_exponent": st.sampled_from([0, 0.5, 1]),
        "hysteresis_fraction": st.sampled_from([0, 0.2]),
        "cool_down_seconds": st.sampled_from([0, 3600]),
        "allow_shrink": st.booleans(),
        "shrink_headroom": st.sampled_from([0, 0.25]),
        "max_shrink_step_fraction": st.sampled_from([0.05, 0.25, 1.0]),
        "shrink_past_seconds": st.sampled_from([0, 14 * 86400]),
        "shrink_cool_down_seconds": st.sampled_from([0, 86400, 7 * 86400]),
        "quiet_hours": st.sampled_from([[], [], [{"from": "00:00", "to": "23:59"}], [{"from": "23:00", "to": "01:30"}]]),
        "floor": st.sampled_from([{}, {"free_fraction": 0}, {"free_fraction": 0.3, "step_fraction": 0.05}, {"max_age_seconds": 10}]),
    }
)


@settings(max_examples=400, deadline=None)
@given(fleet=fleets(), policy=policies, strategy=st.sampled_from(["water_filling", "proportional"]))
def test_every_answer_keeps_the_rules(violations, fleet, policy, strategy):
    volumes, groups = fleet
    policy = {**policy, "strategy": strategy}
    assert violations(volumes, groups, policy, allocate(volumes, groups, policy)) == []


@settings(max_examples=60, deadline=None)
@given(fleet=fleets(), policy=policies, seed=st.integers(0, 99))
def test_the_answer_does_not_depend_on_the_order_of_its_input_and_changes_none_of_it(fleet, policy, seed):
    volumes, groups = fleet
    before = copy.deepcopy((volumes, groups, policy))
    answer = allocate(volumes, groups, policy)
    assert (volumes, groups, policy) == before
    shuffled = random.Random(seed)
    shuffled.shuffle(volumes)
    shuffled.shuffle(groups)
    assert allocate(volumes, groups, policy) == answer


@settings(max_examples=100, deadline=None)
@given(fleet=fleets(), policy=policies)
def test_rule_13_without_a_good_forecast_only_floors_minima_and_unfinished_growth_act(fleet, policy):
    volumes, groups = fleet
    for volume in volumes:
        assume(volume["demand_status"] != "ok" or volume["demand_bytes"] is not None)
    answer = allocate(volumes, groups, policy)
    status = {volume["entity"]: volume["demand_status"] for volume in volumes}
    assert {status[action["target"]] for action in answer["actions"] if action["reason"] == "forecast"} <= {"ok"}
    doomed = [{**volume, "demand_status": "invalid", "demand_bytes": None} for volume in volumes]
    assert not [change for change in allocate(doomed, groups, policy)["actions"] if change["reason"] == "forecast"]


@settings(max_examples=60, deadline=None)
@given(fleet=fleets(), policy=policies)
def test_rule_12_nothing_managed_means_no_action(fleet, policy):
    volumes, groups = fleet
    assert allocate([{**volume, "managed": False} for volume in volumes], groups, policy)["actions"] == []


@settings(max_examples=60, deadline=None)
@given(fleet=fleets(), policy=policies, value=st.sampled_from([float("nan"), float("inf"), -1.0, "12", True]))
def test_rule_7_a_value_that_is_no_amount_is_refused_by_name(fleet, policy, value):
    volumes, groups = fleet
    assume(volumes)
    volumes[-1]["demand_bytes"] = value
    with pytest.raises(InputError, match=f"{volumes[-1]['entity']}: demand_bytes is .*needed is a number"):
        allocate(volumes, groups, policy)


@settings(max_examples=100, deadline=None)
@given(fleet=fleets(), policy=policies, more=st.integers(1, 1000))
def test_more_free_extents_never_give_anybody_less(fleet, policy, more):
    volumes, groups = fleet
    volumes = [{**volume, "copies": 1, "managed": True, "allow_shrink": False} for volume in volumes]
    before = _sizes(allocate(volumes, groups, policy))
    after = _sizes(allocate(volumes, [{**group, "extents_free": group["extents_free"] + more} for group in groups], policy))
    assert all(after[entity] >= size for entity, size in before.items())


@settings(max_examples=100, deadline=None)
@given(fleet=fleets(), policy=policies, factor=st.floats(1, 3))
def test_more_demand_never_gives_a_volume_less(fleet, policy, factor):
    volumes, groups = fleet
    volumes = [{**volume, "copies": 1, "allow_shrink": False} for volume in volumes]
    assume(volumes and volumes[0]["demand_status"] == "ok")
    before = _sizes(allocate(volumes, groups, policy))
    volumes[0]["demand_bytes"] *= factor
    after = _sizes(allocate(volumes, groups, policy))
    entity = volumes[0]["entity"]
    assert after.get(entity, 0) >= before.get(entity, 0)


def _sizes(answer):
    return {
        change["target"]: change["to"]["size"]
        for change in answer["actions"] + answer["proposals"]
        if change["kind"] == "lv_resize" and change["to"]["size"] >= change["from"]["size"]
    }
