# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would help a VG that cannot serve its volumes: a physical volume that suffices, or a volume that fits elsewhere."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import build_plan, validate_plan

GIB, MIB = 2**30, 2**20
EXTENT = 4 * MIB
NOW = 1_763_700_000
POLICY = {"now": NOW, "max_step_fraction": None}
SHRINKING = {**POLICY, "allow_shrink": True}


def pv(name, size, **more):
    return {"name": f"/dev/{name}", "uuid": f"uuid-{name}", "size_bytes": size, **more}


def xfs(volume, name="data", size=8 * GIB, used=None, demand=None, **fields):
    used = size // 2 if used is None else used
    return volume(
        name, size_bytes=size, fs={"type": "xfs", "size": size, "used": used, "avail": size - used}, demand_bytes=demand or used, **fields
    )


def lacking(volume, **fields):
    """A volume of 8 GiB that wants 3 GiB more."""
    return xfs(volume, size=8 * GIB, used=6 * GIB, demand=10 * GIB, **fields)


def test_the_smallest_free_physical_volume_that_suffices_is_named(volume, group):
    free = [pv("sdd", 100 * GIB), pv("sdc", 4 * GIB), pv("sdb", GIB)]
    answer = allocate([lacking(volume)], [group(extents_free=500, free_pvs=free)], POLICY)
    (proposal,) = answer["proposals"]
    assert (proposal["kind"], proposal["to"], proposal["vg"]) == ("vg_extend", "/dev/sdc", "vg0")
    assert "/dev/sdc of 4 GiB belongs to no VG and suffices (vgextend vg0 /dev/sdc)" in proposal["message"]


def test_without_one_that_suffices_the_size_to_add_is_named(volume, group):
    answer = allocate([lacking(volume)], [group(extents_free=500, free_pvs=[pv("sdb", GIB)])], POLICY)
    (proposal,) = answer["proposals"]
    assert "to" not in proposal
    assert "add a device of at least 3 GiB" in proposal["message"]
    assert "No free physical volume of the host suffices; the largest has 1 GiB." in proposal["message"]


def test_a_physical_volume_that_only_just_lacks_its_header_does_not_suffice(volume, group):
    wanted = allocate([lacking(volume)], [group(extents_free=500)], POLICY)["proposals"][0]["bytes"]
    answer = allocate([lacking(volume)], [group(extents_free=500, free_pvs=[pv("sdb", wanted)])], POLICY)
    assert "to" not in answer["proposals"][0]


def test_a_physical_volume_is_offered_once(volume, group):
    free = [pv("sdb", 4 * GIB), pv("sdc", 5 * GIB)]
    groups = [group(vg=name, extents_free=500, free_pvs=list(free)) for name in ("vg0", "vg1", "vg2")]
    answer = allocate([lacking(volume, vg=name) for name in ("vg0", "vg1", "vg2")], groups, POLICY)
    offered = {proposal["vg"]: proposal.get("to") for proposal in answer["proposals"] if proposal["kind"] == "vg_extend"}
    assert offered == {"vg0": "/dev/sdb", "vg1": "/dev/sdc", "vg2": None}


def test_the_smallest_volume_that_makes_enough_room_would_move(volume, group):
    small, calm, large = (xfs(volume, name, size) for name, size in (("small", GIB), ("calm", 4 * GIB), ("large", 20 * GIB)))
    groups = [group(extents_free=500), group(vg="other", extents_free=500 + 30 * 256)]
    answer = allocate([lacking(volume), small, calm, large], groups, POLICY)
    (move,) = [one for one in answer["proposals"] if one["kind"] == "lv_move"]
    assert (move["target"], move["from"], move["to"], move["extents"], move["cost"]) == (
        "lv:web1/vg0/calm",
        "vg0",
        "other",
        1024,
        {"bytes": 4 * GIB},
    )
    assert "lvcreate -n calm -l 1024 other" in move["message"]
    assert "26 GiB stay free there besides its reserve" in move["message"]
    validate_plan(build_plan(now=NOW, inventory=["web1"], hosts=["web1"], collection_version="1.0.0", **answer))


