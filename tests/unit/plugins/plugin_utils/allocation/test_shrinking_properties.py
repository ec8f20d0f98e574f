# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shrinking as properties: VGs whose free extents do not serve everybody, with neighbours that have more than they need."""

from __future__ import annotations

import random

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate

EXTENT = 4 * 2**20
NOW = 1_763_700_000
DAY = 86400


def document(name, extents, kind, overhead, used, demand, **fields):
    size = extents * EXTENT
    total = size - int(size * overhead)
    held = int(total * used)
    return {
        "entity": f"lv:web1/vg0/{name}",
        "host": "web1",
        "vg": "vg0",
        "lv": name,
        "uuid": f"uuid-{name}",
        "size_bytes": size,
        "fs": {"type": kind, "size": total, "used": held, "avail": total - held},
        "managed": True,
        "mounted": True,
        "demand_bytes": total * demand,
        "demand_status": "ok",
        "history_mean_bytes": held * 0.9,
        "observed_at": NOW - 60,
        "past_seconds": 14 * DAY,
        "past_peak_bytes": held * 1.1,
        **fields,
    }


mostly = st.sampled_from([True] * 14 + [False])


@st.composite
def givers(draw, name):
    """Return a volume that could give, unless one thing or the other stands against it."""
    return document(
        name,
        draw(st.integers(50, 4000)),
        draw(st.sampled_from(["ext4", "ext3", "btrfs", "vfat", "f2fs"] * 3 + ["xfs", "ntfs", "swap"])),
        draw(st.sampled_from([0.0, 0.02, 0.1])),
        draw(st.sampled_from([0.0, 0.1, 0.3, 0.5])),
        draw(st.sampled_from([0.1, 0.3, 0.5, 0.7])),
        managed=draw(mostly),
        allow_shrink=draw(mostly),
        allow_unmount=draw(mostly),
        copies=draw(st.sampled_from([1, 1, 1, 2])),
        copies_freed=draw(st.sampled_from([1, 1, 1, 2, 2, 0])),
        min_bytes=draw(st.sampled_from([None, None, None, 45 * EXTENT])),
        past_peak_bytes=draw(st.sampled_from([0.0, 20 * EXTENT, 100 * EXTENT] * 4 + [None])),
        past_seconds=draw(st.sampled_from([14 * DAY] * 12 + [2 * DAY])),
        last_resized_at=draw(st.sampled_from([None] * 8 + [NOW - 3600, NOW - 30 * DAY])),
        last_failed_at=draw(st.sampled_from([None] * 12 + [NOW - 3600])),
        refused_reason=draw(st.sampled_from([None] * 14 + ["snapshot_origin"])),
    )


@st.composite
def takers(draw, name):
    return document(
        name,
        draw(st.integers(50, 2000)),
        draw(st.sampled_from(["ext4", "xfs", "btrfs"])),
        draw(st.sampled_from([0.0, 0.02])),
        draw(st.sampled_from([0.5, 0.85, 0.97])),
        draw(st.sampled_from([0.9, 1.1, 1.6, 3.0])),
        managed=draw(mostly),
        allow_shrink=draw(mostly),
        allow_unmount=draw(mostly),
        copies=draw(st.sampled_from([1, 1, 1, 2])),
        priority=draw(st.sampled_from([1.0, 1.0, 4.0])),
        forecast={"quantile": 0.9, "value": 1.0, "method": "theta", "runway_seconds": draw(st.sampled_from([None, 60, 7200]))},
    )


@st.composite
def short_groups(draw):
    volumes = [draw(givers(f"g{number}")) for number in range(draw(st.integers(1, 4)))]
    volumes += [draw(takers(f"t{number}")) for number in range(draw(st.integers(1, 4)))]
    group = {
        "entity": "vg:web1/vg0", "host": "web1", "vg": "vg0", "uuid": "vg-0", "extent_bytes": EXTENT,
        "extents_free": draw(st.sampled_from([0, 3, 20, 100, 500])), "reserve_extents": draw(st.sampled_from([0, 5, 30])),
    }  # fmt: skip
    return volumes, [group]


policies = st.fixed_dictionaries(
    {
        "now": st.just(NOW),
        "allow_shrink": st.sampled_from([True] * 12 + [False]),
        "headroom": st.sampled_from([0, 0.1, 0.5]),
        "max_step_fraction": st.sampled_from([None, 0.5]),
        "min_change_extents": st.sampled_from([0, 1, 20]),
        "min_growth_fraction": st.sampled_from([0, 0.2, 1]),
        "hysteresis_fraction": st.sampled_from([0, 0.05, 0.3]),
        "cool_down_seconds": st.sampled_from([0, 3600]),
        "quiet_hours": st.sampled_from([[]] * 12 + [[{"from": "00:00", "to": "23:59"}]]),
        "floor": st.sampled_from([{}, {"free_fraction": 0.3, "step_fraction": 0.05}, {"free_fraction": 0}]),
        "shrink_headroom": st.sampled_from([0, 0.25, 1]),
        "shrink_margin": st.sampled_from(["10%", "50%"]),
        "min_shrink_fraction": st.sampled_from([0, 0.1, 0.1, 1]),
        "max_shrink_step_fraction": st.sampled_from([0.05, 0.25, 1.0]),
        "shrink_past_seconds": st.sampled_from([DAY, 14 * DAY]),
        "shrink_cool_down_seconds": st.sampled_from([600, 7 * DAY]),
    }
)


