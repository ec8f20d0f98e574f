# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter in a real play: plain containers in and out, and errors that a user can read."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.filter import lv_allocate
from ansible_collections.foresight.capacity.plugins.lookup import volumes
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import read_policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.volumes import PAST

ROOT = pathlib.Path(__file__).parents[4]
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


def read(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


# option of the policy: variable of the role
VARIABLES = {
    "headroom": "volumes_headroom",
    "strategy": "volumes_strategy",
    "max_step_fraction": "volumes_max_step_fraction",
    "min_change_extents": "volumes_min_change_extents",
    "min_growth_fraction": "volumes_min_growth",
    "hysteresis_fraction": "volumes_hysteresis",
    "share_exponent": "volumes_share_exponent",
    "quiet_hours": "volumes_quiet_hours",
    "cool_down_seconds": "volumes_cool_down",
    "allow_shrink": "volumes_allow_shrink",
    "shrink_headroom": "volumes_shrink_headroom",
    "shrink_margin": "volumes_shrink_margin",
    "min_shrink_fraction": "volumes_min_shrink_fraction",
    "max_shrink_step_fraction": "volumes_max_shrink_step_fraction",
    "shrink_past_seconds": "volumes_shrink_past",
    "shrink_cool_down_seconds": "volumes_shrink_cool_down",
}


def test_the_role_hands_over_every_option_of_the_policy():
    documented = yaml.safe_load(lv_allocate.DOCUMENTATION)["options"]["_policy"]["suboptions"]
    assert set(documented) == {*VARIABLES, "now", "floor"}
    (task,) = (task for task in read("roles/volumes/tasks/plan.yml") if "volumes_policy" in task.get("ansible.builtin.set_fact", {}))
    assert set(task["ansible.builtin.set_fact"]["volumes_policy"]) == set(documented)


@pytest.mark.parametrize("option", VARIABLES)
def test_every_place_tells_the_same_default(option):
    documented = yaml.safe_load(lv_allocate.DOCUMENTATION)["options"]["_policy"]["suboptions"][option]["default"]
    variable = VARIABLES[option]
    specs = read("roles/volumes/meta/argument_specs.yml")["argument_specs"]
    assert read("roles/volumes/defaults/main.yml")[variable] == documented
    assert specs["main"]["options"][variable]["default"] == documented
    assert specs["apply"]["options"].get(variable, {"default": documented})["default"] == documented
    # given or left out, the answer to a policy is the same
    assert read_policy({"now": 0, option: documented}) == read_policy({"now": 0})
    row = re.search(
        rf"^\| `{option}` \| `{variable}` \| `?([^|`]+)`? \|", (ROOT / "docs/allocation.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert row
    assert yaml.safe_load(row[1]) == documented


def test_the_lookup_looks_as_far_back_as_shrinking_needs():
    assert (
        yaml.safe_load(volumes.DOCUMENTATION)["options"]["past"]["default"]
        == read("roles/volumes/defaults/main.yml")["volumes_shrink_past"]
        == PAST
    )


def test_pools_and_snapshots_are_options():
    """Both reach the allocator: the pool is grown, the snapshot told."""
    pool = {
        "entity": "lv:web1/vg0/pool", "host": "web1", "vg": "vg0", "lv": "pool", "uuid": "three", "observed_at": 1000, "managed": True,
        "named_exactly": True, "data": {"size_bytes": 8 * GIB, "used_bytes": 8 * GIB - 1},
    }  # fmt: skip
    snapshot = {"entity": "lv:web1/vg0/snap", "host": "web1", "size_bytes": GIB, "overflowed": True}
    allocate = lv_allocate.FilterModule().filters()["lv_allocate"]
    answer = allocate([], [GROUP], {"now": 1000}, pools=[pool], snapshots=[snapshot])
    assert [(action["target"], action["reason"]) for action in answer["actions"]] == [("lv:web1/vg0/pool", "floor")]
    assert "snapshot_overflow" in {refusal["reason"] for refusal in answer["refused"]}
