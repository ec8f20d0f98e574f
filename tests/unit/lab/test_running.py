"""Ports, processes, waiting and wrapper rules, without a VM."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from lab import ports, process
from lab.machine import Sockets
from lab.wait import wait_for
from lab.wrappers import Rule


def test_port_in_use_is_not_given(lab_folders: Path) -> None:
    with socket.socket() as listener, ports.reserved() as first:
        listener.bind(("127.0.0.1", first))
        listener.listen()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", first))
        listener.listen()
        with ports.reserved(wanted=first) as other:
            assert other != first


def test_wanted_port_is_given_when_free(lab_folders: Path) -> None:
    with ports.reserved() as free:
        pass
    with ports.reserved(wanted=free) as again:
        assert again == free


def test_pid_of_somebody_else_is_no_vm(tmp_path: Path) -> None:
    sockets = Sockets(tmp_path)
    assert process.running_pid(sockets) is None
    sockets.pid.write_text(f"{os.getpid()}\n")
    assert process.running_pid(sockets) is None
    process.kill(sockets)


def test_vm_is_gone_when_kill_returns(tmp_path: Path) -> None:
    sockets = Sockets(tmp_path)
    # Any program whose command line names the pid file stands for QEMU here.
    child = subprocess.Popen(["sh", "-c", "sleep 600 & wait", "sh", str(sockets.pid)])
    sockets.pid.write_text(f"{child.pid}\n")
    wait_for(lambda: process.running_pid(sockets), 10, "the child")
    process.kill(sockets)
    assert child.wait(timeout=10) == -9


def test_wait_gives_what_the_condition_gave() -> None:
    seen = iter([None, "", "there"])
    assert wait_for(lambda: next(seen), 10, "it", every=0.001) == "there"


def test_wait_tells_what_it_saw_last() -> None:
    with pytest.raises(TimeoutError, match=r"waited 0\.01 s for rain; last seen: 0"):
        wait_for(lambda: 0, 0.01, "rain", every=0.001)


@pytest.mark.parametrize("pattern", ["*", "-L *M vg0/data", "it's", "$(touch /tmp/never)", 'a "b" \\ c'])
def test_rule_survives_the_shell(pattern: str) -> None:
    text = Rule("kill", "after", 2, pattern, "tree").as_shell()
    script = text + 'printf "%s|%s|%s|%s|%s|%s" "$action" "$when" "$nth" "$pattern" "$victim" "$signal"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"kill|after|2|{pattern}|tree|9"
