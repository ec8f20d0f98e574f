# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookups forecast and series in a real play over 50 hosts: heavy work out of a forked Ansible worker, and what Ansible takes back."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store

GIB, STEP, NOW, HOSTS = 2**30, 600, 1_763_700_000, 50
FS = {"type": "xfs", "size": 20 * GIB}
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Forecast every volume once, with the model that needs worker processes
      ansible.builtin.set_fact:
        forecasts: "{{ query('foresight.capacity.forecast', 'used_bytes', store=store, entities=['lv:*'], horizon='1h', now=at, model='theta', workers=2) }}"
        numbers: "{{ query('foresight.capacity.series', 'used_bytes', store=store, entities=[\\"host == 'web7'\\"], now=at, window='1d') }}"
      run_once: true
    - name: Use a value in a condition
      ansible.builtin.assert:
        that:
          - forecasts[0].status == 'ok'
          - forecasts[0].runway.seconds['0.1'] is none or forecasts[0].runway.seconds['0.1'] > 0
          - forecasts[0].peak.quantiles['0.9'] >= forecasts[0].quantiles['0.9'] | max
      run_once: true
    - name: Write what came
      ansible.builtin.copy:
        content: "{{ {'forecasts': forecasts, 'numbers': numbers} | to_json }}"
        dest: "{{ playbook_dir }}/answer.json"
        mode: "0600"
      run_once: true
"""
WRONG = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "{{ query('foresight.capacity.forecast', 'used_bytes', store=store, entities=['lv:web1/vg0/dato'], now=at) }}"
      run_once: true
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A store with one growing volume on each of the hosts, and an inventory of them."""
    path = tmp_path_factory.mktemp("play")
    random = np.random.default_rng(1)
    with open_store(str(path / "store.db")) as store:
        rows = [
            EntityRow(f"lv:web{host}/u{host}", f"lv:web{host}/vg0/data", "lv", f"web{host}", {"size_bytes": 20 * GIB, "fs": FS}, NOW)
            for host in range(HOSTS)
        ]  # fmt: skip
        entities = store.put_entities(rows)
        ids = list(store.put_series([(number, "used_bytes", "bytes", False) for number in entities.values()]).values())
        values = 10 * GIB + np.cumsum(random.exponential(2**20, (HOSTS, 40)), axis=1)
        store.write_samples(np.repeat(ids, 40), np.tile(NOW - STEP * np.arange(40)[::-1], HOSTS), values.ravel())
    (path / "hosts").write_text("".join(f"web{host} ansible_connection=local\n" for host in range(HOSTS)))
    return path


def play(folder: pathlib.Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "play.yml").write_text(text)
    variables = {"store": str(folder / "store.db"), "at": NOW, "ansible_python_interpreter": sys.executable}
    command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts", "play.yml", "-e", json.dumps(variables)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def test_a_play_over_fifty_hosts(folder: pathlib.Path) -> None:
    done = play(folder, PLAY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    answer: t.Any = json.loads((folder / "answer.json").read_text())
    assert [item["entity"] for item in answer["forecasts"]] == sorted(f"lv:web{host}/vg0/data" for host in range(HOSTS))
    assert {item["status"] for item in answer["forecasts"]} == {"ok"}
    assert {item["method"] for item in answer["forecasts"]} == {"theta"}
    (numbers,) = answer["numbers"]
    assert (numbers["entity"], numbers["count"]) == ("lv:web7/vg0/data", 40)
    with open_store(str(folder / "store.db")) as store:
        stored = store.find_forecasts([info.id for info in store.find_series()], newest=False)
    assert [len(documents) for documents in stored.values()] == [1] * HOSTS, "the lookup ran more than once"


def test_what_was_not_found_is_told(folder: pathlib.Path) -> None:
    done = play(folder, WRONG)
    assert done.returncode == 2
    assert "No entity with the metric 'used_bytes' matches 'lv:web1/vg0/dato'" in done.stdout + done.stderr
    assert "lv:web1/vg0/data" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
