# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.groups import Part, group_views

GIB = 2**30


def group(size=100, free=40, **more):
    return {"size_bytes": size * GIB, "free_bytes": free * GIB, **more}


def test_a_group_is_its_volumes_what_is_hidden_and_what_is_free(samples):
    volumes = {
        "lv:web1/vg0/data": samples.attributes("data"),
        "lv:web1/vg0/thin": samples.attributes("thin", pool="pool"),
        "lv:web1/vg0/pool_tdata": samples.attributes("pool_tdata", role="internal"),
        "lv:web1/vg0/pool": samples.attributes("pool", used=None, size=30, role="pool"),
    }
    (view,) = group_views({"vg:web1/vg0": group()}, volumes, [samples.action()])
    assert view.parts == [Part("data", 12 * GIB, 4 * GIB), Part("pool", 30 * GIB, 0), Part("other", 18 * GIB, 0)]
    assert (view.name, view.free, view.free_after) == ("web1/vg0", 40 * GIB, 36 * GIB)


def test_a_mirror_takes_what_it_costs_and_what_is_grown_already_nothing(samples):
    volumes = {"lv:web1/vg0/data": samples.attributes("data")}
    (view,) = group_views({"vg:web1/vg0": group()}, volumes, [samples.action(cost={"bytes": 8 * GIB})])
    assert view.growth == 8 * GIB
    (view,) = group_views({"vg:web1/vg0": group()}, volumes, [samples.action(before=8, after=12)])
    assert view.growth == 0


def test_what_a_neighbour_gives_is_free_for_the_others(samples):
    volumes = {"lv:web1/vg0/data": samples.attributes("data"), "lv:web1/vg0/spare": samples.attributes("spare", size=30)}
    spare = samples.action("spare", before=30, after=27, cost={"bytes": 0, "freed_bytes": 3 * GIB})
    (view,) = group_views({"vg:web1/vg0": group(free=1)}, volumes, [samples.action(), spare])
    assert view.parts[:2] == [Part("data", 12 * GIB, 4 * GIB), Part("spare", 30 * GIB, 0, 3 * GIB)]
    assert (view.growth, view.freed, view.free_after) == (4 * GIB, 3 * GIB, 0)
    done = {**volumes, "lv:web1/vg0/spare": samples.attributes("spare", size=27)}
    (view,) = group_views({"vg:web1/vg0": group(free=4)}, done, [samples.action(), spare])
    assert (view.freed, view.free_after) == (0, 0)


def test_groups_that_change_come_first_then_the_fullest_and_unknown_ones_are_left_out(samples):
    groups = {"vg:a/vg0": group(free=50), "vg:b/vg0": group(free=1), "vg:web1/vg0": group(), "vg:c/vg0": {"size_bytes": None}}
    views = group_views(groups, {"lv:web1/vg0/data": samples.attributes("data")}, [samples.action()])
    assert [view.name for view in views] == ["web1/vg0", "b/vg0", "a/vg0"]


def test_marks():
    groups = {"vg:a/vg0": group(recorded={"shifted_by": 1}, shared_with=["b", "c"], partial=True)}
    (view,) = group_views(groups, {}, [], synthetic=["lv:a/vg0/x"])
    assert view.marks == ["synthetic", "recorded", "partial", "shared with b, c"]
