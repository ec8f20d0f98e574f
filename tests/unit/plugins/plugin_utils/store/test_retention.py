# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Flag, retention
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import raw_connection

HOUR, DAY = 3600, 86400


def count(store, table):
    with store.reading() as connection:
        return raw_connection(connection).cursor().execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_raw_becomes_hours_and_hours_become_days(store, new_series):
    (series,) = new_series(store, 1)
    times = np.arange(0, 10 * DAY, 600)
    store.write_samples([series] * len(times), times, times.astype(float))
    done = store.apply_retention(10 * DAY, raw_seconds=2 * DAY, hourly_seconds=6 * DAY)
    made = {"hours": 8 * 24, "days": 4, "samples": 8 * 144, "hours_removed": 4 * 24}
    assert done == {**made, "days_removed": 0, "forecasts": 0, "pictures": 0, "models": 0}
    assert (count(store, "sample"), count(store, "sample_hour"), count(store, "sample_day")) == (2 * 144, 4 * 24, 4)
    again = store.apply_retention(10 * DAY, raw_seconds=2 * DAY, hourly_seconds=6 * DAY)
    assert not any(again.values())


def test_days_and_forecasts_end_too(store, new_series):
    (series,) = new_series(store, 1)
    store.write_samples([series] * 3, [0, DAY, 5 * DAY], [1.0, 2.0, 3.0])
    row = {"digest": "d", "horizon_seconds": 1, "step_seconds": 1, "method": "naive", "status": "ok", "document": {}}
    store.save_forecasts([{"series_id": series, "issued_at": at, **row} for at in (0, 9 * DAY)])
    done = store.apply_retention(10 * DAY, raw_seconds=DAY, hourly_seconds=2 * DAY, daily_seconds=9 * DAY, forecast_seconds=5 * DAY)
    assert (done["days_removed"], done["forecasts"]) == (1, 1)
    assert store.sample_extent([series])[2].tolist() == [2]


def test_flagged_samples_end_without_being_rolled_up(store, new_series):
    (series,) = new_series(store, 1)
    store.write_samples([series] * 3, [0, 60, HOUR], [1.0, 1e18, 5.0], [0, Flag.IMPOSSIBLE, Flag.RESET])
    store.apply_retention(10 * DAY, raw_seconds=DAY, hourly_seconds=9 * DAY + HOUR)
    assert count(store, "sample") == 0
    assert np.nanmax(store.read_samples([series], start=0, end=DAY, step=DAY, how="max")) == 1.0
    assert store.sample_extent([series])[2].tolist() == [1]


def test_importing_rolled_up_history_again_counts_nothing_twice(store, new_series):
    (series, other) = new_series(store, 2)
    times = np.arange(0, 4 * DAY, 600)
    store.write_samples([series] * len(times), times, times.astype(float))
    store.apply_retention(4 * DAY, raw_seconds=DAY, hourly_seconds=2 * DAY)
    before = store.read_samples([series], start=0, end=4 * DAY, step=DAY, how="mean")
    assert store.write_samples([series] * len(times), times, times.astype(float)) == 144
    assert store.write_samples([other] * len(times), times, times.astype(float)) == len(times)
    store.apply_retention(4 * DAY, raw_seconds=DAY, hourly_seconds=2 * DAY)
    np.testing.assert_allclose(store.read_samples([series, other], start=0, end=4 * DAY, step=DAY, how="mean"), np.tile(before, (2, 1)))
    assert store.sample_extent([series, other])[2].tolist() == [len(times)] * 2


def test_a_day_is_found_without_going_through_the_whole_table(store, new_series):
    series = new_series(store, 20)
    times = np.arange(0, 90 * DAY, 1800)
    store.write_samples(np.repeat(series, len(times)), np.tile(times, len(series)), np.ones(len(series) * len(times)))
    with store.transaction() as connection:
        driver = raw_connection(connection)
        driver.execute("ANALYZE sample")
        for statement in retention._HOURS:
            text = statement.format(every=retention._EVERY_SERIES[store.dialect]).replace(":begin", "86400").replace(":end", "172800")
            explain = "EXPLAIN QUERY PLAN" if store.dialect == "sqlite" else "EXPLAIN"
            plan = "\n".join(str(row) for row in driver.execute(f"{explain} {text}").fetchall())
            assert "SCAN sample" not in plan
            assert "Seq Scan on sample" not in plan


def test_ages_that_do_not_grow_are_refused(store):
    with pytest.raises(StoreError, match="ages that grow"):
        store.apply_retention(0, raw_seconds=10, hourly_seconds=5)


_SAMPLES = st.dictionaries(st.integers(0, 6 * DAY // 900).map(lambda slot: slot * 900 + 7), st.floats(-1e6, 1e6), min_size=1, max_size=60)
_AGES = st.lists(st.integers(0, 6 * DAY), min_size=2, max_size=2).map(sorted)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(samples=_SAMPLES, turns=st.lists(st.tuples(_AGES, st.integers(0, 6 * DAY)), min_size=1, max_size=3))
def test_count_min_mean_max_and_last_of_every_day_are_kept(shared_store, new_series, samples, turns):
    (series,) = new_series(shared_store, 1)
    shared_store.write_samples([series] * len(samples), list(samples), list(samples.values()))

    def days():
        question = {"start": 0, "end": 7 * DAY, "step": DAY}
        by = [shared_store.read_samples([series], **question, how=how) for how in ("min", "mean", "max", "last")]
        return np.vstack(by), int(shared_store.sample_extent([series])[2][0]), shared_store.last_samples([series])

    before, number, newest = days()
    for (raw, hourly), extra in sorted(turns, key=lambda turn: turn[1]):
        shared_store.apply_retention(6 * DAY + extra, raw_seconds=raw, hourly_seconds=hourly)
        after, number_after, newest_after = days()
        np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-6)
        assert number_after == number
        assert (newest_after[0], newest_after[1]) == (newest[0], newest[1])


def test_trained_models_end_with_their_age_or_with_their_series(store, new_series):
    kept, old, retired = new_series(store, 3)
    series = {item.id: item.entity_id for item in store.find_series()}
    gone = next(entity for entity in store.find_entities() if entity.id == series[retired])
    with store.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE entity SET current = FALSE WHERE id = {gone.id}")
    ages = {kept: 9 * DAY, old: 4 * DAY, retired: 9 * DAY, 10**6: 9 * DAY}
    store.save_models((f"lstm/{number}/600", "lstm", {"series_id": number, "trained_at": at}, b"x") for number, at in ages.items())
    store.save_models(
        [("global/used_bytes", "global", {"trained_at": 4 * DAY}, b"x"), ("global/cpu_cores", "global", {"trained_at": 9 * DAY}, b"x")]
    )
    store.save_models([(f"choice/{old}/f", "choice", {"method": "naive"}, None)])
    ends = {"raw_seconds": 10 * DAY, "hourly_seconds": 10 * DAY}
    assert store.apply_retention(10 * DAY, **ends)["models"] == 2, "no age is given, and two series are gone"
    assert store.find_model_keys("lstm") == sorted([f"lstm/{kept}/600", f"lstm/{old}/600"])
    assert store.apply_retention(10 * DAY, **ends, model_seconds=5 * DAY)["models"] == 2
    assert store.find_model_keys("lstm") == [f"lstm/{kept}/600"]
    assert store.find_model_keys("global") == ["global/cpu_cores"]
    assert store.find_model_keys("choice") == [f"choice/{old}/f"]
    assert store.apply_retention(10 * DAY, **ends, model_seconds=5 * DAY)["models"] == 0