def test_a_volume_alone_on_its_physical_volume_goes_with_it(volume, group):
    pvs = [pv("sdb", 20 * GIB, free_bytes=0, lvs=["data"]), pv("sdc", 20 * GIB, free_bytes=2000 * MIB, lvs=["calm", "other"])]
    groups = [group(extents_free=500, pvs=pvs), group(vg="big", extents_free=500 + 4 * 256)]
    answer = allocate([lacking(volume), xfs(volume, "calm", 20 * GIB)], groups, POLICY)
    (move,) = [one for one in answer["proposals"] if one["kind"] == "lv_move"]
    assert (move["target"], move["to"], move["cost"], move["extents"]) == ("lv:web1/vg0/data", "big", {"bytes": 0}, 768)
    assert "vgsplit vg0 TEMPORARY /dev/sdb; vgmerge big TEMPORARY" in move["message"]


@pytest.mark.parametrize(
    ("of_source", "of_target"),
    [
        ({}, {"extent_bytes": 8 * MIB}),  # vgmerge needs equal extents
        ({"pvs": [pv("sdb", 20 * GIB, free_bytes=0, lvs=["data", "lvol0_pmspare"])]}, {}),
        ({"pvs": [pv("sdb", 20 * GIB, free_bytes=0, lvs=["data"])]}, {}),  # its only one
        ({"pvs": [pv("sdb", 9 * GIB, free_bytes=GIB, lvs=["data"]), pv("sdc", 9 * GIB, lvs=[])]}, {}),  # would take the reserve along
        ({}, {"refused_reason": "shared_vg"}),
        ({}, {"host": "web2"}),
    ],
)
def test_what_cannot_be_split_off_is_not_proposed(volume, group, of_source, of_target):
    usual = [pv("sdb", 20 * GIB, free_bytes=0, lvs=["data"]), pv("sdc", 20 * GIB, free_bytes=0, lvs=[])]
    groups = [group(extents_free=500, **{"pvs": usual, **of_source}), group(**{"vg": "big", "extents_free": 500 + 4 * 256, **of_target})]
    answer = allocate([lacking(volume)], groups, POLICY)
    assert [one["kind"] for one in answer["proposals"]] == ["vg_extend"]


def test_what_is_refused_for_changes_is_not_moved(volume, group):
    groups = [group(extents_free=500), group(vg="other", extents_free=500 + 30 * 256)]
    guest = xfs(volume, "guest", 4 * GIB, refused_reason="guest_disk")
    answer = allocate([lacking(volume, refused_reason=None), guest], groups, POLICY)
    assert {one["target"] for one in answer["proposals"] if one["kind"] == "lv_move"} <= {"lv:web1/vg0/data"}


