# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(train) with models=[global]."""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

import numpy as np
import pytest

pytest.importorskip("torch")

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import global_model
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import global_models
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train import train

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fleet_samples import COUNT, KEY, NOW, STEP, ask, put, row_of, walk

pytestmark = pytest.mark.usefixtures("little_training")


def run(fleet: pathlib.Path, **options: t.Any) -> dict[str, t.Any]:
    result = train(**{"store": str(fleet), "now": NOW, "models": ["global"], "horizon": "1h", **options})
    json.dumps(result, allow_nan=False)
    return result


def of_no_season(result: dict[str, t.Any]) -> dict[str, t.Any]:
    return next(document for document in result["entities"] if document["entity"] == KEY)


def test_the_lookup_then_only_predicts(fleet: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(fleet)
    document = of_no_season(result)
    assert (document["model"], document["status"], document["step_seconds"], document["season"]) == ("global", "trained", STEP, 1)
    assert document["metrics"]["networks"] == global_model.NETWORKS
    assert sum(one["metrics"]["series"] for one in result["entities"] if one["metrics"]) <= COUNT
    assert document["metrics"]["series"] == document["metrics"]["examined"] >= COUNT - 2
    assert sum(document["metrics"]["weights"].values()) == pytest.approx(1.0)
    assert any(KEY in line and "best served by" in line for line in result["summary"])
    before = row_of(fleet)
    real = global_model.train
    monkeypatch.setattr(global_model, "train", lambda job: pytest.fail("trained again") if job.season == 1 else real(job))
    found = ask(fleet)
    assert {item["status"] for item in found} == {"ok"}
    assert any("global" in item["explain"]["weights"] for item in found)
    assert row_of(fleet) == before


def test_it_learns_what_a_forecast_learns(fleet: pathlib.Path) -> None:
    other = fleet.with_name("other.db")
    put(other)
    ask(other)
    run(fleet)
    assert row_of(fleet)[1] == row_of(other)[1]


def test_the_same_samples_are_not_learned_from_again(fleet: pathlib.Path, trainings: list[t.Any]) -> None:
    first = run(fleet)
    known = len(trainings)
    again = run(fleet, now=NOW + 60)
    assert of_no_season(again)["status"] == "unchanged"
    assert of_no_season(again)["metrics"] == of_no_season(first)["metrics"]
    assert len(trainings) == known
    for options in ({"force": True}, {"seed": 1}, {"history": "12h"}):
        assert of_no_season(run(fleet, **options))["status"] == "trained"
    put(fleet, length=1, end=NOW + STEP)
    assert of_no_season(run(fleet, now=NOW + STEP, history="12h"))["status"] == "trained"


def test_a_run_that_was_interrupted_goes_on_where_it_was(
    fleet: pathlib.Path, monkeypatch: pytest.MonkeyPatch, trainings: list[t.Any]
) -> None:
    with open_store(str(fleet)) as store:
        (entity,) = store.put_entities([EntityRow("lv:web1/slow", "lv:web1/vg0/slow", "lv", "web1", {}, NOW)]).values()
        (number,) = store.put_series([(entity, "used_bytes", "bytes", False)]).values()
        store.write_samples([number] * 400, NOW - 3600 * np.arange(400)[::-1], walk(99, 400))
    real, keys = global_models.row_of, []

    def breaks(*arguments: t.Any, **options: t.Any) -> t.Any:
        if options["step"] == 3600:
            raise KeyboardInterrupt
        keys.append(options["step"])
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(global_models, "row_of", breaks)
        patch.setattr(global_model, "MIN_WINDOWS", 20)
        with pytest.raises(KeyboardInterrupt):
            run(fleet, horizon="3h")
    assert set(keys) == {STEP}
    known = len(trainings)
    resumed = run(fleet, horizon="3h")
    assert [one["status"] for one in resumed["entities"] if one["step_seconds"] == STEP] == ["unchanged"] * len(keys)
    assert {job.step_seconds for job in trainings[known:]} == {3600.0}


def test_too_few_values_are_skipped_and_nothing_is_stored(tmp_path: pathlib.Path) -> None:
    few, short = tmp_path / "few.db", tmp_path / "short.db"
    put(few, range(2), length=40)
    put(short, range(2), length=10)
    assert [document["status"] for document in run(few)["entities"]] == ["skipped"]
    assert "windows" in run(few)["entities"][0]["reason"]
    assert "too short" in run(short)["entities"][0]["reason"]
    with open_store(str(few)) as store:
        assert store.find_model_keys("global") == []


def test_numbers_that_are_not_finite_fail_and_the_former_model_stays(fleet: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(fleet)
    before, real = row_of(fleet), global_model.train
    monkeypatch.setattr(
        global_model, "train", lambda job: [{**one, "last_bias": one["last_bias"] * np.float32("nan")} for one in real(job)]
    )
    result = run(fleet, force=True)
    assert of_no_season(result)["status"] == "failed"
    assert "not finite" in of_no_season(result)["reason"]
    assert "could not be trained" in result["warnings"][0]
    assert row_of(fleet) == before


def test_a_look_back_trains_nothing(fleet: pathlib.Path) -> None:
    assert [document["status"] for document in run(fleet, now=NOW - 20 * STEP)["entities"]] == ["skipped"]
