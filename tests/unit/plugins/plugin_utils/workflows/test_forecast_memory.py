# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the choice of a model is kept, for one volume that is observed every hour."""

from __future__ import annotations

import pathlib
import typing as t

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classical
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast import forecast
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_memory import Memory

BEGIN, STEP, GIB = 1_763_700_000, 3600, 2**30
HOURS = np.arange(24 * 12)


@pytest.fixture(autouse=True)
def _without_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave theta and ETS out: they need a pool of workers, and how long a choice lasts has nothing to do with them."""
    monkeypatch.setattr(classical, "available", lambda: False)


@pytest.fixture
def forecast_after(tmp_path: pathlib.Path) -> t.Callable[[t.Any, int], dict[str, t.Any]]:
    """Return a function that records the first `count` of the values (as far as they are new) and forecasts a day."""
    path = str(tmp_path / "store.db")
    with open_store(path) as store:
        (entity,) = store.put_entities(
            [EntityRow("lv:web1/u", "lv:web1/vg0/data", "lv", "web1", {"size_bytes": 900 * GIB}, BEGIN)]
        ).values()
        (number,) = store.put_series([(entity, "used_bytes", "bytes", False)]).values()

    def ask(values: t.Any, count: int) -> dict[str, t.Any]:
        with open_store(path) as store:
            store.write_samples([number] * count, BEGIN + STEP * np.arange(count), values[:count])
        (found,) = forecast(
            store=path, metrics=["used_bytes"], entities=["lv:*"], horizon="24h", now=BEGIN + STEP * (count - 1) + 5, limit="none"
        )
        return found

    return ask


def test_a_choice_of_the_first_day_is_made_anew_when_there_is_more_to_choose_by(forecast_after: t.Any) -> None:
    values = GIB * (100 + 5 * np.sin(HOURS * 2 * np.pi / 24) + np.random.default_rng(1).normal(size=len(HOURS)))
    found = [forecast_after(values, count) for count in range(30, len(HOURS), 24)]
    expected = GIB * (100 + 5 * np.sin((HOURS[-1] + np.arange(-16, 8)) * 2 * np.pi / 24))
    assert np.abs(np.array(found[-1]["quantiles"]["0.5"]) - expected).mean() < 2 * GIB
    reasons = [item["reason"] for item in found]
    assert len(set(reasons)) < len(reasons) / 2, "chosen anew at every forecast"


def test_a_choice_that_failed_does_not_come_back(forecast_after: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    values = GIB * (100 + 20 * np.sin(HOURS * 2 * np.pi / 24) + np.random.default_rng(1).normal(size=len(HOURS)))
    first = forecast_after(values, 42)
    assert "past origins" in first["reason"]
    with monkeypatch.context() as patch:
        patch.setattr(Memory, "_failed", staticmethod(lambda *_seen: True))
        failed = forecast_after(values, 78)
    assert failed["reason"].startswith("78 values are too few for a backtest")
    assert forecast_after(values, 79)["reason"].startswith("79 values are too few for a backtest")


@pytest.mark.parametrize("every", [1, 3, 6])
def test_a_choice_that_no_longer_fits_is_made_anew_however_often_one_asks(forecast_after: t.Any, every: int) -> None:
    calm = 100 + 0.1 * np.random.default_rng(1).normal(size=200)
    values = GIB * np.concatenate([calm, 100 + 4.0 * np.arange(1, len(HOURS) - 199)])
    reasons = [forecast_after(values, count)["reason"] for count in range(200, 240, every)]
    assert len(set(reasons)) > 1, "the choice of the calm time is kept"
    assert len(set(reasons)) < len(reasons) or every == 6, "chosen anew at every forecast"
