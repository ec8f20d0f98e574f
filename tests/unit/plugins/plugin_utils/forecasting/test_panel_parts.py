# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A panel that is told part by part, while the rest of it is computed."""

from __future__ import annotations

import dataclasses
import typing as t

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import PanelForecast, classical, fleet, global_model
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import panel as module
from support.panels import awkward_series, panel, same

pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches, and nothing that takes long."""
    monkeypatch.setattr(fleet, "BATCH_SERIES", 2)
    monkeypatch.setattr(classical, "available", lambda: False)
    monkeypatch.setattr(global_model, "available", lambda: False)


def rows_of(found: PanelForecast, rows: list[int]) -> dict[str, t.Any]:
    """Return what is known of some rows, in a form that is equal where it is the same."""
    known = {}
    for field in dataclasses.fields(PanelForecast):
        value = getattr(found, field.name)
        if isinstance(value, np.ndarray):
            known[field.name] = value[rows].tobytes()
        elif isinstance(value, list):
            known[field.name] = repr([value[row] for row in rows]).encode()
    return known


@pytest.mark.parametrize("options", [{}, {"model": "drift", "limits": 5.0}, {"limits": [[5.0, 9.0]] * len(awkward_series())}])
def test_each_row_is_told_once_and_for_all(options: dict[str, t.Any]) -> None:
    told: list[tuple[list[int], dict[str, t.Any]]] = []
    histories = list(awkward_series().values())
    found = panel(histories, each=lambda part, rows: told.append((rows, rows_of(part, rows))), **options)
    assert len(told) > 5
    assert sorted(row for rows, _known in told for row in rows) == list(range(len(histories)))
    assert [known for _rows, known in told] == [rows_of(found, rows) for rows, _known in told]
    same(found, panel(histories, **options))


def test_what_it_raises_ends_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[t.Any] = []
    real = module.forecast_batch
    monkeypatch.setattr(module, "forecast_batch", lambda batch: computed.append(batch) or real(batch))

    def refuse(_part: PanelForecast, rows: list[int]) -> None:
        if computed:
            raise OSError(f"no room for {rows}")

    with pytest.raises(OSError, match="no room for"):
        panel(list(awkward_series().values()), model="drift", each=refuse)
    assert len(computed) == 1


def test_workers_get_no_more_series_than_they_learn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(global_model, "available", lambda: True)
    monkeypatch.setattr(global_model, "MAX_WINDOWS", 10 * global_model.LEAST_OF_A_SERIES)
    monkeypatch.setattr(global_model, "train", lambda job: sent.append(len(job.values)) or [])
    panel(list(np.random.default_rng(1).normal(size=(30, 120)).cumsum(axis=1)), season=None)
    assert sent == [10] * global_model.NETWORKS
