# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import math
import pathlib
import typing as t

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError, StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast import forecast
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.series import series

NOW, STEP, SAMPLES = 1_763_700_000, 600, 60
GIB = 2**30
SIZES = {"size_bytes": 20 * GIB, "fs": {"type": "xfs", "size": 16 * GIB}}
KEYS = (
    "entity", "metric", "unit", "issued_at", "step_seconds", "horizon", "method", "reason", "quantiles", "peak", "runway", "backtest", "history",
    "status", "note", "explain",
)  # fmt: skip


def ramp(count: int = SAMPLES, rate: float = 10 * 2**20) -> list[float]:
    return [10 * GIB + rate * step for step in range(count)]


def put(
    path: pathlib.Path, values: dict[str, list[float]], *, metric: str = "used_bytes", late: int = 0, **attributes: t.Any
) -> dict[str, int]:
    """Record the values of each volume, the last one `late` seconds before NOW, and return the ids of the series."""
    with open_store(str(path)) as store:
        rows = [
            EntityRow(f"lv:web1/uuid-{name}", f"lv:web1/vg0/{name}", "lv", "web1", {**SIZES, **attributes}, NOW)
            for name in values
        ]  # fmt: skip
        entities = store.put_entities(rows)
        found = {}
        for row, (name, samples) in zip(rows, values.items(), strict=True):
            number = store.put_series([(entities[row.identity], metric, "bytes", False)])[entities[row.identity], metric]
            times = [NOW - late - STEP * (len(samples) - 1 - index) for index in range(len(samples))]
            store.write_samples([number] * len(samples), times, samples)
            found[name] = number
        return found


def ask(path: pathlib.Path, **options: t.Any) -> list[dict[str, t.Any]]:
    found = forecast(**{"store": str(path), "metrics": ["used_bytes"], "entities": ["lv:*"], "horizon": "1h", "now": NOW, **options})
    json.dumps(found, allow_nan=False)
    return found


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "store.db"


def test_document_of_a_growing_volume(path: pathlib.Path) -> None:
    put(path, {"data": ramp()})
    (found,) = ask(path, horizon="12h")
    assert tuple(found) == KEYS
    assert {name: found[name] for name in ("entity", "metric", "unit", "issued_at", "step_seconds", "horizon", "status", "note")} == {
        "entity": "lv:web1/vg0/data", "metric": "used_bytes", "unit": "bytes", "issued_at": NOW, "step_seconds": STEP, "horizon": 43200,
        "status": "ok", "note": "",
    }  # fmt: skip
    values = ramp()
    assert found["history"] == {
        "samples": SAMPLES,
        "first": NOW - (SAMPLES - 1) * STEP,
        "last": NOW,
        "gaps": 0,
        "mean": pytest.approx(np.mean(values)),
    }
    assert list(found["quantiles"]) == ["0.1", "0.5", "0.9"]
    expected = [values[-1] + 10 * 2**20 * step for step in range(1, 73)]
    assert found["quantiles"]["0.5"] == pytest.approx(expected)
    assert found["peak"]["window_seconds"] == 43200
    assert found["peak"]["quantiles"]["0.9"] >= expected[-1] * (1 - 1e-12)
    assert found["runway"]["limit"] == 16 * GIB
    assert found["runway"]["limit_kind"] == "capacity"
    assert found["runway"]["seconds"] == {"0.1": None, "0.5": None, "0.9": None}
    assert set(found["backtest"]) == {"mase", "pinball", "coverage80", "origins"}


def test_runway_to_a_share_of_the_capacity(path: pathlib.Path) -> None:
    put(path, {"data": ramp(rate=64 * 2**20)})
    (found,) = ask(path, horizon="12h", limit="90%")
    steps = np.ceil((0.9 * 16 * GIB - ramp(rate=64 * 2**20)[-1]) / (64 * 2**20))
    assert found["runway"]["limit_kind"] == "policy"
    assert found["runway"]["limit"] == pytest.approx(0.9 * 16 * GIB)
    assert found["runway"]["seconds"] == dict.fromkeys(("0.1", "0.5", "0.9"), steps * STEP)
    assert found["runway"]["reach_probability"] == 1.0
    assert ask(path, limit="none")[0]["runway"] is None
    assert ask(path, limit="15 GiB")[0]["runway"]["limit"] == 15 * GIB
    assert ask(path, limit=15 * GIB)[0]["runway"]["limit_kind"] == "policy"


