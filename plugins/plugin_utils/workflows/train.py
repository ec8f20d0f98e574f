# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(train): models out of the histories in the store, kept there for later forecasts."""

from __future__ import annotations

import os
import time
import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration, parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine, make_engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.global_models import KIND as GLOBAL
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.measured import find_measured
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train_course import (
    FAILED,
    SKIPPED,
    STATUSES,
    TRAINED,
    Course,
    Document,
    Done,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train_global import train_global
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train_lstm import train_lstm

# Each kind of model trains one metric of some entities and writes its own rows: lstm one for each series and step, global one for each
# step, horizon and season. The networks of single series come first: what all have in common is also how far those are to be trusted.
TRAINERS: Mapping[str, Callable[[Course], Done]] = {"lstm": train_lstm, "global": train_global}
_SHOWN = 5


def train(
    *,
    store: str | None,
    now: int,
    metrics: Sequence[str] = ("used_bytes",),
    entities: Sequence[str] = ("*",),
    models: Sequence[str] = ("lstm", "global"),
    horizon: int | str = "6h",
    step: int | str | None = None,
    history: int | str | None = None,
    engine: str | Engine | None = None,
    workers: int | None = None,
    dask_address: str | None = None,
    seed: int = 0,
    force: bool = False,
    figures: str | None = None,
    check: bool = False,
    progress: Callable[[str], None] | None = None,
) -> dict[str, t.Any]:
    """Train models of the chosen entities and store them, some hundred series at a time: what is stored is not lost if the run ends early.

    What was trained out of the same samples by the same code is not trained again, so a run that was interrupted goes on where it was.

    :param entities: globs over keys or JMESPath expressions over attributes, with a leading `!` excluding.
    :param models: kinds of models, of TRAINERS; they are trained in that order, whatever the order here.
    :param horizon: how far ahead the global model is to forecast: that of the forecasts that are to use it.
    :param step, history: seconds or texts such as `6h`; step None = the usual distance of the samples, history None = as for a forecast.
    :param force: train everything, and begin anew instead of where the stored model ended.
    :param figures: a folder for two PNG figures of each series.
    :param check: a check run: models are stored all the same, and the run is marked.
    :param progress: called with a line now and then.
    :returns: entities (one document for each entity, metric and model), written, summary, warnings, check.
    :raises InputError: for wrong options, or when no entity with a metric matches. StoreError: when there is no store.
    """
    _check(metrics, models, figures)
    where = make_engine(engine, workers, dask_address)
    fixed = None if step is None else parse_duration(step, option="step")
    if fixed == 0:
        raise InputError("A step of 0 s is impossible; needed is at least 1 s (O(step)).")
    history_seconds = None if history is None else parse_duration(history, option="history")
    ahead = parse_duration(horizon, option="horizon")
    if ahead < 1:
        raise InputError(f"A horizon of {ahead} s is impossible; needed is at least 1 s (O(horizon)).")
    folder = None if figures is None else os.path.abspath(os.path.expanduser(figures))
    begun = time.monotonic()
    documents: list[Document] = []
    written = {"models": 0, "removed": 0, "figures": 0}
    with open_store(store, create=False) as opened:
        chosen = {metric: find_measured(opened, metric, [entities] if isinstance(entities, str) else entities) for metric in metrics}
        run = opened.start_run("train", at=now, check=check, detail={"metrics": list(metrics), "models": list(models)})
        for metric, found in chosen.items():
            for model in (name for name in TRAINERS if name in models):
                course = Course(opened, found, metric, now, fixed, history_seconds, where, seed, force, folder, progress, ahead)
                done = TRAINERS[model](course)
                documents += done.documents
                written["models"] += sum(document["status"] == TRAINED for document in done.documents)
                written["removed"] += done.removed
                written["figures"] += len(done.figures)
        counts = _counts(documents)
        opened.finish_run(run, at=now, status="trained", detail={**written, **counts, "metrics": list(metrics), "models": list(models)})
        warnings = list(opened.warnings)
    wrong = [f"{one['entity']}, {one['metric']}: {one['reason']}" for one in documents if one["status"] == FAILED]
    if wrong:
        warnings.append(f"{len(wrong)} models could not be trained; the first: {wrong[0]}")
    summary = _summary(documents, counts, written, folder, time.monotonic() - begun)
    for line in summary:
        logger("main").info("train: %s", line)
    return {
        "entities": t.cast("list[Document]", to_native(documents)),
        "written": {**written, "run": run},
        "summary": summary,
        "warnings": warnings,
        "check": check,
    }


def _check(metrics: Sequence[str], models: Sequence[str], figures: str | None) -> None:
    if not metrics:
        raise InputError("No metric was given; needed is at least one, such as used_bytes (O(metrics)).")
    unknown = [model for model in models if model not in TRAINERS]
    if unknown or not models:
        raise InputError(f"Cannot train {', '.join(unknown) or 'no model'}; needed are models of {', '.join(TRAINERS)} (O(models)).")
    if figures is not None and not figures.strip():
        raise InputError("The folder for figures has no name; needed is a path, or none at all (O(figures)).")


def _counts(documents: Sequence[Document]) -> dict[str, int]:
    return {status: sum(document["status"] == status for document in documents) for status in STATUSES}


def _summary(
    documents: Sequence[Document], counts: Mapping[str, int], written: Mapping[str, int], folder: str | None, seconds: float
) -> list[str]:
    told = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count) or "none"
    lines = [f"Models: {told}, in {format_duration(seconds)}."]
    done = [document for document in documents if document["status"] == TRAINED]
    lines += [_line(document) for document in done if document["model"] == GLOBAL]
    trained = [document["metrics"] for document in done if document["model"] != GLOBAL]
    if trained:
        corrected = sum(one["kept"] >= 0 for one in trained)
        warm = sum(bool(one["warm"]) for one in trained)
        lines.append(
            f"Of the networks of single series {corrected:,} correct what their own past says, the others found nothing worth correcting; "
            f"{warm:,} went on from a stored model."
        )
        ratios = [one["error"] / one["last_error"] for one in trained if one["error"] is not None and one["last_error"]]
        if ratios:
            lines.append(
                f"Mean one-step error over the test part, as a share of the last value's: median {np.median(ratios):.2f}, "
                f"from {min(ratios):.2f} to {max(ratios):.2f}."
            )
    if written["removed"]:
        lines.append(f"{written['removed']:,} models of steps that are no longer used were removed.")
    for status in (FAILED, SKIPPED):
        shown = [document for document in documents if document["status"] == status]
        lines += [f"  {status}: {document['entity']}, {document['metric']}: {document['reason']}" for document in shown[:_SHOWN]]
        if len(shown) > _SHOWN:
            lines.append(f"  and {len(shown) - _SHOWN:,} more {status}")
    if folder is not None:
        lines.append(f"Figures: {written['figures']:,} drawn in {folder}")
    return lines


def _line(document: Document) -> str:
    """Return what is told of one global model."""
    metrics = document["metrics"]
    shares = ", ".join(f"{100 * share:.0f} % {name}" for name, share in sorted(metrics["weights"].items(), key=lambda item: -item[1]))
    return f"{document['entity']} has learned from {metrics['series']:,} series; together they are best served by {shares}."
