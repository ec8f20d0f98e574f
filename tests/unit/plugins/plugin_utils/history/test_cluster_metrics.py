# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.history.cluster_metrics import flags_of, read_points
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.timeframes import Points

GIB = 2**30


def told(kind, *rows):
    found = read_points(kind, [{"time": 1800 * number, **row} for number, row in enumerate(rows, start=1)], 60)
    return {metric: dict(zip(some.times.tolist(), some.values.tolist(), strict=True)) for metric, some in found.items()}


def test_a_guest_is_told_in_cores_and_bytes():
    assert told("guest", {"cpu": 0.25, "maxcpu": 4, "mem": GIB}) == {"cpu_cores": {1800: 1.0}, "memory_bytes": {1800: float(GIB)}}


def test_what_is_missing_is_no_point_whether_its_key_is_or_its_value():
    rows = (
        {},
        {"cpu": None, "maxcpu": 4, "mem": GIB},
        {"cpu": float("nan"), "maxcpu": 4, "mem": None},
        {"cpu": "0.5", "maxcpu": "4", "mem": "7"},
    )
    assert told("guest", *rows) == {"cpu_cores": {7200: 2.0}, "memory_bytes": {3600: float(GIB), 7200: 7.0}}


def test_a_guest_that_does_not_run_has_no_samples_and_one_that_idles_has():
    rows = ({"cpu": 0, "maxcpu": 4, "mem": 0}, {"cpu": 0, "maxcpu": 4, "mem": GIB})
    assert told("guest", *rows) == {"cpu_cores": {3600: 0.0}, "memory_bytes": {3600: float(GIB)}}


def test_the_zfs_cache_of_a_node_does_not_count_and_without_one_the_memory_is_what_it_is():
    row = {"cpu": 0.5, "maxcpu": 8, "memused": 10 * GIB}
    assert told("node", {**row, "arcsize": 4 * GIB})["memory_bytes"] == {1800: 6.0 * GIB}
    assert told("node", row) == {"cpu_cores": {1800: 4.0}, "memory_bytes": {1800: 10.0 * GIB}}


def test_memory_of_a_time_whose_zfs_cache_is_not_known_is_left_out():
    row = {"cpu": 0.5, "maxcpu": 8, "memused": 10 * GIB}
    assert told("node", row, {**row, "arcsize": 4 * GIB}) == {"cpu_cores": {1800: 4.0, 3600: 4.0}, "memory_bytes": {3600: 6.0 * GIB}}


def test_a_storage_is_what_it_holds():
    assert told("storage", {"total": 9, "used": 5}) == {"used_bytes": {1800: 5.0}}


def test_steps_are_those_of_the_times_and_rows_may_come_in_any_order():
    rows = [{"time": time, "used": time} for time in (1800, 0, 600, 1200)]
    found = read_points("storage", rows, 60)["used_bytes"]
    assert (found.step, found.times.tolist(), found.values.tolist()) == (600, [0, 600, 1200, 1800], [0.0, 600.0, 1200.0, 1800.0])
    assert read_points("storage", rows[:1], 60)["used_bytes"].step == 60
    assert read_points("storage", [], 60)["used_bytes"].times.tolist() == []


@pytest.mark.parametrize("rows", [["no row"], [{"used": 1}], [{"time": 60, "used": "much"}], [{"time": "noon", "used": 1}]])
def test_what_is_no_history_is_refused(rows):
    with pytest.raises((TypeError, ValueError)):
        read_points("storage", rows, 60)


def test_impossible_values_are_flagged():
    some = Points(60, np.array([60, 120, 180, 240]), np.array([1.0, -1.0, 9.0, 2.0]))
    assert flags_of("node", "cpu_cores", some, capacity=4.0, latest=180) == [None, "negative", "impossible", "clock"]
    assert flags_of("guest", "cpu_cores", some, capacity=None, latest=240) == [None, "negative", None, None]
