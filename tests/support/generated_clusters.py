# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated clusters in a store: recorded as proxmox_facts reads them, balanced and planned as playbooks/plan.yml does. Nothing here was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.cluster import cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan import plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record

Document = dict[str, Any]
NOW = 1_763_700_000
NASTY = "<b>lxc</b>/$1</script>"
POLICY: Document = {"resources": {"cpu": 1, "memory": 1}, "now": NOW}


def document(name: str = "prod", at: int = NOW - 60, **options: Any) -> Document:
    """Return a cluster document; options: of `synthetic_cluster`."""
    made = synthetic_cluster(**{"nodes": [128, 128, 256], "guests_per_node": 8, "load": [0.2, 0.85], "seed": 1, **options})
    for guest in made["guests"]:
        guest.setdefault("name", guest["id"].replace("/", "-"))
    made["guests"][0]["name"] = NASTY
    more = {"schema": "foresight.cluster/1", "machine_id": None, "boot_id": None, "demand": {"basis": "current"}}
    return {**made, **more, "cluster": name, "host": f"{name}-api", "observed_at": at}


def fill(store: str, *documents: Document, now: int = NOW) -> list[str]:
    """Record clusters, each through a host of its own; return the hosts."""
    hosts = [one["host"] for one in documents]
    record(store=store, now=now - 60, hosts=hosts, lost=[], facts={one["host"]: {"foresight_cluster": one} for one in documents})
    return hosts


def make_plan(
    store: str,
    hosts: Sequence[str],
    *,
    now: int = NOW,
    manage: Sequence[Document] = ({"match": "*"},),
    policy: Mapping[str, Any] | None = None,
    **options: Any,
) -> Document:
    """Look the clusters up, balance and plan; return what the workflow `plan` returns."""
    policy = POLICY if policy is None else policy
    entries = []
    for host in hosts:
        known = cluster(store=store, now=now, horizon="1h", host=host, manage=manage, workers=1)
        balance = cluster_balance(known, policy)
        waves = migration_waves(balance["moves"], known, {"now": now})
        entries.append({"document": known, "balance": balance, "waves": waves, "policy": {**policy, "now": now}})
    return plan(store=store, now=now, inventory=list(hosts), hosts=list(hosts), clusters=entries, **options)
