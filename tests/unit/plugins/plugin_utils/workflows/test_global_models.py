# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What series have in common is learned once, kept in the store and used; what is damaged there costs a note."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest

pytest.importorskip("torch")

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import batch, family_files, global_model
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import forecast as workflow
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import global_models

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fleet_samples import COUNT, HORIZON, KEY, LENGTH, NOW, STEP, ask, change_row, put, row_of

pytestmark = pytest.mark.usefixtures("little_training")


def test_what_was_learned_is_kept_and_serves_the_next_forecast(fleet: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ask(fleet)
    meta, payload = row_of(fleet)
    assert {name: meta[name] for name in ("metric", "step_seconds", "horizon_steps", "season", "trained_at", "fleet", "values")} == {
        "metric": "used_bytes", "step_seconds": STEP, "horizon_steps": HORIZON, "season": 1, "trained_at": NOW, "fleet": COUNT, "values": COUNT * LENGTH,
    }  # fmt: skip
    assert meta["data"] == {"first": NOW - (LENGTH - 1) * STEP, "last": NOW, "samples": COUNT * LENGTH}
    assert sum(meta["weights"].values()) == pytest.approx(1.0)
    with open_store(str(fleet)) as store:
        others = [key for key in store.find_model_keys("global") if key != KEY]
    assert meta["series"] == meta["examined"] == COUNT - sum(row_of(fleet, key)[0]["series"] for key in others)
    assert meta["networks"] == len(family_files.from_bytes(payload, key=KEY).networks) == global_model.NETWORKS
    assert any("global" in item["explain"]["weights"] for item in first)
    monkeypatch.setattr(global_model, "train", lambda _job: pytest.fail("the networks are trained again"))
    put(fleet, length=1, end=NOW + STEP)
    later = ask(fleet, now=NOW + STEP)
    assert [item["issued_at"] for item in later] == [NOW + STEP] * COUNT
    assert [item["reason"] for item in later] == [item["reason"] for item in first], "the choices are kept as well"
    assert ask(fleet, model="global", now=NOW + STEP)[0]["method"] == "global"
    assert row_of(fleet) == (meta, payload)
    # Another look at the same samples without the store's forecasts is the same forecast, bit for bit.
    assert [item["quantiles"] for item in ask(fleet, limit="80%", now=NOW + STEP)] == [item["quantiles"] for item in later]


def test_another_horizon_and_metric_have_their_own(fleet: pathlib.Path, trainings: list[t.Any]) -> None:
    ask(fleet)
    known = len(trainings)
    ask(fleet, horizon="30m")
    assert len(trainings) > known
    with open_store(str(fleet)) as store:
        assert store.find_model_keys("global") == [global_models.key_of("used_bytes", STEP, 3, 1), KEY]


def test_two_forecasts_at_once_do_not_break_each_other(fleet: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, inner = workflow.forecast_panel, []

    def meanwhile(*arguments: t.Any, **options: t.Any) -> t.Any:
        if not inner:
            inner.append(None)
            inner[0] = ask(fleet, seed=1, entities=["lv:*", "!*/v00*"])
        return real(*arguments, **options)

    monkeypatch.setattr(workflow, "forecast_panel", meanwhile)
    outer = ask(fleet)
    assert {item["status"] for item in [*outer, *inner[0]]} == {"ok"}
    assert row_of(fleet)[0]["fleet"] == COUNT, "the later one stays, whole"
    monkeypatch.setattr(global_model, "train", lambda _job: pytest.fail("what is stored cannot be used"))
    assert {item["status"] for item in ask(fleet, now=NOW + STEP)} == {"ok"}


def test_all_series_of_one_step_are_one_call_of_the_engine(fleet: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(fleet)
    put(fleet, length=1, end=NOW + STEP)
    real, calls = engine.run_each, []

    def counted(function: t.Any, batches: t.Any, **how: t.Any) -> t.Any:
        for number, result in enumerate(real(function, batches, **how)):
            if not number:
                calls.append(function)
            yield result

    monkeypatch.setattr(engine, "run_each", counted)
    assert len(ask(fleet, now=NOW + STEP)) == COUNT
    assert calls == [batch.forecast_batch]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"checksum": "0" * 64}, "does not match its checksum"),
        ({"payload": b"nonsense"}, "does not match its checksum"),
    ],
)
def test_a_damaged_row_costs_a_note_and_a_new_learning(
    fleet: pathlib.Path, trainings: list[t.Any], values: dict[str, t.Any], told: str
) -> None:
    ask(fleet)
    known, whole = len(trainings), row_of(fleet)
    change_row(fleet, **values)
    found = ask(fleet, now=NOW + STEP)
    assert len(trainings) > known
    assert all(item["status"] == "ok" and told in item["note"] for item in found)
    assert row_of(fleet)[0]["trained_at"] == NOW + STEP
    assert row_of(fleet)[0]["code"] == whole[0]["code"]
    assert {item["note"] for item in ask(fleet, now=NOW + 2 * STEP)} == {""}


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda payload: payload[:-7], "damaged"),
        (lambda _payload: b"", "no model file"),
        (lambda payload: payload.replace(b"empirical", b"empiricus"), "damaged"),
    ],
)
def test_a_row_whose_content_was_damaged_before_it_was_stored_is_not_used(
    fleet: pathlib.Path, trainings: list[t.Any], damage: t.Any, told: str
) -> None:
    ask(fleet)
    known, (meta, payload) = len(trainings), row_of(fleet)
    with open_store(str(fleet)) as store:
        store.save_model(KEY, global_models.KIND, meta, damage(payload))
    found = ask(fleet, now=NOW + STEP)
    assert len(trainings) > known
    assert all(item["status"] == "ok" and told in item["note"] for item in found)
