# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(volumes): what was last recorded of every volume, thin pool and VG, joined with the forecasts, as documents for `lv_allocate`."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.manage import Entry, Naming, read_naming
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.standing import copies, volume_reason
from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine, make_engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.selection import describe
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast import forecast_entities
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.last_changed import last_changed
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.left_unmounted import find_left_unmounted
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.long_past import LongPast
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.pools import (
    DATA,
    METADATA,
    SNAPSHOT,
    Lying,
    is_pool,
    is_thick_snapshot,
    pool_document,
    pool_reason,
    snapshot_document,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.runways import remember, runways
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.unfinished import find_unfinished
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.volume_groups import group_documents

Document = dict[str, t.Any]

METRIC = "used_bytes"
USUAL_QUANTILES = (0.1, 0.5, 0.9)
RUNWAY_HORIZON = "90d"
PAST = "14d"
_POLICY_KEYS = {"manage", "exclude", "reserve"}


def volumes(
    *,
    store: str | None,
    now: int,
    horizon: int | str,
    runway_horizon: int | str = RUNWAY_HORIZON,
    past: int | str = PAST,
    hosts: Sequence[str] | None = None,
    manage: Sequence[Mapping[str, t.Any]] | None = None,
    exclude: Sequence[str] | None = None,
    reserve: str | int = "5%",
    policies: Mapping[str, Mapping[str, t.Any]] | None = None,
    quantile: float = 0.9,
    step: int | str | None = None,
    max_age: int | str | None = None,
    min_samples: int = 14,
    model: str = "auto",
    engine: str | Engine | None = None,
    workers: int | None = None,
    dask_address: str | None = None,
) -> Document:
    """Return `{volumes, groups, pools, snapshots, now}` as of DESIGN §4, sorted by entity; hosts without LVM have none.

    A volume's demand is a quantile of the forecast peak of its `used_bytes` over the horizon, a pool's those of its data and metadata.

    :param horizon: planning window, seconds or a text such as `6h`.
    :param past: how far to look back for what a volume held at most; 0 = not at all.
    :param runway_horizon: how far ahead dates are looked for at most; never further than a quarter of the longest history in a VG.
    :param hosts: only volumes of these hosts; None = of every host in the store.
    :param manage: entries `{match, min, max, priority, allow_shrink, allow_unmount}` of what may be changed; none = nothing.
    :param exclude: expressions of what is never changed, whatever `manage` says.
    :param reserve: what every VG keeps free, a percentage of it or an amount.
    :param policies: per host its own `{manage, exclude, reserve}`; hosts without one have those of the other options.
    :param quantile: of the forecast peak, above 0 and below 1.
    :param step: seconds per step of the forecast; None = the usual distance of the samples.
    :param max_age: seconds after which a newest sample makes a forecast stale; None = three steps.
    :raises InputError: for a wrong option, or when the store knows none of these hosts.
    :raises StoreError: when there is no store or it cannot be read.
    """
    namings = _Namings(read_naming(None if manage is None else list(manage), exclude, reserve), reserve, policies or {})
    window = parse_duration(horizon, option="horizon")
    if not 0 < quantile < 1:
        raise InputError(f"The quantile is {quantile}; needed is a number above 0 and below 1 (O(quantile)).")
    with open_store(store, create=False) as notebook:
        found = [entity for entity in notebook.find_entities(kinds=["lv"], hosts=hosts) if _is_measured(entity)]
        if not found and not notebook.find_entities(kinds=["host", "lv"], hosts=hosts):
            raise InputError(_nothing_found(hosts))
        options: Document = {
            "now": now,
            "horizon": window,
            "quantile": quantile,
            "step": None if step is None else parse_duration(step, option="step"),
            "max_age": None if max_age is None else parse_duration(max_age, option="max_age"),
            "min_samples": min_samples,
            "model": model,
            "engine": make_engine(engine, workers, dask_address),
        }
        forecasts = {(number, METRIC): answer for number, answer in _forecasts(notebook, found, METRIC, **options).items()}
        for metric, chosen in ((DATA, is_pool), (METADATA, is_pool), (SNAPSHOT, is_thick_snapshot)):
            answers = _forecasts(notebook, [entity for entity in found if chosen(entity)], metric, **options)
            forecasts.update({(number, metric): answer for number, answer in answers.items()})
        resized = last_changed(notebook, {entity.key for entity in found}, now)
        unfinished = find_unfinished(notebook, found, now)
        left_unmounted = find_left_unmounted(notebook, found, now)
        long_past = LongPast(notebook, found, now, parse_duration(past, option="past"))
        groups = group_documents(notebook, hosts, lambda host, *extents: namings.of(host).reserve(*extents))
        lying = Lying(found)
        far = runways(
            notebook,
            found,
            lying,
            groups,
            now=now,
            window=window,
            most=parse_duration(runway_horizon, option="runway_horizon"),
            engine=options["engine"],
        )
    groups = {place: {**group, "runway": far.groups[place]} for place, group in groups.items()}
    pools, snapshots = [], []
    origins = {_origin(entity) for entity in found if entity.attributes.get("origin") and entity.attributes.get("segment_type") != "thin"}
    documents = []
    unfitting = namings.expressions({str(entity.host) for entity in found})  # of (option, expression), the hosts that name it
    for entity in found:
        attributes = entity.attributes
        named = describe(attributes, key=entity.key, kind=entity.kind, host=entity.host)
        naming = namings.of(entity.host)
        entry, exactly = naming.choose(entity.key, named)
        fitting = [what for what, hosts_of in unfitting.items() if entity.host in hosts_of and naming.fits(what[1], entity.key, named)]
        for what in fitting:
            del unfitting[what]
        excluded = naming.excludes(entity.key, named)
        if is_pool(entity):
            reason = pool_reason(entity, lying, excluded=excluded)
        else:
            has_snapshots = (entity.host, attributes["vg"], attributes["lv"]) in origins
            reason = volume_reason(attributes, excluded=excluded, has_snapshots=has_snapshots)
        group = groups.get((str(entity.host), str(attributes["vg"])))
        # of two groups of one name only one is known, and its free extents are not for the other one's volumes
        if reason is None and (group is None or attributes.get("vg_uuid") not in (None, group["uuid"])):
            reason = "unknown_vg"
        common = {**_measured(entity), **_named(entry, exactly), "last_resized_at": resized.get(entity.key), "refused_reason": reason}
        if is_pool(entity):
            # a pool is changed only when it is named by its own key (rule 12)
            common.update(managed=entry is not None and exactly, matched=entry is not None)
            demands = {metric: _demand(forecasts.get((entity.id, metric)), quantile, window) for metric in (DATA, METADATA)}
            pools.append(pool_document(entity, lying, far.far, common=common, demands=demands))
            continue
        if is_thick_snapshot(entity):
            snapshots.append(snapshot_document(entity, lying, far.far))
        demand = _demand(forecasts.get((entity.id, METRIC)), quantile, window)
        stopped = {"unfinished": entity.id in unfinished, "left_unmounted": entity.id in left_unmounted}
        documents.append({**common, **demand, **long_past.of(entity), **stopped})
    for option, text in unfitting:
        logger("lvm").warning("%s names %r, which fits no volume of any host in this run", option, text)
    for listed in (documents, pools, snapshots):
        listed.sort(key=lambda document: str(document["entity"]))
    in_order = [groups[key] for key in sorted(groups)]
    with open_store(store, create=False) as notebook:
        remember(notebook, in_order, pools, snapshots, now)
    return {"volumes": documents, "groups": in_order, "pools": pools, "snapshots": snapshots, "now": now}


class _Namings:
    """What each host's policy names."""

    def __init__(self, common: Naming, reserve: str | int, policies: Mapping[str, Mapping[str, t.Any]]) -> None:
        self._common = common
        self._own: dict[str, Naming] = {}
        for host, policy in policies.items():
            unknown = sorted(set(policy) - _POLICY_KEYS)
            if unknown:
                raise InputError(
                    f"The policy of {host} has the keys {', '.join(unknown)}; known are {', '.join(sorted(_POLICY_KEYS))} (O(policies))."
                )
            kept = policy.get("reserve")
            self._own[host] = read_naming(policy.get("manage"), policy.get("exclude"), reserve if kept is None else kept, host)

    def of(self, host: str | None) -> Naming:
        return self._own.get(host or "", self._common)

    def expressions(self, hosts: Collection[str]) -> dict[tuple[str, str], set[str]]:
        """Return the hosts whose policy has each (option, expression)."""
        found: dict[tuple[str, str], set[str]] = {}
        for host in sorted(hosts):
            policy = self.of(host)
            for what in [*(("manage", entry.match) for entry in policy.entries), *(("exclude", text) for text in policy.exclude)]:
                found.setdefault(what, set()).add(host)
        return found


def _is_measured(entity: Entity) -> bool:
    # Entities that were only imported have a history, but nobody knows what they are.
    return all(entity.attributes.get(name) for name in ("uuid", "size_bytes", "vg", "lv")) and entity.host is not None


def _nothing_found(hosts: Sequence[str] | None) -> str:
    whose = f"nothing of {', '.join(sorted(hosts)[:5])}{' …' if len(hosts) > 5 else ''}" if hosts else "no host"
    return f"The store holds {whose}; needed are facts of lvm_facts, recorded by the playbook foresight.capacity.observe (O(hosts))."


def _forecasts(notebook: Store, found: Sequence[Entity], metric: str, *, quantile: float, **options: t.Any) -> dict[int, Document]:
    have = {series.entity_id for series in notebook.find_series(metric=metric, entity_ids=[entity.id for entity in found])}
    asked = [entity for entity in found if entity.id in have]
    if not asked:
        return {}
    quantiles = sorted({*USUAL_QUANTILES, quantile})
    answers = forecast_entities(notebook, asked, metric, quantiles=quantiles, **options)
    return {entity.id: answer for entity, answer in zip(asked, answers, strict=True)}


def _origin(snapshot: Entity) -> tuple[str | None, t.Any, t.Any]:
    return snapshot.host, snapshot.attributes["vg"], snapshot.attributes["origin"]


def _measured(entity: Entity) -> Document:
    attributes = entity.attributes
    filesystem = attributes.get("fs")
    return {
        "entity": entity.key,
        "host": entity.host,
        "vg": attributes["vg"],
        "lv": attributes["lv"],
        "uuid": attributes["uuid"],
        "size_bytes": attributes["size_bytes"],
        "fs": {name: filesystem.get(name) for name in ("type", "size", "used", "avail")} if filesystem else None,
        "mounted": bool(filesystem and filesystem.get("mountpoints")),
        "role": attributes.get("role"),
        "tags": attributes.get("tags") or [],
        "copies": copies(attributes) or 1,
        "observed_at": attributes.get("observed_at") or entity.last_seen,
        "recorded": bool(attributes.get("recorded")),
    }


def _named(entry: Entry | None, exactly: bool) -> Document:
    chosen = entry or Entry("")
    return {
        "managed": entry is not None,
        "named_exactly": exactly,
        "priority": chosen.priority,
        "min_bytes": chosen.min_bytes,
        "max_bytes": chosen.max_bytes,
        "allow_shrink": chosen.allow_shrink,
        "allow_unmount": chosen.allow_unmount,
    }


def _demand(answer: Document | None, quantile: float, window: int) -> Document:
    if answer is None:
        return {"demand_bytes": None, "demand_status": "no_history", "demand_note": None, "history_mean_bytes": None, "forecast": None}
    status = answer["status"]
    peak: float | None = ((answer.get("peak") or {}).get("quantiles") or {}).get(str(quantile))
    if status == "ok" and peak is None:
        status = "invalid"
    runway = ((answer.get("runway") or {}).get("seconds") or {}).get("0.1")
    demand = max(0.0, peak) if status == "ok" and peak is not None else None
    forecast = {"quantile": quantile, "value": demand, "method": answer.get("method"), "status": status, "runway_seconds": runway}
    return {
        "demand_bytes": demand,
        "demand_status": status,
        "demand_note": answer.get("note") or None,
        "demand_window_seconds": window,
        "history_mean_bytes": (answer.get("history") or {}).get("mean"),
        "forecast": forecast if status == "ok" else None,
    }
