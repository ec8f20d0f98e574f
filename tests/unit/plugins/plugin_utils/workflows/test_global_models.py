# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What series have in common is learned once, kept in the store and used until there is a reason to learn it anew."""

from __future__ import annotations

import json
import pathlib
import typing as t

import numpy as np
import pytest

pytest.importorskip("torch")

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine, engine_local
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import (
    batch,
    classic_lstm,
    classical,
    family_files,
    global_model,
    lstm,
    lstm_network,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import forecast as workflow
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import global_models
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast import forecast
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_memory import CHOICE_KIND
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train import train

NOW, STEP, GIB, DAY = 1_763_700_000, 600, 2**30, 86400
COUNT, LENGTH, HORIZON = 24, 90, 6
KEY = global_models.key_of("used_bytes", STEP, HORIZON, 1)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train in this process, and no longer than the tests need to see; without theta and ETS, whose fits take long."""
    monkeypatch.setattr(engine_local, "run_each", lambda function, batches, **_how: map(function, batches))
    monkeypatch.setattr(global_model, "MIN_STEPS", 30)
    monkeypatch.setattr(global_model, "MAX_STEPS", 30)
    monkeypatch.setattr(global_model, "MAX_WINDOWS", 240)
    monkeypatch.setattr(lstm_network, "EPOCHS", 3)
    monkeypatch.setattr(classical, "available", lambda: False)


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[global_model.Job]:
    """The jobs of the global network for what has no season, as they come; by chance a series has one now and then."""
    real, jobs = global_model.train, []

    def noted(job: global_model.Job) -> t.Any:
        if job.season == 1:
            jobs.append(job)
        return real(job)

    monkeypatch.setattr(global_model, "train", noted)
    return jobs


def walk(number: int, length: int = LENGTH) -> np.ndarray:
    """Return a volume whose changes are mostly taken back by the next one: something that all series have in common."""
    changes = np.random.default_rng(number).normal(size=length) * 1e8
    changes[1:] -= 0.8 * changes[:-1]
    return 10 * GIB + np.cumsum(changes)


def put(path: pathlib.Path, numbers: t.Iterable[int] = range(COUNT), *, length: int = LENGTH, end: int = NOW) -> None:
    with open_store(str(path)) as store:
        rows = [EntityRow(f"lv:web1/uuid-{one}", f"lv:web1/vg0/v{one:03}", "lv", "web1", {"size_bytes": 64 * GIB}, NOW) for one in numbers]
        entities = store.put_entities(rows)
        ids = store.put_series([(entities[row.identity], "used_bytes", "bytes", False) for row in rows])
        for row, number in zip(rows, numbers, strict=True):
            times = [end - STEP * (length - 1 - place) for place in range(length)]
            store.write_samples([ids[entities[row.identity], "used_bytes"]] * length, times, walk(number, length))


def ask(path: pathlib.Path, **options: t.Any) -> list[dict[str, t.Any]]:
    found = forecast(**{"store": str(path), "metrics": ["used_bytes"], "entities": ["lv:*"], "horizon": "1h", "now": NOW, **options})
    json.dumps(found, allow_nan=False)
    return found


def row_of(path: pathlib.Path, key: str = KEY) -> tuple[dict[str, t.Any], bytes]:
    with open_store(str(path)) as store:
        return store.read_models([key])[key]


def change_row(path: pathlib.Path, key: str = KEY, **values: t.Any) -> None:
    table = tables().model
    with open_store(str(path)) as store, store.transaction() as connection:
        assert connection.execute(sa.update(table).where(table.c.key == key).values(**values)).rowcount == 1


def rewritten(path: pathlib.Path, **changes: t.Any) -> None:
    """Store the row again with another meta, and with the checksum that belongs to it."""
    meta, payload = row_of(path)
    with open_store(str(path)) as store:
        store.save_model(KEY, global_models.KIND, {**meta, **changes}, payload)


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    put(tmp_path / "store.db")
    return tmp_path / "store.db"


def test_what_was_learned_is_kept_and_serves_the_next_forecast(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ask(path)
    meta, payload = row_of(path)
    assert {name: meta[name] for name in ("metric", "step_seconds", "horizon_steps", "season", "trained_at", "fleet", "values")} == {
        "metric": "used_bytes", "step_seconds": STEP, "horizon_steps": HORIZON, "season": 1, "trained_at": NOW, "fleet": COUNT, "values": COUNT * LENGTH,
    }  # fmt: skip
    assert meta["data"] == {"first": NOW - (LENGTH - 1) * STEP, "last": NOW, "samples": COUNT * LENGTH}
    assert sum(meta["weights"].values()) == pytest.approx(1.0)
    with open_store(str(path)) as store:
        others = [key for key in store.find_model_keys("global") if key != KEY]
    assert meta["series"] == meta["examined"] == COUNT - sum(row_of(path, key)[0]["series"] for key in others)
    assert meta["networks"] == len(family_files.from_bytes(payload, key=KEY).networks) == global_model.NETWORKS
    assert any("global" in item["explain"]["weights"] for item in first)
    monkeypatch.setattr(global_model, "train", lambda _job: pytest.fail("the networks are trained again"))
    put(path, length=1, end=NOW + STEP)
    later = ask(path, now=NOW + STEP)
    assert [item["issued_at"] for item in later] == [NOW + STEP] * COUNT
    assert [item["reason"] for item in later] == [item["reason"] for item in first], "the choices are kept as well"
    assert ask(path, model="global", now=NOW + STEP)[0]["method"] == "global"
    assert row_of(path) == (meta, payload)
    # Another look at the same samples without the store's forecasts is the same forecast, bit for bit.
    assert [item["quantiles"] for item in ask(path, limit="80%", now=NOW + STEP)] == [item["quantiles"] for item in later]


def test_another_horizon_and_metric_have_their_own(path: pathlib.Path, trainings: list[t.Any]) -> None:
    ask(path)
    known = len(trainings)
    ask(path, horizon="30m")
    assert len(trainings) > known
    with open_store(str(path)) as store:
        assert store.find_model_keys("global") == [global_models.key_of("used_bytes", STEP, 3, 1), KEY]


@pytest.mark.parametrize(
    ("later", "there", "anew"),
    [
        (6 * DAY, COUNT, False),
        (8 * DAY, COUNT, True),
        (8 * DAY, COUNT // 2, True),
        (8 * DAY, COUNT // 2 - 1, False),
        (0, 2 * COUNT - 1, False),
        (0, 2 * COUNT, True),
    ],
)
def test_when_it_is_learned_anew(later: int, there: int, anew: bool) -> None:
    meta = {"data": {"last": NOW}, "model": "auto", "able": True, "fleet": COUNT, "values": COUNT * LENGTH, "trained_at": NOW}
    extent = global_models.Extent(there, there * LENGTH, NOW, NOW)
    stored = {1: global_models.Stored(None, meta)}
    assert (not global_models.usable(stored, now=NOW + later, there=extent, model="auto")) is anew


def test_longer_histories_are_a_reason_to_learn_anew() -> None:
    meta = {"data": {"last": NOW}, "model": "auto", "able": True, "fleet": 4, "values": 400, "trained_at": NOW}
    stored = {1: global_models.Stored(None, meta)}
    assert global_models.usable(stored, now=NOW, there=global_models.Extent(4, 799, NOW, NOW), model="auto")
    assert not global_models.usable(stored, now=NOW, there=global_models.Extent(4, 800, NOW, NOW), model="auto")


def test_more_series_teach_it_anew_and_so_does_torch_that_came_later(path: pathlib.Path, trainings: list[t.Any]) -> None:
    ask(path)
    known = len(trainings)
    put(path, range(COUNT, 2 * COUNT))
    ask(path)
    # Only the new series are asked for now: the others' forecasts are remembered.
    assert len(trainings) == known
    put(path, range(2 * COUNT), length=1, end=NOW + STEP)
    ask(path, now=NOW + STEP)
    assert len(trainings) > known
    assert row_of(path)[0]["fleet"] == 2 * COUNT
    known = len(trainings)
    rewritten(path, able=False)
    ask(path, now=NOW + 2 * STEP)
    assert len(trainings) > known
    assert row_of(path)[0]["able"] is True


def test_a_family_of_other_code_is_learned_anew_without_a_word(path: pathlib.Path, trainings: list[t.Any]) -> None:
    ask(path)
    known = len(trainings)
    rewritten(path, code="older")
    found = ask(path, now=NOW + STEP)
    assert len(trainings) > known
    assert {item["note"] for item in found} == {""}
    assert row_of(path)[0]["code"] == family_files.family_version()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"checksum": "0" * 64}, "does not match its checksum"),
        ({"payload": b"nonsense"}, "does not match its checksum"),
    ],
)
def test_a_damaged_row_costs_a_note_and_a_new_learning(
    path: pathlib.Path, trainings: list[t.Any], values: dict[str, t.Any], told: str
) -> None:
    ask(path)
    known, whole = len(trainings), row_of(path)
    change_row(path, **values)
    found = ask(path, now=NOW + STEP)
    assert len(trainings) > known
    assert all(item["status"] == "ok" and told in item["note"] for item in found)
    assert row_of(path)[0]["trained_at"] == NOW + STEP
    assert row_of(path)[0]["code"] == whole[0]["code"]
    assert {item["note"] for item in ask(path, now=NOW + 2 * STEP)} == {""}


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda payload: payload[:-7], "damaged"),
        (lambda _payload: b"", "no model file"),
        (lambda payload: payload.replace(b"empirical", b"empiricus"), "damaged"),
    ],
)
def test_a_row_whose_content_was_damaged_before_it_was_stored_is_not_used(
    path: pathlib.Path, trainings: list[t.Any], damage: t.Any, told: str
) -> None:
    ask(path)
    known, (meta, payload) = len(trainings), row_of(path)
    with open_store(str(path)) as store:
        store.save_model(KEY, global_models.KIND, meta, damage(payload))
    found = ask(path, now=NOW + STEP)
    assert len(trainings) > known
    assert all(item["status"] == "ok" and told in item["note"] for item in found)


def test_a_look_back_does_not_use_what_was_learned_later(path: pathlib.Path, trainings: list[t.Any]) -> None:
    then = NOW - 10 * STEP
    ask(path)
    after, whole = len(trainings), row_of(path)
    replay = ask(path, now=then)
    assert len(trainings) > after
    assert row_of(path) == whole, "nor is what it learned kept"
    other = path.with_name("other.db")
    put(other, length=LENGTH)
    assert [item["quantiles"] for item in ask(other, now=then)] == [item["quantiles"] for item in replay]


def test_what_knows_later_samples_is_not_replaced_by_what_does_not(path: pathlib.Path, trainings: list[t.Any]) -> None:
    ask(path)
    # These have no samples after that time, so for them it is the present.
    put(path, range(COUNT, 2 * COUNT), end=NOW - 20 * STEP)
    known, whole = len(trainings), row_of(path)
    then = {"entities": ["lv:*", *(f"!*/v{number:03}" for number in range(COUNT))], "now": NOW - 20 * STEP}
    assert {item["status"] for item in ask(path, **then)} == {"ok"}
    assert len(trainings) > known
    assert row_of(path) == whole
    found = train(store=str(path), models=["global"], horizon="1h", **then)["entities"]
    assert [document["reason"] for document in found if document["entity"] == KEY] == [
        "what is stored has learned from samples after now, and stays (O(now))"
    ]
    assert row_of(path) == whole


def test_what_only_the_global_model_was_asked_for_is_completed_by_a_mixture(path: pathlib.Path, trainings: list[t.Any]) -> None:
    ask(path, model="global")
    assert row_of(path)[0]["model"] == "global"
    known = len(trainings)
    ask(path)
    assert len(trainings) > known
    assert row_of(path)[0]["model"] == "auto"
    known = len(trainings)
    ask(path, model="global", limit="none")
    assert len(trainings) == known


def test_two_forecasts_at_once_do_not_break_each_other(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, inner = workflow.forecast_panel, []

    def meanwhile(*arguments: t.Any, **options: t.Any) -> t.Any:
        if not inner:
            inner.append(None)
            inner[0] = ask(path, seed=1, entities=["lv:*", "!*/v00*"])
        return real(*arguments, **options)

    monkeypatch.setattr(workflow, "forecast_panel", meanwhile)
    outer = ask(path)
    assert {item["status"] for item in [*outer, *inner[0]]} == {"ok"}
    assert row_of(path)[0]["fleet"] == COUNT, "the later one stays, whole"
    monkeypatch.setattr(global_model, "train", lambda _job: pytest.fail("what is stored cannot be used"))
    assert {item["status"] for item in ask(path, now=NOW + STEP)} == {"ok"}


def test_all_series_of_one_step_are_one_call_of_the_engine(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(path)
    put(path, length=1, end=NOW + STEP)
    real, calls = engine.run, []

    def counted(function: t.Any, batches: t.Any, **how: t.Any) -> t.Any:
        calls.append((function, len(batches)))
        return real(function, batches, **how)

    monkeypatch.setattr(engine, "run", counted)
    assert len(ask(path, now=NOW + STEP)) == COUNT
    assert [function for function, count in calls if count] == [batch.forecast_batch]


class TestOwnNetworks:
    def test_a_trained_network_is_weighed_once_and_told(self, path: pathlib.Path) -> None:
        first = ask(path)[0]
        assert "lstm" not in first["explain"]["scores"]
        train(store=str(path), now=NOW, models=["lstm"], entities=["lv:web1/vg0/v000"])
        (found,) = ask(path, now=NOW + STEP, entities=["lv:web1/vg0/v000"])
        assert "lstm" in found["explain"]["scores"]
        assert found["reason"] != first["reason"]
        (again,) = ask(path, now=NOW + 2 * STEP, entities=["lv:web1/vg0/v000"])
        assert again["reason"] == found["reason"], "weighed anew once, not at every forecast"

    def test_it_serves_the_model_that_asks_for_it(self, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        train(store=str(path), now=NOW, models=["lstm"])
        monkeypatch.setattr(lstm, "train", lambda *_arguments, **_options: pytest.fail("trained again"))
        found = ask(path, model="lstm")
        assert {item["method"] for item in found} == {"lstm"}
        assert found[0]["explain"]["would_change"][-1]["cause"] == "network"

    @pytest.mark.parametrize("model", ["lstm", "classic_lstm"])
    def test_one_that_a_forecast_trained_for_itself_is_not_kept(
        self, path: pathlib.Path, model: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(classic_lstm, "EPOCHS", 1)
        found = ask(path, model=model, entities=["lv:web1/vg0/v000"])
        assert [item["method"] for item in found] == [model]
        with open_store(str(path)) as store:
            assert [store.find_model_keys(kind) for kind in (CHOICE_KIND, model)] == [[], []]

    def test_one_that_is_damaged_becomes_the_note_of_its_series_alone(self, path: pathlib.Path) -> None:
        train(store=str(path), now=NOW, models=["lstm"])
        with open_store(str(path)) as store:
            key = store.find_model_keys("lstm")[0]
        change_row(path, key, checksum="0" * 64)
        notes = [item["note"] for item in ask(path)]
        assert [bool(note) for note in notes] == [True] + [False] * (COUNT - 1)
        assert "does not match its checksum" in notes[0]


class TestTrain:
    """C(train) with models=[global]."""

    @staticmethod
    def run(path: pathlib.Path, **options: t.Any) -> dict[str, t.Any]:
        result = train(**{"store": str(path), "now": NOW, "models": ["global"], "horizon": "1h", **options})
        json.dumps(result, allow_nan=False)
        return result

    @staticmethod
    def of_no_season(result: dict[str, t.Any]) -> dict[str, t.Any]:
        return next(document for document in result["entities"] if document["entity"] == KEY)

    def test_the_lookup_then_only_predicts(self, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        result = self.run(path)
        document = self.of_no_season(result)
        assert (document["model"], document["status"], document["step_seconds"], document["season"]) == ("global", "trained", STEP, 1)
        assert document["metrics"]["networks"] == global_model.NETWORKS
        assert sum(one["metrics"]["series"] for one in result["entities"] if one["metrics"]) <= COUNT
        assert document["metrics"]["series"] == document["metrics"]["examined"] >= COUNT - 2
        assert sum(document["metrics"]["weights"].values()) == pytest.approx(1.0)
        assert any(KEY in line and "best served by" in line for line in result["summary"])
        before = row_of(path)
        real = global_model.train
        monkeypatch.setattr(global_model, "train", lambda job: pytest.fail("trained again") if job.season == 1 else real(job))
        found = ask(path)
        assert {item["status"] for item in found} == {"ok"}
        assert any("global" in item["explain"]["weights"] for item in found)
        assert row_of(path) == before

    def test_it_learns_what_a_forecast_learns(self, path: pathlib.Path) -> None:
        other = path.with_name("other.db")
        put(other)
        ask(other)
        self.run(path)
        assert row_of(path)[1] == row_of(other)[1]

    def test_the_same_samples_are_not_learned_from_again(self, path: pathlib.Path, trainings: list[t.Any]) -> None:
        first = self.run(path)
        known = len(trainings)
        again = self.run(path, now=NOW + 60)
        assert self.of_no_season(again)["status"] == "unchanged"
        assert self.of_no_season(again)["metrics"] == self.of_no_season(first)["metrics"]
        assert len(trainings) == known
        for options in ({"force": True}, {"seed": 1}, {"history": "12h"}):
            assert self.of_no_season(self.run(path, **options))["status"] == "trained"
        put(path, length=1, end=NOW + STEP)
        assert self.of_no_season(self.run(path, now=NOW + STEP, history="12h"))["status"] == "trained"

    def test_a_run_that_was_interrupted_goes_on_where_it_was(
        self, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, trainings: list[t.Any]
    ) -> None:
        with open_store(str(path)) as store:
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
                self.run(path, horizon="3h")
        assert set(keys) == {STEP}
        known = len(trainings)
        resumed = self.run(path, horizon="3h")
        assert [one["status"] for one in resumed["entities"] if one["step_seconds"] == STEP] == ["unchanged"] * len(keys)
        assert {job.step_seconds for job in trainings[known:]} == {3600.0}

    def test_too_few_values_are_skipped_and_nothing_is_stored(self, tmp_path: pathlib.Path) -> None:
        few, short = tmp_path / "few.db", tmp_path / "short.db"
        put(few, range(2), length=40)
        put(short, range(2), length=10)
        assert [document["status"] for document in self.run(few)["entities"]] == ["skipped"]
        assert "windows" in self.run(few)["entities"][0]["reason"]
        assert "too short" in self.run(short)["entities"][0]["reason"]
        with open_store(str(few)) as store:
            assert store.find_model_keys("global") == []

    def test_numbers_that_are_not_finite_fail_and_the_former_model_stays(self, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run(path)
        before, real = row_of(path), global_model.train
        monkeypatch.setattr(
            global_model, "train", lambda job: [{**one, "last_bias": one["last_bias"] * np.float32("nan")} for one in real(job)]
        )
        result = self.run(path, force=True)
        assert self.of_no_season(result)["status"] == "failed"
        assert "not finite" in self.of_no_season(result)["reason"]
        assert "could not be trained" in result["warnings"][0]
        assert row_of(path) == before

    def test_a_look_back_trains_nothing(self, path: pathlib.Path) -> None:
        assert [document["status"] for document in self.run(path, now=NOW - 20 * STEP)["entities"]] == ["skipped"]
