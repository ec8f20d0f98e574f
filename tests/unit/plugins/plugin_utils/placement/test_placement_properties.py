# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hard rules of a cluster as properties: whatever the documents, the answer passes the verifier, and its moves have an order.

FORESIGHT_CASES=2000 tries as many clusters; FORESIGHT_HYPOTHESIS=random looks for new ones.
"""

from __future__ import annotations

import json
import os
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies import STRATEGIES
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify, verify_waves
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves
from support.cluster_documents import questions

CASES = int(os.environ.get("FORESIGHT_CASES", "300"))
RUNS = 60


def answered(document, policy):
    """Return the answer without the time it took."""
    answer = to_native(cluster_balance(document, policy))
    assert answer.pop("seconds") >= 0
    json.dumps(answer, allow_nan=False)
    return answer


def carried_out(document, answer):
    """Return the document after the moves, which happened long ago."""
    to = {move["guest"]: move["to"] for move in answer["moves"]}
    return {**document, "guests": [{**guest, "node": to.get(guest["id"], guest["node"])} for guest in document["guests"]]}


def excess(answer, policy):
    """Return how far the spread is above its target, over all resources by their weight."""
    spread = answer["after"]["spread"]
    return sum(weight * max(0.0, spread[name] - policy["target_spread"]) for name, weight in policy["resources"].items())


@settings(max_examples=CASES, deadline=None)
@given(questions())
def test_rule_3_every_answer_keeps_the_hard_rules_and_has_an_order(question):
    document, policy = question
    answer = answered(document, policy)
    assert verify(document, answer, policy) == []
    limits = {"overcommit": policy.get("overcommit")}
    waves = migration_waves(answer["moves"], document, limits)
    assert verify_waves(document, answer["moves"], waves, limits) == []
    assert answered(document, policy) == answer


@settings(max_examples=CASES // 3, deadline=None)
@given(questions(strategies=tuple(name for name in STRATEGIES if name != "exact"), goals=("balance",)))
def test_rule_3_every_strategy_keeps_the_hard_rules(question):
    document, policy = question
    answer = answered(document, policy)
    assert verify(document, answer, policy) == []
    assert verify_waves(document, answer["moves"], migration_waves(answer["moves"], document), {}) == []


@settings(max_examples=CASES // 3, deadline=None)
@given(questions(goals=("place", "headroom")))
def test_what_is_only_asked_is_right_and_moves_nothing(question):
    document, policy = question
    answer = answered(document, policy)
    assert verify(document, answer, policy) == []
    assert answer["moves"] == []
    assert ("candidates" in answer) is (policy["goal"] == "place")


@settings(max_examples=CASES // 3, deadline=None)
@given(questions(), st.randoms(use_true_random=False))
def test_the_order_of_the_documents_does_not_matter(question, random):
    document, policy = question
    order = list(range(len(document["rules"])))
    random.shuffle(order)
    mixed = {
        **document,
        "nodes": random.sample(document["nodes"], len(document["nodes"])),
        "guests": random.sample(document["guests"], len(document["guests"])),
        "rules": [document["rules"][number] for number in order],
    }
    one, other = answered(document, policy), answered(mixed, policy)
    for entry in other["refused"]:
        if "rule" in entry:
            entry["rule"] = order[entry["rule"]]
        entry["reason"] = re.sub(r"^(.*: rule )(\d+)", lambda found: f"{found[1]}{order[int(found[2])]}", entry["reason"])
    for answer in (one, other):
        answer["refused"].sort(key=json.dumps)
    assert other == one


@settings(max_examples=CASES // 3, deadline=None)
@given(questions(goals=("balance", "balance", "repair_only", "evacuate")))
def test_runs_on_the_result_come_to_an_end(question):
    """Each run that moves something leaves fewer limits broken, or the nodes closer: nothing goes to and fro."""
    document, policy = question
    limited = "max_moves" in policy or "max_bytes" in policy
    seen = set()
    for run in range(RUNS):
        at = tuple(guest["node"] for guest in document["guests"])
        assert at not in seen, "the guests are where they were before"
        seen.add(at)
        answer = answered(document, policy)
        if not answer["moves"]:
            return
        assert run == 0 or limited or excess(answer, policy) > 0 or answer["after"]["violations"] < answer["before"]["violations"]
        document = carried_out(document, answer)
    raise AssertionError(f"{RUNS} runs and no end")
