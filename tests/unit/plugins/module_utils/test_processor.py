from __future__ import annotations

import os

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.processor import CpuTimes, cores_in_use, read_cpu_times


def test_columns(tree):
    hertz = os.sysconf("SC_CLK_TCK")
    times = read_cpu_times(tree({"/proc/stat": "cpu  1 2 3 4 5 6 7 8 90 90\ncpu0 1\ncpu7 1\nctxt 5\n"}))
    assert times == CpuTimes(2, 3 / hertz, 16 / hertz, 5 / hertz, 8 / hertz, 4 / hertz, 36 / hertz)
    assert times.used == pytest.approx(19 / hertz)


def test_old_kernel_with_fewer_columns(tree):
    assert read_cpu_times(tree({"/proc/stat": "cpu  100 0 100 800\ncpu0 1\n"})).steal == 0


def test_no_counters(tree):
    assert read_cpu_times(tree({})) is None


def test_no_time_between_readings():
    times = CpuTimes(2, 1.0, 1.0, 0.0, 0.0, 1.0, 3.0)
    assert cores_in_use(times, times) is None


def test_counters_that_run_backwards_use_nothing():
    before, after = CpuTimes(2, 5.0, 1.0, 0.0, 0.0, 1.0, 7.0), CpuTimes(2, 4.0, 1.0, 0.0, 0.0, 5.0, 10.0)
    assert cores_in_use(before, after) == 0
