# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The safety rules as properties: whatever the volume, the wish, and the moment at which the module is killed."""

from __future__ import annotations

import copy

from driver import KINDS, resize
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scenarios import GROWING, scenarios, wishes
from simulated_host import Killed
from simulated_volume import EXTENT


def sound(machine, former):
    """What holds at every moment, however a run ended: nothing was cut off, nothing that is in use, and nothing damaged is mounted."""
    volume, before = machine.volumes["data"], former.volumes["data"]
    assert machine.free >= 0
    assert machine.free + volume.extents * copies(volume) == former.free + before.extents * copies(before)
    if volume.fs is None or volume.fs.kind == "xfs":
        assert volume.extents >= before.extents
    if volume.fs is None:
        return
    assert not volume.fs.lost
    # A file system never grows before its volume did, and never keeps less than what is in it.
    assert volume.fs.size <= max(volume.extents * EXTENT, before.fs.size)
    assert volume.fs.size >= min(before.fs.size, volume.fs.used)
    assert volume.fs.size <= volume.extents * EXTENT or not former_fits(former)
    assert volume.mountpoints in ([], [KINDS[volume.fs.kind].place])


def copies(volume):
    return volume.stripes if volume.segment in ("raid1", "mirror") else 1


def shrinks_only_where_allowed(machine, former, wish):
    """Rule 1, by sizes alone: no permission, no loss of a byte; with it, used bytes and margin are still there."""
    volume, before = machine.volumes["data"], former.volumes["data"]
    if volume.extents >= before.extents:
        return
    assert wish["allow_shrink"]
    needed = before.fs.used + before.fs.used * wish["margin"].percent / 100
    assert volume.extents * EXTENT >= volume.fs.size >= needed
    assert wish["allow_unmount"] or not before.mountpoints or before.fs.kind == "btrfs"


def former_fits(former):
    volume = former.volumes["data"]
    return volume.fs is None or volume.fs.size <= volume.extents * EXTENT


def keeps_reserve(machine, former, wish):
    return machine.free >= former.free or machine.free >= wish["reserve"].extents


def shown(result):
    return {key: result[key] for key in ("changed", "status", "reason", "before", "after", "diff", "commands", "stopped_at")}


@settings(max_examples=200, deadline=None)
@given(scenario=scenarios())
def test_check_mode_changes_nothing_and_tells_exactly_what_the_real_run_does(scenario):
    machine, wish = scenario
    untouched = copy.deepcopy(machine)
    predicted = resize(machine, 0, check_mode=True, **wish)
    machine.calls.clear()
    assert machine == untouched
    real = resize(machine, 0, **wish)
    assert shown(predicted) == shown(real)
    assert real["status"] in ("changed", "ok", "refused")
    sound(machine, untouched)
    shrinks_only_where_allowed(machine, untouched, wish)
    assert keeps_reserve(machine, untouched, wish)
    if real["status"] == "refused":
        machine.calls.clear()
        assert machine == untouched
        assert real["message"]
        assert not real["changed"]


@settings(max_examples=200, deadline=None)
@given(scenario=scenarios())
def test_second_run_changes_nothing(scenario):
    machine, wish = scenario
    first = resize(machine, 0, **wish)
    again = resize(machine, 0, **wish)
    assert not again["changed"]
    assert again["status"] == ("refused" if first["status"] == "refused" else "ok")
    assert again["after"] == first["after"]


@settings(max_examples=300, deadline=None)
@given(scenario=scenarios(), when=st.sampled_from(["before", "after"]), data=st.data())
def test_killed_run_is_finished_by_the_next_one(scenario, when, data):
    machine, wish = scenario
    former, undisturbed = copy.deepcopy(machine), copy.deepcopy(machine)
    expected = resize(undisturbed, 0, **wish)
    machine.kill_at = (data.draw(st.integers(0, len(undisturbed.calls) - 1)), when)
    try:
        resize(machine, 0, **wish)
    except Killed:
        sound(machine, former)
        shrinks_only_where_allowed(machine, former, wish)
        assert keeps_reserve(machine, former, wish)
    machine.kill_at = None
    second = resize(machine, 0, **wish)
    assert second["status"] == ("refused" if expected["status"] == "refused" else second["status"])
    assert second["status"] != "failed"
    assert second["after"] == expected["after"]
    third = resize(machine, 0, **wish)
    assert not third["changed"]
    sound(machine, former)
    assert keeps_reserve(machine, former, wish)


@settings(max_examples=200, deadline=None)
@given(scenario=scenarios(), data=st.data())
def test_no_sequence_of_killed_runs_does_harm(scenario, data):
    machine, wish = scenario
    former = copy.deepcopy(machine)
    for _run in range(3):
        wish = data.draw(wishes(machine.volumes["data"]))
        machine.calls.clear()
        machine.kill_at = (data.draw(st.integers(3, 10)), data.draw(st.sampled_from(["before", "after"])))
        try:
            resize(machine, 0, **wish)
        except Killed:
            continue
        finally:
            sound(machine, former)
    machine.kill_at = None
    last = resize(machine, 0, **wish)
    assert not resize(machine, 0, **wish)["changed"]
    assert last["status"] != "failed"


@settings(max_examples=150, deadline=None)
@given(scenario=scenarios(healthy=True), data=st.data())
def test_another_run_between_any_two_commands_does_no_harm(scenario, data):
    """Even if the lock did not keep it away: sizes are absolute, so the larger wish wins. Only shrinking needs the lock for that.

    And btrfs: its rehearsal asks for the size that was read, which is less than what another run made of it.
    """
    machine, wish = scenario
    fs = machine.volumes["data"].fs
    assume(fs is None or fs.kind != "btrfs")
    wish["allow_shrink"] = False
    former, undisturbed = copy.deepcopy(machine), copy.deepcopy(machine)
    resize(undisturbed, 0, **wish)
    other = {**data.draw(wishes(machine.volumes["data"])), "allow_shrink": False}
    call = data.draw(st.integers(0, len(undisturbed.calls) - 1))

    def intrude(host):
        if len(host.calls) == call + 1:
            host.at_call = None
            resize(host, 0, **other)

    machine.at_call = intrude
    result = resize(machine, 0, **wish)
    machine.at_call = None
    sound(machine, former)
    if result["status"] == "changed":
        assert machine.volumes["data"].extents * EXTENT == result["after"]["size"]
    for each in (wish, other):
        resize(machine, 0, **each)
        assert not resize(machine, 0, **each)["changed"]
    sound(machine, former)


@settings(max_examples=300, deadline=None)
@given(scenario=scenarios(healthy=True), tool=st.sampled_from(["lvextend", "grow", "e2fsck"]), how=st.sampled_from(["fails", "lies"]))
def test_no_exit_status_is_believed(scenario, tool, how):
    machine, wish = scenario
    # What was half grown and then mounted read-only as /etc/fstab says cannot be finished: the next run refuses ext that is read-only.
    assume(machine.volumes["data"].mountpoints or not any(" ro " in line for line in machine.fstab))
    former, undisturbed = copy.deepcopy(machine), copy.deepcopy(machine)
    expected = resize(undisturbed, 0, **wish)
    machine.broken = dict.fromkeys(GROWING if tool == "grow" else [tool], how)
    result = resize(machine, 0, **wish)
    sound(machine, former)
    if result["status"] == "changed":
        assert shown(result) == shown(expected)
    if result["status"] == "failed":
        assert result["stopped_at"]
        assert result["changed"] == (result["before"] != result["after"])
    machine.broken = {}
    assert resize(machine, 0, **wish)["after"] == expected["after"]
