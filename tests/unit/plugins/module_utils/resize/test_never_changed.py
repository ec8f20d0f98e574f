# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules 1, 2 and 12 on the target, whatever a plan says: what is not ours is refused, nothing shrinks without leave, the reserve stays."""

from __future__ import annotations

import copy

from driver import data_volume, ext4, machine_with, resize, xfs
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_host import EXTENT

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Reserve

NOT_OURS = {
    "internal": lambda machine, volume: setattr(volume, "role", "internal"),
    "snapshot": lambda machine, volume: setattr(volume, "role", "snapshot"),
    "pool": lambda machine, volume: setattr(volume, "role", "pool"),
    "guest disk": lambda machine, volume: setattr(volume, "role", "guest_disk"),
    "tagged": lambda machine, volume: volume.tags.append("foresight.ignore"),
    "tagged group": lambda machine, volume: machine.group.update(tags=["foresight.ignore"]),
    "below LUKS": lambda machine, volume: volume.stack.append("luks"),
    "lock type": lambda machine, volume: machine.group.update(lock_type="sanlock"),
    "foreign": lambda machine, volume: machine.group.update(foreign=True, system_id="other"),
    "exported": lambda machine, volume: machine.group.update(exported=True),
    "partial": lambda machine, volume: machine.group.update(partial=True),
}
volumes = st.builds(
    lambda make, extents, behind: data_volume(extents, fs=make(extents - behind)),
    st.sampled_from([ext4, xfs]),
    st.integers(60, 140),
    st.sampled_from([0, 10]),
)
wishes = st.fixed_dictionaries(
    {
        "named_exactly": st.booleans(),
        "expect_size": st.none() | st.just(100 * EXTENT),
        "allow_fsck": st.booleans(),
        "allow_unmount": st.booleans(),
        "allow_mount": st.booleans(),
    }
)


@settings(max_examples=150, deadline=None)
@given(
    volume=volumes,
    troubles=st.sets(st.sampled_from(sorted(NOT_OURS)), min_size=1),
    extents=st.integers(1, 300),
    wish=wishes,
    check=st.booleans(),
)
def test_what_is_not_ours_is_refused_and_untouched(volume, troubles, extents, wish, check):
    machine = machine_with(volume)
    for trouble in troubles:
        NOT_OURS[trouble](machine, volume)
    former = copy.deepcopy(machine)
    result = resize(machine, extents, check_mode=check, **wish)
    assert result["status"] == "refused"
    assert not result["changed"]
    assert (machine.volumes, machine.free) == (former.volumes, former.free)


@settings(max_examples=150, deadline=None)
@given(volume=volumes, extents=st.integers(1, 139), wish=wishes)
def test_nothing_shrinks_without_leave(volume, extents, wish):
    machine = machine_with(volume)
    former = copy.deepcopy(machine)
    result = resize(machine, min(extents, volume.extents - 1), **wish)
    assert result["status"] == "refused"
    assert machine.volumes == former.volumes


@settings(max_examples=150, deadline=None)
@given(
    volume=volumes,
    free=st.integers(0, 200),
    more=st.integers(1, 200),
    reserve=st.builds(Reserve, st.integers(0, 60), st.integers(0, 60 * EXTENT), st.sampled_from([0.0, 5.0, 33.3, 100.0])),
)
def test_the_reserve_of_the_group_stays(volume, free, more, reserve):
    machine = machine_with(volume, free=free, group={"extents": 500})
    kept = max(reserve.extents, -(-reserve.size // EXTENT), int(500 * reserve.percent / 100))
    resize(machine, volume.extents + more, reserve=reserve)
    assert machine.free == free or machine.free >= kept
