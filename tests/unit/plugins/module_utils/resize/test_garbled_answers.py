# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tool whose answer is cut off or makes no sense, at any moment: told, never a traceback, and "refused" only where nothing was changed."""

from __future__ import annotations

import copy

from driver import KINDS, data_volume, machine_with, resize
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_host import SimulatedHost, only_reads
from simulated_volume import EXTENT

from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host


class Garbled(SimulatedHost):
    """Gives another answer to one question; what is asked to change something is done and answered as always."""

    at = -1
    garbage = ""

    def _boundary(self, args, answer):
        number = len(self.calls)
        given_answer = super()._boundary(args, answer)
        return (0, self.garbage, "") if number == self.at and args != ["read_lvm"] and only_reads(args) else given_answer


def machine_of(kind, in_use, left_behind):
    """A volume of 100 extents whose file system was left behind by so many in an earlier growth."""
    volume = data_volume(100, fs=kind.make(100 - left_behind), mountpoints=[kind.place] if in_use else [])
    return machine_with(volume, fstab=[kind.fstab])


WISH = {"allow_unmount": True, "allow_mount": True}


@settings(max_examples=400, deadline=None)
@given(
    kind=st.sampled_from([KINDS[name] for name in sorted(KINDS)]),
    in_use=st.booleans(),
    left_behind=st.sampled_from([0, 0, 10]),
    extents=st.sampled_from([100, 140, 140]),
    text=st.sampled_from(["", "{", '{"report": 1}', '{"report": [{}]}', "Block size: many", "dblocks = x", "\ufffd"]),
    data=st.data(),
)
def test_an_answer_that_makes_no_sense_is_told_and_does_no_harm(kind, in_use, left_behind, extents, text, data):
    machine = machine_of(kind, in_use, left_behind)
    former, undisturbed = copy.deepcopy(machine), copy.deepcopy(machine)
    expected = resize(undisturbed, extents, **WISH)
    machine.__class__, machine.garbage = Garbled, text
    machine.at = data.draw(st.integers(0, len(undisturbed.calls) - 1))
    result = resize(machine, extents, **WISH)
    volume, before = machine.volumes["data"], former.volumes["data"]
    assert volume.extents >= before.extents
    assert before.fs.size <= volume.fs.size <= volume.extents * EXTENT
    assert not volume.fs.lost
    assert result["message"]
    if result["status"] == "refused":
        assert machine.volumes == former.volumes
        assert not result["changed"]
    machine.at = -1
    assert resize(machine, extents, **WISH)["after"] == expected["after"]


def test_a_mount_point_that_cannot_be_looked_at_carries_nothing():
    host = Host(None, None, None)
    assert not host.carries("/dev/null", "/srv/\ufffdgone")
    assert host.is_read_only("/srv/\ufffdgone")
