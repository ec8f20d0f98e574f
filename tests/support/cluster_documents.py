# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cluster documents and policies for property tests: small, and with everything that a document can say."""

from __future__ import annotations

from hypothesis import strategies as st

NOW = 1_763_700_000
AMOUNTS = st.sampled_from([0, 0, 1, 1, 2, 3, 5, 8, 13, 0.1, 2.5])


def chance(draw, of):
    """Return true once in so many times."""
    return draw(st.integers(1, of)) == 1


@st.composite
def cluster_documents(draw, most_nodes=6, most_guests=14):
    names = [f"n{number}" for number in range(draw(st.integers(1, most_nodes)))]
    gpus, stored = chance(draw, 4), chance(draw, 3)
    nodes = [_node(draw, name, gpus, stored) for name in names]
    ids = [f"lxc/{100 + number}" for number in range(draw(st.integers(0, most_guests)))]
    guests = [_guest(draw, name, names, gpus, stored) for name in ids]
    document = {"nodes": nodes, "guests": guests, "rules": [_rule(draw, ids, names) for _rule_number in range(draw(st.integers(0, 4)))]}
    if chance(draw, 3):
        document["observed_at"] = NOW
    return document


def _node(draw, name, gpus, stored):
    node = {"name": name, "cpu": draw(st.sampled_from([8, 16, 16, 32])), "memory": draw(st.sampled_from([16, 32, 32, 64]))}
    if chance(draw, 12):
        node["cpu" if chance(draw, 2) else "memory"] = 0
    if chance(draw, 8):
        node |= draw(st.sampled_from([{"maintenance": True}, {"online": False}]))
    if chance(draw, 4):
        node["reserve"] = {"memory": draw(AMOUNTS), "cpu": draw(AMOUNTS)}
    if chance(draw, 4):
        node["overhead"] = {"memory": draw(AMOUNTS)}
    if gpus and chance(draw, 2):
        node["more"] = {"gpu": draw(st.sampled_from([1, 2, 4]))}
    elif gpus:
        node["more"] = {"gpu": 0}
    if stored and not chance(draw, 4):
        node["storages"] = {"nfs": {"shared": True}}
        if not chance(draw, 4):
            node["storages"]["local"] = draw(st.sampled_from([{}, None, {"bytes": 40, "used": 20}, {"bytes": 100, "used": 10}]))
    return node


def _guest(draw, name, nodes, gpus, stored):
    guest = {"id": name, "node": draw(st.sampled_from(nodes)), "cpu": draw(AMOUNTS), "memory": draw(AMOUNTS)}
    if chance(draw, 8):
        guest["running"] = False
    if chance(draw, 8):
        guest["movable"] = False
    if chance(draw, 8):
        guest["pinned_to"] = draw(st.lists(st.sampled_from([*nodes, "gone"]), min_size=1, max_size=3))
    if chance(draw, 4):
        guest["memory_max"] = guest["memory"] + draw(AMOUNTS)
        guest["cpu_max"] = guest["cpu"] + draw(AMOUNTS)
    if gpus and chance(draw, 4):
        guest["more"] = {"gpu": 1}
    if stored and chance(draw, 2):
        guest["disks"] = [{"storage": draw(st.sampled_from(["local", "nfs", "nfs", "tape"])), "bytes": draw(st.sampled_from([1, 8, 20]))}]
    if chance(draw, 5):
        guest["last_moved_at"] = NOW - draw(st.sampled_from([0, 100, 1000, 100_000]))
    if chance(draw, 6):
        guest["migration"] = {"bytes": {"0.5": draw(AMOUNTS)}, "seconds": {"0.5": 12.5}}
        if chance(draw, 2):
            there = {"bytes": {"0.5": draw(AMOUNTS)}, "seconds": {"0.5": draw(AMOUNTS)}}
            guest["migration"]["targets"] = {draw(st.sampled_from([*nodes, "gone"])): there}
    return guest


def _rule(draw, guests, nodes):
    kind = draw(st.sampled_from(["together", "together", "apart", "apart", "on_nodes", "not_on_nodes"]))
    rule = {"kind": kind, "guests": draw(st.lists(st.sampled_from([*guests, "gone"]), max_size=4))}
    if kind.endswith("nodes"):
        rule["nodes"] = draw(st.lists(st.sampled_from([*nodes, "gone"]), max_size=3))
    if chance(draw, 4):
        rule |= {"strict": False, "weight": draw(st.sampled_from([0, 1, 2.5]))}
    return rule


@st.composite
def policies(draw, names, *, strategies=("foresight",), goals=("balance", "balance", "balance", "repair_only", "consolidate", "evacuate")):
    policy = {"goal": draw(st.sampled_from(goals)), "strategy": draw(st.sampled_from(strategies)), "now": NOW}
    policy["resources"] = draw(st.sampled_from([{"memory": 1}, {"cpu": 1}, {"cpu": 1, "memory": 2}]))
    policy["target_spread"] = draw(st.sampled_from([0, 0.05, 0.2]))
    if policy["goal"] == "evacuate":
        policy["goal_options"] = {"nodes": draw(st.lists(st.sampled_from(names), min_size=1, max_size=2))}
    elif policy["goal"] == "consolidate":
        policy["goal_options"] = {"spare_nodes": draw(st.integers(0, 2))}
    elif policy["goal"] == "headroom":
        policy["goal_options"] = {"k": draw(st.integers(1, 3))}
    elif policy["goal"] == "place":
        policy["goal_options"] = {
            "guest": {"id": draw(st.sampled_from(["lxc/100", "lxc/999"])), "cpu": draw(AMOUNTS), "memory": draw(AMOUNTS)}
        }
    for key, values in (
        ("max_moves", [0, 1, 2, 5]),
        ("max_bytes", [0, 3, 10, 30]),
        ("min_gain", [0.02, 0.3]),
        ("overcommit", [0.5, 1, 1.5]),
        ("hold_seconds", [500]),
        ("cool_down_seconds", [500, 5000]),
    ):
        if chance(draw, 5):
            policy[key] = draw(st.sampled_from(values))
    return policy


@st.composite
def questions(draw, **more):
    """Return a cluster document and a policy for it."""
    document = draw(cluster_documents())
    return document, draw(policies([node["name"] for node in document["nodes"]], **more))