def test_without_file_system_the_volume_is_the_limit(path: pathlib.Path) -> None:
    put(path, {"data": ramp()}, fs=None)
    assert ask(path)[0]["runway"]["limit"] == 20 * GIB


def test_fraction_is_limited_to_one(path: pathlib.Path) -> None:
    put(path, {"pool": list(np.linspace(0.5, 0.99, SAMPLES))}, metric="data_fraction")
    (found,) = ask(path, metrics=["data_fraction"], horizon="6h")
    assert max(found["quantiles"]["0.9"]) == 1.0
    assert found["runway"]["limit"] == 1.0
    assert found["runway"]["reach_probability"] == 1.0


def test_status_of_each_without_failing_the_others(path: pathlib.Path) -> None:
    put(path, {"ok": ramp(), "cold": ramp(13), "bad": [float("nan")] * 30})
    put(path, {"old": ramp()}, late=4 * STEP)
    put(path, {"before": ramp()}, late=30 * 86400)
    with open_store(str(path)) as store:
        store.put_entities([EntityRow("lv:web1/uuid-none", "lv:web1/vg0/none", "lv", "web1", {}, NOW)])
    found = {item["entity"].rpartition("/")[2]: item for item in ask(path, entities=["lv:*", "lv:web1/vg0/none"])}
    assert {name: item["status"] for name, item in found.items()} == {
        "ok": "ok",
        "cold": "cold_start",
        "bad": "invalid",
        "old": "stale",
        "before": "invalid",
        "none": "invalid",
    }
    assert found["cold"]["note"] == "13 samples; needed are 14 (O(min_samples))"
    assert found["old"]["note"] == "The newest sample is 40m old; allowed are 30m (O(max_age))"
    assert "no usable samples" in found["bad"]["note"]
    assert "no samples of used_bytes yet" in found["none"]["note"]
    assert found["before"]["note"] == "The newest usable sample is 4w 2d old, before the history that is used (O(history))"
    for name in ("bad", "before", "none"):
        assert {found[name][key] for key in ("method", "quantiles", "peak", "runway", "backtest", "explain")} == {None}
    for item in found.values():
        assert tuple(item) == KEYS


def test_max_age_and_min_samples_are_options(path: pathlib.Path) -> None:
    put(path, {"old": ramp()}, late=4 * STEP)
    assert ask(path)[0]["status"] == "stale"
    assert ask(path, max_age="1h")[0]["status"] == "ok"
    (found,) = ask(path, max_age="1h", min_samples=100)
    assert (found["status"], found["note"]) == ("cold_start", "60 samples; needed are 100 (O(min_samples))")


@pytest.mark.parametrize("late", [2, 5])
def test_the_horizon_counts_from_now(path: pathlib.Path, late: int) -> None:
    rate = 2**20
    put(path, {"late": ramp(rate=rate)}, late=late * STEP)
    expected = [ramp(rate=rate)[-1] + rate * (late + step) for step in range(1, 7)]
    assert ask(path, max_age="1h")[0]["quantiles"]["0.5"] == pytest.approx(expected)


def test_a_clock_that_is_ahead_is_no_replay(path: pathlib.Path) -> None:
    put(path, {"data": ramp()}, late=-120)
    assert ask(path)[0]["history"]["samples"] == SAMPLES
    with open_store(str(path)) as store:
        assert len(store.find_forecasts([info.id for info in store.find_series()])) == 1, "it is not remembered"


def test_what_comes_after_now_is_not_seen(path: pathlib.Path) -> None:
    put(path, {"data": ramp()})
    before = ask(path, now=NOW - 20 * STEP)
    with open_store(str(path)) as store:
        (number,) = [info.id for info in store.find_series()]
        store.write_samples([number], [NOW - 10 * STEP], [1e15])
    assert ask(path, now=NOW - 20 * STEP) == before
    assert before[0]["history"]["last"] <= NOW - 20 * STEP


