# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report shows: volumes, groups, plan and notes, made of documents and arrays. Pure; times are UTC seconds, sizes bytes."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

Document = t.Mapping[str, t.Any]
Points = t.Sequence[float | None]
NEVER = math.inf


class History(t.NamedTuple):
    """Samples of one volume on one time grid; None where there is none."""

    start: int
    step: int
    used: Points
    limit: Points


@dataclasses.dataclass
class VolumeView:
    """One volume as the report shows it."""

    entity: str
    host: str
    vg: str
    lv: str
    mount: str
    fs_type: str
    size: int | None
    fs_size: int | None
    used: int | None
    status: str
    note: str
    method: str
    runway: dict[str, float | None]
    reach_probability: float | None
    horizon: int
    issued_at: int | None
    history: History | None
    forecast: dict[str, Points]
    forecast_step: int
    recorded: bool
    synthetic: bool
    verdict: str = "nothing to do"
    verdict_kind: str = "quiet"
    reason: str = ""

    @property
    def name(self) -> str:
        return self.entity.partition(":")[2]

    @property
    def fraction(self) -> float | None:
        """Used share of the file system, 0..1."""
        return self.used / self.fs_size if self.used is not None and self.fs_size else None

    @property
    def urgency(self) -> tuple[float, float, float, str]:
        """Sorts the volume that is full first to the front; among those that are not in sight, the fullest."""
        early, median = (self.runway.get(quantile) for quantile in ("0.1", "0.5"))
        return (
            NEVER if early is None else early,
            NEVER if median is None else median,
            -(self.fraction or 0.0),
            self.entity,
        )


@dataclasses.dataclass
class GroupView:
    """One volume group before and after the plan: bytes per volume, and what is free."""

    entity: str
    name: str
    size: int
    before: list[tuple[str, int]]
    after: list[tuple[str, int]]
    free_before: int
    free_after: int
    recorded: bool
    changed: bool


@dataclasses.dataclass
class Content:
    """Everything a report shows."""

    now: int
    hosts: list[str]
    volumes: list[VolumeView]
    groups: list[GroupView]
    plan: Document | None
    plan_state: str | None
    actions: list[dict[str, str]]
    refused: list[dict[str, str]]
    proposals: list[dict[str, str]]
    outcomes: list[dict[str, str]]
    notes: list[str]
    horizon: int

    @property
    def at_risk(self) -> list[VolumeView]:
        """Volumes whose early date of being full lies within the horizon."""
        return [volume for volume in self.volumes if volume.runway.get("0.1") is not None]


def volume_view(entity: str, attributes: Document, forecast: Document | None, history: History | None, *, synthetic: bool) -> VolumeView:
    """Return one volume.

    :param attributes: what was last recorded of it (entity attributes of the store).
    :param forecast: its newest forecast document of used_bytes, or None.
    """
    filesystem = attributes.get("fs") or {}
    known = forecast or {}
    quantiles = known.get("quantiles") or {}
    return VolumeView(
        entity=entity,
        host=str(attributes.get("host")),
        vg=str(attributes.get("vg")),
        lv=str(attributes.get("lv")),
        mount=", ".join(filesystem.get("mountpoints") or []),
        fs_type=str(filesystem.get("type") or ""),
        size=attributes.get("size_bytes"),
        fs_size=filesystem.get("size"),
        used=filesystem.get("used"),
        status=str(known.get("status") or "no forecast"),
        note=str(known.get("note") or ("" if forecast else _why_no_forecast(attributes))),
        method=str(known.get("method") or ""),
        runway=dict((known.get("runway") or {}).get("seconds") or {}),
        reach_probability=(known.get("runway") or {}).get("reach_probability"),
        horizon=int(known.get("horizon") or 0),
        issued_at=known.get("issued_at"),
        history=history,
        forecast={key: quantiles[key] for key in ("0.1", "0.5", "0.9") if key in quantiles},
        forecast_step=int(known.get("step_seconds") or 0),
        recorded=bool(attributes.get("recorded")),
        synthetic=synthetic,
    )


