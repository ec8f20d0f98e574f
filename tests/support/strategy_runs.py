# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets strategies to work on cluster documents, and says what they may not do; for the tests of placement.

What is wrong with a placement is found from the document alone: no arithmetic of the strategies is asked.
"""

from __future__ import annotations

import collections
import itertools

import numpy as np

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import read_policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import make_problem
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.search import Search
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.window import Window


def settled(document, **policy):
    """Return the state of a cluster in which what was in breach has been moved, as far as it could be."""
    cluster = read_cluster(document)
    problem = make_problem(cluster, read_policy(policy, cluster.resources))
    state = State(problem)
    Search(state, Window(problem, None), problem.movable, np.random.default_rng(0)).settle()
    return state


def terms(state, **more):
    """Return terms under which everything movable is free."""
    return Terms(**{"free": state.problem.movable, **more})


def placed(state):
    """Return the node of each guest by names; the members of a group that is torn apart are at home."""
    cluster, found = state.problem.cluster, {}
    for item, members in enumerate(state.problem.members):
        for guest in members:
            node = int(state.at[item])
            assert cluster.guests[guest] not in found, "a guest is in two items"
            found[cluster.guests[guest]] = cluster.nodes[node if node >= 0 else int(cluster.home[guest])]
    return found


def moved(document, at):
    return [guest for guest in document["guests"] if at[guest["id"]] != guest["node"]]


def size(guest, document):
    """Return the bytes of a move: memory while it runs, and disks on storage that is not shared."""
    local = {
        name for node in document["nodes"] for name, storage in node.get("storages", {}).items() if not storage.get("shared")
    }  # fmt: skip
    disks = sum(disk["bytes"] for disk in guest.get("disks", []) if disk["storage"] in local)
    return disks + (guest["memory"] if guest.get("running", True) else 0)


def loads(document, at):
    """Return by node and resource, (load, usable capacity)."""
    used = collections.defaultdict(float)
    for guest in document["guests"]:
        if guest.get("running", True):
            for name, amount in {"cpu": guest["cpu"], "memory": guest["memory"], **guest.get("more", {})}.items():
                used[at[guest["id"]], name] += amount
    found = {}
    resources = {"cpu", "memory"} | {name for node in document["nodes"] for name in node.get("more", {})}
    for node in document["nodes"]:
        for name in resources:
            whole = node[name] if name in ("cpu", "memory") else node.get("more", {}).get(name, 0)
            found[node["name"], name] = (
                used[node["name"], name] + node.get("overhead", {}).get(name, 0),
                max(0, whole - node.get("reserve", {}).get(name, 0)),
            )
    return found


def spread(document, at, resource="memory"):
    """Return max − min of load / usable capacity over the open nodes."""
    open_ = {node["name"] for node in document["nodes"] if node.get("online", True) and not node.get("maintenance", False)}
    shares = [load / room for (node, name), (load, room) in loads(document, at).items() if node in open_ and name == resource and room > 0]
    return max(shares) - min(shares) if shares else 0.0


def wrongs(document, before, after):
    """Return what is worse after than before, in words: lost guests, overloads, rules, moves that must not be."""
    if set(after) != {guest["id"] for guest in document["guests"]}:
        return ["guests were lost or made"]
    was = loads(document, before)
    found = [
        f"{node} is over its {name}"
        for (node, name), (load, room) in loads(document, after).items()
        if load > max(room, was[node, name][0]) * (1 + 1e-8) + 1e-6
    ]
    nodes = {node["name"]: node for node in document["nodes"]}
    for guest in document["guests"]:
        id_, node = guest["id"], nodes[after[guest["id"]]]
        if after[id_] == before[id_]:
            continue
        if not guest.get("movable", True) or not nodes[guest["node"]].get("online", True):
            found.append(f"{id_} moved, and must not")
        if not node.get("online", True) or node.get("maintenance"):
            found.append(f"{id_} went to {after[id_]}, which is closed")
        if guest.get("pinned_to") and after[id_] not in guest["pinned_to"]:
            found.append(f"{id_} is pinned elsewhere")
        if node.get("storages") and any(disk["storage"] not in node["storages"] for disk in guest.get("disks", [])):
            found.append(f"{id_} has no disks at {after[id_]}")
    changed = {id_ for id_ in after if after[id_] != before[id_]}
    return (
        found
        + _storage_wrongs(document, changed, after)
        + [wrong for rule in document["rules"] for wrong in _rule_wrongs(document, rule, changed, before, after)]
    )


def _storage_wrongs(document, changed, after):
    found = []
    for node in document["nodes"]:
        for name, storage in node.get("storages", {}).items():
            here = {
                guest["id"]: sum(disk["bytes"] for disk in guest.get("disks", []) if disk["storage"] == name)
                for guest in document["guests"]
            }
            home = sum(
                bytes_ for id_, bytes_ in here.items() if {guest["id"]: guest["node"] for guest in document["guests"]}[id_] == node["name"]
            )
            now = sum(bytes_ for id_, bytes_ in here.items() if after[id_] == node["name"])
            came = any(here[id_] for id_ in changed if after[id_] == node["name"])
            if not storage.get("shared") and came and now - home > storage["bytes"] - storage["used"]:
                found.append(f"{name} of {node['name']} is too full")
    return found


def _rule_wrongs(document, rule, changed, before, after):
    """Return in what a rule is broken by what was changed."""
    guests = [id_ for id_ in rule["guests"] if id_ in after]
    found = []
    if rule["kind"] == "apart":
        # Those that a strict rule keeps together move as one, and are as little apart as before.
        found += [
            f"{one} joined {other} of apart"
            for one, other in itertools.permutations(guests, 2)
            if one in changed and after[one] == after[other] and before[one] != before[other]
        ]
    elif rule["kind"] == "together" and rule.get("strict", True):
        # Whatever moves, moves to where all are.
        if any(id_ in changed for id_ in guests) and len({after[id_] for id_ in guests}) > 1:
            found.append("a group that must be together was torn apart")
    elif rule["kind"] == "together":
        # Nothing moves for it, but those that were together at home stay so.
        home = {guest["id"]: guest["node"] for guest in document["guests"]}
        found += [
            f"{one} and {other} were together, and should be"
            for one, other in itertools.combinations(guests, 2)
            if home[one] == home[other] and before[one] == before[other] and after[one] != after[other]
        ]
    else:
        inside = rule["kind"] == "on_nodes"
        found += [f"{id_} broke {rule['kind']}" for id_ in guests if id_ in changed and (after[id_] in rule["nodes"]) != inside]
    return found
