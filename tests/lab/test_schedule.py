"""The role schedule on a real systemd: what its units run, as whom, when, and what is left when they are taken out.

A stand-in on the host takes the place of ansible-playbook and notes how it was called. All tests share one host; each has units of its own name.
Every run of the role takes a while here, so a test asks many questions after each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab import inventory
from lab.fleet import Lab
from lab.hosts import LabHost
from lab.wait import wait_for
from support.playbooks import Playbooks, Run

HERE = Path(__file__).resolve().parent
USER = "ops"
HOME = f"/home/{USER}"
ENVIRONMENT = "/etc/foresight/environment"
STAND_IN = """#!/usr/bin/python3
import json, os, pathlib, pwd, sys
names = ("HOME", "LANG", "FORESIGHT_STORE_PASSWORD")
call = {"arguments": sys.argv[1:], "user": pwd.getpwuid(os.geteuid()).pw_name, "folder": os.getcwd(), "environment": {n: os.environ.get(n) for n in names}}
with open("calls.jsonl", "a") as file:
    file.write(json.dumps(call) + "\\n")
code = pathlib.Path("exit_code")
sys.exit(int(code.read_text()) if code.exists() else 0)
"""
# The guest has no libpam-systemd, whose part here is to name the folder of the user's sockets.
USER_MANAGER = """
set -eu
mkdir -p /etc/systemd/system/user@.service.d
printf '[Service]\\nPAMName=\\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\\n' > /etc/systemd/system/user@.service.d/without-pam.conf
systemctl daemon-reload
systemctl start "user@$(id -u ops).service"
"""


@dataclass
class Bench:
    host: LabHost
    plays: Playbooks

    def apply(self, name: str, *options: str, check: bool = True, **variables: Any) -> Run:
        """Run the role for the units of this name."""
        given = {"schedule_name": name, "schedule_user": USER, "schedule_ansible_playbook": "/opt/foresight/ansible-playbook",
                 "schedule_inventory": "/etc/foresight/inventory", **variables}  # fmt: skip
        return self.plays.run(str(HERE / "schedule.yml"), *options, check=check, **given)

    def folder(self, name: str, exit_code: int = 0) -> str:
        """Make a folder for runs to start in, where the stand-in notes its calls and finds the code to end with."""
        path = f"{HOME}/{name}"
        self.host.run(f"mkdir {path} && echo {exit_code} > {path}/exit_code && chown -R {USER}: {path}")
        return path

    def calls(self, folder: str) -> list[dict[str, Any]]:
        noted = self.host.run(f"cat '{folder}/calls.jsonl' 2>/dev/null", check=False).stdout
        return [json.loads(line) for line in noted.splitlines()]

    def shown(self, unit: str, *properties: str) -> dict[str, str]:
        lines = self.host.run(["systemctl", "show", unit, *(f"--property={name}" for name in properties)]).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines)

    def files(self, name: str) -> list[str]:
        """Everything below /etc/systemd that bears the name, the links of enabled timers too."""
        return self.host.run(f"find /etc/systemd -name '{name}*' | sort").stdout.split()


@pytest.fixture(scope="module")
def bench(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    (host,) = lab.reset("schedule1")
    host.run(f"useradd --create-home {USER} && mkdir -p /opt/foresight /etc/foresight && echo all: > /etc/foresight/inventory")
    host.run("cat > /opt/foresight/ansible-playbook && chmod 755 /opt/foresight/ansible-playbook", data=STAND_IN)
    host.run(f"umask 077 && echo FORESIGHT_STORE_PASSWORD=sesame > {ENVIRONMENT}")
    yield Bench(host, Playbooks(inventory.own_path(host.vm), tmp_path_factory.mktemp("schedule") / "unused.db"))
    lab.down("schedule1")


@pytest.mark.full
def test_units_from_the_first_run_to_the_last(bench: Bench) -> None:
    name = "foresight-test"
    folder = bench.folder("runs", exit_code=4)
    given: dict[str, Any] = {
        "schedule_working_directory": folder,
        "schedule_inventory": "/srv/100%n $HOME/in ven'tory",
        "schedule_private_key": f"{HOME}/.ssh/id_ed25519",
        "schedule_environment_file": ENVIRONMENT,
        "schedule_extra_vars_file": "/srv/a b;c.yml",
        "schedule_limit": '~"web[0-9]+\\.x$"',
        "schedule_plan_every": 3,
        "schedule_apply": "false",
    }
    foretold = bench.apply(name, "--check", **given)
    assert bench.files(name) == []
    done = bench.apply(name, **given)
    assert (foretold.changed, done.changed) == (2, 2), "the units, and the timers"
    installed = bench.files(name)
    assert len(installed) == 6, "two services, two timers, two links of enabled timers"
    verified = bench.host.run(["systemd-analyze", "verify", *(path for path in installed if ".wants" not in path)], check=False)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    for timer in (f"{name}.timer", f"{name}-report.timer"):
        assert bench.shown(timer, "ActiveState", "UnitFileState") == {"ActiveState": "active", "UnitFileState": "enabled"}
    assert "OnCalendar=*-*-* *:00/10:00 ;" in bench.shown(f"{name}.timer", "TimersCalendar")["TimersCalendar"]
    assert "OnCalendar=*-*-* *:05:00 ;" in bench.shown(f"{name}-report.timer", "TimersCalendar")["TimersCalendar"]

    for service in (f"{name}.service", f"{name}-report.service"):
        started = bench.host.run(["systemctl", "start", service], check=False)
        assert started.returncode != 0, "a run that ends with 4 is not told to be well"
    common, variables = ["-i", given["schedule_inventory"]], ["-e", f"@{given['schedule_extra_vars_file']}"]
    scheduled = [*common, "foresight.capacity.scheduled", "--private-key", given["schedule_private_key"], "--limit", given["schedule_limit"],
                 *variables, "-e", "foresight_plan_every=3"]  # fmt: skip
    calls = bench.calls(folder)
    assert {tuple(call["arguments"]) for call in calls} == {tuple(scheduled), (*common, "foresight.capacity.report", *variables)}
    for call in calls:
        assert (call["user"], call["folder"]) == (USER, folder)
        assert call["environment"] == {"HOME": HOME, "LANG": "C.UTF-8", "FORESIGHT_STORE_PASSWORD": "sesame"}
    assert "sesame" not in bench.host.run(["cat", *installed]).stdout, "the secret stays in its file"

    given |= {"schedule_apply": True, "schedule_observe_calendar": "*:*:0/5"}
    assert bench.apply(name, **given).changed == 1, "only units are written; the timer learns of its new time by the reload"
    applying = [*scheduled, "-e", "foresight_apply=true"]
    wait_for(
        lambda: [call["arguments"] for call in bench.calls(folder)].count(applying) >= 2,
        300,
        "two runs by the timer, though each ends with 4",
        every=1,
    )
    assert bench.apply(name, **given).changed == 0

    foretold = bench.apply(name, "--check", schedule_state="absent")
    assert bench.files(name) == installed
    done = bench.apply(name, schedule_state="absent")
    assert (foretold.changed, done.changed) == (2, 2)
    assert bench.files(name) == []
    assert bench.shown(f"{name}.timer", "LoadState", "ActiveState") == {"LoadState": "not-found", "ActiveState": "inactive"}
    assert bench.apply(name, schedule_state="absent").changed == 0


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        ("echo A=1 > {file} && chmod 644 {file}", "{file} has mode 0644 and owner root"),
        ("echo A=1 > {file} && chmod 600 {file} && chown nobody {file}", "{file} has mode 0600 and owner nobody"),
        ("true", "{file} does not exist"),
    ],
    ids=["readable by all", "of somebody else", "missing"],
)
def test_an_environment_file_that_others_may_read_is_refused(bench: Bench, prepare: str, said: str) -> None:
    file = f"/etc/foresight/{'-'.join(said.split()[1:])}"
    bench.host.run(prepare.format(file=file))
    refused = bench.apply("refused", check=False, schedule_environment_file=file)
    assert refused.returncode == 2
    message = " ".join(refused.output.split())
    assert f"{said.format(file=file)}; needed is a file of mode 0600 of {USER} or root (schedule_environment_file)." in message
    assert bench.files("refused") == []


def test_what_is_not_named_is_told(bench: Bench) -> None:
    refused = bench.apply("refused", check=False, schedule_inventory=None)
    assert refused.returncode == 2
    assert "schedule_inventory (not set)" in " ".join(refused.output.split())
    assert bench.files("refused") == []


@pytest.mark.full
def test_units_of_a_user_need_no_root(bench: Bench) -> None:
    bench.host.run(USER_MANAGER)
    as_user = ("--become", "--become-user", USER)
    mine = {"schedule_scope": "user", "schedule_user": None}
    assert bench.apply("mine", *as_user, **mine).changed == 3, "the folder, the units, the timers"
    assert bench.apply("mine", "--check", *as_user, **mine).changed == 0
    control = f"sudo -u {USER} XDG_RUNTIME_DIR=/run/user/$(id -u {USER}) systemctl --user"
    bench.host.run(f"{control} start mine.service")
    # the timer may have had its minute meanwhile
    calls = [call for call in bench.calls(HOME) if "foresight.capacity.scheduled" in call["arguments"]]
    assert {(call["user"], call["folder"]) for call in calls} == {(USER, HOME)}, "where nothing is named, runs start at home"
    assert calls[0]["arguments"] == ["-i", "/etc/foresight/inventory", "foresight.capacity.scheduled", "-e", "foresight_plan_every=6"]
    assert bench.host.run(f"{control} is-active mine.timer mine-report.timer").stdout.split() == ["active", "active"]
    assert bench.files("mine") == [], "nothing of it is the system's"
    assert bench.apply("mine", *as_user, **mine, schedule_state="absent").changed == 2
    assert bench.host.run(f"find {HOME}/.config/systemd -not -type d").stdout == ""


@pytest.mark.full
def test_clusters_get_a_timer_and_lose_it_again(bench: Bench) -> None:
    name = "clusters"
    folder = bench.folder(name)
    given: dict[str, Any] = {
        "schedule_working_directory": folder,
        "schedule_balance": True,
        "schedule_balance_boot": "3650d",
        "schedule_balance_every": "1s",
    }
    assert bench.apply(name, **given).changed == 2
    installed = [path for path in bench.files(name) if ".wants" not in path]
    assert len(installed) == 6, "three services, three timers"
    verified = bench.host.run(["systemd-analyze", "verify", *installed], check=False)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    assert bench.calls(folder) == [], "the machine has not been up for that long"
    balancing = ["-i", "/etc/foresight/inventory", "foresight.capacity.scheduled", "--limit", "foresight_clusters", "-e", "foresight_plan_every=1",
                 "-e", "foresight_lock_wait=600"]  # fmt: skip

    given |= {"schedule_balance_boot": "1s"}
    assert bench.apply(name, **given).changed == 1
    wait_for(
        lambda: [call["arguments"] for call in bench.calls(folder)].count(balancing) >= 2,
        300,
        "a run as the machine is up for long enough, and a further one after it",
        every=1,
    )
    assert bench.apply(name, **given).changed == 0

    given |= {"schedule_balance": False}
    foretold = bench.apply(name, "--check", **given)
    done = bench.apply(name, **given)
    assert (foretold.changed, done.changed) == (3, 3), "the timer stops, its units go, the other service works on clusters too"
    assert [path for path in bench.files(name) if "balance" in path] == []
    assert bench.shown(f"{name}-balance.timer", "LoadState", "ActiveState") == {"LoadState": "not-found", "ActiveState": "inactive"}
    assert bench.apply(name, **given).changed == 0
    assert bench.apply(name, schedule_state="absent").changed == 2