def _why_no_forecast(attributes: Document) -> str:
    filesystem = attributes.get("fs")
    if not filesystem:
        return f"no file system that tells how full it is (role {attributes.get('role') or 'unknown'})"
    if filesystem.get("used") is None:
        return f"its use is unknown: {filesystem.get('reason') or 'not mounted'}"
    return "not forecast yet; it comes with the next plan"


def place_plan(volumes: t.Sequence[VolumeView], plan: Document | None) -> None:
    """Write into each volume what the plan says about it."""
    if plan is None:
        return
    named = {volume.entity: volume for volume in volumes}
    for refusal in plan.get("refused", []):
        volume = named.get(str(refusal.get("entity")))
        if volume is not None:
            volume.verdict, volume.verdict_kind, volume.reason = f"refused: {refusal.get('reason')}", "refused", refusal_text(refusal)
    for kind, word in (("proposals", "proposed"), ("actions", "planned")):
        for action in plan.get(kind, []):
            volume = named.get(str(action.get("target") or action.get("entity")))
            if volume is not None and action.get("kind") == "lv_resize":
                volume.verdict = f"{word}: {change_text(action)}"
                volume.verdict_kind, volume.reason = word, action_reason(action)


def group_views(groups: t.Mapping[str, Document], volumes: t.Mapping[str, Document], plan: Document | None) -> list[GroupView]:
    """Return every VG with its volumes' sizes before and after the plan.

    :param groups, volumes: entity attributes by entity key; hidden and internal volumes are part of "other".
    """
    planned = {
        str(action["target"]): int(action["to"]["size"]) for action in (plan or {}).get("actions", []) if action["kind"] == "lv_resize"
    }
    views = []
    for entity, group in sorted(groups.items()):
        size, free = group.get("size_bytes"), group.get("free_bytes")
        if size is None or free is None:
            continue
        prefix = "lv:" + entity.partition(":")[2] + "/"
        own = {
            key: int(one["size_bytes"]) for key, one in volumes.items() if key.startswith(prefix) and one.get("size_bytes") and _counts(one)
        }
        before = sorted((key[len(prefix) :], own[key]) for key in own)
        after = sorted((key[len(prefix) :], planned.get(key, own[key])) for key in own)
        grown = sum(value for _name, value in after) - sum(value for _name, value in before)
        rest = max(0, size - free - sum(value for _name, value in before))
        other = [("other", rest)] if rest > 0 else []
        views.append(
            GroupView(
                entity,
                entity.partition(":")[2],
                size,
                before + other,
                after + other,
                free,
                max(0, free - grown),
                bool(group.get("recorded")),
                grown != 0,
            )
        )
    return views


def _counts(volume: Document) -> bool:
    """Whether a volume's size is space of its VG: thin volumes and hidden parts are not."""
    return volume.get("pool") is None and volume.get("role") != "internal"


def change_text(action: Document) -> str:
    """Return `8 GiB → 12 GiB` of a resize, or what else the action does."""
    before, after = (action.get(key) or {} for key in ("from", "to"))
    if "size" in after:
        start = before.get("size")
        return f"{format_bytes(start)} → {format_bytes(after['size'])}" if start is not None else format_bytes(after["size"])
    return str(action.get("kind"))


def action_reason(action: Document) -> str:
    return str(action.get("message") or action.get("reason") or "")


def refusal_text(refusal: Document) -> str:
    """Return a refusal in one sentence: its message, or what was seen, what is needed and the option."""
    if refusal.get("message"):
        return str(refusal["message"])
    parts = [f"{word}: {refusal[word]}" for word in ("seen", "needed", "option") if refusal.get(word) is not None]
    return "; ".join([str(refusal.get("reason")), *parts])


def runway_text(volume: VolumeView) -> str:
    """Return when the volume is full: early and median time from the forecast on, or that it is not in sight."""
    early, median = volume.runway.get("0.1"), volume.runway.get("0.5")
    if early is None:
        return f"not within {format_duration(volume.horizon)}" if volume.horizon and volume.status == "ok" else "unknown"
    middle = f"median {format_duration(median)}" if median is not None else f"median beyond {format_duration(volume.horizon)}"
    return f"as early as {format_duration(early)}, {middle}"
