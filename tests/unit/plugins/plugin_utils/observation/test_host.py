# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import observe


def host(observation):
    return observation.entities[0].attributes


def test_no_facts(documents):
    for facts in ({}, {"foresight_lvm": None}, {"other": 1}, "nonsense", None):
        seen = observe("web1", facts, recorded_at=documents.NOW)
        assert (seen.status, seen.reason) == ("no_facts", "no_facts")


def test_one_old_document_does_not_cost_the_fresh_one(documents):
    first = observe("web1", {"foresight_lvm": documents.lvm(), "foresight_node": documents.node()}, recorded_at=documents.NOW)
    facts = {"foresight_lvm": documents.lvm(documents.NOW + 60), "foresight_node": documents.node()}
    second = observe("web1", facts, recorded_at=documents.NOW + 60, last=first.next_last)
    assert second.documents == ["foresight_lvm"]
    assert "foresight_node" in second.message
    assert host(second)["documents"]["foresight_node"]["observed_at"] == documents.NOW
    assert host(second)["counters"] == host(first)["counters"]


def test_a_clock_that_jumped_flags_the_whole_observation(documents):
    first = observe("web1", {"foresight_node": documents.node(), "foresight_lvm": documents.lvm()}, recorded_at=documents.NOW)
    at = documents.NOW + 200
    facts = {"foresight_node": documents.node(at, uptime=1060.0), "foresight_lvm": documents.lvm(at)}
    second = observe("web1", facts, recorded_at=documents.NOW + 60, last=first.next_last)
    assert second.status == "recorded"
    assert {sample.flag for sample in second.samples} == {"clock"}
    assert any("clock jumped" in issue.message for issue in second.issues)
    facts = {"foresight_node": documents.node(at + 60, uptime=1120.0), "foresight_lvm": documents.lvm(at + 60)}
    third = observe("web1", facts, recorded_at=documents.NOW + 120, last=second.next_last)
    assert {sample.flag for sample in third.samples} == {None}


def test_a_jump_is_seen_without_an_uptime_too(documents):
    first = observe("web1", {"foresight_lvm": documents.lvm()}, recorded_at=documents.NOW)
    facts = {"foresight_lvm": documents.lvm(documents.NOW + 260)}
    second = observe("web1", facts, recorded_at=documents.NOW + 60, last=first.next_last)
    assert {sample.flag for sample in second.samples} == {"clock"}


def test_a_slow_run_is_no_jump_of_any_clock(documents):
    """Another host made the second run wait for a quarter of an hour; the third is quick again."""
    last = None
    for at, started_at, recorded_at in ((0, -5, 5), (600, 595, 1490), (1800, 1795, 1805)):
        facts = {"foresight_lvm": documents.lvm(documents.NOW + at)}
        seen = observe("web1", facts, recorded_at=documents.NOW + recorded_at, started_at=documents.NOW + started_at, last=last)
        assert (seen.status, seen.issues) == ("recorded", [])
        assert {sample.flag for sample in seen.samples} == {None}
        last = seen.next_last


def test_a_document_that_comes_seldom_is_compared_with_its_own_last_time(documents):
    last = None
    for at, facts in (
        (0, {"foresight_lvm": documents.lvm()}),
        (86_400, {"foresight_lxc": documents.lxc(documents.NOW + 86_400)}),
        (87_000, {"foresight_lvm": documents.lvm(documents.NOW + 87_000)}),
    ):
        seen = observe("web1", facts, recorded_at=documents.NOW + at, last=last)
        assert seen.issues == []
        last = seen.next_last


def test_recorded_documents_are_shifted_and_not_compared_with_the_clock(documents):
    mark = {"shifted_by": 5_000_000}
    seen = observe("lab1", {"foresight_lvm": documents.lvm(1_700_000_000)}, recorded_at=documents.NOW, recorded=mark)
    assert seen.status == "recorded"
    assert {sample.time for sample in seen.samples} == {1_705_000_000}
    assert all(entity.attributes["recorded"] == mark for entity in seen.entities)


def test_another_machine_under_a_known_name_is_told(documents):
    first = observe("web1", {"foresight_lvm": documents.lvm()}, recorded_at=documents.NOW)
    at = documents.NOW + 60
    same = observe("web1", {"foresight_lvm": documents.lvm(at)}, recorded_at=at, last=first.next_last)
    other = observe("web1", {"foresight_lvm": documents.lvm(at, machine_id="m2")}, recorded_at=at, last=first.next_last)
    assert same.issues == []
    assert [(issue.entity, issue.kind) for issue in other.issues] == [("host:web1", "other_machine")]
    assert "a store each" in other.issues[0].message
