# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the store remembers of forecasts: the forecasts themselves, and which model each series was best served by."""

from __future__ import annotations

import hashlib
import json
import math
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import code_version
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.score import MIN_VALUES, scored_badly, usual_change
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import Grid

    Document = dict[str, t.Any]

CHOICE_KIND = "choice"
# A choice out of a few values knows neither season nor trend: it is made anew each time the history has grown by this much.
GROWN_BY = 2


def digest(**options: t.Any) -> str:
    """Return the digest of what a forecast was asked for and of the code that made it."""
    text = json.dumps({"code": code_version(), **options}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Memory:
    """Stored forecasts and choices of some series for the same question.

    :param question: options that a stored forecast must share to be given again.
    :param family: options that a choice of a model depends on (fewer: the same model serves other quantiles and limits).
    """

    def __init__(self, store: Store, series_ids: Sequence[int], *, question: Mapping[str, t.Any], family: Mapping[str, t.Any]) -> None:
        self._store = store
        self._digest, self._family = digest(**question), digest(**family)
        self._earlier: dict[int, Document] = store.find_forecasts(series_ids, digest=self._digest)

    def current(self, series_id: int, *, basis: list[t.Any], now: int) -> Document | None:
        """Return the stored document if it was made out of the same samples, less than a step ago."""
        found = self._earlier.get(series_id)
        if not found or found.get("basis") != basis or not found["issued_at"] <= now < found["issued_at"] + found["step_seconds"]:
            return None
        return {name: value for name, value in found.items() if name != "basis"}

    def choices(
        self, series_ids: Sequence[int], values: t.Any, grid: Grid, *, now: int, seasons: Collection[int], networks: Collection[int]
    ) -> list[Mapping[str, t.Any] | None]:
        """Return the stored choice of each series, None where it is to be made anew.

        That is where there is none, where it was made without a backtest or out of half the values, where its last forecast has scored
        badly since, where it knows what came after `now`, where what it was weighed with is gone (the series of its season have nothing in
        common any more), and, once, where it was made before the series had a network of its own.

        :param values: [n, t] what is known now, on the grid.
        :param seasons: those of which it is known what series have in common; networks: ids of the series with a network of their own.
        """
        stored = self._store.load_models([self._key(number) for number in series_ids])
        # The newest one that enough has happened since: of one that was issued a moment ago nothing can be said yet.
        until = grid.start + grid.step * (values.shape[1] - MIN_VALUES) - 1
        judged = self._store.find_forecasts(series_ids, digest=self._digest, until=until)
        found: list[Mapping[str, t.Any] | None] = []
        for number, row in zip(series_ids, values, strict=True):
            meta = stored.get(self._key(number), (None, None))[0]
            kept = (
                meta
                and meta["origins"]
                and np.count_nonzero(~np.isnan(row)) < GROWN_BY * meta["values"]
                and meta["until"] <= now
                and meta["season"] in seasons
                and (number not in networks or meta["tried_network"])
            )
            found.append(meta if meta and kept and not self._failed(judged.get(number), meta, row, grid) else None)
        return found

    def save(
        self,
        documents: Mapping[int, Document],
        bases: Mapping[int, list[t.Any]],
        models: Mapping[int, Document],
        learned: Sequence[tuple[str, str, Document, bytes]] = (),
    ) -> None:
        """Store new forecasts and choices, each by series id, and rows of what was learned, in one transaction.

        Each row replaces one of its key: of two that forecast at the same time, the later one's stay, and each is whole.
        """
        with self._store.transaction():
            self._store.save_forecasts(
                {
                    "series_id": number,
                    "digest": self._digest,
                    "issued_at": document["issued_at"],
                    "horizon_seconds": document["horizon"],
                    "step_seconds": document["step_seconds"],
                    "method": document["method"] or "none",
                    "status": document["status"],
                    "document": {**document, "basis": bases[number]},
                }
                for number, document in documents.items()
            )
            self._store.save_models(
                [*learned, *((self._key(number), CHOICE_KIND, _storable(meta), None) for number, meta in models.items())]
            )

    def _key(self, series_id: int) -> str:
        return f"{CHOICE_KIND}/{series_id}/{self._family}"

    @staticmethod
    def _failed(document: Document | None, meta: Mapping[str, t.Any], values: t.Any, grid: Grid) -> bool:
        """Return whether what has happened since the document was issued speaks against the choice behind it."""
        if not document or not document["quantiles"] or meta.get("pinball") is None:
            return False
        if document["reason"] != meta["reason"]:
            return False  # it was made with an earlier choice
        levels = sorted(document["quantiles"], key=float)
        said = np.array([document["quantiles"][level] for level in levels], dtype=np.float64)
        times = document["issued_at"] + document["step_seconds"] * np.arange(1, said.shape[1] + 1)
        column = (times - grid.start) // grid.step
        inside = (column >= 0) & (column < len(values))
        actual = np.where(inside, values[np.clip(column, 0, len(values) - 1)], np.nan)
        return scored_badly(
            actual, said, np.array([float(level) for level in levels]), unit=usual_change(values), expected=float(meta["pinball"])
        )


def _storable(meta: Mapping[str, t.Any]) -> Document:
    """Return a choice as JSON can hold it, without NaN."""
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in meta.items()}
