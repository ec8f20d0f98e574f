# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(train), model C(lstm): a network for each series, trained together in batches, each batch stored as soon as it is done."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine as engines
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import lstm, training
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.training import Batch, Hindsight, Lesson
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import lstm_models
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.asked_series import asked_series, by_step, grid_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.limits import bounds
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.lstm_models import KIND, Model
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
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train_figures import Album, Shown

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_documents import Asked
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import Grid

Result = t.TypeVar("Result")
_NEEDS = ("torch",)
# So many series are read at once: 2,016 steps each are 32 MiB.
READ_SERIES = 2000
_AFTER_NOW = "there are samples after now; networks are trained for the present (O(now))"


def train_lstm(course: Course) -> Done:
    """Train the network of each series of the metric that has enough values and whose samples have changed since the last time."""
    asked = asked_series(course.store, course.entities, course.metric, now=course.now, horizon=1, step=course.step)
    removed = 0
    if course.step is None:
        removed = course.store.remove_models(lstm_models.outlived(course.store, {item.series.id: item.step for item in asked}))
    school = _School(course, Progress(f"Training networks of {course.metric}", len(asked), course.progress))
    for step, group in by_step(asked):
        usable = [item for item in group if item.known and not item.replay]
        for item in group:
            if item.replay or not item.known:
                school.skip(item, _AFTER_NOW if item.replay else f"there are no usable samples of {course.metric}")
        if usable:
            times = grid_of(usable, step=step, now=course.now, history_seconds=course.history_seconds, horizon=1)
            for begin in range(0, len(usable), READ_SERIES):
                school.teach(usable[begin : begin + READ_SERIES], times)
    nothing = f"there are no samples of {course.metric} yet; they come with observations"
    documents = [school.documents.get(one.id) or told(one.key, course.metric, KIND, SKIPPED, nothing) for one in course.entities]
    return Done(documents, removed, school.album.drawn)


class _Pupil(t.NamedTuple):
    """One series with what is stored for it and what can be learned from it."""

    item: Asked
    stored: Model | str | None
    lesson: Lesson


