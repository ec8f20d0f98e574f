"""What the role schedule refuses before it writes anything; what it writes is tried on a real systemd in the lab."""

from __future__ import annotations

import re
import shlex
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


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        ({}, {"foresight-capacity": None}),
        ({"schedule_balance": True}, {"foresight-capacity": "all:!foresight_clusters", "foresight-capacity-balance": "foresight_clusters"}),
        (
            {"schedule_balance": True, "schedule_limit": "site1"},
            {"foresight-capacity": "site1:!foresight_clusters", "foresight-capacity-balance": "site1:&foresight_clusters"},
        ),
        (
            {"schedule_balance": True, "schedule_limit": "a,b"},
            {"foresight-capacity": "a,b,!foresight_clusters", "foresight-capacity-balance": "a,b,&foresight_clusters"},
        ),
        ({"schedule_balance": True, "schedule_hosts": False}, {"foresight-capacity-balance": "foresight_clusters"}),
    ],
    ids=["no clusters", "clusters", "within a limit", "within a list", "clusters alone"],
)
def test_clusters_have_a_timer_of_their_own_only_when_asked(
    local: Playbooks, tmp_path: Path, given: dict[str, object], limits: dict[str, str | None]
) -> None:
    play = tmp_path / "schedule.yml"
    play.write_text(PLAY)
    local.environment["HOME"] = str(tmp_path)
    named = {"schedule_ansible_playbook": "/bin/true", "schedule_inventory": "/x", "schedule_scope": "user", "schedule_apply": True}
    run = local.run(str(play), "--check", "--diff", **named, **given)
    shown = {name: text for text, name in re.findall(r"\+\+\+ after: (.*?)\nchanged: \[one\] => \(item=([^)]+)\)", run.output, re.DOTALL)}
    commands = {
        name.removesuffix(".service"): shlex.split(text.split("+ExecStart=")[1].split("\n")[0])
        for name, text in shown.items()
        if name.endswith(".service")
    }
    seen = {name: words[words.index("--limit") + 1] if "--limit" in words else None for name, words in commands.items()}
    assert seen == {**limits, "foresight-capacity-report": None}
    for name, words in commands.items():
        assert ("foresight_lock_wait=600" in words) == (bool(given) and not name.endswith("report"))
        assert ("foresight_apply=true" in words) == (not name.endswith("report"))
    if "foresight-capacity-balance" in commands:
        assert "foresight_plan_every=1" in commands["foresight-capacity-balance"]
        assert "+OnBootSec=5min\n+OnUnitActiveSec=15min\n" in shown["foresight-capacity-balance.timer"]
    assert not (tmp_path / ".config").exists()
