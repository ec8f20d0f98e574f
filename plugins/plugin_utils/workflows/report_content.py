# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report shows, read from an open store."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.content import Content
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.groups import group_views
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.runways import group_dates, pool_dates, snapshot_dates
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import change_text, moment, short_key, some
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.verdicts import Progress, action_row, place_plan, refused_row
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.volume import History, VolumeView, volume_view
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, PlanRow, SeriesInfo, Store
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.pools import DATA, SNAPSHOT, is_pool, is_thick_snapshot
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report_clusters import read_clusters
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.runways import remembered
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.stored_plans import find_plan

Document = Mapping[str, t.Any]
_POINTS = 600
# Samples come a little early or late, which leaves points of the grid empty; a line is broken only where more are missing.
_BRIDGED = 3
_SHOWN_OUTCOMES = 50
_LATELY = 7 * 86400
_STEP_WITHOUT_FORECAST = 600
_HORIZON_WITHOUT_FORECAST = 6 * 3600
_RUNS_LOOKED_AT = 100
_LONG_AGO = 3600
# What an outcome can tell of before and after.
_TOLD = frozenset(("size", "node"))
_LVM_UNREAD = {
    "needs_root": "it answers root only: ansible_become, or docs/observing.md",
    "not_installed": "it is not installed",
    "failed": "lvm_facts tells why",
}


def read_content(store: Store, now: int, hosts: Sequence[str], plan: str | None) -> Content:
    """Return everything that a report of these hosts shows.

    :param plan: id or file; None = the newest one about these hosts.
    :raises PlanError: if there is no such plan.
    """
    row = find_plan(store, plan) if plan else _newest_plan(store, set(hosts))
    document = row.document if row else None
    lvs = store.find_entities(kinds=["lv"], hosts=list(hosts))
    volumes = _volumes(store, now, [entity for entity in lvs if entity.attributes.get("role") != "internal"])
    known = remembered(store, hosts)
    full = {one["entity"] for group in known for one in (*group["pools"], *group["snapshots"]) if not _can_fill(one)}
    for volume in volumes:
        volume.fillable = volume.entity not in full
    progress = _progress(store, row)
    place_plan(volumes, document, row.state if row else None, progress)
    volumes.sort(key=lambda volume: volume.urgency)
    actions = list((document or {}).get("actions", []))
    in_force = row is not None and not row.check and row.state not in ("expired", "superseded")
    recorded = {volume.host for volume in volumes if volume.recorded}
    clusters = read_clusters(store, hosts, row, progress, lambda recorded: _not_begun(in_force, recorded))
    pictured = tuple(f"guest:{cluster.name}/" for cluster in clusters if cluster.view.is_answer)
    return Content(
        now=now,
        hosts=list(hosts),
        volumes=volumes,
        groups=group_views(
            {entity.key: entity.attributes for entity in store.find_entities(kinds=["vg"], hosts=list(hosts))},
            {entity.key: entity.attributes for entity in lvs},
            actions if in_force else [],
            synthetic={volume.entity for volume in volumes if volume.synthetic},
        ),
        plan=document,
        plan_state=row.state if row else None,
        actions=[
            action_row(action, progress.get(str(action.get("id"))), _not_begun(in_force, action.get("host") in recorded))
            for action in actions
            if not _is_pictured(action, pictured)
        ],
        refused=[refused_row(one) for one in (document or {}).get("refused", [])],
        proposals=[action_row(one) for one in (document or {}).get("proposals", []) if not _is_pictured(one, pictured)],
        outcomes=_outcomes(store, now, set(hosts)),
        notes=_notes(store, now, hosts, volumes),
        group_dates=group_dates(known, now),
        pool_dates=pool_dates(known, now),
        snapshot_dates=snapshot_dates(known, now),
        clusters=clusters,
    )


def _can_fill(document: Document) -> bool:
    return bool((document.get("overprovisioning") or document)["can_fill"])


def _is_pictured(action: Document, clusters: tuple[str, ...]) -> bool:
    """Return whether the move stands with the picture of its cluster.

    :param clusters: what the keys of their guests begin with.
    """
    return action.get("kind") == "guest_migrate" and str(action.get("target")).startswith(clusters)


