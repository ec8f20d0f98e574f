# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import observe


def series(observation, identity="host:web1"):
    return {sample.metric: (sample.value, sample.flag) for sample in observation.samples if sample.identity == identity}


def two(documents, later, seconds=60, first=None):
    before = observe("web1", {"foresight_node": first or documents.node()}, recorded_at=documents.NOW)
    return observe("web1", {"foresight_node": later}, recorded_at=documents.NOW + seconds, last=before.next_last)


def test_the_first_observation_has_no_rates(documents):
    seen = observe("web1", {"foresight_node": documents.node()}, recorded_at=documents.NOW)
    assert series(seen) == {
        "memory_bytes": (2 * documents.GIB, None),
        "swap_bytes": (0, None),
        "load_1": (0.7, None),
        "cpu_cores": (0.5, None),
        "cpu_pressure": (0.125, None),
    }


def test_rates_from_counters(documents):
    later = documents.node(documents.NOW + 60, busy=190.0, uptime=1060.0)
    later["disks"] = {name: {"read_bytes": 7000, "write_bytes": 8000} for name in ("sda", "sda1", "dm-0")}
    later["network"] = {"eth0": {"rx_bytes": 610, "tx_bytes": 20}, "lo": {"rx_bytes": 500, "tx_bytes": 500}}
    values = series(two(documents, later))
    assert values["cpu_cores"] == (pytest.approx(1.5), None)
    assert values["disk_read_bytes_per_second"] == (pytest.approx(100.0), None)
    assert values["disk_write_bytes_per_second"] == (pytest.approx(100.0), None)
    assert values["network_rx_bytes_per_second"] == (pytest.approx(10.0), None)
    assert values["network_tx_bytes_per_second"] == (0.0, None)


def test_a_restart_gives_flagged_holes_not_negative_rates(documents):
    later = documents.node(documents.NOW + 60, busy=1.0, uptime=30.0, boot_id="b2")
    values = series(two(documents, later))
    assert values["cpu_cores"] == (None, "reset")
    assert values["disk_read_bytes_per_second"] == (None, "reset")


def test_a_counter_that_went_back_is_a_reset(documents):
    later = documents.node(documents.NOW + 60, uptime=1060.0)
    later["disks"]["sda"] = {"read_bytes": 10, "write_bytes": 2000}
    values = series(two(documents, later))
    assert values["disk_read_bytes_per_second"] == (None, "reset")
    assert values["disk_write_bytes_per_second"] == (0.0, None)


def test_more_cores_in_use_than_there_are(documents):
    later = documents.node(documents.NOW + 60, busy=100.0 + 60 * 5, uptime=1060.0)
    assert series(two(documents, later))["cpu_cores"] == (pytest.approx(5.0), "impossible")


def test_a_rate_over_a_gap_is_flagged(documents):
    first = observe("web1", {"foresight_node": documents.node()}, recorded_at=documents.NOW)
    at = documents.NOW + 60
    second = observe("web1", {"foresight_node": documents.node(at, uptime=1060.0)}, recorded_at=at, last=first.next_last)
    at += 3600
    third = observe("web1", {"foresight_node": documents.node(at, uptime=4660.0)}, recorded_at=at, last=second.next_last)
    assert series(third)["disk_read_bytes_per_second"] == (0.0, "gap")
    assert series(third)["memory_bytes"] == (2 * documents.GIB, None)
    at += 3600
    fourth = observe("web1", {"foresight_node": documents.node(at, uptime=8260.0)}, recorded_at=at, last=third.next_last)
    assert series(fourth)["disk_read_bytes_per_second"] == (0.0, None)


def test_more_memory_used_than_there_is(documents):
    document = documents.node()
    document["memory"]["used"] = 9 * documents.GIB
    seen = observe("web1", {"foresight_node": document}, recorded_at=documents.NOW)
    assert series(seen)["memory_bytes"][1] == "impossible"


def test_a_host_without_pressure(documents):
    seen = observe("web1", {"foresight_node": documents.node(pressure=None)}, recorded_at=documents.NOW)
    assert "cpu_pressure" not in series(seen)
    assert seen.issues == []


def test_whole_seconds_of_the_clock_do_not_make_a_busy_host_impossible(documents):
    later = documents.node(documents.NOW + 4, busy=100.0 + 4 * 4.9, uptime=1004.9)
    assert series(two(documents, later, seconds=4))["cpu_cores"] == (pytest.approx(4.0), None)