class _School:
    """Trains series of one metric and keeps what became of each, by entity id."""

    def __init__(self, course: Course, progress: Progress) -> None:
        self.documents: dict[int, Document] = {}
        self.album = Album(course.store, course.figures, now=course.now, workers=course.engine.workers)
        self._course, self._progress = course, progress

    def teach(self, items: Sequence[Asked], times: Grid) -> None:
        """Train those series of one step that need it, and draw what is wanted of all."""
        stored = lstm_models.load(self._course.store, [item.series.id for item in items], times.step)
        known, fresh = [], []
        for item in items:
            model = stored.get(item.series.id)
            if isinstance(model, Model) and not self._course.force and model.meta.get("basis") == self._basis(item):
                known.append((item, model.meta))
                self._note(item, UNCHANGED, "its samples are those that it was trained with", model.meta)
                self._progress.add(1)
            else:
                fresh.append(item)
        pupils = self._pupils(fresh, stored, times)
        for pupil in pupils:
            if pupil.lesson.history.known < training.MIN_KNOWN:
                count = pupil.lesson.history.known
                self.skip(pupil.item, f"{count} values in the history that is used (O(history)); needed are {training.MIN_KNOWN}")
        self._train([pupil for pupil in pupils if pupil.lesson.history.known >= training.MIN_KNOWN], times)
        self._remember(self._pupils(self.album.undrawn(known), stored, times), times)
        self.album.draw()
        for item in items:
            self.documents[item.entity.id]["figures"] = self.album.files(item)

    def skip(self, item: Asked, reason: str) -> None:
        self._note(item, SKIPPED, reason, None)
        self._progress.add(1)

    def _pupils(self, items: Sequence[Asked], stored: Mapping[int, Model | str], times: Grid) -> list[_Pupil]:
        """Read series and return what can be learned from each."""
        if not items:
            return []
        low, high = bounds(self._course.metric)
        return [
            _Pupil(
                item,
                stored.get(item.series.id),
                training.lesson_of(values, step_seconds=times.step, metric=self._course.metric, lower=low, upper=high),
            )
            for item, values in zip(items, times.read(self._course.store, [item.series.id for item in items]), strict=True)
        ]

    def _train(self, pupils: Sequence[_Pupil], times: Grid) -> None:
        """Train, and write the networks of each batch in a transaction of its own."""
        start = [None if self._course.force else _goes_on(pupil) for pupil in pupils]
        work = list(training.batches([pupil.lesson for pupil in pupils], start, self._course.seed))
        for rows, trained in self._worked(training.train_batch, work):
            self._keep([pupils[row] for row in rows], trained, [start[row] for row in rows], times)
            self._progress.add(len(rows))

    def _worked(self, function: t.Callable[[Batch], Result], work: Sequence[tuple[list[int], Batch]]) -> Iterator[tuple[list[int], Result]]:
        """Yield the rows and the result of each batch as soon as it is there."""
        results = engines.run_each(function, [batch for _rows, batch in work], engine=self._course.engine, needs=_NEEDS)
        yield from zip((rows for rows, _batch in work), results, strict=True)

    def _keep(self, pupils: Sequence[_Pupil], trained: lstm.Trained, start: Sequence[lstm.Parameters | None], times: Grid) -> None:
        rows, shown = [], []
        for pupil, begun, outcome in zip(pupils, start, training.outcomes([one.lesson for one in pupils], trained), strict=True):
            item, lesson = pupil.item, pupil.lesson
            if not lstm.fits(outcome.parameters, lesson.season):
                self._note(item, FAILED, "its training ended in numbers that are not finite; another seed may do better (O(seed))", None)
                continue
            begin = times.start + lesson.offset * times.step
            end = begin + len(lesson.history.values) * times.step
            row = lstm_models.row_of(
                item,
                lesson,
                outcome,
                basis=self._basis(item),
                first=max(begin, item.first),
                last=min(end - 1, item.last),
                now=self._course.now,
                own_step=self._course.step is None,
                warm=begun is not None and all(begun[name] == outcome.parameters[name] for name in lstm.SCALER),
            )
            rows.append(row)
            shown.append(_shown(pupil, row[2], outcome.hindsight, times))
            self._note(
                item, TRAINED, "; ".join([*([pupil.stored] if isinstance(pupil.stored, str) else []), *lesson.history.notes]), row[2]
            )
        with self._course.store.transaction():
            self._course.store.save_models(rows)
        self.album.add(shown)

    def _remember(self, pupils: Sequence[_Pupil], times: Grid) -> None:
        """Let the album have what stored networks say in hindsight: that is computed again, not kept."""
        known = [(pupil, pupil.stored) for pupil in pupils if isinstance(pupil.stored, Model) and pupil.lesson.history.known]
        start = [model.parameters for _pupil, model in known]
        # What has been rolled up since may show another season; a network is asked with its own.
        lessons = [pupil.lesson._replace(season=model.season) for pupil, model in known]
        work = list(training.batches(lessons, start, self._course.seed))
        for rows, said in self._worked(training.predict_batch, work):
            for row, predicted, part in zip(rows, *said, strict=True):
                pupil, model = known[row]
                self.album.add([_shown(pupil, model.meta, training.hindsight_of(pupil.lesson, predicted, part), times)])

    def _note(self, item: Asked, status: str, reason: str, meta: Document | None) -> None:
        """Keep the document of one series; `meta` is that of its network."""
        known = meta or {}
        self.documents[item.entity.id] = told(
            item.entity.key,
            self._course.metric,
            KIND,
            status,
            reason,
            step_seconds=item.step,
            season=known.get("season"),
            trained_at=known.get("trained_at"),
            data=known.get("data"),
            metrics={**known["metrics"], "warm": known["warm"]} if known else None,
        )

    def _basis(self, item: Asked) -> list[t.Any]:
        """Return what a network must have been trained out of not to be trained again; its code is looked at when it is loaded."""
        return [item.known, item.last, self._course.history_seconds, self._course.seed]


def _goes_on(pupil: _Pupil) -> lstm.Parameters | None:
    """Return the stored parameters where training can begin with them: those of another season have other inputs."""
    model = pupil.stored
    return model.parameters if isinstance(model, Model) and model.season == pupil.lesson.season else None


def _shown(pupil: _Pupil, meta: Mapping[str, t.Any], hindsight: Hindsight, times: Grid) -> Shown:
    """Return what figures show of a series: what was learned from, in units of its values."""
    history = pupil.lesson.history
    actual = np.ldexp(history.values, history.exponent)
    return Shown(pupil.item, meta, times.start + pupil.lesson.offset * times.step, actual, hindsight)
