"""What the role schedule refuses before it writes anything; what it writes is tried on a real systemd in the lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.playbooks import Playbooks

PLAY = """
- hosts: one
  gather_facts: false
  roles:
    - role: foresight.capacity.schedule
"""


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule_environment_file": "~/environment"},
        {"schedule_environment_file": "environment"},
        {"schedule_working_directory": "~/runs"},
    ],
    ids=lambda wrong: "=".join(*wrong.items()),
)
def test_a_path_that_systemd_would_leave_out_is_refused(local: Playbooks, tmp_path: Path, wrong: dict[str, str]) -> None:
    play = tmp_path / "schedule.yml"
    play.write_text(PLAY)
    home = tmp_path / "home"
    home.mkdir()
    (home / "environment").write_text("A=1")
    (home / "environment").chmod(0o600)
    local.environment["HOME"] = str(home)
    run = local.run(str(play), check=False, schedule_scope="user", schedule_ansible_playbook="/bin/true", schedule_inventory="/x", **wrong)
    assert run.recap["one"].failed == 1
    assert "systemd takes absolute paths alone" in " ".join(run.output.split())
    assert not (home / ".config").exists()
