# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import observe


def series(observation, identity):
    return {sample.metric: (sample.value, sample.flag) for sample in observation.samples if sample.identity == identity}


def test_nodes_and_guests(documents):
    seen = observe("prod-api", {"foresight_cluster": documents.cluster()}, recorded_at=documents.NOW)
    assert seen.status == "recorded"
    assert [entity.key for entity in seen.entities] == ["host:prod-api", "guest:prod/lxc/101", "guest:prod/qemu/102", "node:prod/pve1"]
    assert series(seen, "node:prod/pve1") == {"cpu_cores": (2.5, None), "memory_bytes": (5 * documents.GIB, None)}
    assert series(seen, "guest:prod/lxc/101")["cpu_cores"] == (1.5, None)
    assert "cpu_cores" not in series(seen, "guest:prod/qemu/102")
    assert seen.complete == {"node": {"node:prod/pve1"}, "guest": {"guest:prod/lxc/101", "guest:prod/qemu/102"}, "storage": set()}


def test_the_skew_of_the_api_is_noted_and_no_reason_to_reject(documents):
    seen = observe("prod-api", {"foresight_cluster": documents.cluster()}, recorded_at=documents.NOW)
    assert seen.entities[0].attributes["documents"]["foresight_cluster"]["api_skew"] == 4000


def test_a_predicted_demand_is_no_observation(documents):
    document = documents.cluster(demand={"basis": "predicted_peak", "quantile": 0.9})
    seen = observe("prod-api", {"foresight_cluster": document}, recorded_at=documents.NOW)
    assert "cpu_cores" not in series(seen, "guest:prod/lxc/101")
    document["guests"][0]["now"] = {"cpu": 0.5, "memory": documents.GIB}
    seen = observe("prod-api", {"foresight_cluster": document}, recorded_at=documents.NOW)
    assert series(seen, "guest:prod/lxc/101")["cpu_cores"] == (0.5, None)


def test_without_a_name_the_cluster_is_the_host(documents):
    document = documents.cluster()
    del document["cluster"]
    seen = observe("box", {"foresight_cluster": document}, recorded_at=documents.NOW)
    assert "node:box/pve1" in [entity.key for entity in seen.entities]


def test_disks_that_are_no_list_are_told_once(documents):
    document = documents.cluster()
    document["guests"][0]["disks"] = "all"
    seen = observe("prod-api", {"foresight_cluster": document}, recorded_at=documents.NOW)
    assert [issue.field for issue in seen.issues] == ["disks"]


def test_a_node_without_capacity_is_told(documents):
    seen = observe("prod-api", {"foresight_cluster": documents.cluster(nodes=[{"name": "pve1"}])}, recorded_at=documents.NOW)
    assert [issue.kind for issue in seen.issues] == ["missing", "missing"]
