"""The demo's cluster, served in the background while a play needs it, and read and balanced by that play."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from support.playbooks import ANSIBLE_PLAYBOOK, CHECKOUT

WITH_SANDBOX = [sys.executable, str(CHECKOUT / "tests" / "tools" / "with_sandbox.py")]
POLICY = {"resources": {"memory": 1, "cpu": 1}, "target_spread": 0.1}
PLAY = [
    {
        "hosts": "sandbox",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [
            {"foresight.capacity.proxmox_facts": {"host": "{{ inventory_hostname }}"}},
            {
                "ansible.builtin.copy": {
                    "dest": "{{ folder }}/{{ item }}.json",
                    "content": "{{ foresight_cluster | foresight.capacity.cluster_balance(policy | combine({'strategy': item})) | to_json }}",
                },
                "loop": ["foresight", "greedy_batch"],
            },
        ],
    }
]


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < end, "not reached in time"
        time.sleep(0.02)


def refused(address: str) -> bool:
    host, _unused, port = address.rpartition(":")
    with socket.socket() as attempt:
        return attempt.connect_ex((host, int(port))) != 0


def test_a_play_reads_and_balances_the_cluster(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(yaml.safe_dump(PLAY, sort_keys=False))
    variables = json.dumps({"folder": str(tmp_path), "policy": POLICY})
    command = [*WITH_SANDBOX, "--clock", "0", str(ANSIBLE_PLAYBOOK), "-i", "sandbox,", str(tmp_path / "play.yml"), "-e", variables]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in ("foresight", "greedy_batch")}
    for answer in found.values():
        assert (answer["verdict"], answer["before"]["violations"], answer["after"]["violations"]) == ("improved", 4, 0)
        assert min(answer["before"]["spread"].values()) > 0.5
    assert max(found["foresight"]["after"]["spread"].values()) <= POLICY["target_spread"]
    assert len(found["foresight"]["moves"]) <= len(found["greedy_batch"]["moves"]) <= 14


def test_the_sandbox_ends_with_its_command_and_tells_its_status(tmp_path: Path) -> None:
    done = subprocess.run(
        [*WITH_SANDBOX, "sh", "-c", 'echo "$PROXMOX_HOST $PROXMOX_CA_PATH"; exit 3'], capture_output=True, text=True, check=False
    )
    hosts, ca = done.stdout.split()
    assert (done.returncode, len(hosts.split(","))) == (3, 5)
    assert not Path(ca).exists()
    assert all(refused(address) for address in hosts.split(","))


def test_the_sandbox_ends_when_its_keeper_is_killed(tmp_path: Path) -> None:
    # The command is gone at once as well, it reads from a pipe that the test closes.
    with subprocess.Popen(
        [*WITH_SANDBOX, "sh", "-c", 'echo "$PROXMOX_HOST"; read line'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as keeper:
        assert keeper.stdout is not None
        address = keeper.stdout.readline().strip().partition(",")[0]
        assert not refused(address)
        os.kill(keeper.pid, signal.SIGKILL)
    until(lambda: refused(address))
