# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who makes room for whom: single cases."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError

GIB = 2**30
EXTENT = 4 * 2**20
NOW = 1_763_700_000
DAY = 86400
NEED = 371  # extents that the volume of the fixture lacks


def ask(volumes, groups, **policy):
    return allocate(volumes, groups, {"now": NOW, "allow_shrink": True, **policy})


def by_name(entries):
    return {entry["target"].rsplit("/", 1)[1]: entry for entry in entries}


def extents(change):
    return (change["to"]["size"] - change["from"]["size"]) // EXTENT


@pytest.fixture
def full(group):
    """A VG with nothing to give away."""
    return [group(extents_free=500)]


def test_a_neighbour_makes_room_and_the_growth_waits_for_it(volume, spare, full):
    answer = ask([volume(), spare()], full)
    changes = by_name(answer["actions"])
    # 371 extents are needed; it gives a tenth of its size at least, the rest stays free
    assert {name: extents(change) for name, change in changes.items()} == {"data": NEED, "spare": -1024}
    assert changes["data"]["after"] == ["lv:web1/vg0/spare"]
    assert changes["data"]["message"].endswith("holds 7.45 GiB. lv:web1/vg0/spare makes room for it first.")
    shrinking = changes["spare"]
    assert {key: shrinking[key] for key in ("kind", "reason", "expect", "allow", "after", "cost")} == {
        "kind": "lv_resize",
        "reason": "neighbour",
        "expect": {"uuid": "uuid-web1-vg0-spare", "size": 40 * GIB},
        "allow": {"shrink": True},
        "after": [],
        "cost": {"bytes": 0, "freed_bytes": 4 * GIB},
    }
    assert shrinking["message"] == ("Makes room for lv:web1/vg0/data. It held at most 10 GiB within 2w and keeps room for 12.5 GiB.")
    assert answer["refused"] == answer["proposals"] == []


def test_what_the_reserve_lacks_comes_first_out_of_what_a_neighbour_gives(volume, spare, group):
    """Or the host would refuse the growth after the neighbour had been made smaller for it."""
    changes = by_name(ask([volume(), spare(), spare("other")], [group(extents_free=100)])["actions"])
    freed = {name: -extents(change) for name, change in changes.items() if extents(change) < 0}
    assert sum(freed.values()) >= 400 + NEED
    assert changes["data"]["after"] == sorted(f"lv:web1/vg0/{name}" for name in freed)
    # one donor gives a quarter of itself at most: all that goes into the reserve, and so it is not asked
    small = ask([volume(), spare()], [group(extents_free=0, reserve_extents=10 * 1024)])
    assert small["actions"] == []
    assert [(one["kind"], one["bytes"]) for one in small["proposals"]] == [("vg_extend", (10 * 1024 + NEED) * EXTENT)]


def test_what_the_vg_has_is_given_first_and_no_growth_waits_for_more_than_it_takes(volume, spare, group):
    enough = ask([volume(), spare()], [group()])
    assert [action["after"] for action in enough["actions"]] == [[]]
    volumes = [volume("first", demand_bytes=7.2 * GIB), volume("second", demand_bytes=9 * GIB), spare()]
    changes = by_name(ask(volumes, [group(extents_free=900)])["actions"])
    assert (changes["first"]["after"], changes["second"]["after"]) == ([], ["lv:web1/vg0/spare"])


def test_the_most_urgent_growth_gets_the_free_extents_that_are_left_over(volume, spare, group):
    # whole extents of a mirror: 2 each, so 1 of 201 is left after the first round
    volumes = [
        volume("late", copies=2),
        volume("soon", copies=2, forecast={"quantile": 0.9, "value": 1.0, "method": "x", "runway_seconds": 60}),
    ]
    changes = by_name(ask([*volumes, spare()], [group(extents_free=701)])["actions"])
    assert changes["late"]["after"] == changes["soon"]["after"] == ["lv:web1/vg0/spare"]
    assert -extents(changes["spare"]) >= extents(changes["late"]) * 2 + extents(changes["soon"]) * 2 - 201


def test_the_one_with_the_largest_surplus_gives_and_nobody_else(volume, spare, full):
    volumes = [
        volume(),
        spare("small", size_bytes=20 * GIB, fs={"type": "btrfs", "size": 20 * GIB, "used": 8 * GIB, "avail": 12 * GIB}),
        spare("large"),
    ]
    assert set(by_name(ask(volumes, full)["actions"])) == {"data", "large"}


def test_one_step_of_shrinking_is_bounded_and_a_second_neighbour_helps(volume, spare, full):
    volumes = [volume(demand_bytes=80 * GIB), spare("one"), spare("two")]
    answer = ask(volumes, full, max_shrink_step_fraction=0.05)
    changes = by_name(answer["actions"])
    assert {name: extents(change) for name, change in changes.items()} == {"data": 1024, "one": -512, "two": -512}
    assert changes["data"]["after"] == ["lv:web1/vg0/one", "lv:web1/vg0/two"]
    assert [refusal["reason"] for refusal in answer["refused"]] == ["max_step"]


