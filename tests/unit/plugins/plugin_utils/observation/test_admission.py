# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import observe


def host(observation):
    return observation.entities[0].attributes


@pytest.mark.parametrize("name", ["", "a/b", "a b", "a\n", "x" * 300, "\ud800"])
def test_a_host_name_that_fits_into_no_key(documents, name):
    assert observe(name, {"foresight_lvm": documents.lvm()}, recorded_at=documents.NOW).reason == "invalid_host"


@pytest.mark.parametrize("name", ["web1", "10.0.0.1", "fe80::1", "büro-1", "web1.example.com"])
def test_host_names_and_addresses(documents, name):
    assert observe(name, {"foresight_lvm": documents.lvm()}, recorded_at=documents.NOW).status == "recorded"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": "foresight.lvm/2"}, "unknown_schema"),
        ({"schema": None}, "unknown_schema"),
        ({"observed_at": None}, "invalid_document"),
        ({"observed_at": "today"}, "invalid_document"),
        ({"observed_at": True}, "invalid_document"),
        ({"observed_at": -5}, "invalid_document"),
        ({"observed_at": float("nan")}, "invalid_document"),
        ({"observed_at": 1_763_700_000 + 301}, "clock_off"),
        ({"observed_at": 1_763_700_000 - 301}, "clock_off"),
    ],
)
def test_rejections(documents, change, reason):
    seen = observe("web1", {"foresight_lvm": {**documents.lvm(), **change}}, recorded_at=documents.NOW)
    assert (seen.status, seen.reason) == ("rejected", reason)
    assert "web1" in seen.message
    assert seen.samples == []


def test_facts_of_an_earlier_run_are_not_taken_again(documents):
    first = observe("web1", {"foresight_lvm": documents.lvm()}, recorded_at=documents.NOW)
    again = observe("web1", {"foresight_lvm": documents.lvm()}, recorded_at=documents.NOW + 60, last=first.next_last)
    assert (again.status, again.reason) == ("rejected", "not_newer")
    later = observe("web1", {"foresight_lvm": documents.lvm(documents.NOW + 60)}, recorded_at=documents.NOW + 60, last=first.next_last)
    assert later.status == "recorded"


def test_a_host_that_made_the_run_wait_costs_no_other(documents):
    facts = {"foresight_lvm": documents.lvm(documents.NOW - 900)}
    assert observe("web1", facts, recorded_at=documents.NOW).reason == "clock_off"
    seen = observe("web1", facts, recorded_at=documents.NOW, started_at=documents.NOW - 905)
    assert seen.status == "recorded"
    assert host(seen)["clock_offset"] == 0


def test_a_clock_that_went_back_is_told(documents):
    first = observe("web1", {"foresight_node": documents.node()}, recorded_at=documents.NOW)
    facts = {"foresight_node": documents.node(documents.NOW - 100, uptime=1010.0)}
    second = observe("web1", facts, recorded_at=documents.NOW + 10, last=first.next_last)
    assert second.reason == "not_newer"
    assert "went back" in second.message


def test_live_facts_do_not_go_with_a_shifted_history(documents):
    first = observe("lab1", {"foresight_lvm": documents.lvm(1)}, recorded_at=documents.NOW, recorded={"shifted_by": 7})
    live = observe("lab1", {"foresight_lvm": documents.lvm()}, recorded_at=documents.NOW, last=first.next_last)
    assert (live.status, live.reason) == ("rejected", "recorded_host")
    unshifted = observe("lab1", {"foresight_lvm": documents.lvm(1)}, recorded_at=documents.NOW, recorded={"shifted_by": 0})
    live = observe("lab1", {"foresight_lvm": documents.lvm()}, recorded_at=documents.NOW, last=unshifted.next_last)
    assert live.status == "recorded"
    assert host(live)["recorded"] is None
