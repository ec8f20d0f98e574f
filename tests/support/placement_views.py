# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Placements for tests of pictures: a cluster by hand, and any made-up one, balanced and put into the view that is drawn."""

from __future__ import annotations

import itertools

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import read_policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import placement_view
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.breaches import breaches, facts_of

GIB = 2**30
RULED = {
    "nodes": 12,
    "guests_per_node": 8,
    "grouped": 0.3,
    "pinned": 0.1,
    "broken": 0.4,
    "maintenance": 1,
    "offline": 1,
    "reserve": 0.1,
    "overhead": 0.05,
}


def by_hand():
    """Three nodes of 100 GiB and 10 cores: a is full and over its cores, b is nearly empty, c in maintenance."""
    return {
        "cluster": "hand",
        "nodes": [
            {"name": "a", "cpu": 10.0, "memory": 125 * GIB, "reserve": {"memory": 25 * GIB}, "overhead": {"memory": 10 * GIB}},
            {"name": "b", "cpu": 10.0, "memory": 100 * GIB},
            {"name": "c", "cpu": 10.0, "memory": 100 * GIB, "maintenance": True},
        ],
        "guests": [
            {"id": "g1", "name": "first", "node": "a", "cpu": 6.0, "memory": 40 * GIB},
            {"id": "g2", "node": "a", "cpu": 5.0, "memory": 30 * GIB},
            {"id": "g3", "node": "b", "cpu": 1.0, "memory": 20 * GIB},
            {"id": "g4", "node": "c", "cpu": 1.0, "memory": 10 * GIB},
            {"id": "g5", "node": "b", "cpu": 4.0, "memory": 50 * GIB, "running": False},
        ],
    }  # fmt: skip


def by_hand_answer():
    """An answer for it that moves g2 and g4 to b; its figures are those of the filter's contract."""
    moves = [
        {"guest": "g4", "from": "c", "to": "b", "kind": "evacuate", "reason": "c is in maintenance", "cost": {"bytes": 10 * GIB}},
        {"guest": "g2", "from": "a", "to": "b", "kind": "repair", "reason": "a is over", "cost": {"bytes": 30 * GIB}},
    ]
    told = {"spread": {"cpu": 1.0, "memory": 0.6}, "std": {"cpu": 0.5, "memory": 0.3}, "max": {"cpu": 1.1, "memory": 0.8}, "violations": 2}
    better = {
        "spread": {"cpu": 0.1, "memory": 0.1},
        "std": {"cpu": 0.05, "memory": 0.05},
        "max": {"cpu": 0.7, "memory": 0.6},
        "violations": 0,
    }
    waves = [
        {"wave": 1, "moves": moves[:1], "seconds": 8.0, "not_before": None},
        {"wave": 2, "moves": moves[1:], "seconds": 24.0, "not_before": 1_763_700_000},
    ]
    answer = {
        "moves": moves, "before": told, "after": better, "refused": [], "verdict": "improved", "why": "2 moves", "strategy": "foresight", "demand": "current",
    }  # fmt: skip
    return answer, waves


def hand_view(**more):
    """The view of both."""
    answer, waves = by_hand_answer()
    facts = facts_of(by_hand(), read_policy({}, ("cpu", "memory")))
    found = breaches(facts), breaches(facts, answer["moves"])
    return placement_view(by_hand(), {**answer, **more}, waves, balanced=["memory"], goal="balance", breaches=found, seconds=0.5)


def balanced_view(policy=None, document=None, **options):
    """The view of a made-up cluster after cluster_balance."""
    document = document or synthetic_cluster(**{**RULED, **options})
    policy = policy or {}
    terms = read_policy(policy, read_cluster(document).resources)
    answer = cluster_balance(document, policy)
    waves = migration_waves(answer["moves"], document, terms.limits)
    facts = facts_of(document, terms)
    leaving = terms.nodes if terms.goal == "evacuate" else ()
    found = breaches(facts), breaches(facts, answer["moves"])
    view = placement_view(
        document, answer, waves, balanced=list(terms.resources), goal=terms.goal, leaving=leaving, breaches=found, seconds=0.1
    )
    return view, document, answer


def overlaps(figure):
    """Return what words of a figure stick out of it, and which lie upon each other."""
    figure.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in _texts(figure) if text.get_visible() and text.get_text().strip()]
    wide, high = figure.bbox.width, figure.bbox.height
    outside = [name for name, box in boxes if box.x0 < -0.5 or box.y0 < -0.5 or box.x1 > wide + 0.5 or box.y1 > high + 0.5]
    crossed = [
        (first, second)
        for (first, one), (second, other) in itertools.combinations(boxes, 2)
        if min(one.x1, other.x1) - max(one.x0, other.x0) > 0.5 and min(one.y1, other.y1) - max(one.y0, other.y0) > 1.5
    ]
    return outside, crossed


def _texts(figure):
    """Yield the words that are drawn: ticks beyond the ends of their axis are not."""
    yield from figure.texts
    for legend in figure.legends:
        yield from legend.get_texts()
    waiting = list(figure.axes)
    for axes in waiting:
        waiting += axes.child_axes
        if not axes.axison:
            continue
        yield from axes.texts
        yield from (axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label)
        yield from (axes.get_legend().get_texts() if axes.get_legend() else [])
        for axis in (axes.xaxis, axes.yaxis):
            low, end = sorted(axis.get_view_interval())
            yield from (tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= end)
