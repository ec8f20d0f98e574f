# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Series that a forecast must survive, and what two forecasts have to agree in."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

import numpy as np
import pytest
from numpy.typing import NDArray

from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import PanelForecast, fleet, forecast_panel

HORIZON = 6
NAN = float("nan")


@functools.cache
def awkward_series() -> dict[str, list[float]]:
    random = np.random.default_rng(3)
    growth = np.cumsum(random.exponential(1.0, 120))
    daily = 50 + 10 * np.sin(np.arange(24 * 8) * 2 * np.pi / 24) + random.normal(size=24 * 8)
    gaps = growth.copy()
    gaps[[3, 4, 50, 51, 52, 90]] = np.nan
    return {
        "growth": growth.tolist(),
        "daily": daily.tolist(),
        "gaps": gaps.tolist(),
        "gap at the end": [*growth.tolist(), NAN, NAN, NAN],
        "constant": [7.0] * 60,
        "nothing at all": [0.0] * 60,
        "one value": [5.0],
        "one value between gaps": [NAN, 5.0, NAN],
        "two values": [1.0, 2.0],
        "thirteen": growth[:13].tolist(),
        "fourteen": growth[:14].tolist(),
        "huge": (growth * 1e15).tolist(),
        "tiny": (growth * 1e-300).tolist(),
        "close to overflow": [1.7e308, -1.7e308] * 20,
        "negative": (-growth).tolist(),
        "step": [10.0] * 50 + [1000.0] * 20,
        "purge": [*growth.tolist(), *growth[:40].tolist()],
        "infinite counts as missing": [*growth[:60].tolist(), float("inf"), *growth[61:].tolist()],
        "growth again": growth.tolist(),
        "daily again": daily.tolist(),
        "nothing": [],
        "only gaps": [NAN, NAN],
    }


def panel(histories: t.Any, **options: t.Any) -> PanelForecast:
    return forecast_panel(histories, **{"step_seconds": 3600, "horizon": HORIZON, **options})


def same(one: PanelForecast, other: PanelForecast, order: list[int] | None = None) -> None:
    """Assert that the rows `order` of one forecast are the other, to the last bit."""
    order = order if order is not None else list(range(len(one.method)))
    for field in dataclasses.fields(PanelForecast):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine[order], theirs, err_msg=field.name)
        elif isinstance(mine, list):
            # As text, for NaN is not equal to itself.
            assert repr([mine[row] for row in order]) == repr(theirs), field.name
        elif field.name not in ("families", "learners"):
            assert mine is theirs is None, field.name


def batches_ahead(engine: Engine, count: int = 40) -> int:
    """Forecast a panel of `count` batches; return how many there were at most that had no answer yet."""
    made: list[int] = []
    answered: list[list[int]] = []
    most = 0
    block = fleet.Fleet.block

    def noted(self: fleet.Fleet, rows: list[int], family: t.Any) -> t.Any:
        made.append(len(rows))
        return block(self, rows, family)

    def each(_panel: PanelForecast, rows: list[int]) -> None:
        nonlocal most
        most = max(most, len(made) - len(answered))
        answered.append(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fleet, "BATCH_SERIES", 2)
        patch.setattr(fleet, "LIGHT_VALUES", 0)
        patch.setattr(fleet.Fleet, "block", noted)
        panel(list(np.random.default_rng(1).normal(size=(2 * count, 20))), model="drift", season=None, engine=engine, each=each)
    assert len(made) == len(answered) == count
    assert sorted(row for rows in answered for row in rows) == list(range(2 * count))
    return most


def loss(quantiles: NDArray[np.float64], levels: tuple[float, ...], came: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean pinball loss of each series [n], of quantiles [n, q, h] and what came [n, h]."""
    level = np.array(levels)[None, :, None]
    wrong = came[:, None, :] - quantiles
    return np.maximum(level * wrong, (level - 1.0) * wrong).mean(axis=(1, 2))