def test_what_was_left_out_of_a_history_is_told_beside_the_status(path: pathlib.Path) -> None:
    values = ramp()
    values[20] = -1.0
    put(path, {"data": values})
    (found,) = ask(path)
    assert found["status"] == "ok"
    assert "1 value below 0 B was left out" in found["note"]
    (late,) = ask(path, max_age=100, now=NOW + 101)
    assert late["note"].startswith("The newest sample is 1m 41s old")
    assert late["note"].endswith(found["note"]), "remembered with the forecast"


def test_what_would_change_a_forecast_is_part_of_it(path: pathlib.Path) -> None:
    put(path, {"data": ramp(), "cold": ramp(9)})
    found = {item["entity"].rpartition("/")[2]: item["explain"] for item in ask(path)}
    assert sum(found["data"]["weights"].values()) == pytest.approx(1.0)
    assert set(found["data"]["weights"]) <= set(found["data"]["scores"])
    assert [item["missing"] for item in found["data"]["would_change"] if item["cause"] == "samples"] == [SAMPLES]
    assert found["cold"]["weights"] == {"empirical": 1.0}
    assert [item["missing"] for item in found["cold"]["would_change"]] == [5]
    assert ask(path, model="drift")[1]["explain"]["weights"] == {"drift": 1.0}


class TestMemory:
    def test_given_again_until_a_sample_comes_or_a_step_has_passed(self, path: pathlib.Path) -> None:
        number = next(iter(put(path, {"data": ramp()}).values()))
        first = ask(path)
        assert ask(path, now=NOW + STEP - 1) == first
        assert ask(path, now=NOW + STEP)[0]["issued_at"] == NOW + STEP
        with open_store(str(path)) as store:
            store.write_samples([number], [NOW + 1], [ramp()[-1]])
        assert ask(path, now=NOW + 2)[0]["issued_at"] == NOW + 2

    def test_status_is_that_of_now(self, path: pathlib.Path) -> None:
        put(path, {"data": ramp()})
        first = ask(path, max_age=100)
        later = ask(path, max_age=100, now=NOW + 101)
        assert (first[0]["status"], later[0]["status"]) == ("ok", "stale")
        assert later[0]["issued_at"] == NOW

    def test_other_questions_are_other_forecasts(self, path: pathlib.Path) -> None:
        put(path, {"data": ramp()})
        ask(path)
        assert len(ask(path, horizon="2h")[0]["quantiles"]["0.5"]) == 12
        assert list(ask(path, quantiles=[0.25, 0.75])[0]["quantiles"]) == ["0.25", "0.75"]
        assert ask(path, model="drift")[0]["method"] == "drift"
        assert ask(path, limit="50%")[0]["runway"]["limit"] == 8 * GIB

    def test_a_renamed_volume_keeps_its_forecast_under_its_new_name(self, path: pathlib.Path) -> None:
        put(path, {"data": ramp()})
        first = ask(path)
        with open_store(str(path)) as store:
            attributes = {"size_bytes": 20 * GIB, "fs": {"type": "xfs", "size": 16 * GIB}}
            store.put_entities([EntityRow("lv:web1/uuid-data", "lv:web1/vg0/renamed", "lv", "web1", attributes, NOW + 1)])
        assert ask(path) == [{**first[0], "entity": "lv:web1/vg0/renamed"}]

    def test_a_choice_is_kept_until_its_forecast_scores_badly(self, path: pathlib.Path) -> None:
        random = np.random.default_rng(4)
        values = list(10 * GIB + np.cumsum(random.normal(size=SAMPLES)) * 2**20)
        number = next(iter(put(path, {"data": values}).values()))
        first = ask(path)[0]

        def after(changes: t.Any, now: int) -> str:
            with open_store(str(path)) as store:
                store.write_samples([number] * 6, [now - STEP * (5 - step) for step in range(6)], list(values[-1] + changes))
            return str(ask(path, now=now)[0]["reason"])

        assert after(np.zeros(6), NOW + 6 * STEP) == first["reason"]
        assert after(np.arange(1, 7) * 200 * 2**20, NOW + 12 * STEP) != first["reason"]