def _not_begun(in_force: bool, recorded: bool) -> str:
    """Return the state of an action without progress."""
    if not in_force:
        return "not applied"
    return "never applied: recorded host" if recorded else "planned"


def _newest_plan(store: Store, hosts: set[str]) -> PlanRow | None:
    # By the runs: reading every plan that was ever made takes long when there are thousands.
    for run in store.find_runs(verb="plan", limit=_RUNS_LOOKED_AT):
        row = store.load_plan(str(run.detail.get("plan")))
        if row is not None and hosts & set(row.document["scope"]["hosts"]):
            return row
    return None


def _progress(store: Store, row: PlanRow | None) -> dict[str, Progress]:
    if row is None:
        return {}
    return {
        key: Progress(action.state, str((action.detail or {}).get("message") or "")) for key, action in store.find_actions(row.id).items()
    }


def _volumes(store: Store, now: int, entities: Sequence[Entity]) -> list[VolumeView]:
    used, sizes = _series(store, entities)
    found = store.find_forecasts([one.id for one in used.values()])
    forecasts = {key: found[one.id] for key, one in used.items() if one.id in found}
    histories = _histories(store, now, {key: one.id for key, one in used.items()}, sizes, forecasts)
    return [
        volume_view(
            entity.key,
            entity.attributes,
            forecasts.get(entity.id),
            histories.get(entity.id),
            now=now,
            synthetic=entity.id in used and used[entity.id].synthetic,
        )
        for entity in entities
    ]


def _series(store: Store, entities: Sequence[Entity]) -> tuple[dict[int, SeriesInfo], dict[int, int]]:
    """Return by entity id the series of what it holds, and the id of that of what it can hold."""
    used: dict[int, SeriesInfo] = {}
    sizes: dict[int, int] = {}
    kinds = (
        ("used_bytes", "fs_size_bytes", lambda _entity: True),
        (DATA, "size_bytes", is_pool),
        (SNAPSHOT, "size_bytes", is_thick_snapshot),
    )
    for metric, limit, chosen in kinds:
        ids = [entity.id for entity in entities if chosen(entity)]
        used.update({one.entity_id: one for one in store.find_series(metric=metric, entity_ids=ids)})
        sizes.update({one.entity_id: one.id for one in store.find_series(metric=limit, entity_ids=ids)})
    return used, sizes


