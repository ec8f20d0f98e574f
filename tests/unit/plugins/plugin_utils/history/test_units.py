# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.units import conversion, unit_of


@pytest.mark.parametrize(
    ("metric", "unit", "factor"),
    [
        ("used_bytes", None, 1),
        ("used_bytes", "bytes", 1),
        ("used_bytes", "B", 1),
        ("used_bytes", "kB", 1000),
        ("used_bytes", "KiB", 1024),
        ("used_bytes", "K", 1024),
        ("used_bytes", "GB", 10**9),
        ("used_bytes", "TiB", 2**40),
        ("used_bytes", "sectors", 512),
        ("disk_read_bytes_per_second", "MiB/s", 2**20),
        ("disk_read_bytes_per_second", "kB/s", 1000),
        ("network_rx_bytes_per_second", "Mbit/s", 125_000),
        ("cpu_cores", "millicores", 0.001),
        ("cpu_cores", "percent_of_core", 0.01),
        ("data_fraction", "percent", 0.01),
        ("cpu_pressure", "%", 0.01),
        ("load_1", None, 1),
        ("p99", "ms", 0.001),
        ("requests", "count", 1),
    ],
)
def test_conversions(metric, unit, factor):
    assert conversion(metric, unit).factor == factor


@pytest.mark.parametrize(
    ("metric", "unit"),
    [
        ("used_bytes", "percent"),
        ("used_bytes", "GiB/s"),
        ("used_bytes", "Gb"),
        ("used_bytes", "furlongs"),
        ("used_bytes", ""),
        ("cpu_cores", "percent"),
        ("data_fraction", "GiB"),
        ("disk_read_bytes_per_second", "GiB"),
    ],
)
def test_units_that_do_not_fit(metric, unit):
    with pytest.raises(InputError, match=f"does not fit the metric {metric}"):
        conversion(metric, unit)


def test_units_of_metrics():
    assert unit_of("used_bytes") == "bytes"
    assert unit_of("memory_limit_bytes") == "bytes"
    assert unit_of("cpu_cores_limit") == "cores"
    assert unit_of("io_pressure") == "fraction"
    assert unit_of("disk_read_bytes_per_second") == "bytes_per_second"
    assert unit_of("inodes_used") == "count"
    assert unit_of("p99") is None


def test_a_kpi_may_be_negative_and_bytes_may_not():
    assert not conversion("profit", None).nonnegative
    assert conversion("used_bytes", None).nonnegative
