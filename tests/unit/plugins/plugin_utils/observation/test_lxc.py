# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import observe


def series(observation, identity):
    return {sample.metric: (sample.value, sample.flag) for sample in observation.samples if sample.identity == identity}


def guests(observation):
    return {entity.key: entity for entity in observation.entities if entity.kind == "guest"}


def test_a_container_of_a_plain_host(documents):
    seen = observe("box", {"foresight_lxc": documents.lxc()}, recorded_at=documents.NOW)
    guest = guests(seen)["guest:box/lxc/web"]
    assert guest.host == "box"
    assert guest.attributes["cpu_cores_limit"] == 2.0
    assert seen.complete == {"guest": {"guest:box/lxc/web"}}
    values = series(seen, guest.identity)
    assert values["memory_bytes"] == (documents.GIB, None)
    assert values["filesystem_used_bytes"] == (documents.GIB, None)
    assert "cpu_cores" not in values
    assert seen.issues == []


def test_cpu_cores_between_two_observations(documents):
    first = observe("box", {"foresight_lxc": documents.lxc()}, recorded_at=documents.NOW)
    later = documents.lxc(documents.NOW + 60, [documents.container(cpu_seconds=140.0)])
    second = observe("box", {"foresight_lxc": later}, recorded_at=documents.NOW + 60, last=first.next_last)
    assert series(second, "guest:box/lxc/web")["cpu_cores"] == (pytest.approx(1.5), None)


def test_a_restarted_container_is_a_reset(documents):
    first = observe("box", {"foresight_lxc": documents.lxc()}, recorded_at=documents.NOW)
    later = documents.lxc(documents.NOW + 60, [documents.container(cpu_seconds=1.0)])
    second = observe("box", {"foresight_lxc": later}, recorded_at=documents.NOW + 60, last=first.next_last)
    assert series(second, "guest:box/lxc/web")["cpu_cores"] == (None, "reset")


def test_the_host_limits_what_a_container_can_use(documents):
    facts = {
        "foresight_node": documents.node(),
        "foresight_lxc": documents.lxc(containers=[documents.container(memory_bytes=9 * documents.GIB)]),
    }
    seen = observe("box", facts, recorded_at=documents.NOW)
    assert series(seen, "guest:box/lxc/web")["memory_bytes"][1] == "impossible"


def test_a_proxmox_host_names_its_cluster(documents):
    seen = observe(
        "pve1", {"foresight_lxc": documents.lxc(containers=[documents.container("lxc/101")], cluster="prod")}, recorded_at=documents.NOW
    )
    assert list(guests(seen)) == ["guest:prod/lxc/101"]
    assert seen.complete == {}


@pytest.mark.parametrize("bad", [None, "web", "lxc/", "lxc/a/b", "docker/x", 101, "lxc/a b"])
def test_ids_that_are_none(documents, bad):
    containers = [documents.container(), documents.container(id=bad)]
    seen = observe("box", {"foresight_lxc": documents.lxc(containers=containers)}, recorded_at=documents.NOW)
    assert list(guests(seen)) == ["guest:box/lxc/web"]
    assert [issue.kind for issue in seen.issues] == ["invalid_name"]


def test_a_stopped_container_has_no_use(documents):
    stopped = {"id": "lxc/old", "name": "old", "state": "stopped"}
    seen = observe("box", {"foresight_lxc": documents.lxc(containers=[stopped])}, recorded_at=documents.NOW)
    assert guests(seen)["guest:box/lxc/old"].attributes["state"] == "stopped"
    assert series(seen, "guest:box/lxc/old") == {}
    assert seen.issues == []


def test_whole_seconds_of_the_clock_do_not_make_a_busy_container_impossible(documents):
    node = documents.node()
    first = observe("box", {"foresight_node": node, "foresight_lxc": documents.lxc()}, recorded_at=documents.NOW)
    later = documents.lxc(documents.NOW + 4, [documents.container(cpu_seconds=50.0 + 4 * 4.9)])
    second = observe("box", {"foresight_lxc": later}, recorded_at=documents.NOW + 4, last=first.next_last)
    assert series(second, "guest:box/lxc/web")["cpu_cores"] == (pytest.approx(4.9), None)
