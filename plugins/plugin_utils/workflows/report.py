# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(report): what is known and planned, read from the store and written as one HTML file and some PNG figures."""

from __future__ import annotations

import os
import re
import tempfile
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.content import (
    Content,
    History,
    VolumeView,
    action_reason,
    change_text,
    group_views,
    place_plan,
    refusal_text,
    volume_view,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.html import moment, render_html
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.images import groups_png, volume_png
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, PlanRow, Store, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.stored_plans import find_plan

_POINTS = 600
_SHOWN_OUTCOMES = 50
_LATELY = 7 * 86400
_FALLBACK_STEP = 600
_FALLBACK_HORIZON = 6 * 3600


def report(
    *,
    store: str | None,
    now: int,
    hosts: Sequence[str],
    path: str,
    plan: str | None = None,
    charts: int = 100,
    images: int = 12,
) -> dict[str, t.Any]:
    """Write index.html and the figures of the most urgent volumes.

    :param hosts: whose volumes are shown.
    :param path: folder to write to; it is made if it is missing.
    :param plan: id or file; None = the newest plan in the store.
    :param charts: volumes with a chart in the page; images: volumes with a PNG of their own.
    :returns: files, summary, changed (always false: it is the controller's notebook), written.
    :raises InputError: if the folder cannot be written. StoreError: if there is no store.
    """
    with open_store(store, create=False) as opened:
        content = _content(opened, now, hosts, _plan_row(opened, plan))
    folder = os.path.abspath(os.path.expanduser(path))
    files = {"index.html": render_html(content, charts=charts).encode()}
    for volume in [one for one in content.volumes if one.history is not None][:images]:
        files[f"volume-{_file_name(volume.name)}.png"] = volume_png(volume)
    if content.groups:
        files["groups.png"] = groups_png(content.groups)
    written = [_write(folder, name, data) for name, data in files.items()]
    logger("main").info("report: %d volumes, %d files in %s", len(content.volumes), len(written), folder)
    return {"files": written, "written": {"files": len(written)}, "summary": _summary(content, written[0])}


def _plan_row(store: Store, plan: str | None) -> PlanRow | None:
    if plan:
        return find_plan(store, plan)
    rows = store.find_plans()
    return max(rows, key=lambda row: row.created_at) if rows else None


def _content(store: Store, now: int, hosts: Sequence[str], row: PlanRow | None) -> Content:
    lvs = store.find_entities(kinds=["lv"], hosts=list(hosts))
    groups = {entity.key: entity.attributes for entity in store.find_entities(kinds=["vg"], hosts=list(hosts))}
    shown = [entity for entity in lvs if entity.attributes.get("role") != "internal"]
    volumes = _volumes(store, now, shown)
    plan = row.document if row else None
    place_plan(volumes, plan)
    volumes.sort(key=lambda volume: volume.urgency)
    progress = {key: action.state for key, action in store.find_actions(row.id).items()} if row else {}
    return Content(
        now=now,
        hosts=list(hosts),
        volumes=volumes,
        groups=group_views(groups, {entity.key: entity.attributes for entity in lvs}, plan),
        plan=plan,
        plan_state=row.state if row else None,
        actions=[_action_row(action, progress) for action in (plan or {}).get("actions", [])],
        refused=[_refused_row(one) for one in (plan or {}).get("refused", [])],
        proposals=[_action_row(one, {}) for one in (plan or {}).get("proposals", [])],
        outcomes=[
            {"when": moment(one.started_at), "target": _short(one.target), "status": one.status, "message": one.message}
            for one in sorted(store.find_outcomes(since=now - _LATELY), key=lambda one: one.started_at, reverse=True)[:_SHOWN_OUTCOMES]
        ],
        notes=_notes(store, now, hosts, volumes),
        horizon=max((volume.horizon for volume in volumes), default=0),
    )


def _volumes(store: Store, now: int, entities: Sequence[Entity]) -> list[VolumeView]:
    ids = [entity.id for entity in entities]
    used = {one.entity_id: one for one in store.find_series(metric="used_bytes", entity_ids=ids)}
    sizes = {one.entity_id: one.id for one in store.find_series(metric="fs_size_bytes", entity_ids=ids)}
    forecasts = store.find_forecasts([one.id for one in used.values()])
    histories = _histories(
        store, now, {key: one.id for key, one in used.items()}, sizes, {key: forecasts.get(one.id) for key, one in used.items()}
    )
    return [
        volume_view(
            entity.key,
            entity.attributes,
            forecasts.get(used[entity.id].id) if entity.id in used else None,
            histories.get(entity.id),
            synthetic=entity.id in used and used[entity.id].synthetic,
        )
        for entity in entities
    ]


def _histories(
    store: Store, now: int, used: Mapping[int, int], sizes: Mapping[int, int], forecasts: Mapping[int, Mapping[str, t.Any] | None]
) -> dict[int, History]:
    """Read the histories of all volumes, those of one step and length together."""
    if not used:
        return {}
    keys = list(used)
    typical = dict(zip(keys, (int(step) for step in store.typical_step([used[key] for key in keys])), strict=True))
    grids: dict[tuple[int, int], list[int]] = {}
    for key in keys:
        forecast = forecasts.get(key) or {}
        step = int(forecast.get("step_seconds") or typical[key] or _FALLBACK_STEP)
        window = max(4 * int(forecast.get("horizon") or _FALLBACK_HORIZON), 120 * step)
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
                first = int(known[0])
                found[key] = History(start + first * step, step, _listed(values[first:]), _listed(limit[first:]))
    return found


def _listed(values: t.Any) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def _action_row(action: Mapping[str, t.Any], progress: Mapping[str, str]) -> dict[str, str]:
    target = str(action.get("target") or action.get("entity") or action.get("vg") or "")
    return {
        "target": _short(target),
        "change": change_text(action),
        "reason": action_reason(action),
        "state": progress.get(str(action.get("id")), "planned"),
    }


def _refused_row(one: Mapping[str, t.Any]) -> dict[str, str]:
    target = str(one.get("entity") or one.get("guest") or one.get("rule") or "")
    return {"target": _short(target), "code": str(one.get("reason")), "reason": refusal_text(one)}


def _short(key: str) -> str:
    return key.partition(":")[2] or key


def _notes(store: Store, now: int, hosts: Sequence[str], volumes: Sequence[VolumeView]) -> list[str]:
    """Return what a reader must know before believing the rest."""
    known = {str(entity.host): entity.attributes for entity in store.find_entities(kinds=["host"], hosts=list(hosts))}
    notes = []
    missing = [host for host in hosts if host not in known]
    if missing:
        notes.append(f"Never observed: {_some(missing)}.")
    runs = store.find_runs(verb="record", limit=1)
    newest = max((int(one.get("observed_at") or 0) for one in known.values() if not one.get("recorded")), default=0)
    if runs and newest:
        silent = [
            host for host, one in known.items() if not one.get("recorded") and int(one.get("observed_at") or 0) < runs[0].started_at - 600
        ]
        if silent:
            last = ", ".join(f"{host} (last {moment(known[host].get('observed_at'))})" for host in sorted(silent)[:10])
            notes.append(f"Silent in the last observation: {last}. What is shown of them is old.")
    recorded = {host: one["recorded"] for host, one in known.items() if one.get("recorded")}
    if recorded:
        shifts = sorted({int(mark.get("shifted_by") or 0) for mark in recorded.values()})
        moved = f", its times moved by {', '.join(format_duration(shift) for shift in shifts)} to end now" if any(shifts) else ""
        notes.append(f"{_some(sorted(recorded))}: facts and history come from a recording{moved}. Recorded hosts are never changed.")
    if any(volume.synthetic for volume in volumes):
        notes.append("Series marked synthetic are generated, not measured.")
    if runs and now - runs[0].started_at > 3600:
        notes.append(f"The last observation was {format_duration(now - runs[0].started_at)} ago ({moment(runs[0].started_at)}).")
    return notes


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)


def _write(folder: str, name: str, data: bytes) -> str:
    """Write a file whole or not at all; return its path."""
    target = os.path.join(folder, name)
    try:
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".report-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"Cannot write the report to {target}: {error.strerror}. Needed is a writable folder (O(path)).") from error
    return target


def _summary(content: Content, index: str) -> list[str]:
    lines = [f"{len(content.volumes)} volumes on {len(content.hosts)} hosts, {len(content.at_risk)} may be full within the horizon."]
    lines += [
        f"  {volume.name}: as early as {moment((volume.issued_at or content.now) + (volume.runway['0.1'] or 0))}; {volume.verdict}"
        for volume in content.at_risk[:5]
    ]
    return [*lines, f"Report: {index}"]