def test_it_keeps_the_most_of_what_it_needs(volume, spare, full):
    def left(**fields):
        policy = {"max_shrink_step_fraction": 1.0, "min_shrink_fraction": 1.0}
        return by_name(ask([volume(), spare(**fields)], full, **policy)["actions"])["spare"]["to"]["size"]

    def filled(used):
        return {"type": "btrfs", "size": 40 * GIB, "used": int(used * GIB), "avail": int((40 - used) * GIB)}

    assert left() == 12.5 * GIB  # 10 GiB of the past and a quarter
    assert left(demand_bytes=16 * GIB) == 22 * GIB  # 16 GiB and 10 %, and a quarter
    assert left(fs=filled(12)) == 15 * GIB
    assert left(min_bytes=30 * GIB) == 30 * GIB
    reserved = {"type": "btrfs", "size": 39 * GIB, "used": 8 * GIB, "avail": 30 * GIB}
    assert left(fs=reserved) == 14.5 * GIB  # the overhead of 2 GiB stays
    assert (
        by_name(
            ask([volume(), spare(fs=filled(12))], full, shrink_margin="20 GiB", min_shrink_fraction=1, max_shrink_step_fraction=1)[
                "actions"
            ]
        )["spare"]["to"]["size"]
        == 32 * GIB
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"fs": {"type": "xfs", "size": 40 * GIB, "used": 8 * GIB, "avail": 32 * GIB}},
        {"fs": {"type": "ntfs", "size": 40 * GIB, "used": 8 * GIB, "avail": 32 * GIB}, "named_exactly": True},
        {"fs": {"type": "swap", "size": None, "used": None}},
        {"fs": {"type": None, "size": None}, "named_exactly": True},
        {"fs": None, "named_exactly": True},
        {"fs": {"type": "btrfs", "size": 40 * GIB, "used": None}},
        {"mounted": False},
        {"refused_reason": "thin_volume"},
        {"refused_reason": "snapshot_origin"},
        {"demand_status": "stale", "demand_bytes": None},
        {"demand_status": "cold_start", "demand_bytes": None},
        {"past_peak_bytes": None},
        {"past_seconds": 13 * DAY},
        {"past_seconds": None},
        {"past_peak_bytes": 31 * GIB},
        {"demand_bytes": 28 * GIB},
        {"min_bytes": 39 * GIB},
        {"min_bytes": 41 * GIB},
        {"unfinished": True},
        {"copies_freed": 0},
        {"size_bytes": 40 * GIB + 1},
    ],
)
def test_who_needs_what_it_has_or_of_whom_too_little_is_known_never_shrinks(volume, spare, full, fields):
    answer = ask([volume(), spare(**fields)], full)
    assert not [change for change in answer["actions"] + answer["proposals"] if change["target"].endswith("spare") and extents(change) < 0]
    assert "lv:web1/vg0/data" not in {action["target"] for action in answer["actions"]}


@pytest.mark.parametrize(
    ("fields", "policy", "option"),
    [
        ({"managed": False, "allow_shrink": False}, {}, "manage, manage[].allow_shrink"),
        ({"allow_shrink": False}, {}, "manage[].allow_shrink"),
        ({}, {"allow_shrink": False}, "allow_shrink"),
        ({"fs": {"type": "ext4", "size": 40 * GIB, "used": 8 * GIB, "avail": 32 * GIB}}, {}, "manage[].allow_unmount"),
        ({"fs": {"type": "vfat", "size": 40 * GIB, "used": 8 * GIB, "avail": 32 * GIB}}, {}, "manage[].allow_unmount"),
        ({"last_resized_at": NOW - 6 * DAY}, {}, "shrink_cool_down_seconds"),
        ({"last_failed_at": NOW - 6 * DAY}, {}, "shrink_cool_down_seconds"),
    ],
)
def test_what_would_help_but_is_not_allowed_is_proposed_with_what_would_allow_it(volume, spare, full, fields, policy, option):
    answer = ask([volume(), spare(**fields)], full, **policy)
    assert answer["actions"] == []
    proposal = by_name(answer["proposals"])["spare"]
    assert (extents(proposal), proposal["option"], proposal["reason"], "after" in proposal, "allow" in proposal) == (
        -1024,
        option,
        "neighbour",
        False,
        False,
    )
    assert proposal["message"].startswith("Would free 4 GiB of vg0 for lv:web1/vg0/data. It held at most 10 GiB within 2w")
    assert proposal["message"].endswith(f"Needed for it: {option}.")
    assert [refusal["reason"] for refusal in answer["refused"]] == ["no_space"]
    assert "vg_extend" in {proposal["kind"] for proposal in answer["proposals"]}


