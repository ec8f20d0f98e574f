# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figures of trained series in a folder: two files each, drawn anew only when what they show has changed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine as engines
from ansible_collections.foresight.capacity.plugins.plugin_utils.collection import collection_version
from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.drawing import origin
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.forecast_images import ForecastView, forecast_png, forecast_view
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.training_images import TrainingView, training_png, training_view
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report_files import file_part, says, write_file

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.training import Hindsight
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_documents import Asked

View = TrainingView | ForecastView
TRAINING, FORECAST = "training", "forecast"
_BATCH = 16
_METRIC = re.compile(r"[a-z0-9_]{1,60}")


class Figure(t.NamedTuple):
    """A file name, and what is to be drawn into it."""

    name: str
    view: View


class Shown(t.NamedTuple):
    """A trained series: actual, predicted, part [T] from `start` on, in steps of `item.step`."""

    item: Asked
    meta: Mapping[str, t.Any]
    start: int
    actual: Floats
    hindsight: Hindsight


class Album:
    """The figures of the series of one run.

    :param folder: where they lie, None = nobody wants any.
    """

    def __init__(self, store: Store, folder: str | None, *, now: int, workers: int | None) -> None:
        self.drawn: list[str] = []
        self._store, self._folder, self._now, self._workers = store, folder, now, workers
        self._waiting: list[Figure] = []

    def undrawn(self, metas: Sequence[tuple[Asked, Mapping[str, t.Any]]]) -> list[Asked]:
        """Return those of some trained series whose figures are missing or show something else by now."""
        if self._folder is None or not metas:
            return []
        forecasts = self._forecasts([item for item, _meta in metas])
        return [item for item, meta in metas if any(not self._is_drawn(*one) for one in self._wanted(item, meta, forecasts))]

    def add(self, shown: Sequence[Shown]) -> None:
        """Take what `draw` will draw, as far as the folder does not have it."""
        if self._folder is None or not shown:
            return
        forecasts = self._forecasts([one.item for one in shown])
        for one in shown:
            kept = one.item.entity.attributes.get("recorded") or {}
            data: dict[str, t.Any] = {"synthetic": one.item.series.synthetic, "origin": origin(bool(kept), bool(kept.get("shifted_by")))}
            for name, mark in self._wanted(one.item, one.meta, forecasts):
                if self._is_drawn(name, mark):
                    continue
                if name.startswith(TRAINING):
                    view: View = training_view(
                        one.meta,
                        start=one.start,
                        actual=one.actual,
                        predicted=one.hindsight.predicted,
                        part=one.hindsight.part,
                        **data,
                        mark=mark,
                    )
                else:
                    document = forecasts[one.item.series.id]
                    view = forecast_view(document, start=one.start, step=one.item.step, history=one.actual, **data, mark=mark)
                self._waiting.append(Figure(name, view))

    def draw(self) -> None:
        """Draw what waits, in processes of this machine, and write each file in one step.

        :raises InputError: if the folder cannot be written.
        """
        folder, waiting = self._folder, self._waiting
        if folder is None:
            return
        batches = [waiting[begin : begin + _BATCH] for begin in range(0, len(waiting), _BATCH)]
        pictures = engines.run_each(pictures_of, batches, engine=Engine(workers=self._workers), light=len(batches) < 2)
        for figures, drawn in zip(batches, pictures, strict=True):
            for figure, data in zip(figures, drawn, strict=True):
                self.drawn.append(write_file(folder, figure.name, data, what="the figure", option="figures"))
        self._waiting = []

    def files(self, item: Asked) -> list[str]:
        """Return the figures of a series that are there."""
        if self._folder is None:
            return []
        paths = [os.path.join(self._folder, figure_name(what, item)) for what in (TRAINING, FORECAST)]
        return [path for path in paths if os.path.exists(path)]

    def _wanted(self, item: Asked, meta: Mapping[str, t.Any], forecasts: Mapping[int, t.Any]) -> Iterator[tuple[str, str]]:
        """Yield name and mark of each figure of a series."""
        what = {name: meta.get(name) for name in ("entity", "trained_at", "basis", "data", "metrics")}
        yield figure_name(TRAINING, item), mark_of(shown=what, synthetic=item.series.synthetic)
        if item.series.id in forecasts:
            yield figure_name(FORECAST, item), mark_of(shown=forecasts[item.series.id], synthetic=item.series.synthetic)

    def _forecasts(self, items: Sequence[Asked]) -> dict[int, t.Any]:
        """Return the newest forecast of each series that has one which still looks ahead."""
        found = self._store.find_forecasts([item.series.id for item in items], until=self._now)
        return {
            number: document
            for number, document in found.items()
            if document.get("quantiles") and document["issued_at"] + document["horizon"] >= self._now
        }

    def _is_drawn(self, name: str, mark: str) -> bool:
        return self._folder is not None and says(os.path.join(self._folder, name), mark)


def figure_name(what: str, item: Asked) -> str:
    """Return the file name of a series' figure; two series or steps never share one."""
    metric = item.series.metric
    plain = metric if _METRIC.fullmatch(metric) else hashlib.sha256(metric.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{what}-{plain}-{item.step}s-{file_part(item.entity.key.replace(':', '/', 1))}.png"


def mark_of(**shown: t.Any) -> str:
    """Return a text that stands for what a figure shows and for how it is drawn; it is written into the file."""
    return hashlib.sha256(json.dumps([collection_version(), shown], sort_keys=True).encode()).hexdigest()[:32]


def pictures_of(figures: Sequence[Figure]) -> list[bytes]:
    """Return the figures as PNG: what a worker computes."""
    return [forecast_png(one.view) if isinstance(one.view, ForecastView) else training_png(one.view) for one in figures]
