# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib
import typing as t

import numpy as np
import pytest

pytest.importorskip("torch")

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine_local
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError, StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import lstm, lstm_network, training
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import lstm_models, train_course
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train import train

NOW, STEP, GIB = 1_763_700_000, 600, 2**30
KEYS = ("entity", "metric", "model", "status", "reason", "step_seconds", "season", "trained_at", "metrics", "data", "figures")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train in this process, and no longer than the tests need to see."""
    monkeypatch.setattr(engine_local, "run_each", lambda function, batches, **_how: map(function, batches))
    monkeypatch.setattr(lstm_network, "EPOCHS", 25)
    monkeypatch.setattr(lstm_network, "WARM_EPOCHS", 6)


def walk(length: int = 120, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """Return a series whose changes are mostly the last one, taken back: there is something to learn."""
    changes = np.random.default_rng(seed).normal(size=length) * 1e8
    for place in range(1, length):
        changes[place] -= 0.9 * changes[place - 1]
    return scale * (10 * GIB + np.cumsum(changes))


def put(path: pathlib.Path, values: dict[str, t.Any], *, step: int = STEP, end: int = NOW, synthetic: bool = False) -> dict[str, int]:
    """Record the values of each volume, the last one at `end`, and return the ids of the series."""
    with open_store(str(path)) as store:
        rows = [EntityRow(f"lv:web1/uuid-{name}", f"lv:web1/vg0/{name}", "lv", "web1", {"size_bytes": 64 * GIB}, NOW) for name in values]
        entities = store.put_entities(rows)
        found = {}
        for row, (name, samples) in zip(rows, values.items(), strict=True):
            number = store.put_series([(entities[row.identity], "used_bytes", "bytes", synthetic)])[entities[row.identity], "used_bytes"]
            times = [end - step * (len(samples) - 1 - place) for place in range(len(samples))]
            store.write_samples([number] * len(samples), times, samples)
            found[name] = number
    return found


def run(path: pathlib.Path, **options: t.Any) -> dict[str, t.Any]:
    result = train(**{"store": str(path), "now": NOW, "models": ["lstm"], **options})
    json.dumps(result, allow_nan=False)
    assert all(tuple(document) == KEYS for document in result["entities"])
    return result


def statuses(result: dict[str, t.Any]) -> dict[str, str]:
    return {document["entity"].rpartition("/")[2]: document["status"] for document in result["entities"]}


def rows_of(path: pathlib.Path) -> dict[str, tuple[t.Any, ...]]:
    table = tables().model
    with open_store(str(path)) as store, store.reading() as connection:
        query = sa.select(table.c.key, table.c.payload, table.c.meta).where(table.c.kind == lstm_models.KIND)
        return {key: (payload, meta) for key, payload, meta in connection.execute(query)}


def change_row(path: pathlib.Path, key: str, **values: t.Any) -> None:
    table = tables().model
    with open_store(str(path)) as store, store.transaction() as connection:
        assert connection.execute(sa.update(table).where(table.c.key == key).values(**values)).rowcount == 1


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "store.db"


def test_each_series_has_a_row_of_its_own_that_says_what_it_is(path: pathlib.Path) -> None:
    ids = put(path, {"a": walk(seed=1), "b": walk(seed=2)})
    result = run(path)
    first = result["entities"][0]
    assert (first["entity"], first["status"], first["step_seconds"], first["season"]) == ("lv:web1/vg0/a", "trained", STEP, 1)
    assert first["data"] == {"first": NOW - 119 * STEP, "last": NOW, "samples": 120}
    assert first["metrics"]["error"] < 0.9 * first["metrics"]["last_error"]
    assert first["metrics"]["warm"] is False
    assert result["written"] == {"models": 2, "removed": 0, "figures": 0, "run": 1}
    rows = rows_of(path)
    assert sorted(rows) == sorted(lstm_models.key_of(number, STEP) for number in ids.values())
    meta = rows[lstm_models.key_of(ids["a"], STEP)][1]
    assert {name: meta[name] for name in ("entity", "metric", "unit", "series_id", "step_seconds", "own_step", "trained_at", "code")} == {
        "entity": "lv:web1/vg0/a", "metric": "used_bytes", "unit": "bytes", "series_id": ids["a"], "step_seconds": STEP, "own_step": True,
        "trained_at": NOW, "code": training.lstm_version(),
    }  # fmt: skip
    assert len(meta["curve"]["training"]) == len(meta["curve"]["validation"]) == meta["metrics"]["epochs"] == first["metrics"]["epochs"]
    with open_store(str(path)) as store:
        (found,) = store.find_runs("train")
        assert (found.status, found.check, found.detail["trained"], found.finished_at) == ("trained", False, 2, NOW)


def test_a_stored_network_forecasts_on_values_of_another_power_of_two(path: pathlib.Path) -> None:
    ids = put(path, {"a": walk()})
    run(path)
    with open_store(str(path)) as store:
        model = lstm_models.load(store, list(ids.values()), STEP)[ids["a"]]
    assert isinstance(model, lstm_models.Model)
    values = walk()[None, :]
    changes = np.diff(walk())[: round(0.7 * 120) - 1]
    assert float(model.parameters["shift"]) == pytest.approx(np.median(changes), rel=0.05), "in units of the values"

    def forecast(exponent: int) -> np.ndarray:
        parameters = lstm.stacked([lstm.rescaled(model.parameters, -exponent)])
        found = lstm.forecast(parameters, np.ldexp(values, -exponent), horizon=6, season=model.season, seed=0)
        return np.ldexp(found.values, exponent)

    np.testing.assert_array_equal(forecast(34), forecast(40))
    np.testing.assert_array_equal(forecast(34), forecast(0))
    wrong = lstm.forecast(lstm.stacked([model.parameters]), np.ldexp(values, -40), horizon=6, season=model.season, seed=0)
    assert not np.array_equal(np.ldexp(wrong.values, 40), forecast(0))


def test_what_has_not_changed_is_not_trained_again(path: pathlib.Path) -> None:
    put(path, {"a": walk(seed=1), "b": walk(seed=2)})
    run(path)
    before = rows_of(path)
    again = run(path, now=NOW + 60)
    assert statuses(again) == {"a": "unchanged", "b": "unchanged"}
    assert again["written"]["models"] == 0
    assert again["entities"][0]["metrics"] is not None
    assert rows_of(path) == before
    assert statuses(run(path, seed=1)) == {"a": "trained", "b": "trained"}
    assert statuses(run(path, seed=1, history="12h")) == {"a": "trained", "b": "trained"}


def test_new_samples_go_on_from_the_stored_network_unless_it_is_forced_to_begin_anew(path: pathlib.Path) -> None:
    put(path, {"a": walk(seed=1)})
    cold = run(path)["entities"][0]
    put(path, {"a": walk(132, seed=1)[-12:]}, end=NOW + 12 * STEP)
    warm = run(path, now=NOW + 12 * STEP)["entities"][0]
    assert (warm["status"], warm["metrics"]["warm"]) == ("trained", True)
    assert warm["metrics"]["epochs"] <= 6 < cold["metrics"]["epochs"]
    assert warm["metrics"]["error"] < 0.9 * warm["metrics"]["last_error"]
    anew = run(path, now=NOW + 12 * STEP, force=True)["entities"][0]
    assert (anew["status"], anew["metrics"]["warm"]) == ("trained", False)
    assert anew["metrics"]["epochs"] > 6


def test_a_run_that_was_interrupted_goes_on_where_it_was(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "BATCH_SERIES", 2)
    names = [f"v{number}" for number in range(5)]
    values = {name: walk(seed=number) for number, name in enumerate(names)}
    put(path, values)
    real, calls = lstm.train, []

    def breaks(*arguments: t.Any, **options: t.Any) -> lstm.Trained:
        calls.append(len(arguments[0]))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(lstm, "train", breaks)
    with pytest.raises(KeyboardInterrupt):
        run(path)
    assert len(rows_of(path)) == 2, "the first batch is stored"
    resumed = run(path, now=NOW + 60)
    assert sorted(statuses(resumed).values()) == ["trained"] * 3 + ["unchanged"] * 2
    assert (calls[0], sum(calls[2:])) == (2, 3), "nothing is trained twice"
    with open_store(str(path)) as store:
        assert [found.finished_at is None for found in store.find_runs("train")] == [False, True]
    other = path.with_name("other.db")
    put(other, values)
    run(other)
    assert [payload for payload, _meta in rows_of(other).values()] == [payload for payload, _meta in rows_of(path).values()]


def test_a_batch_is_stored_whole_or_not_at_all(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(path, {"a": walk(seed=1), "b": walk(seed=2)})
    real, made = lstm_models.row_of, []

    def breaks(*arguments: t.Any, **options: t.Any) -> t.Any:
        if made:
            raise KeyboardInterrupt
        made.append(1)
        return real(*arguments, **options)

    monkeypatch.setattr(lstm_models, "row_of", breaks)
    with pytest.raises(KeyboardInterrupt):
        run(path)
    assert rows_of(path) == {}


def test_what_cannot_be_learned_from_is_skipped_and_told(path: pathlib.Path) -> None:
    put(path, {"few": walk(39), "enough": walk(40), "flat": np.full(60, 5e9), "nothing": [float("nan")] * 60})
    put(path, {"later": walk(60)}, end=NOW + 3600)
    with open_store(str(path)) as store:
        store.put_entities([EntityRow("lv:web1/uuid-none", "lv:web1/vg0/none", "lv", "web1", {}, NOW)])
    result = run(path, entities=["lv:*", "lv:web1/vg0/none"])
    assert statuses(result) == {
        "few": "skipped", "enough": "trained", "flat": "trained", "nothing": "skipped", "later": "skipped", "none": "skipped",
    }  # fmt: skip
    reasons = {document["entity"].rpartition("/")[2]: document["reason"] for document in result["entities"]}
    assert reasons["few"] == "39 values in the history that is used (O(history)); needed are 40"
    assert reasons["nothing"] == "there are no usable samples of used_bytes"
    assert reasons["later"] == "there are samples after now; networks are trained for the present (O(now))"
    assert reasons["none"] == "there are no samples of used_bytes yet; they come with observations"
    assert "skipped: lv:web1/vg0/few, used_bytes: 39 values" in "\n".join(result["summary"])


@pytest.mark.parametrize("damage", ["payload", "foreign", "other code", "another series", "another shape", "another version"])
def test_what_is_damaged_or_foreign_costs_one_entity_its_network_and_is_trained_anew(path: pathlib.Path, damage: str) -> None:
    ids = put(path, {"a": walk(seed=1), "b": walk(seed=2)})
    run(path)
    key, numbers = lstm_models.key_of(ids["a"], STEP), list(ids.values())
    payload, meta = rows_of(path)[key]
    arrays = {name: np.zeros(3, np.float32) for name in ("shift", "scale")}
    header = {"kind": "lstm", "key": key, "season": 1, "code": training.lstm_version()}
    bad = {
        "payload": None,
        "foreign": b"PK\x03\x04" + bytes(200),
        "other code": lstm_models.model_files.to_bytes(arrays, {**header, "code": "another"}),
        "another series": rows_of(path)[lstm_models.key_of(ids["b"], STEP)][0],
        "another shape": lstm_models.model_files.to_bytes(arrays, header),
        "another version": payload,
    }[damage]
    if damage == "another version":
        meta = {name: value for name, value in meta.items() if name != "metrics"}
    if bad is None:
        change_row(path, key, payload=payload[:200] + bytes([payload[200] ^ 1]) + payload[201:])
    else:
        with open_store(str(path)) as store:
            store.save_model(key, "lstm", meta, bad)
    told = {
        "payload": "does not match its checksum",
        "foreign": "no model file, or a damaged one",
        "other code": "was trained by other code",
        "another series": "that of another series",
        "another shape": "not finite or of another shape",
        "another version": "lacks what this version keeps",
    }[damage]
    with open_store(str(path)) as store:
        found = lstm_models.load(store, numbers, STEP)
    assert told in t.cast(str, found[ids["a"]])
    assert isinstance(found[ids["b"]], lstm_models.Model)
    result = run(path)
    assert statuses(result) == {"a": "trained", "b": "unchanged"}
    assert told in result["entities"][0]["reason"]
    assert result["entities"][0]["metrics"]["warm"] is False
    assert statuses(run(path)) == {"a": "unchanged", "b": "unchanged"}


def test_a_network_that_knows_the_future_is_not_given_for_the_past(path: pathlib.Path) -> None:
    ids = put(path, {"a": walk()})
    run(path)
    with open_store(str(path)) as store:
        assert isinstance(lstm_models.load(store, [ids["a"]], STEP, now=NOW)[ids["a"]], lstm_models.Model)
        found = lstm_models.load(store, [ids["a"]], STEP, now=NOW - 1)
        assert "learned from samples after the time" in t.cast(str, found[ids["a"]])
        assert lstm_models.load(store, [ids["a"], 999], 2 * STEP) == {}


def test_training_that_ends_in_no_numbers_leaves_the_former_network(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = put(path, {"a": walk(seed=1), "b": walk(seed=2)})
    run(path)
    before = rows_of(path)
    real = lstm.train

    def wild(*arguments: t.Any, **options: t.Any) -> lstm.Trained:
        trained = real(*arguments, **options)
        trained.parameters["bias"][0] = np.nan
        return trained

    monkeypatch.setattr(lstm, "train", wild)
    result = run(path, force=True)
    assert statuses(result) == {"a": "failed", "b": "trained"}
    assert "O(seed)" in result["entities"][0]["reason"]
    assert result["warnings"] == [f"1 models could not be trained; the first: lv:web1/vg0/a, used_bytes: {result['entities'][0]['reason']}"]
    key = lstm_models.key_of(ids["a"], STEP)
    assert rows_of(path)[key] == before[key]
    assert result["written"]["models"] == 1


def test_another_step_has_a_network_of_its_own_and_a_former_own_step_ends(path: pathlib.Path) -> None:
    ids = put(path, {"a": walk(1000)})
    run(path)
    hours = run(path, step="1h")
    assert hours["entities"][0]["step_seconds"] == 3600
    keys = {step: lstm_models.key_of(ids["a"], step) for step in (STEP, 3600, 300)}
    assert sorted(rows_of(path)) == sorted([keys[STEP], keys[3600]]), "one that was asked for stands beside it"
    put(path, {"a": walk(60, seed=9)}, step=300, end=NOW + 60 * 300)
    later = run(path, now=NOW + 60 * 300)
    assert later["entities"][0]["step_seconds"] == 300
    assert later["written"]["removed"] == 1
    assert sorted(rows_of(path)) == sorted([keys[3600], keys[300]])


def test_a_check_run_trains_and_is_marked(path: pathlib.Path) -> None:
    put(path, {"a": walk()})
    result = run(path, check=True)
    assert result["check"] is True
    assert result["written"]["models"] == len(rows_of(path)) == 1
    with open_store(str(path)) as store:
        assert store.find_runs("train")[0].check is True


def test_progress_is_told_every_few_seconds_and_at_the_end(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "BATCH_SERIES", 2)
    put(path, {**{f"v{number}": walk(60, seed=number) for number in range(4)}, "few": walk(20)})
    lines: list[str] = []
    monkeypatch.setattr(train_course, "_SECONDS", 3600.0)
    run(path, progress=lines.append)
    assert [line.rpartition(",")[0] for line in lines] == ["Training networks of used_bytes: 5 of 5 series"]
    lines.clear()
    monkeypatch.setattr(train_course, "_SECONDS", 0.0)
    run(path, progress=lines.append, force=True)
    assert [int(line.split(": ")[1].split(" of ")[0]) for line in lines] == [1, 3, 5]


def test_impossible_values_are_left_out_and_told(path: pathlib.Path) -> None:
    values = walk()
    values[50:53] *= 1024.0
    put(path, {"a": values})
    found = run(path)["entities"][0]
    assert found["status"] == "trained"
    assert found["data"]["samples"] == 117
    assert "3 values" in found["reason"], found["reason"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": []}, r"No metric was given.*O\(metrics\)"),
        ({"models": ["classic"]}, r"Cannot train classic; needed are models of lstm, global \(O\(models\)\)"),
        ({"models": []}, r"Cannot train no model"),
        ({"step": "0s"}, r"A step of 0 s.*O\(step\)"),
        ({"step": "often"}, r"'often' is not a length of time.*O\(step\)"),
        ({"entities": ["lv:nobody/*"]}, r"No entity with the metric 'used_bytes' matches 'lv:nobody/\*'"),
        ({"figures": " "}, r"O\(figures\)"),
        ({"engine": "spark"}, r"Unknown engine 'spark'"),
    ],
)
def test_wrong_options_are_told_and_nothing_is_written(path: pathlib.Path, options: dict[str, t.Any], message: str) -> None:
    put(path, {"a": walk(60)})
    with pytest.raises(InputError, match=message):
        run(path, **options)
    with open_store(str(path)) as store:
        assert store.find_runs("train") == []


def test_without_a_store_nothing_is_trained(path: pathlib.Path) -> None:
    with pytest.raises(StoreError, match="store"):
        run(path)
    assert not path.exists()
