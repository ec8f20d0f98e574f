# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clusters that a report shows: each as its plan has it, or as it was last recorded."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_facts import Facts
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.clusters import ClusterView, move_states
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.kept_placement import view_of_kept
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.observed_placement import observed_view
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.verdicts import Progress
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, PlanRow, Store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.breaches import breaches
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.cluster_document import belongs, guest_document, node_document
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan_pictures import read_picture

Document = dict[str, t.Any]
# No forecast is asked for here: what is shown is what was seen.
_NO_FORECASTS: Mapping[str, Document | None] = {"cpu": None, "memory": None}


def read_clusters(
    store: Store, hosts: Sequence[str], row: PlanRow | None, progress: Mapping[str, Progress], not_begun: Callable[[bool], str]
) -> list[ClusterView]:
    """Return the clusters that were read through these hosts, the most urgent first.

    :param row: the plan that is shown; :param progress: of its actions, by id.
    :param not_begun: the state of an action without progress, told whether its host is a recording.
    """
    owners = _owners(store.find_entities(kinds=["host"], hosts=list(hosts)))
    kept = _kept(store, row)
    found = []
    for name, owner in owners.items():
        recorded = bool(owner.attributes.get("recorded"))
        if row is not None and name in kept:
            view = view_of_kept(kept[name])
            states = move_states(view, row.document, progress, not_begun(recorded))
            found.append(ClusterView(view, kept[name]["guests"], recorded, states=states))
    seen = {cluster.name for cluster in found}
    found += _observed(store, {name: owner for name, owner in owners.items() if name not in seen}, row)
    return sorted(found, key=lambda cluster: cluster.urgency)


def _owners(hosts: Sequence[Entity]) -> dict[str, Entity]:
    """Return by the name of the cluster the host through which it was read last."""
    found: dict[str, Entity] = {}
    for host in hosts:
        summary = host.attributes.get("cluster")
        if summary and (
            (known := found.get(summary["name"])) is None or known.attributes["cluster"]["observed_at"] < summary["observed_at"]
        ):
            found[str(summary["name"])] = host
    return found


def _kept(store: Store, row: PlanRow | None) -> dict[str, Document]:
    pictures = {} if row is None else {name: read_picture(kept) for name, kept in store.load_pictures(row.id).items()}
    return {name: picture for name, picture in pictures.items() if picture is not None}


def _observed(store: Store, owners: Mapping[str, Entity], row: PlanRow | None) -> list[ClusterView]:
    """Return the clusters as they were last recorded."""
    members = store.find_entities(kinds=["node", "guest"]) if owners else []
    found = []
    for name, owner in owners.items():
        document = _document(owner, [entity for entity in members if belongs(entity, name)])
        if document["nodes"]:
            view = observed_view(document, breaches(Facts(document)))
            found.append(ClusterView(view, len(document["guests"]), bool(owner.attributes.get("recorded")), _missing(name, row)))
    return found


def _document(owner: Entity, members: Sequence[Entity]) -> Document:
    summary = owner.attributes["cluster"]
    nodes = [node_document(entity) for entity in members if entity.kind == "node"]
    names = {node["name"] for node in nodes}
    guests = [guest_document(entity, _NO_FORECASTS, 0.5) for entity in members if entity.kind == "guest"]
    return {
        "cluster": summary["name"],
        "observed_at": summary["observed_at"],
        "nodes": nodes,
        "guests": [guest for guest in guests if guest.get("node") in names],
        "rules": summary.get("rules") or [],
    }


def _missing(name: str, row: PlanRow | None) -> str:
    """Return why there is no picture of a cluster that the plan is about."""
    if row is None or f"cluster:{name}" not in row.document["before"]:
        return ""
    if row.state == "superseded":
        return "The plan's picture of it went when a newer plan took its place; this is what was observed last."
    return (
        "The store has no picture of it from the plan: it is too old (observe_keep_forecasts), of an older version of the collection, or it was made of "
        "documents that tell too little. This is what was observed last; the moves stand in the plan below."
    )
