# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Flag
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import raw_connection


def rows_of(store, series):
    """What psql or Grafana would see."""
    with store.reading() as connection:
        listed = ",".join(map(str, series))
        query = f"SELECT series_id, time, value, flag FROM sample WHERE series_id IN ({listed}) ORDER BY 1, 2"
        return [tuple(row) for row in raw_connection(connection).cursor().execute(query).fetchall()]


def test_the_same_series_and_time_is_the_same_row_and_the_later_write_wins(store, new_series):
    (series,) = new_series(store, 1)
    assert store.write_samples([series, series], [60, 120], [1.0, 2.0]) == 2
    assert store.write_samples([series, series], [60, 180], [9.0, 3.0]) == 2
    assert rows_of(store, [series]) == [(series, 60, 9.0, 0), (series, 120, 2.0, 0), (series, 180, 3.0, 0)]


def test_within_one_call_the_last_one_wins(store, new_series):
    (series,) = new_series(store, 1)
    assert store.write_samples([series] * 3, [60, 60, 60], [1.0, 2.0, 3.0], [0, 0, Flag.RESET]) == 1
    assert rows_of(store, [series]) == [(series, 60, 3.0, Flag.RESET)]


def test_what_is_not_finite_is_null_and_read_as_missing(store, new_series):
    (series,) = new_series(store, 1)
    store.write_samples([series] * 4, [60, 120, 180, 240], [np.nan, np.inf, -np.inf, 4.0], [Flag.NAN, Flag.IMPOSSIBLE, Flag.NEGATIVE, 0])
    assert [row[2:] for row in rows_of(store, [series])] == [(None, 1), (None, 6), (None, 2), (4.0, 0)]


def test_the_callers_array_is_left_alone(store, new_series):
    (series,) = new_series(store, 1)
    values = np.array([np.inf])
    store.write_samples([series], [60], values)
    assert np.isinf(values).all()


def test_nothing_to_write(store):
    assert store.write_samples([], [], []) == 0


def test_an_unknown_series_is_refused_and_nothing_is_written(store, new_series):
    (series,) = new_series(store, 1)
    with pytest.raises(StoreError, match=r"series \[99999\].*put_series"):
        store.write_samples([series, 99999], [60, 60], [1.0, 1.0])
    assert rows_of(store, [series]) == []


def test_arrays_of_different_lengths_and_negative_times_are_refused(store, new_series):
    (series,) = new_series(store, 1)
    with pytest.raises(StoreError, match="1 series ids, 2 times"):
        store.write_samples([series], [60, 120], [1.0])
    with pytest.raises(StoreError, match="at the time -1"):
        store.write_samples([series], [-1], [1.0])


def test_more_rows_than_one_chunk(store, new_series):
    series = new_series(store, 3)
    times = np.arange(70_000)
    values = np.where(times % 10 == 0, np.nan, times.astype(float))
    assert store.write_samples(np.repeat(series, 70_000), np.tile(times, 3), np.tile(values, 3)) == 210_000
    assert store.sample_extent(series)[2].tolist() == [63_000] * 3
    read = store.read_samples(series, start=0, end=70_000, step=1)
    assert np.array_equal(read, np.tile(values, (3, 1)), equal_nan=True)


_VALUE = st.floats(allow_nan=True, allow_infinity=True, width=64)
_SAMPLE = st.tuples(st.integers(0, 2), st.integers(0, 12), _VALUE, st.sampled_from([0, 0, 0, int(Flag.RESET)]))


def stored(value):
    return value if np.isfinite(value) else None


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(calls=st.lists(st.lists(_SAMPLE, max_size=12), max_size=4))
def test_writing_is_a_dictionary_keyed_by_series_and_time(shared_store, new_series, calls):
    series = new_series(shared_store, 3)
    model: dict[tuple[int, int], tuple[float | None, int]] = {}
    for call in calls:
        numbers, times, values, flags = (list(column) for column in zip(*call, strict=True)) if call else ([], [], [], [])
        for _again in range(2):
            shared_store.write_samples([series[number] for number in numbers], times, values, flags)
        model.update({(series[number], time): (stored(value), flag) for number, time, value, flag in call})
    assert rows_of(shared_store, series) == [(*key, *model[key]) for key in sorted(model)]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(samples=st.lists(_SAMPLE, max_size=20, unique_by=lambda sample: sample[:2]), data=st.data())
def test_the_order_of_different_samples_does_not_matter(shared_store, new_series, samples, data):
    one, other = new_series(shared_store, 3), new_series(shared_store, 3)
    for sample in samples:
        shared_store.write_samples([one[sample[0]]], [sample[1]], [sample[2]], [sample[3]])
    mixed = data.draw(st.permutations(samples))
    shared_store.write_samples([other[sample[0]] for sample in mixed], *([sample[at] for sample in mixed] for at in (1, 2, 3)))
    for written, expected in zip(one, other, strict=True):
        assert [row[1:] for row in rows_of(shared_store, [written])] == [row[1:] for row in rows_of(shared_store, [expected])]
