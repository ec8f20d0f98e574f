# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A forecast of a fleet that ends half-way: what it had computed is in the store, and the next one computes the rest."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import typing as t

import pytest

pytest.importorskip("torch")

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import fleet as fleets
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import global_model
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import panel as panels
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import forecast_answers

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fleet_samples import COUNT, NOW, STEP, ask, put, row_of

pytestmark = pytest.mark.usefixtures("little_training")

# Of batches of 4 series the first is stored at once, the next two together; the fourth does not come to an end.
BATCH, AT_ONCE, DONE = 4, 8, 12
KILLED = f"""
import os, signal, sys
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import fleet, panel
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import forecast_answers
from fleet_samples import ask

fleet.BATCH_SERIES, forecast_answers.STORED_AT_ONCE = {BATCH}, {AT_ONCE}
real, seen = panel.forecast_batch, []

def forecast_batch(batch):
    seen.append(len(batch.given))
    if sum(seen) > {DONE}:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(batch)

panel.forecast_batch = forecast_batch
ask(sys.argv[1], model="empirical")
"""


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleets, "BATCH_SERIES", BATCH)
    monkeypatch.setattr(forecast_answers, "STORED_AT_ONCE", AT_ONCE)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many series each batch had."""
    real, seen = panels.forecast_batch, []

    def noted(batch: t.Any) -> t.Any:
        seen.append(len(batch.given))
        return real(batch)

    monkeypatch.setattr(panels, "forecast_batch", noted)
    return seen


def interrupted(path: pathlib.Path, **options: t.Any) -> None:
    """Forecast the fleet until DONE series are computed."""
    real, seen = panels.forecast_batch, []

    def breaks(batch: t.Any) -> t.Any:
        if sum(seen) >= DONE:
            raise KeyboardInterrupt
        seen.append(len(batch.given))
        return real(batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panels, "forecast_batch", breaks)
        with pytest.raises(KeyboardInterrupt):
            ask(path, **options)


def stored(path: pathlib.Path) -> dict[str, t.Any]:
    """Return the forecasts in the store by entity."""
    with open_store(str(path)) as store:
        ids = [item.id for item in store.find_series(metric="used_bytes")]
        return {item["entity"]: item for item in store.find_forecasts(ids).values()}


def test_the_next_run_takes_what_is_stored_and_ends_where_an_undisturbed_one_does(
    fleet: pathlib.Path, computed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = fleet.with_name("other.db")
    put(undisturbed)
    whole = ask(undisturbed)
    interrupted(fleet)
    assert row_of(fleet)[1] == row_of(undisturbed)[1], "what was learned is stored with the first part"
    before = stored(fleet)
    assert len(before) == DONE
    computed.clear()
    monkeypatch.setattr(global_model, "train", lambda _job: pytest.fail("the networks are trained again"))
    assert ask(fleet) == whole
    assert sum(computed) == COUNT - DONE
    assert stored(fleet) == stored(undisturbed)
    assert {key: stored(fleet)[key] for key in before} == before


def test_with_new_samples_it_still_takes_what_was_learned_and_chosen(fleet: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted(fleet)
    before = stored(fleet)
    put(fleet, length=1, end=NOW + STEP)
    real, judged = engine.run_each, []

    def counted(function: t.Any, batches: t.Any, **how: t.Any) -> t.Any:
        def noted() -> t.Iterator[t.Any]:
            for one in batches:
                judged.extend(choice is None for choice in one.given)
                yield one

        return real(function, noted() if function is panels.forecast_batch else batches, **how)

    monkeypatch.setattr(engine, "run_each", counted)
    monkeypatch.setattr(global_model, "train", lambda _job: pytest.fail("the networks are trained again"))
    found = {item["entity"]: item for item in ask(fleet, now=NOW + STEP)}
    assert {item["issued_at"] for item in found.values()} == {NOW + STEP}
    assert (sum(judged), len(judged)) == (COUNT - DONE, COUNT)
    assert [found[key]["reason"] for key in before] == [item["reason"] for item in before.values()]


def test_a_run_that_was_killed(fleet: pathlib.Path, computed: list[int]) -> None:
    place = os.pathsep.join([engine.collections_root(), str(pathlib.Path(__file__).parent)])
    killed = subprocess.run([sys.executable, "-c", KILLED, str(fleet)], env={**os.environ, "PYTHONPATH": place}, check=False)
    assert killed.returncode == -signal.SIGKILL
    before = stored(fleet)
    assert len(before) == DONE
    assert {item["status"] for item in ask(fleet, model="empirical")} == {"ok"}
    assert sum(computed) == COUNT - DONE
    assert {key: stored(fleet)[key] for key in before} == before


def test_a_look_back_stores_nothing_however_it_ends(fleet: pathlib.Path) -> None:
    interrupted(fleet, now=NOW - 20 * STEP)
    assert stored(fleet) == {}
    with open_store(str(fleet)) as store:
        assert store.find_model_keys("global") == store.find_model_keys("choice") == []
