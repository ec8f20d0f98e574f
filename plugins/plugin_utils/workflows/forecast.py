# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(forecast): quantiles, peak and runway of one metric of many entities, out of the store and remembered there."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine, make_engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import forecast_panel
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.histories import MIN_SAMPLES
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.asked_series import asked_series, by_step, grid_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_documents import (
    Asked,
    Document,
    Question,
    document_of,
    with_status,
    without_series,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_memory import Memory
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_models import Known
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.limits import bounds
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.measured import find_measured
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import most_steps

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store

QUANTILES = (0.1, 0.5, 0.9)


def forecast(
    *,
    store: str | None,
    metrics: Sequence[str],
    entities: Sequence[str],
    horizon: int | str,
    now: int,
    step: int | str | None = None,
    quantiles: Sequence[float] = QUANTILES,
    model: str = "auto",
    max_age: int | str | None = None,
    min_samples: int = MIN_SAMPLES,
    limit: str | float | None = "capacity",
    history: int | str | None = None,
    engine: str | Engine | None = None,
    workers: int | None = None,
    dask_address: str | None = None,
    seed: int = 0,
) -> list[Document]:
    """Return the forecast documents (DESIGN §4) of the chosen entities, sorted by entity, metric after metric.

    :param entities: globs over keys or JMESPath expressions over attributes, with a leading `!` excluding.
    :param horizon, step, max_age, history: seconds or texts such as `6h`; step None = the usual distance of the samples,
        max_age None = three steps, history None = two weeks (at least 400, at most 2,016 steps).
    :raises InputError: for wrong options, or when no entity with the metric matches.
    :raises StoreError: when there is no store.
    """
    if not metrics:
        raise InputError("No metric was given; needed is at least one, such as used_bytes (O(_terms)).")
    if isinstance(entities, str):
        entities = [entities]
    found: list[Document] = []
    with open_store(store, create=False) as opened:
        for metric in metrics:
            found += forecast_entities(
                opened,
                find_measured(opened, metric, entities),
                metric,
                horizon=parse_duration(horizon, option="horizon"),
                now=now,
                step=_duration(step, "step"),
                quantiles=quantiles,
                model=model,
                max_age=_duration(max_age, "max_age"),
                min_samples=min_samples,
                limit=limit,
                history_seconds=_duration(history, "history"),
                engine=make_engine(engine, workers, dask_address),
                seed=seed,
            )
    return found


def forecast_entities(
    store: Store,
    entities: Sequence[Entity],
    metric: str,
    *,
    horizon: int,
    now: int,
    step: int | None = None,
    quantiles: Sequence[float] = QUANTILES,
    model: str = "auto",
    max_age: int | None = None,
    min_samples: int = MIN_SAMPLES,
    limit: str | float | None = "capacity",
    history_seconds: int | None = None,
    engine: str | Engine | None = None,
    seed: int = 0,
) -> list[Document]:
    """Return one forecast document for each entity, in their order, and store those that are new.

    One entity never fails the others: its problem is `status` (ok, cold_start, stale, invalid) and `note`.

    :param horizon: seconds; rounded up to whole steps.
    :param step: seconds; None = each series' own, so that series of different steps are forecast apart.
    """
    if horizon < 1 or (step is not None and step < 1):
        raise InputError(f"A horizon of {horizon} s in steps of {step} s is impossible; needed is at least 1 s each (O(horizon), O(step)).")
    question = Question(
        metric, int(horizon), int(now), tuple(float(q) for q in quantiles), model, max_age, int(min_samples), limit, history_seconds, seed
    )
    asked = asked_series(store, entities, metric, now=question.now, horizon=question.horizon, step=step, limit=limit)
    documents: dict[int, Document] = {}
    for one_step, group in by_step(asked):
        documents.update(_forecast_group(store, group, one_step, question, make_engine(engine)))
    return [
        documents.get(entity.id) or without_series(entity, question, f"There are no samples of {metric} yet; they come with observations")
        for entity in entities
    ]


def _forecast_group(store: Store, asked: Sequence[Asked], step: int, question: Question, engine: Engine) -> dict[int, Document]:
    """Return the documents of series of one step by entity id: the remembered ones, and new ones, which are stored."""
    horizon = -(-question.horizon // step)
    family = {"metric": question.metric, "step": step, "horizon": horizon}
    memory = Memory(
        store,
        [item.series.id for item in asked],
        question={
            **family,
            "quantiles": question.quantiles,
            "model": question.model,
            "history": question.history_seconds,
            "seed": question.seed,
        },
        family=family,
    )
    documents, fresh = {}, []
    for item in asked:
        known = None if item.replay else memory.current(item.series.id, basis=_basis(item), now=question.now)
        if known is not None:
            documents[item.entity.id] = known
        elif item.known:
            fresh.append(item)
        else:
            documents[item.entity.id] = without_series(
                item.entity, question, f"There are no usable samples of {question.metric}", step=step, unit=item.series.unit
            )
    if fresh:
        documents.update(_computed(store, fresh, step, horizon, question, engine, memory))
    return {item.entity.id: with_status({**documents[item.entity.id], "entity": item.entity.key}, item, step, question) for item in asked}


def _computed(
    store: Store, asked: Sequence[Asked], step: int, horizon: int, question: Question, engine: Engine, memory: Memory
) -> dict[int, Document]:
    ids = [item.series.id for item in asked]
    times = grid_of(asked, step=step, now=question.now, history_seconds=question.history_seconds, horizon=horizon)
    values = times.read(store, ids)
    low, high = bounds(question.metric)
    known = Known(store, asked, values, times, horizon=horizon, question=question, memory=memory)
    panel = forecast_panel(
        list(values),
        step_seconds=step,
        horizon=horizon,
        start=[float(times.start)] * len(ids),
        keys=[item.entity.key for item in asked],
        metric=question.metric,
        lower=low,
        upper=high,
        quantiles=question.quantiles,
        limits=[item.limit.value if item.limit else math.nan for item in asked],
        model=question.model,
        seed=question.seed,
        engine=engine,
        models=known.models,
        families=known.families,
    )
    # What was learned without the newest samples must not take the place of what knows them.
    learned = [] if any(item.replay for item in asked) else known.rows(panel)
    most = most_steps(step, question.history_seconds)
    documents, models = {}, {}
    for row, item in enumerate(asked):
        explain, notes = known.explained(row, panel, most), known.notes(row, panel)
        documents[item.series.id] = document_of(item, row, panel, values[row], times, horizon, question, notes=notes, explain=explain)
        model = known.remembered(row, item, panel)
        if model and not item.replay:
            models[item.series.id] = model
    stored = {item.series.id for item in asked if not item.replay}
    memory.save(
        {number: document for number, document in documents.items() if number in stored},
        {item.series.id: _basis(item) for item in asked},
        models,
        learned,
    )
    return {item.entity.id: documents[item.series.id] for item in asked}


def _basis(item: Asked) -> list[t.Any]:
    """Return what a stored forecast must have been made out of to be given again."""
    return [item.known, item.last, list(item.limit) if item.limit else None]


def _duration(value: int | str | None, option: str) -> int | None:
    return None if value is None else parse_duration(value, option=option)
