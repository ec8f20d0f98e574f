# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Flag, bulk, children

HOWS = {"last": lambda values: values[-1], "mean": statistics.fmean, "max": max, "min": min}


def expected(samples, series, start, end, step, how):
    """The definition, sample by sample."""
    grid = np.full((len(series), math.ceil((end - start) / step)), np.nan)
    for row, number in enumerate(series):
        for bucket in range(grid.shape[1]):
            inside = [
                value
                for (owner, time), (value, flag) in sorted(samples.items())
                if owner == number
                and start + bucket * step <= time < min(end, start + (bucket + 1) * step)
                and flag == 0
                and math.isfinite(value)
            ]
            if inside:
                grid[row, bucket] = HOWS[how](inside)
    return grid


_VALUE = st.floats(-1e9, 1e9) | st.just(math.nan)
_SAMPLES = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(0, 40)), st.tuples(_VALUE, st.sampled_from([0, 0, 0, int(Flag.GAP)])), max_size=40
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    samples=_SAMPLES,
    start=st.integers(0, 30),
    length=st.integers(1, 30),
    step=st.integers(1, 15),
    how=st.sampled_from(sorted(HOWS)),
    data=st.data(),
)
def test_reading_is_its_definition(shared_store, new_series, samples, start, length, step, how, data):
    series = new_series(shared_store, 3)
    written = {(series[number], time): sample for (number, time), sample in samples.items()}
    if written:
        owners, times = zip(*written, strict=True)
        shared_store.write_samples(owners, times, [value for value, _flag in written.values()], [flag for _value, flag in written.values()])
    order = data.draw(st.lists(st.sampled_from(series), max_size=5))
    read = shared_store.read_samples(order, start=start, end=start + length, step=step, how=how)
    wanted = expected(written, order, start, start + length, step, how)
    assert read.dtype == np.float64
    assert read.shape == wanted.shape
    np.testing.assert_allclose(read, wanted, rtol=1e-12, atol=1e-6)


def test_gaps_between_ids_and_ids_nobody_has(store, new_series):
    series = new_series(store, 5)
    store.write_samples(series, [60] * 5, [0.0, 1.0, 2.0, 3.0, 4.0])
    chosen = [series[4], 10**6, series[0], series[2], series[0]]
    assert np.array_equal(store.read_samples(chosen, start=60, end=61, step=1), [[4.0], [np.nan], [0.0], [2.0], [0.0]], equal_nan=True)


def test_no_series_give_an_empty_array(store):
    assert store.read_samples([], start=0, end=100, step=10).shape == (0, 10)


@pytest.mark.parametrize(
    ("arguments", "message"), [({"end": 0}, "start < end"), ({"step": 0}, "at least 1 s"), ({"how": "median"}, "last, mean, max, min")]
)
def test_senseless_questions_are_refused(store, arguments, message):
    with pytest.raises(StoreError, match=message):
        store.read_samples([1], **{"start": 0, "end": 100, "step": 10} | arguments)


@pytest.mark.parametrize("how", sorted(HOWS))
def test_every_road_gives_the_same(store, new_series, monkeypatch, how):
    """The child process, the cursor, and the cursor inside a transaction."""
    series = new_series(store, 20)
    rng = np.random.default_rng(1)
    times = np.arange(0, 86400 * 3, 600)
    values = rng.normal(size=(len(series), len(times)))
    store.write_samples(np.repeat(series, len(times)), np.tile(times, len(series)), values.ravel())
    store.apply_retention(86400 * 3, raw_seconds=86400, hourly_seconds=2 * 86400)
    question = {"start": 0, "end": 86400 * 3, "step": 7200, "how": how}
    by_cursor = store.read_samples(series, **question)
    with store.transaction():
        assert np.array_equal(store.read_samples(series, **question), by_cursor, equal_nan=True)
    monkeypatch.setattr(bulk, "CHILD_FROM", 1)
    monkeypatch.setattr(bulk, "ROWS", 777)
    np.testing.assert_allclose(store.read_samples(series, **question), by_cursor, rtol=1e-12)


def test_a_child_process_that_fails_is_told(tmp_path, monkeypatch):
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store

    monkeypatch.setattr(bulk, "CHILD_FROM", 1)
    with open_store(str(tmp_path / "store.db")) as store:

        def sources(_series):
            return [bulk.Source("no_such_table", "time", "value", "1.0", "1 = 1")]

        with pytest.raises(StoreError, match=r"reading process ended with 1.*no_such_table"):
            list(bulk.blocks(store, np.array([1]), sources, weighted=False, expected=1))


def test_a_reader_that_stops_early_leaves_no_child(tmp_path, monkeypatch, new_series):
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store

    monkeypatch.setattr(bulk, "CHILD_FROM", 1)
    monkeypatch.setattr(bulk, "ROWS", 1000)
    started = []
    start = children._start

    def note(*arguments):
        started.append(start(*arguments))
        return started[-1]

    monkeypatch.setattr(children, "_start", note)
    with open_store(str(tmp_path / "store.db")) as store:
        (series,) = new_series(store, 1)
        store.write_samples([series] * 50_000, range(50_000), range(50_000))
        parts = bulk.blocks(
            store, np.array([1]), lambda _series: [bulk.Source("sample", "time", "value", "1.0", "1 = 1")], weighted=False, expected=1
        )
        assert len(next(parts).times) == 1000
        ((child, _complaints),) = started
        assert child.poll() is None
        parts.close()
        assert child.poll() is not None


def test_times_of_good_samples_rolled_up_ones_by_their_newest(store, new_series):
    first, second, empty = new_series(store, 3)
    times = [0, 600, 1200, 3600, 90_000, 90_060, 90_120]
    store.write_samples([first] * 7, times, [1.0] * 6 + [math.nan], [0] * 4 + [0, int(Flag.GAP), 0])
    store.write_samples([second], [90_030], [1.0])
    store.apply_retention(100_000, raw_seconds=50_000, hourly_seconds=60_000)
    found = store.sample_times([second, first, empty, first], start=0, end=90_061)
    assert {number: some.tolist() for number, some in found.items()} == {first: [1200, 3600, 90_000], second: [90_030], empty: []}
    assert store.sample_times([first], start=0, end=90_000)[first].tolist() == [1200, 3600]
    assert store.sample_times([], start=0, end=1) == {}
