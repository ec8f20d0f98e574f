# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes and guests of a cluster document, out of what was recorded of them."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity

Document = dict[str, t.Any]

NOT_RUNNING = "not_running"
NO_HISTORY = "no_history"
# Of two resources the one that is worse says why there is no demand.
_WORST_FIRST = ("invalid", "stale", "cold_start", NO_HISTORY)
_NODE = ("maintenance", "tags", "reserve", "overhead", "more", "storages", "link_bytes_per_second")
_GUEST = ("name", "tags", "pool", "disks", "more", "pinned_to", "priority")


def belongs(entity: Entity, name: str) -> bool:
    """Tell whether the document of the cluster of this name had it: containers that only their node told of are not in it."""
    attributes = entity.attributes
    return attributes.get("cluster") == name and ("now" in attributes if entity.kind == "guest" else "overhead" in attributes)


def node_document(node: Entity) -> Document:
    """Return a node as it was recorded; what was not told is absent."""
    attributes = node.attributes
    told = {
        "name": attributes["name"],
        "cpu": attributes.get("cores"),
        "memory": attributes.get("memory_total_bytes"),
        "online": attributes.get("online") is not False,
        **{name: attributes.get(name) for name in _NODE},
    }
    return {name: value for name, value in told.items() if value is not None}


def guest_document(
    guest: Entity, answers: Mapping[str, Document | None], quantile: float, moved_at: int | None = None, bound_for: str | None = None
) -> Document:
    """Return a guest with its demand.

    :param answers: by resource (cpu, memory) its forecast, None where there is none.
    :param moved_at: when it was last moved by a plan, UTC seconds.
    :param bound_for: the node that a migration is taking it to.
    """
    attributes = guest.attributes
    running = attributes.get("running") is not False
    most = attributes.get("most") or {}
    now, unknown = _use(attributes.get("now") or {}, most, running)
    stays = [f"its use of {' and '.join(unknown)} is not known"] if unknown else []
    if attributes.get("doubtful"):
        stays.append("a part of what was told of it makes no sense")
    told = {
        "id": attributes["id"],
        # One that is on its way needs its room there, and leaves the other behind.
        "node": bound_for or attributes.get("node"),
        "running": running,
        "cpu_max": most.get("cpu"),
        "memory_max": most.get("memory"),
        "ha": bool(attributes.get("ha")),
        "last_moved_at": max((time for time in (attributes.get("last_moved_at"), moved_at) if time is not None), default=None),
        "movable": attributes.get("movable") is not False and not stays,
        **{name: attributes.get(name) for name in _GUEST},
        "unmovable_because": [*(attributes.get("unmovable_because") or []), *stays],
    }
    demand = (
        _demand(answers, now, most, quantile) if running else {**now, "demand_status": NOT_RUNNING, "demand_note": None, "forecast": None}
    )
    return {**{name: value for name, value in told.items() if value is not None}, "now": now, **demand}


def _use(now: Mapping[str, t.Any], most: Mapping[str, t.Any], running: bool) -> tuple[dict[str, float], list[str]]:
    """Return what a guest uses, and of which resources that is not known: then it counts as all that it may use, and stays where it is."""
    if not running:
        return {"cpu": 0.0, "memory": 0}, []
    unknown = [name for name in ("cpu", "memory") if now.get(name) is None]
    return {name: (most.get(name) or 0) if name in unknown else now[name] for name in ("cpu", "memory")}, unknown


def _demand(answers: Mapping[str, Document | None], now: Mapping[str, float], most: Mapping[str, t.Any], quantile: float) -> Document:
    peaks = {name: _peak(answer, quantile) for name, answer in answers.items()}
    failed = {name: status for name, (status, _value) in peaks.items() if status != "ok"}
    if failed:
        worst = min(failed, key=lambda name: (_WORST_FIRST.index(failed[name]), name))
        note = (answers[worst] or {}).get("note") or None
        return {**now, "demand_status": failed[worst], "demand_note": note and f"{worst}: {note}", "forecast": None}
    demand = {name: _capped(value, most.get(name)) for name, (_status, value) in peaks.items()}
    methods = {name: (answer or {}).get("method") for name, answer in answers.items()}
    forecast = {name: {"quantile": quantile, "value": value, "method": methods[name]} for name, value in demand.items()}
    return {**demand, "demand_status": "ok", "demand_note": None, "forecast": forecast}


def _peak(answer: Document | None, quantile: float) -> tuple[str, float]:
    """Return the status of a forecast and the quantile of its peak."""
    if answer is None:
        return NO_HISTORY, 0.0
    value: float | None = ((answer.get("peak") or {}).get("quantiles") or {}).get(str(quantile))
    if answer["status"] == "ok" and value is None:
        return "invalid", 0.0
    return str(answer["status"]), 0.0 if value is None else float(value)


def _capped(value: float, most: float | None) -> float:
    """Return a demand that is no less than nothing and no more than the guest may use."""
    return max(0.0, value if not most else min(value, float(most)))
