# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter: plain containers in and out, errors that a user can read, and options that are all documented."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.foresight.capacity.plugins.filter import migration_waves as face
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement import limits, moves

WAVES = face.FilterModule().filters()["migration_waves"]
CLUSTER = {
    "nodes": [{"name": name, "cpu": 4, "memory": 8} for name in ("pve1", "pve2", "pve3")],
    "guests": [
        {"id": "qemu/101", "node": "pve1", "cpu": 1, "memory": 6},
        {"id": "qemu/102", "node": "pve2", "cpu": 1, "memory": 5},
    ],
}
MOVES = [{"guest": "qemu/101", "from": "pve1", "to": "pve2"}, {"guest": "qemu/102", "from": "pve2", "to": "pve1"}]


def test_the_answer_is_plain():
    waves = WAVES(MOVES, CLUSTER)
    assert json.loads(json.dumps(waves)) == waves
    assert [[(move["guest"], move["to"], move["kind"]) for move in wave["moves"]] for wave in waves] == [
        [("qemu/102", "pve3", "park")],
        [("qemu/101", "pve2", "balance")],
        [("qemu/102", "pve1", "balance")],
    ]
    assert {type(wave["wave"]) for wave in waves} == {int}


def test_an_error_is_one_of_ansible():
    with pytest.raises(AnsibleFilterError, match="no order for 2 of 2 moves"):
        WAVES(MOVES, {**CLUSTER, "nodes": CLUSTER["nodes"][:2]})


def test_what_is_documented_is_what_is_known():
    options = yaml.safe_load(face.DOCUMENTATION)["options"]
    assert sorted(options["_limits"]["suboptions"]) == sorted(limits._KNOWN)
    assert options["_input"]["suboptions"]["kind"]["choices"] == list(moves.KINDS)
    with pytest.raises(AnsibleFilterError, match="unknown key"):
        WAVES(MOVES, CLUSTER, {"more": 1})
