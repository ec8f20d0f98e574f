# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule 12 in the planner: what is never changed gets no action under a policy that names everything."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.standing import (
    copies,
    copies_freed,
    group_reason,
    volume_reason,
)

GIB = 2**30
NOW = 1_763_700_000

lvs = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["plain", "plain", "internal", "snapshot", "pool", "guest_disk"]),
        "segment_type": st.sampled_from(
            ["linear", "linear", "striped", "thin", "thin-pool", "snapshot", "raid1", "vdo", None, "linear+thin"]
        ),
        "tags": st.lists(st.sampled_from(["web", "foresight.ignore", "foresight.ignored"]), max_size=2),
        "stack": st.sampled_from([[], [], ["luks"], ["partitions"]]),
        "in_progress": st.sampled_from([None, None, "pvmove", "sync", "merge"]),
        "active": st.sampled_from([True, True, False, None]),
    }
)
vgs = st.fixed_dictionaries(
    {
        "lock_type": st.sampled_from([None, None, "sanlock", "clvm"]),
        "foreign": st.booleans() | st.just(False),
        "partial": st.booleans() | st.just(False),
        "exported": st.booleans() | st.just(False),
        "tags": st.lists(st.sampled_from(["foresight.ignore", "db"]), max_size=1),
        "shared_with": st.sampled_from([[], [], ["web2"]]),
    }
)


def ours(lv, vg, excluded, has_snapshots):
    """Say it in other words than the planner: a healthy, plain volume of segments that grow, in a healthy group of this host alone."""
    return (
        lv["role"] == "plain"
        and lv["segment_type"] in ("linear", "striped", "raid1")
        and "foresight.ignore" not in lv["tags"] + vg["tags"]
        and lv["stack"] == []
        and lv["in_progress"] is None
        and lv["active"] is not False
        and not (vg["lock_type"] or vg["foreign"] or vg["partial"] or vg["exported"] or vg["shared_with"])
        and not (excluded or has_snapshots)
    )


@settings(max_examples=300, deadline=None)
@given(lv=lvs, vg=vgs, excluded=st.booleans() | st.just(False), has_snapshots=st.booleans() | st.just(False), exactly=st.booleans())
def test_rule_12_only_what_is_ours_gets_an_action(volume, group, lv, vg, excluded, has_snapshots, exactly):
    wanting = volume(
        fs={"type": "ext4", "size": 8 * GIB - 2**27, "used": 8 * GIB - 2**28, "avail": 2**27},
        named_exactly=exactly,
        refused_reason=volume_reason(lv, excluded=excluded, has_snapshots=has_snapshots),
    )
    answer = allocate([wanting], [group(refused_reason=group_reason(vg, 1))], {"now": NOW})
    assert bool(answer["actions"]) == ours(lv, vg, excluded, has_snapshots)
    if not answer["actions"]:
        assert [entry["entity"] for entry in answer["refused"]] == ["lv:web1/vg0/data"]


@pytest.mark.parametrize(
    ("segments", "freed"),
    [
        ("linear", 1),
        ("cache", 1),
        ("mirror", 2),
        ("raid1", 2),
        ("striped", 0),
        ("raid0", 0),
        ("raid5_ls", 0),
        ("raid10", 0),
        ("thin", 0),
        (None, 0),
    ],
)
def test_what_a_smaller_volume_gives_back_is_counted_low_or_not_at_all(segments, freed):
    assert copies_freed({"segment_type": segments}) == freed
    assert freed <= (copies({"segment_type": segments}) or 0)
