# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lv_resize may do is what the plan carries, and a host's own volumes_allow_shrink wins: the role's apply on volumes that do not exist."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

GIB = 1 << 30
LEAVES = [None, {}, {"shrink": True}, {"unmount": True}, {"shrink": True, "unmount": True}, {"shrink": False, "unmount": False}]


def action(number: int, allow: dict[str, bool] | None) -> dict[str, object]:
    document: dict[str, object] = {
        "kind": "lv_resize",
        "target": f"lv:here/vg-of-nobody/d{number}",
        "expect": {"uuid": "nobody", "size": 2 * GIB},
        "to": {"size": GIB},
    }
    return document if allow is None else {**document, "allow": allow}


@pytest.mark.parametrize("allowed", [None, False, True])
def test_lv_resize_gets_the_leave_of_the_plan_and_no_more(tmp_path: Path, allowed: bool | None) -> None:
    play = {
        "hosts": "here",
        "gather_facts": False,
        "tasks": [
            {
                "block": [{"ansible.builtin.include_role": {"name": "foresight.capacity.volumes", "tasks_from": "apply"}}],
                "always": [
                    {
                        "ansible.builtin.copy": {
                            "content": "{{ volumes_results.results | map(attribute='invocation.module_args') | to_json }}",
                            "dest": str(tmp_path / "asked.json"),
                            "mode": "0600",
                        }
                    }
                ],
            }
        ],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    variables = {"volumes_actions": [action(number, allow) for number, allow in enumerate(LEAVES)], "volumes_shrink_margin": "15%"}
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **variables}
    if allowed is not None:
        here["volumes_allow_shrink"] = allowed
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"here": here}}}))
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.yml", "play.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (tmp_path / "asked.json").exists(), done.stdout + done.stderr
    asked = json.loads((tmp_path / "asked.json").read_text())
    assert [one["lv"] for one in asked] == [f"d{number}" for number in range(len(LEAVES))]
    assert [one["allow_shrink"] for one in asked] == [bool(allowed and (leave or {}).get("shrink")) for leave in LEAVES]
    assert [one["allow_unmount"] for one in asked] == [bool((leave or {}).get("unmount")) for leave in LEAVES]
    assert {one["margin"] for one in asked} == {"15%"}
