# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

"""vfat and f2fs grow: what is foretold is done, nothing is half grown because a tool refused late, and what was killed is finished."""

import copy

from driver import data_volume, f2fs, machine_with, resize, vfat
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from simulated_host import Killed
from simulated_volume import EXTENT, Volume

SHOWN = ("changed", "status", "reason", "before", "after", "diff", "commands", "stopped_at")


@st.composite
def scenarios(draw):
    """A host whose vfat or f2fs may grow: any size and fill, mounted or not, sound or not, half grown or not, with neighbours."""
    # Around 10 GB and 100 GB fatresize changes its rounding.
    extents = draw(st.one_of(st.integers(70, 700), st.integers(2350, 2700), st.integers(23500, 27000)))
    more = draw(st.one_of(st.integers(1, 40), st.integers(1, 3000)))
    corrupt = draw(st.sampled_from([False, False, True]))
    label = draw(st.sampled_from([None, "BOOT"]))
    if draw(st.booleans()):
        cluster = draw(st.sampled_from([4, 8, 8, 16, 64]))
        fs = vfat(extents, corrupt=corrupt, label=label, boot_label=label, cluster_sectors=cluster, fat=draw(st.sampled_from([32, 32, 16])))
        room = fs.clusters * cluster * 512
    else:
        fs = f2fs(
            extents,
            corrupt=corrupt,
            label=label,
            clean=draw(st.sampled_from([True, True, False])),
            sections=draw(st.sampled_from([1, 1, 2])),
        )
        room = fs.size - fs.overhead * 4096
    fs.used = int(draw(st.sampled_from([0.0, 0.3, 0.8, 0.97, 1.0])) * room)
    mounted = draw(st.booleans())
    done = draw(st.sampled_from([0, 0, 0, more]))
    volume = data_volume(extents + done, fs=fs, mountpoints=["/srv"] if mounted else [])
    neighbours = [Volume(draw(st.sampled_from(["data1", "data64", "other"])), "uuid-other", 100, fs=vfat(100))]
    fstab = draw(st.sampled_from([["UUID=fs-uuid /srv auto defaults 0 2"], ["UUID=fs-uuid /srv auto defaults 0 2"], []]))
    machine = machine_with(volume, *neighbours, free=5000, fstab=fstab)
    return machine, {"size": (extents + more) * EXTENT, "allow_unmount": draw(st.booleans()), "allow_fsck": draw(st.booleans())}


def holds(machine, former):
    """At every moment: nothing damaged or dropped, nothing smaller, of another kind or beyond its volume, and the neighbours as they were."""
    volume, before = machine.volumes["data"], former.volumes["data"]
    assert not volume.fs.lost
    assert not getattr(volume.fs, "dropped", False)
    assert getattr(volume.fs, "fat", 32) == getattr(before.fs, "fat", 32)
    assert before.fs.size <= volume.fs.size <= volume.extents * EXTENT
    assert machine.free + volume.extents == former.free + before.extents
    assert {name: each for name, each in machine.volumes.items() if name != "data"} == {
        name: each for name, each in former.volumes.items() if name != "data"
    }


@settings(max_examples=400, deadline=None)
@given(scenario=scenarios())
def test_what_is_foretold_is_done_and_nothing_is_half_grown(scenario):
    machine, wish = scenario
    former = copy.deepcopy(machine)
    foretold = resize(machine, 0, check_mode=True, **wish)
    machine.calls.clear()
    assert machine == former
    real = resize(machine, 0, **wish)
    holds(machine, former)
    if real["status"] == "failed":
        # Only what cannot be seen while it is mounted: it is mounted again, and nothing was changed.
        assert (former.volumes["data"].mountpoints, real["stopped_at"]) == (["/srv"], "check_filesystem")
        machine.calls.clear()
        assert machine == former
        return
    assert {key: foretold[key] for key in SHOWN} == {key: real[key] for key in SHOWN}
    if real["status"] == "changed":
        assert real["after"]["fs_fills_volume"]
        assert machine.volumes["data"].fs.label == getattr(machine.volumes["data"].fs, "boot_label", machine.volumes["data"].fs.label)
        assert resize(machine, 0, **wish)["status"] == "ok"
    else:
        machine.calls.clear()
        assert machine == former


@settings(max_examples=100, deadline=None)
@given(scenario=scenarios(), when=st.sampled_from(["before", "after"]), data=st.data())
def test_killed_growth_is_finished_by_the_next_run(scenario, when, data):
    machine, wish = scenario
    former, undisturbed = copy.deepcopy(machine), copy.deepcopy(machine)
    expected = resize(undisturbed, 0, **wish)
    assume(expected["status"] == "changed")
    machine.kill_at = (data.draw(st.integers(0, len(undisturbed.calls) - 1)), when)
    try:
        resize(machine, 0, **wish)
    except Killed:
        holds(machine, former)
    machine.kill_at = None
    assert resize(machine, 0, **wish)["after"] == expected["after"]
    assert resize(machine, 0, **wish)["status"] == "ok"
    holds(machine, former)