def test_series_of_several_steps_are_forecast_apart(path: pathlib.Path) -> None:
    put(path, {"usual": ramp()})
    with open_store(str(path)) as store:
        entities = store.put_entities([EntityRow("lv:web1/fast", "lv:web1/vg0/fast", "lv", "web1", {"size_bytes": GIB}, NOW)])
        number = store.put_series([(entities["lv:web1/fast"], "used_bytes", "bytes", False)])[entities["lv:web1/fast"], "used_bytes"]
        times = NOW - 5 * np.arange(40) + np.random.default_rng(0).integers(-1, 1, 40)
        store.write_samples([number] * 40, times, np.arange(40.0)[::-1])
    assert {item["entity"][-4:]: item["step_seconds"] for item in ask(path)} == {"sual": STEP, "fast": 5}
    # 6 h in steps of 5 s would be 4,320 values: the step is made longer
    assert {item["entity"][-4:]: item["step_seconds"] for item in ask(path, horizon="6h")} == {"sual": STEP, "fast": 15}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"entities": ["lv:web1/vg0/dato"]},
            r"No entity with the metric 'used_bytes' matches 'lv:web1/vg0/dato'.*similar.*lv:web1/vg0/data",
        ),
        ({"entities": []}, r"matches nothing"),
        ({"metrics": ["cpu_cores"]}, r"None of the 1 entities that match 'lv:\*' has the metric 'cpu_cores'; they have used_bytes"),
        ({"metrics": []}, r"No metric was given"),
        ({"horizon": "soon"}, r"'soon' is not a length of time.*O\(horizon\)"),
        ({"horizon": 0}, r"horizon of 0 s"),
        ({"model": "oracle"}, r"Unknown forecasting model"),
        ({"limit": "half"}, r"'half' is no limit"),
        ({"quantiles": [0.9, 0.1]}, r"not ascending"),
        ({"engine": "spark"}, r"Unknown engine"),
    ],
)
def test_wrong_options(path: pathlib.Path, options: dict[str, t.Any], message: str) -> None:
    put(path, {"data": ramp()})
    with pytest.raises(InputError, match=message):
        ask(path, **options)


def test_no_store(path: pathlib.Path) -> None:
    with pytest.raises(StoreError):
        ask(path)


def test_empty_store(path: pathlib.Path) -> None:
    with open_store(str(path)):
        pass
    with pytest.raises(InputError, match="holds no entities yet"):
        ask(path)


class TestSeries:
    def test_reduced(self, path: pathlib.Path) -> None:
        values = ramp()
        values[10] = float("nan")
        put(path, {"data": values, "none": [float("nan")]})
        found = {
            item["entity"].rpartition("/")[2]: item
            for item in series(store=str(path), metrics=["used_bytes"], entities=["lv:*"], now=NOW, window="1d")
        }
        data, none = found["data"], found["none"]
        known = [value for value in values if not math.isnan(value)]
        assert (data["count"], data["gaps"], data["first"], data["last"]) == (59, 1, values[0], values[-1])
        assert data["slope_per_day"] == pytest.approx(10 * 2**20 * 86400 / STEP)
        assert [data[name] for name in ("min", "mean", "max", "p50", "p90")] == pytest.approx(
            [min(known), np.mean(known), max(known), np.quantile(known, 0.5), np.quantile(known, 0.9)]
        )
        assert (none["count"], none["last"], none["slope_per_day"]) == (0, None, None)

    def test_window_and_step(self, path: pathlib.Path) -> None:
        put(path, {"data": ramp()})
        (found,) = series(store=str(path), metrics=["used_bytes"], entities=["lv:*"], now=NOW, window="1h", step="30m", how="max")
        assert (found["count"], found["step_seconds"], found["max"]) == (2, 1800, ramp()[-1])

    @pytest.mark.parametrize(
        ("options", "message"), [({"how": "median"}, "Cannot reduce"), ({"window": 0}, "window of 0 s"), ({"metrics": []}, "No metric")]
    )
    def test_wrong_options(self, path: pathlib.Path, options: dict[str, t.Any], message: str) -> None:
        put(path, {"data": ramp()})
        with pytest.raises(InputError, match=message):
            series(**{"store": str(path), "metrics": ["used_bytes"], "entities": ["*"], "now": NOW, **options})
