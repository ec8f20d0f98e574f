# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan_pictures import draw_clusters, read_picture


def entry(policy, **options):
    document = {**synthetic_cluster(**options), "cluster": "prod", "host": "prod-api"}
    answer = cluster_balance(document, policy)
    return {"document": document, "balance": answer, "waves": migration_waves(answer["moves"], document, {}), "policy": policy}


def test_a_picture_is_small_however_many_guests_there_are():
    one = entry({}, nodes=200, guests_per_node=20, maintenance=1)
    (row,), problems = draw_clusters([one])
    assert (row.cluster, row.host, problems) == ("prod", "prod-api", [])
    assert len(row.picture) < 40_000
    picture = read_picture(row)
    assert picture["guests"] == len(one["document"]["guests"]) > 3_500
    assert len(picture["document"]["nodes"]) == 200


def test_what_the_policy_wants_is_in_the_picture():
    policy = {"resources": {"cpu": 1}, "goal": "evacuate", "goal_options": {"nodes": ["node01"]}}
    (row,), _problems = draw_clusters([entry(policy, nodes=[128, 128, 256], guests_per_node=4)])
    picture = read_picture(row)
    assert (picture["balanced"], picture["goal"], picture["leaving"]) == (["cpu"], "evacuate", ["node01"])
    assert picture["breaches"][0], "guests are on the node that is to be emptied"
    assert picture["breaches"][1] == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"document": {"cluster": "prod", "host": "prod-api", "nodes": []}}, "has no nodes"),
        ({"balance": {"moves": []}, "waves": []}, r"no before\.spread"),
        ({"policy": {"goal": "fly"}}, "fly"),
    ],
)
def test_what_cannot_be_drawn_is_told_and_the_others_are_drawn(change, told):
    one = entry({}, nodes=[128, 256], guests_per_node=2)
    other = {**one, "document": {**one["document"], "cluster": "lab"}}
    rows, (problem,) = draw_clusters([{**one, **change}, other])
    assert [row.cluster for row in rows] == ["lab"]
    assert problem.startswith("The report will have no picture of the cluster prod. ")
    assert re.search(told, problem)
