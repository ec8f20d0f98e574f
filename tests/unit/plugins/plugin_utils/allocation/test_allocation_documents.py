# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How `allocate` says what is wrong with a policy or a document."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from support.allocations import ask, reasons


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"headrom": 0.1}, "unknown key 'headrom'; did you mean headroom?"),
        ({"strategy": "fair"}, "strategy is 'fair' (str); needed is one of water_filling, proportional"),
        ({"headroom": -0.1}, "headroom is -0.1"),
        ({"max_step_fraction": 0}, "max_step_fraction is 0 (int); needed is a number above 0"),
        ({"min_change_extents": 1.5}, "whole number"),
        ({"floor": {"free_fracton": 0.1}}, "did you mean free_fraction?"),
        ({"floor": 0.1}, "floor of The policy is 0.1 (float); needed is a mapping"),
        ({"quiet_hours": [{"from": 1350, "to": "06:00"}]}, "needed is a text"),
        ({"quiet_hours": [{"from": "25:00", "to": "06:00"}]}, "a time of day in UTC"),
        ({"now": None}, "The policy has no now"),
        ({"share_exponent": float("nan")}, "share_exponent is nan"),
    ],
)
def test_a_wrong_policy_is_told(volume, group, policy, told):
    with pytest.raises(InputError) as error:
        ask([volume()], [group()], **policy)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"size_bytes": "8 GiB"},
            "Volume lv:web1/vg0/data: size_bytes is '8 GiB' (str); needed is a whole number of 1 or more (O(volumes[].size_bytes))",
        ),
        ({"uuid": None}, "Volume lv:web1/vg0/data has no uuid (O(volumes[].uuid))."),
        ({"demand_bytes": float("nan")}, "demand_bytes is nan"),
        ({"demand_bytes": -1}, "demand_bytes is -1"),
        ({"demand_bytes": None}, "because demand_status is ok"),
        ({"demand_status": "good"}, "needed is one of ok, cold_start"),
        ({"min_bytes": 2, "max_bytes": 1}, "needed is at most max_bytes"),
        ({"priority": 0}, "needed is a number above 0"),
        ({"managed": "yes"}, "needed is true or false"),
        ({"copies": 99}, "at most 16"),
        ({"fs": [1]}, "needed is a mapping"),
        ({"vg": "other"}, "which is not among the groups"),
    ],
)
def test_a_wrong_volume_is_told(volume, group, fields, told):
    with pytest.raises(InputError) as error:
        ask([volume(**fields)], [group()])
    assert told in str(error.value)


def test_entities_given_twice_are_told(volume, group):
    with pytest.raises(InputError, match="lv:web1/vg0/data appears twice"):
        ask([volume(), volume()], [group()])
    with pytest.raises(InputError, match="vg:web1/vg0 appears twice"):
        ask([volume()], [group(), group()])
    with pytest.raises(InputError, match="vg:web1/vg0 appears twice"):
        ask([volume()], [group(), group(entity="vg:other")])


@pytest.mark.parametrize("documents", [None, {}, "text"])
def test_documents_that_are_no_lists_are_told(group, documents):
    with pytest.raises(InputError, match=r"needed is a list as of the lookup foresight.capacity.volumes"):
        ask(documents, [group()])


def test_a_volume_of_an_unknown_vg_with_a_reason_is_no_error(volume, group):
    lost = volume(vg="gone", refused_reason="unknown_vg", named_exactly=True)
    assert reasons(ask([lost], [group()])) == [("lv:web1/gone/data", "unknown_vg")]
