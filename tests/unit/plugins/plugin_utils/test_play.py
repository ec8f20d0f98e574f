# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import multiprocessing
import time

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.play import play_hosts, raw_facts, refuse_forged, run_started


class HostVars:
    """Stands for Ansible's: a mapping whose raw_get gives what is not templated."""

    def __init__(self, raw):
        self._raw = raw

    def raw_get(self, host):
        return self._raw[host]


def test_lost_hosts():
    variables = {"ansible_play_hosts_all": ["a", "b", "c"], "ansible_play_hosts": ["a", "c"]}
    assert play_hosts(variables) == (["a", "b", "c"], ["b"])


def test_facts_of_modules_and_of_set_fact():
    raw = {
        "a": {"ansible_facts": {"x": 1, "other": 2}, "x": "injected copy"},
        "b": {"x": 3},
        "c": {"ansible_facts": {}},
        "d": {},
    }
    assert raw_facts({"hostvars": HostVars(raw)}, ["a", "b", "c", "d"], ["x", "y"]) == {"a": {"x": 1}, "b": {"x": 3}, "c": {}, "d": {}}


def _tell(now, answer):
    answer.put(run_started(now))


def test_the_run_began_when_its_process_did():
    """As in Ansible: asked in a process that multiprocessing forked."""
    answer = multiprocessing.get_context("fork").Queue()
    now = int(time.time())
    worker = multiprocessing.get_context("fork").Process(target=_tell, args=(now, answer))
    worker.start()
    told = answer.get(timeout=60)
    worker.join()
    with open("/proc/self/stat", encoding="utf-8") as stream:
        ticks = int(stream.read().rpartition(")")[2].split()[19])
    assert told <= now
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / 100
    assert abs((now - told) - age) < 60


def test_a_host_may_not_say_what_is_allowed_on_it():
    raw = {
        "good": {"ansible_facts": {"foresight_lvm": {}, "distribution": "Debian"}, "foresight_stop": True},
        "bad": {"ansible_facts": {"foresight_lvm": {}, "volumes_manage": [], "foresight_stop": False}},
    }
    variables = {"hostvars": HostVars(raw)}
    refuse_forged(variables, ["good"], ["foresight_lvm"])
    with pytest.raises(InputError, match=r"^bad has the facts foresight_stop, volumes_manage\. .* \(--limit '!bad'\)\.$"):
        refuse_forged(variables, ["good", "bad"], ["foresight_lvm"])