def growing(volume, name, extents, wants, **fields):
    """A volume that wants to grow by so many extents."""
    size = extents * EXTENT
    # With a tenth of headroom on top; half an extent less, so that no rounding asks for one more.
    demand = ((extents + wants) * EXTENT - EXTENT // 2) / 1.1
    return xfs(volume, name, size, used=size // 4, demand=demand, **fields)


def calm(volume, name, extents, **fields):
    return xfs(volume, name, extents * EXTENT, used=extents * EXTENT // 4, **fields)


def moves(answer):
    return [one for one in answer["proposals"] if one["kind"] == "lv_move"]


def extensions(answer):
    return [one for one in answer["proposals"] if one["kind"] == "vg_extend"]


@pytest.mark.parametrize("managed", [True, False])
def test_a_volume_that_also_grows_in_the_plan_gets_all_it_needs_in_the_other_vg(volume, group, managed):
    # 100 extents, 90 of the 99 that it wants are granted, or proposed where it is not managed
    groups = [group(extents_free=590), group(vg="v2", extents_free=500 + 199)]
    answer = allocate([growing(volume, "db", 100, 99, managed=managed)], groups, POLICY)
    (change,) = answer["actions"] if managed else [one for one in answer["proposals"] if one["kind"] == "lv_resize"]
    assert change["to"]["size"] == 190 * EXTENT
    (move,) = moves(answer)
    size = (190 if managed else 100) * EXTENT
    assert (move["extents"], move["bytes"], move["cost"]) == (199, size, {"bytes": size})
    assert "lvcreate -n db -l 199 v2;" in move["message"]
    assert ("as a copy of 760 MiB (its size after this plan)" in move["message"]) is managed
    assert not moves(
        allocate([growing(volume, "db", 100, 99, managed=managed)], [groups[0], group(vg="v2", extents_free=500 + 198)], POLICY)
    )


@pytest.mark.parametrize("managed", [True, False])
def test_a_volume_that_grows_onto_another_physical_volume_is_not_split_off(volume, group, managed):
    pvs = [pv("sda", 100 * EXTENT, free_bytes=0, lvs=["db"]), pv("sdb", 600 * EXTENT, free_bytes=550 * EXTENT, lvs=["other"])]
    groups = [group(extents_free=550, pvs=pvs), group(vg="v2", extents_free=500 + 60)]
    assert moves(allocate([growing(volume, "db", 100, 99, managed=managed)], groups, POLICY)) == []
    # Without the 50 extents, all that it lacks can be had in the other VG.
    nothing = [group(extents_free=500, pvs=pvs), group(vg="v2", extents_free=500 + 99)]
    (move,) = moves(allocate([growing(volume, "db", 100, 99, managed=managed)], nothing, POLICY))
    assert "vgsplit vg0 TEMPORARY /dev/sda" in move["message"]


def test_a_physical_volume_on_which_the_plan_may_put_others_is_not_split_off(volume, group):
    # Copies of a mirror: one extent of 501 is left over, and nobody knows which.
    full, roomy = ([pv("sda", 20 * GIB, free_bytes=free, lvs=["db"]), pv("sdb", 20 * GIB, lvs=["other"])] for free in (0, EXTENT))
    target = group(vg="v2", extents_free=700, pvs=[pv("sdc", GIB, free_bytes=GIB), pv("sdd", GIB, free_bytes=GIB)])
    split = [
        [
            move["cost"]
            for move in moves(allocate([growing(volume, "db", 400, 50, copies=2)], [group(extents_free=501, pvs=pvs), target], POLICY))
        ]
        for pvs in (full, roomy)
    ]
    assert split == [[{"bytes": 0}], []]


def test_a_donor_moves_with_the_size_that_the_plan_leaves_it(volume, spare, group):
    # It is btrfs, needs little, and gives a quarter of its 1000 extents; 750 are still lacking.
    size = 1000 * EXTENT
    ar = spare("ar", size_bytes=size, fs={"type": "btrfs", "size": size, "used": size // 10, "avail": size - size // 10}, demand_bytes=size // 10,
               past_peak_bytes=size // 10)  # fmt: skip
    groups = [group(extents_free=500), group(vg="v2", extents_free=500 + 750)]
    answer = allocate([growing(volume, "db", 2000, 1000), ar], groups, SHRINKING)
    assert {one["target"]: one["to"]["size"] // EXTENT for one in answer["actions"]} == {"lv:web1/vg0/db": 2250, "lv:web1/vg0/ar": 750}
    assert [one["bytes"] for one in extensions(answer)] == [750 * EXTENT]
    (move,) = moves(answer)
    assert (move["target"], move["bytes"], move["extents"], move["cost"]) == ("lv:web1/vg0/ar", 750 * EXTENT, 750, {"bytes": 750 * EXTENT})
    assert "lvcreate -n ar -l 750 v2;" in move["message"]
    # One extent more is lacking than it has left.
    assert moves(allocate([growing(volume, "db", 2000, 1001), ar], groups, SHRINKING)) == []


def raid(volume, name="r", wants=100, copies=2, **fields):
    return growing(volume, name, 1000, wants, copies=copies, **fields)


def test_copies_need_as_many_physical_volumes(volume, group):
    # 100 extents on each of two: 201 on one are no help
    free = [pv("sdc", 201 * EXTENT + 2 * MIB)]
    (proposal,) = allocate([raid(volume)], [group(extents_free=500, free_pvs=free)], POLICY)["proposals"]
    assert "to" not in proposal
    assert proposal["bytes"] == 200 * EXTENT
    assert "suffice" not in proposal["message"]
    assert "add 2 devices of at least 402 MiB each, for LVM keeps each of 2 copies on another one" in proposal["message"]
    assert "Free physical volumes of the host of that size: 1; the largest has 806 MiB." in proposal["message"]


def test_the_smallest_physical_volumes_that_hold_one_copy_each_are_named(volume, group):
    free = [pv("sdf", 4 * GIB), pv("sde", 100 * EXTENT + 2 * MIB), pv("sdd", 100 * EXTENT + MIB), pv("sdc", GIB)]
    answer = allocate([raid(volume)], [group(extents_free=500, free_pvs=free)], POLICY)
    (proposal,) = answer["proposals"]
    assert proposal["to"] == "/dev/sde /dev/sdc"
    assert proposal["message"].endswith(
        "/dev/sde of 402 MiB and /dev/sdc of 1 GiB belong to no VG and suffice together, each of 2 copies on another one "
        "(vgextend vg0 /dev/sde /dev/sdc)."
    )
    validate_plan(build_plan(now=NOW, inventory=["web1"], hosts=["web1"], collection_version="1.0.0", **answer))


def test_physical_volumes_for_copies_are_offered_once(volume, group):
    free = [pv(name, 101 * EXTENT) for name in ("sdb", "sdc", "sdd")]
    groups = [group(vg=name, extents_free=500, free_pvs=list(free)) for name in ("vg0", "vg1")]
    answer = allocate([raid(volume, vg="vg0"), growing(volume, "db", 500, 90, vg="vg1")], groups, POLICY)
    assert {one["vg"]: one.get("to") for one in extensions(answer)} == {"vg0": "/dev/sdb /dev/sdc", "vg1": "/dev/sdd"}


def test_a_volume_with_copies_that_lacks_nothing_asks_for_no_second_device(volume, group):
    volumes = [calm(volume, "r", 1000, copies=2), growing(volume, "db", 500, 90)]
    (proposal,) = allocate(volumes, [group(extents_free=500, free_pvs=[pv("sdb", GIB)])], POLICY)["proposals"]
    assert proposal["to"] == "/dev/sdb"


def test_each_device_holds_a_copy_of_every_volume(volume, group):
    # 200 + 3 × 60 extents on three devices: with a third of that, one copy of each does not fit
    volumes = [raid(volume), raid(volume, "three", 60, copies=3)]
    for size, named in ((159, None), (160, "/dev/sdb /dev/sdc /dev/sdd")):
        free = [pv(name, size * EXTENT + 2 * MIB) for name in ("sdb", "sdc", "sdd")]
        (proposal,) = allocate(volumes, [group(extents_free=500, free_pvs=free)], POLICY)["proposals"]
        assert proposal.get("to") == named


def test_moving_a_volume_away_from_one_physical_volume_helps_no_copies(volume, group):
    groups = [group(extents_free=500), group(vg="v2", extents_free=2000)]
    assert moves(allocate([raid(volume), calm(volume, "single", 400)], groups, POLICY)) == []


@pytest.mark.parametrize(
    ("pvs", "fits"),
    [
        ([pv("sdc", 9 * GIB, free_bytes=1100 * EXTENT), pv("sdd", 9 * GIB, free_bytes=1100 * EXTENT)], True),
        ([pv("sdc", 9 * GIB, free_bytes=1100 * EXTENT), pv("sdd", 9 * GIB, free_bytes=1099 * EXTENT)], False),
        ([pv("sdc", 9 * GIB, free_bytes=1100 * EXTENT), pv("sdd", 9 * GIB, free_bytes=1100 * EXTENT, missing=True)], False),
        ([pv("sdc", 9 * GIB, free_bytes=1100 * EXTENT), pv("sdd", 9 * GIB, free_bytes=1100 * EXTENT, allocatable=False)], False),
        ([pv("sdc", 99 * GIB, free_bytes=2700 * EXTENT)], False),
    ],
)
def test_a_volume_with_copies_moves_where_each_finds_a_physical_volume(volume, group, pvs, fits):
    groups = [group(extents_free=500), group(vg="v2", extents_free=2700, pvs=pvs)]
    found = moves(allocate([raid(volume)], groups, POLICY))
    assert [one["extents"] for one in found] == ([2200] if fits else [])
    assert all("lvcreate -n r -l 1100 v2, of the same type with as many copies;" in one["message"] for one in found)


def test_only_what_certainly_comes_free_is_counted(volume, group):
    # Of a RAID 5 LVM may free as little as one extent for one: 400 are less than the 500 that are lacking.
    target = group(vg="v2", extents_free=2000, pvs=[pv(name, 9 * GIB, free_bytes=1000 * EXTENT) for name in ("sdc", "sdd")])
    for freed, number in ((0, 0), (2, 1)):
        volumes = [growing(volume, "db", 2000, 500), calm(volume, "r5", 400, copies=2, copies_freed=freed)]
        assert len(moves(allocate(volumes, [group(extents_free=500), target], POLICY))) == number
