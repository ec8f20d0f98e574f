# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tool whose answer is cut off or makes no sense, at any moment: told, never a traceback, and "refused" only where nothing was changed."""

from __future__ import annotations

import copy

from driver import data_volume, ext4, machine_with, resize, xfs
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_host import EXTENT, SimulatedHost

from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host


class Garbled(SimulatedHost):
    """Gives another answer to one question; what is asked to change something is done and answered as always."""

    at = -1
    text = ""

    def _boundary(self, args, answer):
        number = len(self.calls)
        given_answer = super()._boundary(args, answer)
        asks = args[0] in ("dumpe2fs", "xfs_db") or "lvs" in args or "-n" in args or "--test" in args
        return (0, self.text, "") if number == self.at and asks else given_answer


KINDS = {"ext4": (ext4, ["/srv"]), "ext4 unmounted": (ext4, []), "xfs": (xfs, ["/srv"]), "xfs unmounted": (xfs, [])}


def machine_of(kind, left_behind):
    """A volume of 100 extents whose file system was left behind by so many in an earlier growth."""
    make, mountpoints = KINDS[kind]
    return machine_with(data_volume(100, fs=make(100 - left_behind), mountpoints=list(mountpoints)))


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    left_behind=st.sampled_from([0, 0, 10]),
    extents=st.sampled_from([100, 140, 140]),
    text=st.sampled_from(["", "{", '{"report": 1}', '{"report": [{}]}', "Block size: many", "dblocks = x", "\ufffd"]),
    data=st.data(),
)
def test_an_answer_that_makes_no_sense_is_told_and_does_no_harm(kind, left_behind, extents, text, data):
    machine = machine_of(kind, left_behind)
    former, undisturbed = copy.deepcopy(machine), copy.deepcopy(machine)
    expected = resize(undisturbed, extents)
    machine.__class__, machine.text = Garbled, text
    machine.at = data.draw(st.integers(0, len(undisturbed.calls) - 1))
    result = resize(machine, extents)
    volume, before = machine.volumes["data"], former.volumes["data"]
    assert volume.extents >= before.extents
    assert before.fs.blocks <= volume.fs.blocks <= volume.extents * EXTENT // 4096
    assert result["message"]
    if result["status"] == "refused":
        assert machine.volumes == former.volumes
        assert not result["changed"]
    machine.at = -1
    assert resize(machine, extents)["after"] == expected["after"]


def test_a_mount_point_that_cannot_be_looked_at_carries_nothing():
    host = Host(None, None, None)
    assert not host.carries("/dev/null", "/srv/\ufffdgone")
    assert host.is_read_only("/srv/\ufffdgone")
