# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forecast document (DESIGN §4): one series' part of a panel, in built-in types, with the status that holds now."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import PanelForecast
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.histories import MIN_SAMPLES
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, SeriesInfo
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.limits import Limit
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import Grid

Document = dict[str, t.Any]
MAX_AGE_STEPS = 3


class Question(t.NamedTuple):
    """What is asked of every series alike."""

    metric: str
    horizon: int
    now: int
    quantiles: tuple[float, ...]
    model: str
    max_age: int | None
    min_samples: int
    limit: str | float | None
    history_seconds: int | None
    seed: int


class Asked(t.NamedTuple):
    """One series and what is known before its samples are read. first, last: sample times, -1 = none; known: their number."""

    entity: Entity
    series: SeriesInfo
    step: int
    typical: int
    first: int
    last: int
    known: int
    replay: bool
    limit: Limit | None


def document_of(
    item: Asked,
    row: int,
    panel: PanelForecast,
    values: t.Any,
    times: Grid,
    horizon: int,
    question: Question,
    *,
    notes: Sequence[str] = (),
    explain: Document | None = None,
) -> Document:
    """Return the document of one row of a panel; its status is that of the panel (with_status adds what depends on the time).

    :param values: [t] the history on the grid.
    :param horizon: steps.
    :param notes: what is to be said beside what the panel says; explain: of `forecast_explain`, None = nothing was forecast.
    """
    names = [str(level) for level in question.quantiles]
    usable = panel.status[row] != "invalid"
    runway = None
    if item.limit and usable and panel.runway is not None and panel.reach_probability is not None:
        runway = {
            "limit": item.limit.value,
            "limit_kind": item.limit.kind,
            "seconds": dict(zip(names, panel.runway[row], strict=True)),
            "reach_probability": panel.reach_probability[row],
            "horizon_seconds": horizon * times.step,
        }
    document: Document = to_native(
        {
            "entity": item.entity.key,
            "metric": question.metric,
            "unit": item.series.unit,
            "issued_at": question.now,
            "step_seconds": times.step,
            "horizon": horizon * times.step,
            "method": panel.method[row] if usable else None,
            "reason": panel.reason[row],
            "quantiles": dict(zip(names, panel.quantiles[row], strict=True)) if usable else None,
            "peak": {"window_seconds": horizon * times.step, "quantiles": dict(zip(names, panel.peak[row], strict=True))}
            if usable
            else None,
            "runway": runway,
            "backtest": panel.backtest[row],
            "history": _history(values, times, item),
            "status": panel.status[row],
            "note": "; ".join(note for note in (panel.notes[row], *notes) if note),
            "explain": explain,
        }
    )
    return document


def _history(values: t.Any, times: Grid, item: Asked) -> Document:
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return {"samples": 0, "first": None, "last": None, "gaps": 0, "mean": None}
    first, last = (times.start + times.step * int(known[end]) for end in (0, -1))
    return {
        "samples": len(known),
        "first": max(first, item.first),
        "last": min(last + times.step - 1, item.last),
        "gaps": int(known[-1] - known[0] + 1 - len(known)),
        "mean": float(np.nanmean(values)),
    }


def with_status(document: Document, item: Asked, step: int, question: Question) -> Document:
    """Return the document with the status that holds now: invalid, else stale, else cold_start, else ok."""
    if document["status"] == "invalid":
        old = f"The newest usable sample is {format_duration(question.now - item.last)} old, before the history that is used (O(history))"
        return {**document, "note": document["note"] or old}
    samples, last = document["history"]["samples"], document["history"]["last"]
    allowed = question.max_age if question.max_age is not None else MAX_AGE_STEPS * step
    age = question.now - last
    notes, status = [], "ok"
    if samples < question.min_samples or document["status"] == "cold_start":
        status = "cold_start"
        notes.append(f"{samples} samples; needed are {max(question.min_samples, MIN_SAMPLES)} (O(min_samples))")
    if age > allowed:
        status = "stale"
        notes.insert(0, f"The newest sample is {format_duration(age)} old; allowed are {format_duration(allowed)} (O(max_age))")
    if item.series.synthetic:
        notes.append("The series is synthetic")
    if document["note"]:
        notes.append(document["note"])
    return {**document, "status": status, "note": "; ".join(notes)}


def without_series(entity: Entity, question: Question, note: str, step: int | None = None, unit: str | None = None) -> Document:
    """Return the document of an entity without a usable sample."""
    return {
        "entity": entity.key,
        "metric": question.metric,
        "unit": unit,
        "issued_at": question.now,
        "step_seconds": step,
        "horizon": question.horizon,
        "method": None,
        "reason": "no finite value",
        "quantiles": None,
        "peak": None,
        "runway": None,
        "backtest": None,
        "history": {"samples": 0, "first": None, "last": None, "gaps": 0, "mean": None},
        "status": "invalid",
        "note": note,
        "explain": None,
    }
