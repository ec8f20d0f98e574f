# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter in a real play: plain containers in and out, and errors that a user can read."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

GIB = 2**30
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Share the VG
      ansible.builtin.set_fact:
        answer: "{{ volumes | foresight.capacity.lv_allocate(vgs, policy) }}"
    - name: Write the answer
      ansible.builtin.copy:
        content: "{{ answer | to_json }}"
        dest: "{{ playbook_dir }}/answer.json"
        mode: "0600"
"""
# Discovery of an interpreter may pick a broken one on machines with several.
INTERPRETER = '{"ansible_python_interpreter": "{{ ansible_playbook_python }}"}'
VOLUME = {
    "entity": "lv:web1/vg0/data",
    "host": "web1",
    "vg": "vg0",
    "lv": "data",
    "uuid": "one",
    "size_bytes": 8 * GIB,
    "fs": {"type": "ext4", "size": 8 * GIB, "used": 6 * GIB, "avail": 2 * GIB},
    "managed": True,
    "mounted": True,
    "demand_bytes": 9 * GIB,
    "demand_status": "ok",
    "observed_at": 1000,
}
GROUP = {
    "entity": "vg:web1/vg0",
    "host": "web1",
    "vg": "vg0",
    "uuid": "two",
    "extent_bytes": 2**22,
    "extents_free": 1000,
    "reserve_extents": 100,
}


@pytest.fixture
def play(tmp_path):
    """Return a function that runs the play with these variables and returns the process."""

    def run(**variables):
        (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
        (tmp_path / "vars.json").write_text(json.dumps(variables), encoding="utf-8")
        command = [
            str(pathlib.Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            "localhost,",
            "play.yml",
            "-e",
            "@vars.json",
            "-e",
            INTERPRETER,
        ]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_a_play_gets_plain_data_that_survives_json(play, tmp_path):
    done = play(volumes=[VOLUME], vgs=[GROUP], policy={"now": 1000})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    answer = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert [(action["target"], action["to"]) for action in answer["actions"]] == [("lv:web1/vg0/data", {"size": 2535 * 2**22})]
    assert answer["refused"] == answer["proposals"] == []


def test_a_play_is_told_what_is_wrong(play):
    done = play(volumes=[VOLUME], vgs=[GROUP], policy={"now": 1000, "headrom": 0.2})
    assert done.returncode != 0
    assert "unknown key 'headrom'; did you mean headroom?" in done.stdout + done.stderr