def _histories(
    store: Store, now: int, used: Mapping[int, int], sizes: Mapping[int, int], forecasts: Mapping[int, Document]
) -> dict[int, History]:
    """Read the histories of all volumes, those of one step and length together."""
    if not used:
        return {}
    keys = list(used)
    typical = dict(zip(keys, (int(step) for step in store.typical_step([used[key] for key in keys])), strict=True))
    grids: dict[tuple[int, int], list[int]] = {}
    for key in keys:
        forecast = forecasts.get(key) or {}
        step = int(forecast.get("step_seconds") or typical[key] or _STEP_WITHOUT_FORECAST)
        window = max(4 * int(forecast.get("horizon") or _HORIZON_WITHOUT_FORECAST), 120 * step)
        grids.setdefault((max(step, -(-window // _POINTS)), window), []).append(key)
    found = {}
    for (step, window), members in grids.items():
        end = now + step - now % step
        start = end - window // step * step
        read = store.read_samples([used[key] for key in members], start=start, end=end, step=step, how="max")
        limits = store.read_samples([sizes.get(key, -1) for key in members], start=start, end=end, step=step, how="last")
        for key, values, limit in zip(members, read, limits, strict=True):
            known = np.flatnonzero(~np.isnan(values))
            if len(known):
                first, last = int(known[0]), int(known[-1]) + 1
                drawn, size = _bridged(values[first:last], _BRIDGED), _bridged(limit[first:last], None)
                found[key] = History(start + first * step, step, _listed(drawn), _listed(size))
    return found


def _bridged(values: t.Any, longest: int | None) -> t.Any:
    """Return the values with gaps of at most so many points (None = any) closed by straight lines; a run of longer gaps stays open."""
    known = np.flatnonzero(~np.isnan(values))
    if len(known) < 2:
        return values
    places = np.arange(len(values))
    closed = np.interp(places, known, values[known], left=np.nan, right=np.nan)
    if longest is not None:
        after = np.minimum(np.searchsorted(known, places), len(known) - 1)
        gap = known[after] - known[np.maximum(after - 1, 0)] - 1
        closed[np.isnan(values) & (gap > longest)] = np.nan
    return closed


def _listed(values: t.Any) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def _outcomes(store: Store, now: int, hosts: set[str]) -> list[dict[str, str]]:
    lately = [one for one in store.find_outcomes(since=now - _LATELY) if one.host in hosts]
    lately.sort(key=lambda one: one.started_at, reverse=True)
    return [
        {
            "when": moment(one.started_at),
            "target": short_key(one.target),
            "status": one.status,
            "change": change_text({"from": one.before, "to": one.after}) if one.changed and _TOLD & set(one.after or {}) else "",
            "message": one.message or "",
        }
        for one in lately[:_SHOWN_OUTCOMES]
    ]


def _notes(store: Store, now: int, hosts: Sequence[str], volumes: Sequence[VolumeView]) -> list[str]:
    """Return what a reader must know before believing the rest."""
    known = {str(entity.host): entity.attributes for entity in store.find_entities(kinds=["host"], hosts=list(hosts))}
    recorded = {host: one["recorded"] for host, one in known.items() if one.get("recorded")}
    return [*_observed(store, now, hosts, known, recorded), *_lvm_read(known, volumes), *_told_of_data(recorded, volumes)]


def _lvm_read(known: Mapping[str, Document], volumes: Sequence[VolumeView]) -> list[str]:
    """Return which hosts have no volumes here, or only those of an earlier observation, and why."""
    documents = {host: (one.get("documents") or {}).get("foresight_lvm") or {} for host, one in sorted(known.items())}
    unread = {host: str(one.get("reason") or "failed") for host, one in documents.items() if one.get("available") is False}
    shown = {volume.host for volume in volumes}
    absent = {host for host, reason in unread.items() if reason == "not_installed" and host not in shown}
    broken = [f"{host} ({_LVM_UNREAD.get(reason, reason)})" for host, reason in unread.items() if host not in absent]
    without = [host for host in documents if not known[host].get("cluster") and (host in absent or host not in (*shown, *unread))]
    bare = [f"{host} (no LVM)" if host in absent else host for host in without]
    notes = []
    if broken:
        notes.append(f"LVM could not be read: {some(broken)}. Volumes of these hosts are shown as they were seen before, if at all.")
    return [*notes, f"Without logical volumes: {some(bare)}."] if bare else notes


def _observed(store: Store, now: int, hosts: Sequence[str], known: Mapping[str, Document], recorded: Mapping[str, Document]) -> list[str]:
    notes = []
    missing = sorted(host for host in hosts if host not in known)
    if missing:
        notes.append(f"Never observed: {some(missing)}.")
    runs = [run for run in store.find_runs(verb="record", limit=_RUNS_LOOKED_AT) if run.status == "recorded"]
    if not runs:
        return notes
    last = runs[0].started_at
    silent = {
        host: int(one.get("recorded_at") or 0)
        for host, one in sorted(known.items())
        if host not in recorded and int(one.get("recorded_at") or 0) < last
    }
    if silent:
        told = some([f"{host} (last seen {moment(at)})" for host, at in silent.items()])
        notes.append(f"Silent in the last observation, {moment(last)}: {told}. What is shown of them is older.")
    if now - last > _LONG_AGO:
        notes.append(f"The last observation was {format_duration(now - last)} ago ({moment(last)}).")
    return notes


def _told_of_data(recorded: Mapping[str, Document], volumes: Sequence[VolumeView]) -> list[str]:
    notes = []
    if recorded:
        shifts = sorted({int(mark["shifted_by"]) for mark in recorded.values() if mark.get("shifted_by")})
        moved = f", its times moved by {', '.join(format_duration(shift) for shift in shifts)} to end now" if shifts else ""
        notes.append(
            f"Recorded, not live: {some(sorted(recorded))}. Facts and history come from a recording{moved}; these hosts are never changed."
        )
    synthetic = sum(volume.synthetic for volume in volumes)
    if synthetic:
        which = "all volumes" if synthetic == len(volumes) else f"{synthetic} of {len(volumes)} volumes"
        notes.append(f"Synthetic: the history of {which} was generated, not measured.")
    return notes
