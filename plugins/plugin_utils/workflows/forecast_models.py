# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the store knows that a forecast of some series begins with, and what of it there is to keep and to tell afterwards."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import PanelForecast
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import global_models, lstm_models
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_explain import Learned, explain_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.global_models import Extent, Row

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.family import Family
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_documents import Asked, Question
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_memory import Memory
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import Grid

Document = dict[str, t.Any]
_WITH_FAMILIES, _WITH_NETWORKS = ("auto", "global"), ("auto", "lstm")


class Known:
    """Stored models of some series of one step, for one question.

    families: by season, to hand to `forecast_panel`; models: the same of each series.

    :param values: [n, t] on the grid; horizon: steps.
    """

    families: dict[int, Family]
    models: list[Document | None]

    def __init__(
        self, store: Store, asked: Sequence[Asked], values: t.Any, grid: Grid, *, horizon: int, question: Question, memory: Memory
    ) -> None:
        self._question, self._step = question, grid.step
        self._count = np.count_nonzero(~np.isnan(values), axis=1)
        self._extent = extent_of(asked, self._count)
        found = global_models.load(store, question.metric, grid.step, horizon) if question.model in _WITH_FAMILIES else {}
        self._unusable = {season: problem for season, problem in found.items() if isinstance(problem, str)}
        self._newer = {season for season, item in found.items() if global_models.newer(item, question.now)}
        self._stored = global_models.usable(found, now=question.now, there=self._extent, model=question.model)
        self.families = {season: item.family for season, item in self._stored.items()}
        ids = [item.series.id for item in asked]
        networks = lstm_models.load(store, ids, grid.step, now=question.now) if question.model in _WITH_NETWORKS else {}
        self._networks = [networks.get(number) for number in ids]
        there = {number for number, network in networks.items() if not isinstance(network, str)}
        choices: Sequence[Mapping[str, t.Any] | None] = [None] * len(ids)
        if question.model == "auto":
            choices = memory.choices(ids, values, grid, now=question.now, seasons=self.families, networks=there)
        self.models = [with_network(choice, network) for choice, network in zip(choices, self._networks, strict=True)]

    def rows(self, panel: PanelForecast) -> list[Row]:
        """Return what to store of what the panel has learned."""
        new = {season: family for season, family in panel.families.items() if season not in self._stored and season not in self._newer}
        asked = self._question
        rows, problems = global_models.rows_of(
            new, panel.learners, metric=asked.metric, step=self._step, now=asked.now, extent=self._extent, model=asked.model
        )
        self._unusable.update(problems)
        return rows

    def remembered(self, row: int, item: Asked, panel: PanelForecast) -> Document | None:
        """Return what to keep of the choice of a series; None where there was none."""
        model = _choice(panel, row)
        if model is None:
            return None
        tried = bool(model.get("tried_network") or (self.models[row] or {}).get("tried_network") or self._network(row))
        return {**model, "until": item.last, "tried_network": tried}

    def notes(self, row: int, panel: PanelForecast) -> list[str]:
        """Return what is to be told of the models of a series: those that could not be used."""
        network = self._networks[row]
        found = [network] if isinstance(network, str) else []
        season = self._season(row, panel)
        return [*found, *([self._unusable[season]] if season in self._unusable else [])]

    def explained(self, row: int, panel: PanelForecast, most: int) -> Document | None:
        """Return why a series is forecast as it is; None where it is not.

        :param most: values that are looked at.
        """
        if panel.status[row] == "invalid":
            return None
        season, network = self._season(row, panel), self._network(row)
        family = None
        if season in panel.families:
            meta = self._stored[season].meta if season in self._stored else None
            series = panel.learners.get(season, panel.families[season].series)
            family = Learned(meta["trained_at"], meta["series"]) if meta else Learned(self._question.now, series)
        return explain_of(
            panel.method[row],
            panel.reason[row],
            _choice(panel, row),
            known=int(self._count[row]),
            most=most,
            now=self._question.now,
            notes=panel.notes[row].split("; "),
            family=family,
            own=Learned(network.meta["trained_at"]) if network else None,
        )

    def _network(self, row: int) -> lstm_models.Model | None:
        network = self._networks[row]
        return network if isinstance(network, lstm_models.Model) else None

    def _season(self, row: int, panel: PanelForecast) -> int | None:
        """Return the season of a series, where the panel says it or there is only one."""
        if model := _choice(panel, row):
            return int(model["season"])
        return next(iter(panel.families)) if len(panel.families) == 1 else None


def _choice(panel: PanelForecast, row: int) -> Document | None:
    """Return the choice of methods of a series; what was trained for one forecast (lstm, classic_lstm) is none, and train keeps its own."""
    model = panel.models[row]
    return model if model and "weights" in model else None


def extent_of(asked: Sequence[Asked], counts: Sequence[int]) -> Extent:
    """Return how much there is to learn from: of some series, and the number of their values."""
    known = [item for item, count in zip(asked, counts, strict=True) if count]
    if not known:
        return Extent(0, 0, 0, 0)
    return Extent(len(known), int(sum(counts)), min(item.first for item in known), max(item.last for item in known))


def with_network(choice: Mapping[str, t.Any] | None, network: lstm_models.Model | str | None) -> Document | None:
    """Return the entry of `models` of one series."""
    if not isinstance(network, lstm_models.Model):
        return dict(choice) if choice else None
    return {**(choice or {}), "lstm": {"parameters": network.parameters, "season": network.season}}
