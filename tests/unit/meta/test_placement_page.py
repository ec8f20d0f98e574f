# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/placement.md: its playbook runs and does what the page says, and its tables name every option, goal, strategy and kind."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement import policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.moves import KINDS
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_claims import VERDICTS

PAGE = (pathlib.Path(__file__).parents[3] / "docs" / "placement.md").read_text(encoding="utf-8")
INTERPRETER = '{"ansible_python_interpreter": "{{ ansible_playbook_python }}"}'


def named(heading):
    """Return what the first column of the first table below a heading names."""
    section = PAGE.split(f"\n{heading}\n")[1].split("\n#")[0]
    rows = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)[0].splitlines()[2:]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("## The policy", policy.read_policy({}, ("cpu", "memory")).__slots__),
        ("### Goals", policy.GOALS),
        ("## Strategies", policy.STRATEGIES),
        ("## Reading the answer", VERDICTS),
    ],
)
def test_tables_name_everything_once(heading, known):
    # Of the policy, what goal_options holds is told with the goals.
    known = set(known) - {"nodes", "guest", "spare_nodes", "k"} | ({"goal_options"} if "policy" in heading else set())
    assert sorted(named(heading)) == sorted(known)


def test_every_kind_of_move_is_explained():
    assert set(KINDS) <= set(re.findall(r"`(\w+)`", PAGE.split("and `kind`:")[1].split("\n`before`")[0]))


def test_defaults_are_those_of_the_policy():
    read = policy.read_policy({}, ("cpu", "memory"))
    rows = {row.split("|")[1].strip(): row.split("|")[2].strip() for row in PAGE.splitlines() if row.startswith("| `")}
    assert rows["`target_spread`"] == f"{read.target_spread['memory']}"
    assert rows["`hysteresis`, `memory_seconds`"] == f"{read.hysteresis}, a week"
    assert read.memory_seconds == 7 * 86400
    for option in ("min_gain", "hold_seconds", "cool_down_seconds", "seed"):
        assert rows[f"`{option}`"] == f"{getattr(read, option):g}"


def test_the_playbook_of_the_page_runs(tmp_path):
    (playbook,) = re.findall(r"```yaml\n(- name: Balance a cluster\n.*?)```", PAGE, re.DOTALL)
    (tmp_path / "balance.yml").write_text(playbook, encoding="utf-8")
    command = [
        str(pathlib.Path(sys.executable).parent / "ansible-playbook"),
        "-i",
        "localhost,",
        "-c",
        "local",
        "balance.yml",
        "-e",
        INTERPRETER,
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "improved: 2" in done.stdout
    assert "memory: spread 0.724, then 0.0" in done.stdout
