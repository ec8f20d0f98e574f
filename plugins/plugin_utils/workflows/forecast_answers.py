# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is computed becomes documents, and is stored part by part: a run that ends early leaves the next one only the rest."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import PanelForecast
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_documents import Asked, Document, Question, document_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import most_steps

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_memory import Memory
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_models import Known
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.global_models import Row
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import Grid

# A few seconds of computing; a transaction takes a tenth of one.
STORED_AT_ONCE = 1000


class Answers:
    """The documents of some series of one step.

    :param values: [n, t] on the grid; horizon: steps.
    """

    documents: dict[int, Document]
    """By entity id."""

    def __init__(
        self, memory: Memory, known: Known, asked: Sequence[Asked], values: t.Any, grid: Grid, *, horizon: int, question: Question
    ) -> None:
        self._memory, self._known, self._asked, self._values = memory, known, asked, values
        self._grid, self._horizon, self._question = grid, horizon, question
        self._most = most_steps(grid.step, question.history_seconds)
        self._learned: list[Row] | None = None
        self._new: dict[int, Document] = {}
        self._choices: dict[int, Document] = {}
        self._bases: dict[int, list[t.Any]] = {}
        self.documents = {}

    def take(self, panel: PanelForecast, rows: Sequence[int]) -> None:
        """Take rows that a panel knows now; store what there is if it is the first (what was learned comes with it), or enough."""
        first = self._learned is None
        if self._learned is None:
            # What was learned without the newest samples must not take the place of what knows them.
            self._learned = [] if any(item.replay for item in self._asked) else self._known.rows(panel)
        for row in rows:
            item = self._asked[row]
            document = self._document(panel, row)
            self.documents[item.entity.id] = document
            if not item.replay:
                self._new[item.series.id], self._bases[item.series.id] = document, basis_of(item)
                choice = self._known.remembered(row, item, panel)
                if choice:
                    self._choices[item.series.id] = choice
        if first or len(self._new) >= STORED_AT_ONCE:
            self.store()

    def store(self) -> None:
        """Store what has come since the last time, in one transaction."""
        if not self._new and not self._learned:
            return
        self._memory.save(self._new, self._bases, self._choices, self._learned or [])
        self._new, self._bases, self._choices, self._learned = {}, {}, {}, []

    def _document(self, panel: PanelForecast, row: int) -> Document:
        explain, notes = self._known.explained(row, panel, self._most), self._known.notes(row, panel)
        return document_of(
            self._asked[row],
            row,
            panel,
            self._values[row],
            self._grid,
            self._horizon,
            self._question,
            notes=notes,
            explain=explain,
        )


def basis_of(item: Asked) -> list[t.Any]:
    """Return what a stored forecast must have been made out of to be given again."""
    return [item.known, item.last, list(item.limit) if item.limit else None]
