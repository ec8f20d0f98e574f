"""The demo's cluster, served in the background while a play needs it, and read and balanced by that play."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

from support.playbooks import ANSIBLE_PLAYBOOK, CHECKOUT
from support.sandbox_client import until

WITH_SANDBOX = [sys.executable, str(CHECKOUT / "tests" / "tools" / "with_sandbox.py")]


def refused(address: str) -> bool:
    host, _unused, port = address.rpartition(":")
    with socket.socket() as attempt:
        return attempt.connect_ex((host, int(port))) != 0


def test_the_play_of_the_documentation(tmp_path: Path) -> None:
    shown = re.search(r"```yaml\n(- name: Balance the cluster.*?)```", (CHECKOUT / "docs" / "sandbox.md").read_text(), re.DOTALL)
    assert shown is not None
    (tmp_path / "balance.yml").write_text(shown[1])
    command = [*WITH_SANDBOX, "--clock", "0", str(ANSIBLE_PLAYBOOK), "-i", "sandbox,", "-c", "local", str(tmp_path / "balance.yml")]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    figure = r"(\w+): improved by (\d+) moves of [\d.]+ GB, spread of memory ([\d.]+) then ([\d.]+), violations 4 then 0"
    found = {name: (int(moves), float(before), float(after)) for name, moves, before, after in re.findall(figure, done.stdout)}
    assert set(found) == {"foresight", "greedy_batch"}
    moves, before, after = found["foresight"]
    assert before > 0.5
    assert after <= 0.1
    assert moves <= found["greedy_batch"][0] <= 14


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
