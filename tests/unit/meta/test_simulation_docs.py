# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/simulation.md: its documents and commands mean something, and its tables name every preset, variable and file."""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import GOALS
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.cluster_file import MIB, MOST_JSON, MOST_YAML
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.simulate import simulate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.simulate_cluster import PRESETS, find_cluster
from sandbox.server import Sandbox
from support.proxmox import TOKEN, hosts

ROOT = pathlib.Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "simulation.md").read_text(encoding="utf-8")
VARIABLES = set(yaml.safe_load((ROOT / "roles" / "simulate" / "defaults" / "main.yml").read_text(encoding="utf-8")))
COMMANDS = [line for line in PAGE.splitlines() if line.startswith("ansible-playbook ")]
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


def extra_variables(command: str) -> dict[str, object]:
    """Return what -e says, as Ansible reads it."""
    words, found = shlex.split(command), {}
    for option, value in itertools.pairwise(words):
        if option == "-e":
            found |= json.loads(value) if value.startswith("{") else dict([value.split("=", 1)])
    return found


@pytest.mark.parametrize("command", [*COMMANDS, f"ansible-playbook {re.findall(r'`(-e .*)`', PAGE)[0]}"])
def test_commands_set_variables_that_the_role_has(command: str) -> None:
    given = extra_variables(command)
    assert set(given) <= VARIABLES
    assert given.get("simulate_preset", "classic") in PRESETS
    assert given.get("simulate_goal", "balance") in GOALS


def test_the_figure_is_of_the_cluster_that_its_line_makes_up() -> None:
    given = extra_variables(re.findall(r"`(-e .*)`", PAGE)[0])
    found = find_cluster(preset=given["simulate_preset"], synthetic=given["simulate_synthetic"])
    assert (len(found["nodes"]), sum(node["maintenance"] for node in found["nodes"])) == (13, 1)
    assert "A synthetic cluster with a node in maintenance" in PAGE


def test_tables_name_every_preset_and_variable() -> None:
    assert set(PRESETS) <= set(re.findall(r"`(\w+)`", PAGE))
    assert set(re.findall(r"`(simulate_\w+)`", PAGE)) == VARIABLES


def test_the_least_document_is_enough(tmp_path: pathlib.Path) -> None:
    document = BLOCKS[0]
    answer = simulate(cluster=document, path=str(tmp_path))
    told = answer["simulation"]["strategies"][0]
    assert told["violations"] == {"before": 1, "after": 0}
    assert set(document["nodes"][0]) == {"name", "cpu", "memory"}


def test_every_file_is_named(tmp_path: pathlib.Path) -> None:
    answer = simulate(synthetic={"nodes": 2, "guests_per_node": 2}, strategies=["foresight", "greedy"], path=str(tmp_path / "out"))
    names = {re.sub(r"placement-\w+", "placement-STRATEGY", path.rpartition("/")[2]) for path in answer["files"]}
    table = PAGE.split("## Files")[1]
    assert names == set(re.findall(r"^\| `([\w.-]+)`", table, re.MULTILINE))


def test_the_limits_of_files_are_those_of_the_reader() -> None:
    assert f"JSON may have {MOST_JSON // MIB} MiB, YAML {MOST_YAML // MIB} MiB" in PAGE


def test_the_export_is_what_a_simulation_takes(tmp_path: pathlib.Path) -> None:
    (tmp_path / "export.yml").write_text(yaml.safe_dump(BLOCKS[1], sort_keys=False), encoding="utf-8")
    (tmp_path / "hosts.ini").write_text("[foresight_clusters]\nprod-api\n", encoding="utf-8")
    with Sandbox(ROOT / "tests" / "unit" / "sandbox" / "data" / "state.json", speed=0.0) as sandbox:
        environment = {
            **os.environ,
            "PROXMOX_HOST": ",".join(hosts(sandbox)),
            "PROXMOX_TOKEN_ID": TOKEN["api_token_id"],
            "PROXMOX_TOKEN_SECRET": TOKEN["api_token_secret"],
            "PROXMOX_CA_PATH": sandbox.ca,
        }
        interpreter = f"ansible_python_interpreter={sys.executable}"
        command = [sys.executable, "-m", "ansible.cli.playbook", "-i", "hosts.ini", "-e", interpreter, "export.yml"]
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    answer = simulate(file=str(tmp_path / "prod-api.json"), path=str(tmp_path / "out"))
    assert answer["simulation"]["cluster"]["nodes"] == 3
    assert not answer["simulation"]["cluster"]["synthetic"]
