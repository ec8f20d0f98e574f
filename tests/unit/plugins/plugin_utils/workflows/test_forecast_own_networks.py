# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks of single series, trained beforehand, in forecasts."""

from __future__ import annotations

import pathlib
import sys

import pytest

pytest.importorskip("torch")

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classic_lstm, lstm
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_memory import CHOICE_KIND
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train import train

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fleet_samples import COUNT, NOW, STEP, ask, change_row

pytestmark = pytest.mark.usefixtures("little_training")


def test_a_trained_network_is_weighed_once_and_told(fleet: pathlib.Path) -> None:
    first = ask(fleet)[0]
    assert "lstm" not in first["explain"]["scores"]
    train(store=str(fleet), now=NOW, models=["lstm"], entities=["lv:web1/vg0/v000"])
    (found,) = ask(fleet, now=NOW + STEP, entities=["lv:web1/vg0/v000"])
    assert "lstm" in found["explain"]["scores"]
    assert found["reason"] != first["reason"]
    (again,) = ask(fleet, now=NOW + 2 * STEP, entities=["lv:web1/vg0/v000"])
    assert again["reason"] == found["reason"], "weighed anew once, not at every forecast"


def test_it_serves_the_model_that_asks_for_it(fleet: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(store=str(fleet), now=NOW, models=["lstm"])
    monkeypatch.setattr(lstm, "train", lambda *_arguments, **_options: pytest.fail("trained again"))
    found = ask(fleet, model="lstm")
    assert {item["method"] for item in found} == {"lstm"}
    assert found[0]["explain"]["would_change"][-1]["cause"] == "network"


@pytest.mark.parametrize("model", ["lstm", "classic_lstm"])
def test_one_that_a_forecast_trained_for_itself_is_not_kept(fleet: pathlib.Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classic_lstm, "EPOCHS", 1)
    found = ask(fleet, model=model, entities=["lv:web1/vg0/v000"])
    assert [item["method"] for item in found] == [model]
    with open_store(str(fleet)) as store:
        assert [store.find_model_keys(kind) for kind in (CHOICE_KIND, model)] == [[], []]


def test_one_that_is_damaged_becomes_the_note_of_its_series_alone(fleet: pathlib.Path) -> None:
    train(store=str(fleet), now=NOW, models=["lstm"])
    with open_store(str(fleet)) as store:
        key = store.find_model_keys("lstm")[0]
    change_row(fleet, key, checksum="0" * 64)
    notes = [item["note"] for item in ask(fleet)]
    assert [bool(note) for note in notes] == [True] + [False] * (COUNT - 1)
    assert "does not match its checksum" in notes[0]