def is_shrinkage(change):
    return change["kind"] == "lv_resize" and change["to"]["size"] < change["from"]["size"]


@settings(max_examples=600, deadline=None)
@given(case=short_groups(), policy=policies, strategy=st.sampled_from(["water_filling", "water_filling", "proportional"]))
def test_rule_1_what_shrinks_keeps_what_it_needs_and_only_a_neighbours_need_takes_it(violations, case, policy, strategy):
    volumes, groups = case
    policy = {**policy, "strategy": strategy}
    answer = allocate(volumes, groups, policy)
    event(f"shrinks {sum(map(is_shrinkage, answer['actions']))}, proposes {sum(map(is_shrinkage, answer['proposals']))}")
    assert violations(volumes, groups, policy, answer) == []


@settings(max_examples=100, deadline=None)
@given(case=short_groups(), policy=policies, seed=st.integers(0, 99))
def test_who_shrinks_for_whom_does_not_depend_on_the_order_of_the_documents(case, policy, seed):
    volumes, groups = case
    answer = allocate(volumes, groups, policy)
    random.Random(seed).shuffle(volumes)
    assert allocate(volumes, groups, policy) == answer


@settings(max_examples=200, deadline=None)
@given(case=short_groups(), policy=policies)
def test_nothing_shrinks_where_the_free_extents_serve_everybody(case, policy):
    volumes, groups = case
    answer = allocate(volumes, [{**groups[0], "extents_free": 10**7}], policy)
    assert not any(map(is_shrinkage, answer["actions"] + answer["proposals"]))


@settings(max_examples=200, deadline=None)
@given(case=short_groups(), policy=policies, taken=st.sampled_from(["policy", "volumes", "managed"]))
def test_rule_12_without_leave_nothing_shrinks_and_what_would_help_is_only_proposed(case, policy, taken):
    volumes, groups = case
    withdrawn = {"policy": {}, "volumes": {"allow_shrink": False}, "managed": {"managed": False}}[taken]
    if taken == "policy":
        policy = {**policy, "allow_shrink": False}
    volumes = [{**volume, **withdrawn} for volume in volumes]
    answer = allocate(volumes, groups, policy)
    assert not any(map(is_shrinkage, answer["actions"]))
    names = {"policy": "allow_shrink", "volumes": "manage[].allow_shrink", "managed": "manage"}
    for proposal in filter(is_shrinkage, answer["proposals"]):
        assert names[taken] in proposal["option"].split(", ")


@settings(max_examples=300, deadline=None)
@given(case=short_groups(), policy=policies, fixed=st.booleans(), later=st.sampled_from([0, 60, 599]))
def test_the_next_plan_undoes_nothing_of_the_one_before(case, policy, fixed, later):
    volumes, groups = case
    willing = {"managed": True, "allow_shrink": True, "allow_unmount": True, "last_resized_at": None, "last_failed_at": None}
    volumes, policy = [{**volume, **willing} for volume in volumes], {**policy, "allow_shrink": True, "quiet_hours": []}
    answer = allocate(volumes, groups, policy)
    event(f"shrinks {sum(map(is_shrinkage, answer['actions']))}")
    volumes, groups = applied(volumes, groups, answer, fixed)
    shrunk = {action["target"] for action in answer["actions"] if is_shrinkage(action)}
    grown = {action["target"] for action in answer["actions"]} - shrunk
    second = allocate(volumes, groups, {**policy, "now": NOW + later})
    assert not shrunk & {action["target"] for action in second["actions"] if not is_shrinkage(action)}
    assert not grown & {action["target"] for action in second["actions"] if is_shrinkage(action)}


def applied(volumes, groups, answer, fixed):
    """Return the documents as they are after the actions; `fixed`: the overhead of a file system does not change with its size."""
    sizes = {action["target"]: action["to"]["size"] for action in answer["actions"]}
    free = groups[0]["extents_free"]
    after = []
    for volume in volumes:
        size = sizes.get(volume["entity"], volume["size_bytes"])
        filesystem, change = volume["fs"], size - volume["size_bytes"]
        total = filesystem["size"] + change if fixed else filesystem["size"] * size // volume["size_bytes"]
        free -= change // EXTENT * (volume["copies"] if change > 0 else volume.get("copies_freed", 1))
        resized = {"size_bytes": size, "fs": {**filesystem, "size": total, "avail": total - filesystem["used"]}}
        after.append({**volume, **resized, **({"last_resized_at": NOW} if volume["entity"] in sizes else {})})
    assert free >= 0
    return after, [{**groups[0], "extents_free": free}]
