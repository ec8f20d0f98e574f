# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule 1 for every kind of file system that shrinks: nothing in use is cut off, whatever breaks, and whenever the module is killed."""

from __future__ import annotations

import copy

from driver import KINDS, data_volume, machine_with, resize
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from simulated_host import Killed
from simulated_volume import EXTENT

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin

SHRINKING = sorted(kind for kind in KINDS if kind != "xfs")
SHOWN = ("changed", "status", "reason", "before", "after", "diff", "commands", "stopped_at")


@st.composite
def scenarios(draw):
    """A host whose volume may shrink, in use or not, half shrunk or not, and the wish to have it smaller."""
    kind = KINDS[draw(st.sampled_from(SHRINKING))]
    extents = draw(st.integers(160, 240))
    target = extents - draw(st.integers(1, 90))
    # Behind: an earlier run ended between the file system and the volume.
    fs = kind.make(draw(st.sampled_from([extents, extents, extents, target])))
    fs.used = int(draw(st.floats(0, 0.9)) * fs.blocks) * fs.block_size
    active = draw(st.booleans())
    volume = data_volume(extents, fs=fs, mountpoints=[kind.place] if active else [])
    boot = draw(st.sampled_from([kind.fstab, kind.fstab, None]))
    machine = machine_with(volume, fstab=[boot] if boot else [])
    return machine, {
        "size": target * EXTENT,
        "allow_shrink": True,
        "allow_unmount": draw(st.sampled_from([True, True, True, False])),
        "margin": draw(st.sampled_from([Margin(percent=10.0), Margin(), Margin(size=20 * EXTENT)])),
    }


def holds(machine, former, wish):
    """At every moment: the file system lies within its volume, and all that was in it is still there, with the margin once it shrank."""
    volume, before = machine.volumes["data"], former.volumes["data"]
    assert not volume.fs.lost
    assert volume.fs.size <= volume.extents * EXTENT
    if volume.fs.size < before.fs.size:
        assert volume.fs.size >= before.fs.used + wish["margin"].in_bytes(before.fs.used)
    assert machine.free - former.free == before.extents - volume.extents >= 0


@settings(max_examples=200, deadline=None)
@given(scenario=scenarios())
def test_check_mode_tells_what_happens_and_a_second_run_changes_nothing(scenario):
    machine, wish = scenario
    former = copy.deepcopy(machine)
    foretold = resize(machine, 0, check_mode=True, **wish)
    machine.calls.clear()
    assert machine == former
    real = resize(machine, 0, **wish)
    assert {key: foretold[key] for key in SHOWN} == {key: real[key] for key in SHOWN}
    assert real["status"] in ("changed", "refused")
    holds(machine, former, wish)
    if real["status"] == "changed":
        assert machine.volumes["data"].extents * EXTENT == wish["size"]
        assert resize(machine, 0, **wish)["status"] == "ok"
    else:
        machine.calls.clear()
        assert machine == former


@settings(max_examples=300, deadline=None)
@given(scenario=scenarios(), when=st.sampled_from(["before", "after"]), data=st.data())
def test_killed_shrinking_is_finished_by_the_next_run(scenario, when, data):
    machine, wish = scenario
    former, undisturbed = copy.deepcopy(machine), copy.deepcopy(machine)
    expected = resize(undisturbed, 0, **wish)
    assume(expected["status"] == "changed")
    machine.kill_at = (data.draw(st.integers(0, len(undisturbed.calls) - 1)), when)
    try:
        resize(machine, 0, **wish)
    except Killed:
        holds(machine, former, wish)
    machine.kill_at = None
    second = resize(machine, 0, **wish)
    assert second["status"] in ("changed", "ok")
    # Without permission to unmount nothing was unmounted; with it, what was is mounted again.
    assert second["after"] == expected["after"]
    assert not resize(machine, 0, **wish)["changed"]
    holds(machine, former, wish)


@settings(max_examples=300, deadline=None)
@given(scenario=scenarios(), how=st.sampled_from(["fails", "lies"]), data=st.data())
def test_no_exit_status_is_believed(scenario, how, data):
    machine, wish = scenario
    former, undisturbed = copy.deepcopy(machine), copy.deepcopy(machine)
    expected = resize(undisturbed, 0, **wish)
    assume(expected["status"] == "changed")
    words = data.draw(st.sampled_from(expected["commands"])).split()
    tool = words[1] if words[0] == "lvm" else words[0]
    machine.broken = {tool: how}
    result = resize(machine, 0, **wish)
    holds(machine, former, wish)
    if result["status"] == "changed":
        assert result["after"] == expected["after"]
    machine.broken = {}
    assert resize(machine, 0, **wish)["after"] == expected["after"]
    holds(machine, former, wish)
