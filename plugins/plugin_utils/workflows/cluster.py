# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(cluster): what was last recorded of a cluster, with the forecast peak as the use of each guest, as `cluster_balance` takes it."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine, make_engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.managed import Naming
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, OutcomeRow, Store, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.cluster_document import (
    Document,
    belongs,
    guest_document,
    node_document,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast import forecast_entities
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.last_changed import last_changed
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.moves_under_way import find_destinations
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import ROUND_STEPS, steps_of

# By the name of the resource in the document.
METRICS = {"cpu": "cpu_cores", "memory": "memory_bytes"}
USUAL_QUANTILES = (0.1, 0.5, 0.9)
# Finer steps tell nothing of the highest value in the window, and shorten the past that is looked at.
_STEPS = 48


def cluster(
    *,
    store: str | None,
    now: int,
    horizon: int | str,
    host: str | None = None,
    manage: Sequence[Mapping[str, t.Any]] | None = None,
    exclude: Sequence[str] | None = None,
    quantile: float = 0.9,
    step: int | str | None = None,
    max_age: int | str | None = None,
    min_samples: int = 14,
    model: str = "auto",
    engine: str | Engine | None = None,
    workers: int | None = None,
    dask_address: str | None = None,
) -> Document:
    """Return the cluster document (DESIGN §4) that was last recorded through a host, with forecast demand.

    A running guest's `cpu` and `memory` become that quantile of the forecast peaks over the horizon, at most what it may use. One of which
    either forecast is not `ok` keeps its current use of both, and its `demand_status` says why.

    :param host: the inventory host through which the cluster is read; None = the only one that the store knows.
    :param manage: entries `{match}` of the guests that may be changed; none = nothing. Where some are named the others are not movable.
    :param exclude: expressions of guests that are never changed, whatever `manage` says.
    :param horizon: planning window, seconds or a text such as `24h`.
    :param quantile: of the forecast peak, above 0 and below 1.
    :param step: seconds per step of the forecast; None = a 48th of the horizon in round numbers, or the usual distance of the samples if longer.
    :param max_age: seconds after which a newest sample makes a forecast stale; None = three steps.
    :raises InputError: for a wrong option, or when no cluster was recorded through this host.
    :raises StoreError: when there is no store or it cannot be read.
    """
    naming = Naming(manage, exclude)
    window = parse_duration(horizon, option="horizon")
    if not 0 < quantile < 1:
        raise InputError(f"The quantile is {quantile}; needed is a number above 0 and below 1 (O(quantile)).")
    with open_store(store, create=False) as notebook:
        owner = _owner(notebook, host)
        summary = owner.attributes["cluster"]
        found = [entity for entity in notebook.find_entities(kinds=["node", "guest"]) if belongs(entity, summary["name"])]
        guests = [entity for entity in found if entity.kind == "guest"]
        nodes = [entity for entity in found if entity.kind == "node"]
        running = [entity for entity in guests if entity.attributes.get("running") is not False]
        options: Document = {
            "now": now,
            "horizon": window,
            "quantiles": sorted({*USUAL_QUANTILES, quantile}),
            "max_age": None if max_age is None else parse_duration(max_age, option="max_age"),
            "min_samples": min_samples,
            "model": model,
            "engine": make_engine(engine, workers, dask_address),
        }
        own_step = None if step is None else parse_duration(step, option="step")
        answers = {name: _forecasts(notebook, running, metric, own_step, **options) for name, metric in METRICS.items()}
        names = {node.attributes["name"] for node in nodes}
        bound = {key: node for key, node in find_destinations(notebook, guests, now).items() if node in names}
        moved = last_changed(notebook, {entity.key for entity in guests}, now, _is_move)
    told = [
        guest_document(
            entity, {name: answers[name].get(entity.id) for name in METRICS}, quantile, moved.get(entity.key), bound.get(entity.key)
        )
        for entity in guests
    ]
    whose = {"cluster": str(summary["name"]), "host": str(owner.host)}
    for text in naming.unused(told, **whose):
        logger("guests").warning("%r fits no guest of the cluster %s", text, summary["name"])
    documents = naming.marked(told, **whose)
    predicted = any(document["demand_status"] == "ok" for document in documents)
    return {
        "schema": "foresight.cluster/1",
        "cluster": summary["name"],
        "host": owner.host,
        "observed_at": summary["observed_at"],
        "recorded": bool(owner.attributes.get("recorded")),
        "version": summary.get("version"),
        "quorate": summary.get("quorate"),
        "balancers": summary.get("balancers") or [],
        "demand": {"basis": "predicted_peak", "quantile": quantile, "window_seconds": window} if predicted else {"basis": "current"},
        "nodes": [node_document(entity) for entity in nodes],
        "guests": documents,
        "rules": summary.get("rules") or [],
        "now": now,
    }


def _owner(notebook: Store, host: str | None) -> Entity:
    """Return the host through which the cluster was recorded."""
    known = {str(entity.host): entity for entity in notebook.find_entities(kinds=["host"]) if entity.attributes.get("cluster")}
    names = ", ".join(sorted(known)[:5]) + (" …" if len(known) > 5 else "")
    if host is None and len(known) > 1:
        raise InputError(f"The store knows clusters through {names}; needed is one of them (O(host)).")
    if not known or host not in (None, *known):
        which = "no cluster" if host is None or not known else f"no cluster that was read through {host}, but through {names}"
        raise InputError(f"The store holds {which}; needed are facts of proxmox_facts, recorded by foresight.capacity.record (O(host)).")
    return known[host] if host is not None else next(iter(known.values()))


def _is_move(outcome: OutcomeRow) -> bool:
    """Tell whether a guest was on another node afterwards; a resize of it is no move."""
    before, after = outcome.before or {}, outcome.after or {}
    return bool(after.get("node")) and before.get("node") != after.get("node")


def _forecasts(notebook: Store, guests: Sequence[Entity], metric: str, step: int | None, **options: t.Any) -> dict[int, Document]:
    """Return the forecasts of all guests that have the metric, with one call of the engine."""
    series = notebook.find_series(metric=metric, entity_ids=[entity.id for entity in guests])
    have = {one.entity_id for one in series}
    asked = [entity for entity in guests if entity.id in have]
    if not asked:
        return {}
    step = step or _step(notebook, [one.id for one in series], options["horizon"])
    answers = forecast_entities(notebook, asked, metric, step=step, **options)
    return {entity.id: answer for entity, answer in zip(asked, answers, strict=True)}


def _step(notebook: Store, series_ids: Sequence[int], horizon: int) -> int:
    """Return one step for all, so that they are forecast together: fine enough for the window, and not finer than most samples are apart."""
    usual = steps_of(notebook.typical_step(series_ids))
    enough = next((step for step in ROUND_STEPS if step >= math.ceil(horizon / _STEPS)), ROUND_STEPS[-1])
    most_frequent = max(sorted(set(usual)), key=usual.count)
    return max(enough, most_frequent)
