# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would help a VG that cannot serve its volumes: a physical volume that suffices, or a volume that fits elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import build_plan, validate_plan

GIB, MIB = 2**30, 2**20
EXTENT = 4 * MIB
NOW = 1_763_700_000
POLICY = {"now": NOW, "max_step_fraction": None}


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


@st.composite
def fleets(draw):
    groups, volumes = [], []
    for vg in ("vg0", "vg1", "vg2"):
        extent = draw(st.sampled_from([EXTENT, 8 * MIB]))
        names = [f"v{number}" for number in range(draw(st.integers(0, 4)))]
        for name in names:
            size = draw(st.integers(1, 400)) * extent
            used = int(size * draw(st.floats(0, 1)))
            volumes.append(
                {
                    "entity": f"lv:web1/{vg}/{name}", "host": "web1", "vg": vg, "lv": name, "uuid": f"u-{vg}-{name}", "size_bytes": size,
                    "fs": {"type": "xfs", "size": size, "used": used, "avail": size - used}, "mounted": True, "managed": draw(st.booleans()),
                    "demand_bytes": used * draw(st.floats(0.5, 3)), "demand_status": "ok", "observed_at": NOW, "copies": draw(st.sampled_from([1, 1, 2])),
                    "refused_reason": draw(st.sampled_from([None, None, None, "snapshot"])),
                }
            )  # fmt: skip
        pvs = [pv(f"{vg}-{name}", 0, free_bytes=draw(st.integers(0, 50)) * extent, lvs=[name]) for name in names]
        groups.append(
            {
                "entity": f"vg:web1/{vg}", "host": "web1", "vg": vg, "uuid": f"u-{vg}", "extent_bytes": extent, "extents_free": draw(st.integers(0, 600)),
                "reserve_extents": draw(st.integers(0, 100)), "pvs": pvs, "refused_reason": draw(st.sampled_from([None, None, "shared_vg"])),
            }
        )  # fmt: skip
    free = [pv(f"free{number}", draw(st.integers(1, 5 * 2**30))) for number in range(draw(st.integers(0, 3)))]
    return volumes, [{**group, "free_pvs": free} for group in groups]


@settings(max_examples=200, deadline=None)
@given(fleet=fleets())
def test_proposals_suffice_together_and_no_group_loses_its_reserve(fleet):
    """Done one after the other on a model of the host, moves and extensions leave every VG with its reserve, and serve what it lacks."""
    volumes, groups = fleet
    answer = allocate(volumes, groups, POLICY)
    vg = {group["vg"]: group for group in groups}
    free = {name: group["extents_free"] for name, group in vg.items()}
    by_entity = {volume["entity"]: volume for volume in volumes}
    for change in [*answer["actions"], *(one for one in answer["proposals"] if one["kind"] == "lv_resize")]:
        name = by_entity[change["target"]]["vg"]
        free[name] -= change["cost"]["bytes"] // vg[name]["extent_bytes"]
    wanted, taken = {}, set()
    for one in answer["proposals"]:
        if one["kind"] != "vg_extend":
            continue
        group = vg[one["vg"]]
        wanted[one["vg"]] = -(-one["bytes"] // group["extent_bytes"])
        if one.get("to"):
            assert one["to"] not in taken
            taken.add(one["to"])
            size = next(free_pv["size_bytes"] for free_pv in group["free_pvs"] if free_pv["name"] == one["to"])
            assert (size - MIB) // group["extent_bytes"] >= wanted[one["vg"]]
            assert not [
                other for other in group["free_pvs"]
                if other["name"] not in taken and (other["size_bytes"] - 2 * MIB) // group["extent_bytes"] >= wanted[one["vg"]] and other["size_bytes"] < size
            ]  # fmt: skip
    for move in (one for one in answer["proposals"] if one["kind"] == "lv_move"):
        volume, source, target = by_entity[move["target"]], vg[move["from"]], vg[move["to"]]
        assert move["from"] != move["to"]
        assert (volume["refused_reason"], source["refused_reason"], target["refused_reason"]) == (None, None, None)
        free[move["to"]] -= move["extents"]
        assert free[move["to"]] >= target["reserve_extents"]
        if "vgsplit" in move["message"]:
            assert source["extent_bytes"] == target["extent_bytes"]
            leaving = sum(one["free_bytes"] for one in source["pvs"] if one["lvs"] == [volume["lv"]]) // source["extent_bytes"]
            assert free[move["from"]] - leaving >= min(source["reserve_extents"], free[move["from"]])
            assert move["extents"] >= wanted[move["from"]] - max(0, source["reserve_extents"] - source["extents_free"])
        else:
            assert move["extents"] * target["extent_bytes"] >= volume["size_bytes"]
            assert move["cost"]["bytes"] == volume["size_bytes"]


@settings(max_examples=150, deadline=None)
@given(fleet=fleets())
def test_after_a_move_the_group_lacks_nothing(fleet):
    """Its VG planned again without the volume, in its present state, proposes no extension any more."""
    volumes, groups = fleet
    vg = {group["vg"]: group for group in groups}
    for move in (one for one in allocate(volumes, groups, POLICY)["proposals"] if one["kind"] == "lv_move"):
        source = vg[move["from"]]
        moved = next(volume for volume in volumes if volume["entity"] == move["target"])
        gained = moved["size_bytes"] // source["extent_bytes"] * moved["copies"]
        if "vgsplit" in move["message"]:
            gained = -sum(one["free_bytes"] for one in source["pvs"] if one["lvs"] == [moved["lv"]]) // source["extent_bytes"]
        rest = [volume for volume in volumes if volume["vg"] == move["from"] and volume is not moved]
        again = allocate(rest, [{**source, "extents_free": max(0, source["extents_free"] + gained)}], POLICY)
        assert not [one for one in again["proposals"] if one["kind"] == "vg_extend"], move["message"]
