# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa

ROW = {"digest": "d1", "issued_at": 100, "horizon_seconds": 3600, "step_seconds": 600, "method": "theta", "status": "ok"}


def test_the_newest_forecast_of_each_series(store, new_series):
    one, two, none = new_series(store, 3)
    store.save_forecasts([{**ROW, "series_id": number, "document": {"of": number, "q": [0.1, None]}} for number in (one, two)])
    store.save_forecasts([{**ROW, "series_id": one, "issued_at": 200, "document": {"of": one, "new": True}}])
    assert store.find_forecasts([one, two, none]) == {one: {"of": one, "new": True}, two: {"of": two, "q": [0.1, None]}}
    assert store.find_forecasts([one], newest=False) == {one: [{"of": one, "new": True}, {"of": one, "q": [0.1, None]}]}
    assert store.find_forecasts([]) == {}


def test_forecasts_are_found_by_digest(store, new_series):
    (series,) = new_series(store, 1)
    store.save_forecasts(
        [
            {**ROW, "series_id": series, "document": {"n": 1}},
            {**ROW, "series_id": series, "digest": "d2", "issued_at": 300, "document": {"n": 2}},
        ]
    )
    assert store.find_forecasts([series], "d1") == {series: {"n": 1}}
    assert store.find_forecasts([series], "d2") == {series: {"n": 2}}
    assert store.find_forecasts([series], "d3") == {}
    assert store.find_forecasts([series]) == {series: {"n": 2}}


def test_saving_a_forecast_again_replaces_it(store, new_series):
    (series,) = new_series(store, 1)
    for document in ({"n": 1}, {"n": 2}):
        store.save_forecasts([{**ROW, "series_id": series, "document": document}])
    assert store.find_forecasts([series], newest=False) == {series: [{"n": 2}]}


def test_thousands_of_forecasts_in_one_call(store, new_series):
    series = new_series(store, 2000)
    store.save_forecasts([{**ROW, "series_id": number, "document": {"quantiles": [float(number)] * 50}} for number in series])
    assert {number: found["quantiles"][0] for number, found in store.find_forecasts(series).items()} == {
        number: float(number) for number in series
    }


@pytest.mark.parametrize("payload", [None, b"", b"\x00\xff" * 1000])
def test_a_model_comes_back(store, payload):
    store.save_model("m", "chosen", {"method": "theta", "score": 0.1, "grösse": [1]}, payload)
    assert store.load_model("m") == ({"method": "theta", "score": 0.1, "grösse": [1]}, payload)
    assert store.load_model("other") is None


def test_models_by_key_and_replaced(store):
    for number in range(3):
        store.save_model(f"m{number}", "chosen", {"n": number}, None)
    store.save_model("m1", "chosen", {"n": 10}, b"x")
    assert store.load_models(["m0", "m1", "nobody"]) == {"m0": ({"n": 0}, None), "m1": ({"n": 10}, b"x")}


@pytest.mark.parametrize("damage", [{"payload": b"other"}, {"kind": "other"}, {"meta": {"n": 2}}, {"payload": None}])
def test_a_damaged_model_is_refused(store, damage):
    store.save_model("m", "chosen", {"n": 1}, b"bytes")
    with store.transaction() as connection:
        connection.execute(sa.update(tables().model).values(**damage))
    with pytest.raises(StoreError, match=r"'m' .* does not match its checksum"):
        store.load_model("m")


def test_a_damaged_model_costs_the_others_nothing(store):
    store.save_models((name, "lstm", {"n": name}, b"bytes") for name in ("a", "b"))
    with store.transaction() as connection:
        connection.execute(sa.update(tables().model).where(tables().model.c.key == "a").values(payload=b"other"))
    found = store.read_models(["a", "b", "nobody"])
    assert found["b"] == ({"n": "b"}, b"bytes")
    assert "'a'" in found["a"]
    assert "does not match its checksum" in found["a"]
    assert len(found) == 2


def test_models_of_a_kind_and_their_end(store):
    store.save_models((f"{kind}/{number}", kind, {}, None) for kind in ("lstm", "choice") for number in (2, 1))
    assert store.find_model_keys("lstm") == ["lstm/1", "lstm/2"]
    assert store.remove_models([]) == 0
    assert store.remove_models(["lstm/1", "lstm/3"]) == 1
    assert store.find_model_keys("lstm") == ["lstm/2"]
    assert store.find_model_keys("choice") == ["choice/1", "choice/2"]
