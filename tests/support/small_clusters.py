# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cluster documents written by hand, and what becomes of them; for the tests of placement."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import read_policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import make_problem


def node(name, memory=100, cpu=100, **more):
    return {"name": name, "cpu": cpu, "memory": memory, **more}


def guest(name, at, memory=10, cpu=1, **more):
    return {"id": name, "node": at, "cpu": cpu, "memory": memory, **more}


def cluster(nodes, guests=(), *rules, **more):
    """Return a document; nodes may be given by their names alone."""
    return {"nodes": [node(one) if isinstance(one, str) else one for one in nodes], "guests": list(guests), "rules": list(rules), **more}


def rule(kind, guests, nodes=(), **more):
    """Return a rule; guests and nodes by their names, with blanks between."""
    found = {"kind": kind, "guests": guests.split(), **more}
    return {**found, "nodes": list(nodes)} if kind.endswith("nodes") else found


def move(name, source, target, kind="balance", **more):
    return {"guest": name, "from": source, "to": target, "kind": kind, **more}


def problem_of(document, closed=(), **policy):
    """Return the problem of a document; closed: names of nodes."""
    read = read_cluster(document)
    return make_problem(read, read_policy(policy, read.resources), [read.nodes.index(name) for name in closed])


def item(problem, name):
    """Return the item that a guest belongs to."""
    position = problem.cluster.guests.index(name)
    return next(number for number, members in enumerate(problem.members) if position in members)


def moved(document, answer):
    """Return the document after the moves of an answer."""
    to = {move["guest"]: move["to"] for move in answer["moves"]}
    return {**document, "guests": [{**one, "node": to.get(one["id"], one["node"])} for one in document["guests"]]}
