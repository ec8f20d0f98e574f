# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter and the lookup synthetic_cluster in a real play: plain containers in and out, and errors that a user can read."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Make up a cluster once
      ansible.builtin.set_fact:
        cluster: "{{ lookup('foresight.capacity.synthetic_cluster', seed=4, nodes=6, guests_per_node=5, load=[0.2, 0.4], grouped=0.5) }}"
    - name: Pack its guests
      ansible.builtin.set_fact:
        answer: "{{ cluster.guests | foresight.capacity.bin_pack(cluster.nodes, policy) }}"
    - name: Write the answer
      ansible.builtin.copy:
        content: "{{ {'cluster': cluster, 'answer': answer} | to_json }}"
        dest: "{{ playbook_dir }}/answer.json"
        mode: "0600"
"""
# Discovery of an interpreter may pick a broken one on machines with several.
INTERPRETER = '{"ansible_python_interpreter": "{{ ansible_playbook_python }}"}'


@pytest.fixture
def play(tmp_path):
    """Return a function that runs the play with a policy and returns the process."""

    def run(policy):
        (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
        command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "play.yml", "-e", INTERPRETER]
        return subprocess.run([*command, "-e", json.dumps({"policy": policy})], cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_a_play_gets_plain_data_that_survives_json(play, tmp_path):
    done = play({"minimise": "capacity"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    written = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    cluster, answer = written["cluster"], written["answer"]
    assert cluster["synthetic"] is True
    assert cluster["rules"]
    assert set(answer["assignment"]) == {guest["id"] for guest in cluster["guests"]}
    assert 0 < answer["bins_used"] < 6
    assert answer["unplaced"] == []
    assert answer["bound"]["minimise"] == "capacity"


def test_a_play_is_told_what_is_wrong(play):
    done = play({"minimize": "bins"})
    assert done.returncode != 0
    assert "unknown key 'minimize'; did you mean minimise?" in done.stdout + done.stderr