def test_after_its_cool_down_a_volume_may_be_asked_again(volume, spare, full):
    assert set(by_name(ask([volume(), spare(last_resized_at=NOW - 7 * DAY)], full)["actions"])) == {"data", "spare"}


def test_nobody_shrinks_in_quiet_hours_even_where_a_floor_grows(volume, spare, full):
    nearly_full = volume(fs={"type": "xfs", "size": 8 * GIB, "used": 8 * GIB, "avail": 0})
    quiet = [{"from": "00:00", "to": "23:59"}]
    answer = ask([nearly_full, spare()], full, quiet_hours=quiet)
    assert (answer["actions"], by_name(answer["proposals"])["spare"]["option"]) == ([], "quiet_hours")
    assert by_name(ask([nearly_full, spare()], full)["actions"])["data"]["after"] == ["lv:web1/vg0/spare"]


def test_an_unmount_is_told_and_allowed_only_where_it_is_needed(volume, spare, full):
    ext = {"type": "ext4", "size": 40 * GIB, "used": 8 * GIB, "avail": 32 * GIB}
    shrinking = by_name(ask([volume(), spare(fs=ext, allow_unmount=True)], full)["actions"])["spare"]
    assert shrinking["allow"] == {"shrink": True, "unmount": True}
    assert shrinking["message"].endswith("keeps room for 12.5 GiB; it is unmounted for it.")
    assert by_name(ask([volume(), spare(allow_unmount=True)], full)["actions"])["spare"]["allow"] == {"shrink": True}


def test_for_a_volume_that_is_not_managed_nobody_shrinks_but_it_is_told_who_could(volume, spare, full):
    answer = ask([volume(managed=False), spare()], full)
    assert answer["actions"] == []
    proposal = by_name(answer["proposals"])["spare"]
    assert (extents(proposal), proposal["option"]) == (-1024, "manage")


def test_a_small_surplus_is_left_alone(volume, spare, full):
    volumes = [volume(), spare(past_peak_bytes=30.8 * GIB)]  # 1.5 GiB more than it needs
    assert set(by_name(ask(volumes, full, hysteresis_fraction=0.03)["actions"])) == {"data", "spare"}
    assert ask(volumes, full)["actions"] == []
    assert ask(volumes, full, hysteresis_fraction=0.0, min_change_extents=400)["actions"] == []


def test_a_mirror_frees_its_extents_twice(volume, spare, full):
    shrinking = by_name(ask([volume(), spare(copies=2, copies_freed=2)], full, min_shrink_fraction=0)["actions"])["spare"]
    assert (extents(shrinking), shrinking["cost"]["freed_bytes"]) == (-186, 2 * 186 * EXTENT)


def test_growths_that_need_an_unmount_carry_the_leave_for_it(volume, group):
    fat = {"type": "vfat", "size": 8 * GIB, "used": 7 * GIB, "avail": GIB}
    (growth,) = ask([volume(fs=fat, allow_unmount=True)], [group()])["actions"]
    assert growth["allow"] == {"unmount": True}
    (online,) = ask([volume(allow_unmount=True)], [group()])["actions"]
    assert "allow" not in online
    refused = ask([volume(fs=fat)], [group()])["refused"]
    assert [(refusal["reason"], refusal["option"]) for refusal in refused] == [("needs_unmount", "manage[].allow_unmount")]
    (proposal,) = ask([volume(fs=fat, managed=False)], [group()])["proposals"]
    assert proposal["option"] == "manage"


def test_ext_and_swap_that_are_not_mounted_grow_to_their_minimum(volume, group):
    unseen = {"mounted": False, "min_bytes": 9 * GIB, "demand_status": "stale", "demand_bytes": None}
    (ext,) = ask([volume(fs={"type": "ext4", "size": None, "used": None}, **unseen)], [group()])["actions"]
    assert (ext["to"]["size"], ext["reason"], "allow" in ext) == (9 * GIB, "minimum", False)
    (swap,) = ask([volume(fs={"type": "swap", "size": None, "used": None}, allow_unmount=True, **unseen)], [group()])["actions"]
    assert (swap["to"]["size"], swap["allow"]) == (9 * GIB, {"unmount": True})


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"shrink_cool_down_seconds": "400d"}, "needed is at most 365d (O(policy.shrink_cool_down_seconds))"),
        ({"shrink_margin": "a lot"}, "O(policy.shrink_margin)"),
        ({"shrink_headroom": -1}, "shrink_headroom is -1"),
        ({"max_shrink_step_fraction": 1.5}, "max_shrink_step_fraction is 1.5 (float); needed is a number above 0 and at most 1"),
        ({"shrink_cool_down_seconds": "soon"}, "policy.shrink_cool_down_seconds"),
        ({"min_shrink_fraction": 2}, "min_shrink_fraction is 2"),
    ],
)
def test_a_wrong_policy_of_shrinking_is_told(volume, group, policy, told):
    with pytest.raises(InputError) as error:
        ask([volume()], [group()], **policy)
    assert told in str(error.value)
