# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy: its defaults, and the errors of one that means nothing."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import read_policy

KNOWN = ("cpu", "memory", "gpu")


@pytest.mark.parametrize("document", [None, {}, {"goal": None, "resources": None, "limits": None}])
def test_without_a_word_memory_is_balanced_without_limits(document):
    policy = read_policy(document, KNOWN)
    assert (policy.goal, policy.strategy) == ("balance", "foresight")
    assert policy.resources == {"memory": 1.0}
    assert policy.target_spread == {"memory": 0.05}
    assert policy.max_moves is policy.max_bytes is policy.overcommit is policy.now is None
    assert policy.min_gain == policy.hold_seconds == policy.cool_down_seconds == policy.seed == 0
    assert (policy.spare_nodes, policy.k, policy.limits) == (1, 1, {})


def test_a_target_is_for_all_resources_or_for_each():
    assert read_policy({"resources": {"memory": 2, "cpu": 1}, "target_spread": 0.1}, KNOWN).target_spread == {"cpu": 0.1, "memory": 0.1}
    told = read_policy({"resources": {"memory": 2, "cpu": 1}, "target_spread": {"cpu": 0.2}}, KNOWN)
    assert told.target_spread == {"cpu": 0.2, "memory": 0.05}
    assert list(told.resources) == ["cpu", "memory"]


def test_the_time_is_that_of_the_policy_or_of_the_observation():
    assert read_policy({"now": 7}, KNOWN, 5).now == 7
    assert read_policy({}, KNOWN, 5).now == 5
    assert read_policy({"limits": {"global": 2}}, KNOWN, 5.5).limits == {"global": 2, "now": 5}
    assert read_policy({"limits": {"now": 3}}, KNOWN, 5).limits == {"now": 3}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("balance", "The policy is 'balance' (str); needed is a mapping (O(policy))."),
        ({"max_move": 3}, "The policy has the unknown key 'max_move'; did you mean max_moves? (O(policy))"),
        ({"strategy": "best"}, "The policy: strategy is 'best' (str); needed is one of foresight, greedy"),
        (
            {"goal": "shrink"},
            "The policy: goal is 'shrink' (str); needed is one of balance, repair_only, consolidate, evacuate, place, headroom (O(policy.goal)).",
        ),
        ({"resources": {"memry": 1}}, "resources of The policy has the unknown key 'memry'; did you mean memory? (O(policy.resources))"),
        ({"resources": {}}, "The policy: resources is {} (dict); needed is at least one of cpu, memory, gpu, with its weight (O(policy.resources))."),
        ({"resources": {"cpu": 0}}, "resources of The policy: cpu is 0 (int); needed is a number above 0 (O(policy.resources.cpu))."),
        ({"target_spread": 5}, "The policy: target_spread is 5 (int); needed is a number of 0 or more and at most 1 (O(policy.target_spread))."),
        ({"target_spread": {"cpu": 0.1}}, "target_spread of The policy has the unknown key 'cpu'; known are memory. (O(policy.target_spread))"),
        ({"max_moves": 1.5}, "The policy: max_moves is 1.5 (float); needed is a whole number of 0 or more (O(policy.max_moves))."),
        ({"max_bytes": -1}, "The policy: max_bytes is -1 (int); needed is a number of 0 or more (O(policy.max_bytes))."),
        ({"min_gain": float("nan")}, "The policy: min_gain is nan (float); needed is a number of 0 or more and at most 1 (O(policy.min_gain))."),
        ({"overcommit": 0}, "The policy: overcommit is 0 (int); needed is a number above 0 (O(policy.overcommit))."),
        ({"seed": "x"}, "The policy: seed is 'x' (str); needed is a whole number of 0 or more (O(policy.seed))."),
        ({"hold_seconds": 60}, "The policy: now is missing; needed is the time in UTC seconds, as hold_seconds or cool_down_seconds is given"),
        ({"goal_options": {"node": []}}, "goal_options of The policy has the unknown key 'node'; did you mean nodes? (O(policy.goal_options))"),
        (
            {"goal": "evacuate"},
            "goal_options of The policy: nodes is missing; needed is a list of the nodes to empty, for the goal evacuate (O(policy.goal_options.nodes)).",
        ),
        (
            {"goal": "place"},
            "goal_options of The policy: guest is missing; needed is a mapping with cpu and memory, for the goal place (O(policy.goal_options.guest)).",
        ),
        ({"goal_options": {"k": 0}}, "goal_options of The policy: k is 0 (int); needed is a whole number of 1 or more (O(policy.goal_options.k))."),
    ],
)  # fmt: skip
def test_a_policy_that_means_nothing_is_refused_with_what_is_needed(document, told):
    with pytest.raises(InputError) as raised:
        read_policy(document, KNOWN)
    assert str(raised.value).startswith(told)
