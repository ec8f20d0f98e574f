# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter in a real play, and what its documentation promises."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.foresight.capacity.plugins.filter import cluster_balance as face
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import GOALS, STRATEGIES, read_policy

PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Balance
      ansible.builtin.set_fact:
        answer: "{{ cluster | foresight.capacity.cluster_balance(policy) }}"
    - name: Write the answer
      ansible.builtin.copy:
        content: "{{ answer | to_json }}"
        dest: "{{ playbook_dir }}/answer.json"
        mode: "0600"
"""
INTERPRETER = '{"ansible_python_interpreter": "{{ ansible_playbook_python }}"}'
CLUSTER = {
    "nodes": [{"name": "a", "cpu": 8, "memory": 100}, {"name": "b", "cpu": 8, "memory": 100}, {"name": "c", "cpu": 8, "memory": 0}],
    "guests": [{"id": f"lxc/{number}", "node": "a", "cpu": 1, "memory": 20} for number in range(4)],
}


@pytest.fixture
def play(tmp_path):
    """Return a function that runs the play with these variables and returns the process."""

    def run(**variables):
        (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
        (tmp_path / "vars.json").write_text(json.dumps(variables), encoding="utf-8")
        ansible_playbook = str(pathlib.Path(sys.executable).parent / "ansible-playbook")
        command = [ansible_playbook, "-i", "localhost,", "play.yml", "-e", "@vars.json", "-e", INTERPRETER]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_a_play_gets_plain_data_that_survives_json(play, tmp_path):
    done = play(cluster=CLUSTER, policy={"resources": {"memory": 1}})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stderr
    answer = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert [(move["from"], move["to"], move["kind"]) for move in answer["moves"]] == [("a", "b", "balance")] * 2
    assert answer["verdict"] == "improved"
    assert answer["nodes"][2]["after"] == {"cpu": 0.0, "memory": None}


def test_a_play_is_told_what_is_wrong(play):
    done = play(cluster=CLUSTER, policy={"goals": "balance"})
    assert done.returncode != 0
    assert "unknown key 'goals'; did you mean goal?" in done.stdout + done.stderr


def test_errors_are_those_of_a_filter():
    with pytest.raises(AnsibleFilterError, match=r"Guest lxc/0: node is 'z' \(str\); needed is the name of a node of the document"):
        face.cluster_balance({**CLUSTER, "guests": [{**CLUSTER["guests"][0], "node": "z"}]})


def documented():
    return yaml.safe_load(face.DOCUMENTATION)["options"]["_policy"]["suboptions"]


def test_every_option_is_documented_with_its_default():
    policy, options = read_policy({}, ("cpu", "memory")), documented()
    for option, document in options.items():
        if option not in ("goal_options", "now", "limits"):
            value = policy.target_spread["memory"] if option == "target_spread" else getattr(policy, option)
            assert document.get("default") == value, option
    assert options["goal"]["choices"] == list(GOALS)
    assert options["strategy"]["choices"] == list(STRATEGIES)
    for option, document in options["goal_options"]["suboptions"].items():
        if "default" in document:
            assert getattr(policy, option) == document["default"]


def test_every_documented_option_is_known():
    told = dict.fromkeys(documented()) | {"goal_options": dict.fromkeys(documented()["goal_options"]["suboptions"])}
    assert face.cluster_balance(CLUSTER, told)["verdict"] == "improved"


@pytest.mark.parametrize(
    ("policy", "more"),
    [
        ({}, set()),
        ({"goal": "consolidate"}, {"freed"}),
        ({"goal": "place", "goal_options": {"guest": {"cpu": 1, "memory": 1}}}, {"candidates", "unfit"}),
        ({"goal": "headroom"}, {"survives"}),
    ],
)
def test_every_key_of_the_answer_is_documented(policy, more):
    keys = set(yaml.safe_load(face.RETURN)["_value"]["contains"])
    assert set(face.cluster_balance(CLUSTER, policy)) == keys - {"freed", "candidates", "unfit", "survives"} | more
