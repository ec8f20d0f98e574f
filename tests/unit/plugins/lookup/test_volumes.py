# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup and the filter together in a real play over the hosts, as the role volumes uses them."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store

GIB = 2**30
STEP = 600
NOW = 1_763_700_000
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Look up the volumes once
      ansible.builtin.set_fact:
        document: "{{ lookup('foresight.capacity.volumes', store=store, hosts=ansible_play_hosts_all, now=now, manage=manage, horizon='2h') }}"
      run_once: true
    - name: Share their VGs
      ansible.builtin.copy:
        content: "{{ document.volumes | foresight.capacity.lv_allocate(document.groups, {'now': document.now}) | to_json }}"
        dest: "{{ playbook_dir }}/answer.json"
        mode: "0600"
      run_once: true
"""


@pytest.fixture
def play(tmp_path):
    """Return a function that runs the play on a store with one growing volume of web1, and returns the process."""
    at = NOW - 60
    fs = {"type": "xfs", "size": 10 * GIB, "used": 9 * GIB, "avail": GIB, "mountpoints": ["/srv"], "reason": None}
    volume = {
        "host": "web1",
        "vg": "vg0",
        "lv": "data",
        "uuid": "lv-one",
        "size_bytes": 10 * GIB,
        "role": "plain",
        "segment_type": "linear",
        "fs": fs,
    }
    group = {
        "host": "web1",
        "vg": "vg0",
        "uuid": "vg-one",
        "size_bytes": 50 * GIB,
        "extent_bytes": 2**22,
        "extents": 12800,
        "extents_free": 5000,
    }
    rows = [
        EntityRow("lv:web1/lv-one", "lv:web1/vg0/data", "lv", "web1", {**volume, "observed_at": at}, at),
        EntityRow("vg:web1/vg-one", "vg:web1/vg0", "vg", "web1", {**group, "observed_at": at}, at),
    ]
    with open_store(str(tmp_path / "store.db")) as store:
        entity = store.put_entities(rows)["lv:web1/lv-one"]
        series = store.put_series([(entity, "used_bytes", "bytes", False)])[entity, "used_bytes"]
        store.write_samples([series] * 30, [at - step * STEP for step in range(30)], [9.0 * GIB - step * 0.1 * GIB for step in range(30)])

    def run(**variables):
        (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
        shared = {
            "store": str(tmp_path / "store.db"),
            "now": NOW,
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
        }
        (tmp_path / "vars.json").write_text(json.dumps({**shared, **variables}), encoding="utf-8")
        command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "web1,web2", "play.yml", "-e", "@vars.json"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_a_growing_volume_of_the_play_is_grown(play, tmp_path):
    done = play(manage=[{"match": "web1/vg0/*", "max": "40 GiB"}])
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    (action,) = answer["actions"]
    assert (action["target"], action["host"], action["reason"]) == ("lv:web1/vg0/data", "web1", "forecast")
    assert action["to"]["size"] > 10 * GIB
    assert action["forecast"]["quantile"] == 0.9


def test_a_wrong_entry_of_manage_ends_the_play_with_its_name(play):
    done = play(manage=[{"match": "web1/vg0/*", "maximum": "40 GiB"}])
    assert done.returncode != 0
    assert "Entry 1 of manage has the unknown key 'maximum'; did you mean max?" in done.stdout + done.stderr
