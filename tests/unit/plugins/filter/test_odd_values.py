# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is no number must not lift a limit on its way through a filter: every filter refuses it and names the option."""

from __future__ import annotations

import math

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.foresight.capacity.plugins.filter.bin_pack import bin_pack
from ansible_collections.foresight.capacity.plugins.filter.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.filter.migration_waves import migration_waves

CLUSTER = {
    "nodes": [{"name": name, "cpu": 8, "memory": 100} for name in ("a", "b")],
    "guests": [{"id": f"lxc/{number}", "node": "a", "cpu": 1, "memory": 20} for number in range(4)],
}
ITEMS, BINS = [{"id": "i", "resources": {"memory": 1}}], [{"id": "b", "capacity": {"memory": 2}}]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda value: cluster_balance(CLUSTER, {"max_bytes": value}), r"max_bytes is {}.*O\(policy\.max_bytes\)"),
        (lambda value: cluster_balance(CLUSTER, {"overcommit": value}), r"overcommit is {}.*O\(policy\.overcommit\)"),
        (lambda value: cluster_balance({**CLUSTER, "observed_at": value}), r"observed_at is {}.*O\(cluster\.observed_at\)"),
        (lambda value: migration_waves([], CLUSTER, {"per_node_in": value}), r"per_node_in is {}.*O\(limits\.per_node_in\)"),
        (lambda value: bin_pack(ITEMS, BINS, {"rounds": value}), r"rounds is {}.*O\(policy\.rounds\)"),
        (lambda value: bin_pack([{"id": "i", "resources": {"memory": value}}], BINS), r"memory is {}.*O\(items\[0\]\.resources\.memory\)"),
    ],
)
def test_what_is_no_number_is_refused(call, told, value):
    with pytest.raises(AnsibleFilterError, match=told.format(value)):
        call(value)


def test_what_no_document_can_hold_is_told():
    with pytest.raises(AnsibleFilterError, match=r"bytes has no built-in counterpart: b'x'; needed are texts, numbers"):
        cluster_balance({**CLUSTER, "cluster": b"x"})
