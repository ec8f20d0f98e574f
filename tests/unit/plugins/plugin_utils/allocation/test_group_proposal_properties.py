# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is proposed to a VG that lacks space, on a model of the host: done after the plan it helps, and costs no other VG its reserve."""

from __future__ import annotations

import importlib.util
import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate

GIB, MIB = 2**30, 2**20
EXTENT = 4 * MIB
NOW = 1_763_700_000
POLICY = {"now": NOW, "max_step_fraction": None, "allow_shrink": True}
VERIFIER = pathlib.Path(__file__).parents[3] / "verifiers" / "group_proposals.py"


@pytest.fixture(scope="module")
def mistakes():
    """Return the verifier's function."""
    spec = importlib.util.spec_from_file_location("group_proposals_verifier", VERIFIER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.violations


def pv(name, size, **more):
    return {"name": f"/dev/{name}", "uuid": f"uuid-{name}", "size_bytes": size, **more}


def moves(answer):
    return [one for one in answer["proposals"] if one["kind"] == "lv_move"]


def extensions(answer):
    return [one for one in answer["proposals"] if one["kind"] == "vg_extend"]


@st.composite
def fleets(draw):
    """One host with three VGs, of which the first is rather full, and whose physical volumes are known extent by extent."""
    groups, volumes = [], []
    for vg in ("vg0", "vg1", "vg2"):
        extent = draw(st.sampled_from([EXTENT, EXTENT, 8 * MIB]))
        free = st.sampled_from([0, 0, 0, 1, 30] if vg == "vg0" else [0, 1, 300, 900])
        pvs = [pv(f"{vg}-{number}", 0, free_bytes=draw(free) * extent, lvs=[]) for number in range(draw(st.integers(1, 4)))]
        for name in [f"v{number}" for number in range(draw(st.integers(vg == "vg0", 4)))]:
            copies = draw(st.sampled_from([number for number in (1, 2, 3) if number <= len(pvs)]))
            # Those that nothing lies on come first: some volumes are to be alone on theirs.
            for one in sorted(draw(st.permutations(pvs)), key=lambda one: len(one["lvs"]))[:copies]:
                one["lvs"].append(name)
            size = draw(st.integers(1, 400)) * extent
            used = int(size * draw(st.sampled_from([0.1, 0.4, 0.7, 1.0])))
            volumes.append(
                {
                    "entity": f"lv:web1/{vg}/{name}", "host": "web1", "vg": vg, "lv": name, "uuid": f"u-{vg}-{name}", "size_bytes": size,
                    "fs": {"type": draw(st.sampled_from(["xfs", "btrfs"])), "size": size, "used": used, "avail": size - used}, "mounted": True,
                    "managed": draw(st.booleans()), "demand_bytes": used * draw(st.floats(0.5, 2)), "demand_status": "ok", "observed_at": NOW,
                    "copies": copies, "copies_freed": copies, "allow_shrink": draw(st.booleans()), "past_peak_bytes": used, "past_seconds": 14 * 86400,
                    "refused_reason": draw(st.sampled_from([None, None, None, "snapshot"])),
                }
            )  # fmt: skip
        groups.append(
            {
                "entity": f"vg:web1/{vg}", "host": "web1", "vg": vg, "uuid": f"u-{vg}", "extent_bytes": extent, "pvs": pvs,
                "extents_free": sum(one["free_bytes"] for one in pvs) // extent, "reserve_extents": draw(st.sampled_from([0, 0, 10, 100])),
                "refused_reason": draw(st.sampled_from([None, None, None, "shared_vg"])),
            }
        )  # fmt: skip
    free = [pv(f"free{number}", draw(st.sampled_from([40 * MIB, 402 * MIB, GIB, 3 * GIB]))) for number in range(draw(st.integers(0, 6)))]
    return volumes, [{**group, "free_pvs": free} for group in groups]


@settings(max_examples=200, deadline=None)
@given(fleet=fleets())
def test_proposals_suffice_together_and_no_group_loses_its_reserve(mistakes, fleet):
    """Done one after the other on a model of the host, plan, moves and extensions leave every VG with its reserve, and serve what it lacks."""
    assert mistakes(*fleet, allocate(*fleet, POLICY)) == []


@settings(max_examples=200, deadline=None)
@given(fleet=fleets())
def test_after_the_plan_and_a_move_neither_the_group_nor_the_volume_lacks_anything(fleet):
    """Planned again after that, the VG proposes no extension any more, and the volume wants nothing in the other one."""
    volumes, groups = fleet
    # The floor asks for a step of the present size, which is another one after a part of it.
    policy = {**POLICY, "floor": {"free_fraction": 0}}
    answer = allocate(volumes, groups, policy)
    for move in moves(answer):
        rest, later = _after(volumes, groups, answer)
        source, target = later[move["from"]], later[move["to"]]
        moved = rest.pop(move["target"])
        each, size = move["extents"] // moved["copies"] * target["extent_bytes"], moved["size_bytes"]
        if "vgsplit" in move["message"]:
            each += size
        else:
            source["extents_free"] += size // source["extent_bytes"] * moved["copies"]
        target["extents_free"] -= move["extents"]
        arrived = {**_resized(moved, each - size), "vg": move["to"], "entity": f"lv:web1/{move['to']}/moved", "lv": "moved"}
        again = allocate([*rest.values(), arrived], list(later.values()), policy)
        assert not [one for one in extensions(again) if one["vg"] == move["from"]], move["message"]
        assert not [one for one in [*again["actions"], *again["proposals"]] if one["target"] == arrived["entity"] and _grows(one)]
        before = sum(one["bytes"] for one in extensions(answer) if one["vg"] == move["to"])
        assert sum(one["bytes"] for one in extensions(again) if one["vg"] == move["to"]) <= before


def _after(volumes, groups, answer):
    """The documents once the actions of the plan are done."""
    rest, later = {volume["entity"]: volume for volume in volumes}, {group["vg"]: dict(group) for group in groups}
    for action in answer["actions"]:
        volume = rest[action["target"]]
        growth = action["to"]["size"] - action["from"]["size"]
        rest[action["target"]] = _resized(volume, growth)
        later[volume["vg"]]["extents_free"] -= growth // later[volume["vg"]]["extent_bytes"] * volume["copies"]
    return rest, later


def _resized(volume, growth):
    filesystem = {**volume["fs"], "size": volume["fs"]["size"] + growth, "avail": volume["fs"]["avail"] + growth}
    return {**volume, "size_bytes": volume["size_bytes"] + growth, "fs": filesystem}


def _grows(change):
    return change["kind"] == "lv_resize" and change["to"]["size"] > change["from"]["size"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda move, _extend: move.update(extents=109), "does not get there what it wants"),
        (lambda move, _extend: move.update(bytes=100 * EXTENT), "has another size after the plan"),
        (lambda move, _extend: move.update(cost={"bytes": 100 * EXTENT}), "costs something else"),
        (lambda move, _extend: move.update(extents=200), "takes the reserve of the other VG"),
        (lambda move, _extend: move.update(message="vgsplit vg0 TEMPORARY /dev/sda"), "is split off although it grows"),
        (lambda _move, extend: extend.update(to="/dev/small"), "do not hold"),
        (lambda _move, extend: extend.update(to="/dev/large /dev/small"), "2 physical volumes for"),
        (lambda _move, extend: extend.pop("to"), "would suffice"),
    ],
)
def test_the_verifier_finds_what_is_wrong(volume, group, mistakes, spoil, words):
    # 100 extents, of which it uses a quarter; it wants 99 more and gets 90
    size, demand = 100 * EXTENT, 198.5 * EXTENT / 1.1
    filesystem = {"type": "xfs", "size": size, "used": size // 4, "avail": size - size // 4}
    usual = {"size_bytes": size, "fs": filesystem, "demand_bytes": demand, "copies": 1, "copies_freed": 1, "refused_reason": None}
    more = {"refused_reason": None, "free_pvs": [pv("small", 5 * EXTENT), pv("large", GIB)]}
    volumes = [volume("db", **usual)]
    groups = [
        group(extents_free=590, pvs=[pv("sda", GIB, free_bytes=0, lvs=["db"])], **more),
        group(vg="v2", extents_free=699, pvs=[pv("sdb", 9 * GIB, free_bytes=699 * EXTENT, lvs=[])], **more),
    ]
    answer = allocate(volumes, groups, POLICY)
    assert mistakes(volumes, groups, answer) == []
    spoil(*moves(answer), *extensions(answer))
    assert words in " ".join(mistakes(volumes, groups, answer))
