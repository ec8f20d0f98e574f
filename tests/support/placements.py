# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small cluster with two breaches and one of its guests to balance, and the right answer to it; for the tests of the verifier."""

from __future__ import annotations

NOW = 1_763_700_000
POLICY = {"now": NOW, "resources": {"memory": 1.0}, "target_spread": 0.1}


def guest(name, node, memory, **more):
    return {"id": name, "node": node, "cpu": 1, "memory": memory, **more}


def node(name, **more):
    return {"name": name, "cpu": 10, "memory": 80, **more}


def small_cluster():
    """Two rules are broken: g1 and g2 are on one node, and a node in maintenance holds g5."""
    return {
        "nodes": [
            node("a", memory=100, reserve={"memory": 20}, overhead={"memory": 4}),
            node("b"),
            node("c", maintenance=True),
            node("d"),
        ],
        "guests": [
            guest("g1", "a", 20),
            guest("g2", "a", 24),
            guest("g3", "a", 16),
            guest("g4", "b", 8),
            guest("g5", "c", 16),
            guest("g6", "d", 8, pinned_to=["d"]),
            guest("g7", "b", 32, running=False, movable=False),
            guest("g8", "a", 8),
        ],
        "rules": [
            {"kind": "apart", "guests": ["g1", "g2"]},
            {"kind": "together", "guests": ["g4", "g7"]},
            {"kind": "on_nodes", "guests": ["g3"], "nodes": ["a", "b"]},
            {"kind": "not_on_nodes", "guests": ["g8"], "nodes": ["b"]},
            {"kind": "together", "guests": ["g1", "g6"], "strict": False},
        ],
    }


def right_answer():
    """What is wrong is put right by two moves, and a third one helps the balance; computed by hand."""
    return {
        "moves": [
            {"guest": "g5", "from": "c", "to": "d", "kind": "evacuate", "reason": "maintenance", "cost": {"bytes": 16}},
            {"guest": "g2", "from": "a", "to": "b", "kind": "repair", "reason": "apart", "cost": {"bytes": 24}},
            {"guest": "g8", "from": "a", "to": "d", "kind": "balance", "reason": "spread", "cost": {"bytes": 8}},
        ],
        "before": {
            "spread": {"memory": 0.8, "cpu": 0.3},
            "std": {"memory": 0.377124, "cpu": 0.141421},
            "max": {"memory": 0.9, "cpu": 0.4},
            "violations": 2,
        },
        "after": {"spread": {"memory": 0.1}, "std": {"memory": 0.047140}, "max": {"memory": 0.5}, "violations": 0},
        "nodes": [
            {"name": "a", "before": {"memory": 0.9, "cpu": 0.4}, "after": {"memory": 0.5, "cpu": 0.2}},
            {"name": "b", "before": {"memory": 0.1}, "after": {"memory": 0.4}},
            {"name": "c", "before": {"memory": 0.2}, "after": {"memory": 0.0}},
            {"name": "d", "before": {"memory": 0.1}, "after": {"memory": 0.4}},
        ],
        "refused": [],
        "verdict": "balanced",
    }
