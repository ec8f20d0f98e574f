# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(train), model C(global): what the series of each season have in common, each stored as soon as it is learned.

Learning begins anew each time. The networks by which methods are judged must not have seen what they are judged by, and stored ones have.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import global_model
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.learning import Classroom
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, torch
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import global_models, lstm_models
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.asked_series import asked_series, by_step, grid_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_models import extent_of, with_network
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.global_models import KIND
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.limits import bounds
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train_course import (
    FAILED,
    SKIPPED,
    TRAINED,
    UNCHANGED,
    Course,
    Document,
    Done,
    Progress,
    told,
)

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_documents import Asked


def train_global(course: Course) -> Done:
    """Learn what the chosen series of each step and season have in common, where their samples have changed since the last time.

    :raises MissingPackage: without torch.
    """
    if not global_model.available():
        torch.nn  # noqa: B018 - the lazy module raises MissingPackage
    asked = asked_series(course.store, course.entities, course.metric, now=course.now, horizon=course.horizon, step=course.step)
    # Samples after now are not looked at, and what does not know them must not take the place of what does.
    usable = [item for item in asked if item.known and not item.replay]
    progress = Progress(f"Learning what series of {course.metric} have in common", len(usable), course.progress)
    documents = [document for step, group in by_step(usable) for document in _taught(course, group, step, progress)]
    if not documents:
        documents = [_told(course, f"{KIND}/{course.metric}", SKIPPED, "there are no usable samples, or some after now (O(now))")]
    return Done(documents, 0, [])


def _taught(course: Course, asked: Sequence[Asked], step: int, progress: Progress) -> list[Document]:
    """Learn from the series of one step, and return one document for each season."""
    horizon = -(-course.horizon // step)
    times = grid_of(asked, step=step, now=course.now, history_seconds=course.history_seconds, horizon=horizon)
    ids = [item.series.id for item in asked]
    values = times.read(course.store, ids)
    networks = lstm_models.load(course.store, ids, step, now=course.now)
    low, high = bounds(course.metric)
    room = Classroom(
        list(values),
        step_seconds=step,
        horizon=horizon,
        start=[float(times.start)] * len(ids),
        metric=course.metric,
        lower=low,
        upper=high,
        seed=course.seed,
        engine=course.engine,
        models=[with_network(None, networks.get(number)) for number in ids],
    )
    stored = global_models.load(course.store, course.metric, step, horizon)
    extent = extent_of(asked, np.count_nonzero(~np.isnan(values), axis=1))
    known = {} if course.force else global_models.usable(stored, now=course.now, there=extent, model="auto")
    documents = []
    for season, rows in sorted(room.rows.items()):
        key = global_models.key_of(course.metric, step, horizon, season)
        basis = _basis(course, [asked[row] for row in rows])
        former = stored.get(season)
        if season in known and known[season].meta["basis"] == basis:
            documents.append(_told(course, key, UNCHANGED, "its samples are those that it was learned from", known[season].meta))
        elif global_models.newer(former, course.now):
            documents.append(_told(course, key, SKIPPED, "what is stored has learned from samples after now, and stays (O(now))"))
        else:
            family = room.learned(season)
            documents.append(_kept(course, key, family, step, extent, basis, former if isinstance(former, str) else "", len(rows)))
        progress.add(len(rows))
    progress.add(len(asked) - sum(len(rows) for rows in room.rows.values()))
    if not documents:
        key = global_models.key_of(course.metric, step, horizon, "")[:-1]
        seen = f"{len(asked)} series are too short, the longest has {max(np.count_nonzero(~np.isnan(values), axis=1))} values in the history that is used"
        documents.append(
            _told(course, key, SKIPPED, f"{seen} (O(history)); needed are some that were seen twice as long as they are judged")
        )
    return documents


def _kept(
    course: Course,
    key: str,
    family: t.Any,
    step: int,
    extent: global_models.Extent,
    basis: str,
    former: str,
    series: int,
) -> Document:
    """Store what was learned, if it is any use, and return its document."""
    if not family.networks:
        reason = f"{series} series with few values: they have less than {global_model.MIN_WINDOWS} windows of their pasts to learn from"
        return _told(course, key, SKIPPED, "; ".join(item for item in (former, reason) if item))
    try:
        row = global_models.row_of(
            family, metric=course.metric, step=step, now=course.now, extent=extent, model="auto", series=series, basis=basis
        )
    except InputError as error:
        return _told(course, key, FAILED, str(error))
    course.store.save_models([row])
    return _told(course, key, TRAINED, former, row[2])


def _told(course: Course, key: str, status: str, reason: str, meta: Document | None = None) -> Document:
    if meta is None:
        return told(key, course.metric, KIND, status, reason)
    return told(
        key,
        course.metric,
        KIND,
        status,
        reason,
        step_seconds=meta["step_seconds"],
        season=meta["season"],
        trained_at=meta["trained_at"],
        data=meta["data"],
        metrics={name: meta[name] for name in ("series", "examined", "networks", "weights")},
    )


def _basis(course: Course, asked: Sequence[Asked]) -> str:
    """Return a text for what must be the same for a family not to be learned again; its code is looked at when it is loaded."""
    seen = sorted([item.series.id, item.known, item.last] for item in asked)
    return hashlib.sha256(json.dumps([seen, course.history_seconds, course.seed]).encode()).hexdigest()[:32]
