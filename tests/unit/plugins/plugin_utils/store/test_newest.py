# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Flag

DAY = 86400


def test_the_ends_of_series_in_the_order_asked_for(store, new_series):
    first, second, empty = new_series(store, 3)
    store.write_samples([first] * 3, [60, 120, 200], [1.0, 2.0, 3.0])
    store.write_samples([second], [500], [5.0])
    asked = [empty, second, first, second, 10**6]
    starts, ends, counts = store.sample_extent(asked)
    assert starts.tolist() == [-1, 500, 60, 500, -1]
    assert ends.tolist() == [-1, 500, 200, 500, -1]
    assert counts.tolist() == [0, 1, 3, 1, 0]
    times, values = store.last_samples(asked)
    assert times.tolist() == [-1, 500, 200, 500, -1]
    assert np.array_equal(values, [np.nan, 5.0, 3.0, 5.0, np.nan], equal_nan=True)
    assert store.typical_step(asked).tolist() == [0, 0, 70, 0, 0]


def test_flagged_and_empty_samples_do_not_count(store, new_series):
    (series,) = new_series(store, 1)
    store.write_samples([series] * 4, [60, 120, 180, 240], [1.0, 2.0, np.nan, 4.0], [0, 0, 0, Flag.IMPOSSIBLE])
    assert [part.tolist() for part in store.sample_extent([series])] == [[60], [120], [2]]
    assert [part.tolist() for part in store.last_samples([series])] == [[120], [2.0]]


def test_the_usual_distance_is_that_of_the_newest_samples(store, new_series):
    (series,) = new_series(store, 1)
    old = np.arange(0, 100_000, 10)
    new = 200_000 + np.arange(60) * 600
    times = np.concatenate([old, new])
    store.write_samples([series] * len(times), times, np.ones(len(times)))
    assert store.typical_step([series]).tolist() == [600]


def test_rolled_up_history_counts(store, new_series):
    rolled, both, empty = new_series(store, 3)
    store.write_samples([rolled] * 24, np.arange(24) * 3600 + 1800, np.arange(24.0))
    store.write_samples([both] * 2, [1800, 10 * DAY], [1.0, 7.0])
    store.apply_retention(10 * DAY, raw_seconds=2 * DAY, hourly_seconds=5 * DAY)
    starts, ends, counts = store.sample_extent([rolled, both, empty])
    assert starts.tolist() == [0, 0, -1]
    assert ends.tolist() == [23 * 3600 + 1800, 10 * DAY, -1]
    assert counts.tolist() == [24, 2, 0]
    assert store.last_samples([rolled, both])[0].tolist() == [23 * 3600 + 1800, 10 * DAY]
    assert store.last_samples([rolled, both])[1].tolist() == [23.0, 7.0]


def test_no_series(store):
    assert [len(part) for part in store.sample_extent([])] == [0, 0, 0]
    assert [len(part) for part in store.last_samples([])] == [0, 0]
    assert len(store.typical_step([])) == 0
