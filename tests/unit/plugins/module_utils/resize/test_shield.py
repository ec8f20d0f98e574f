# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

from ansible_collections.foresight.capacity.plugins.module_utils.resize import shield
from ansible_collections.foresight.capacity.plugins.module_utils.resize.shield import ShieldedRunner, signals_ignored


def test_runner_gives_status_and_both_outputs(tmp_path):
    with (tmp_path / "lock").open("w") as lock:
        run = ShieldedRunner(lock.fileno())
        assert run(["sh", "-c", "echo out; echo err >&2; echo $WORD; exit 3"], environ_update={"WORD": "here"}) == (
            3,
            "out\nhere\n",
            "err\n",
        )


def test_runner_keeps_the_lock_open_and_its_session_apart(tmp_path):
    with (tmp_path / "lock").open("w") as lock:
        code = f"import os; os.fstat({lock.fileno()}); print(os.getsid(0))"
        status, out, _err = ShieldedRunner(lock.fileno())([sys.executable, "-c", code])
    assert status == 0
    assert int(out) != os.getsid(0)


def test_signals_are_ignored_and_given_back():
    former = signal.getsignal(signal.SIGTERM)
    with signals_ignored():
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
            assert signal.getsignal(number) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is former


def test_child_outlives_a_killed_parent_and_a_hang_up(tmp_path):
    """The parent dies by SIGKILL while its child works; the child survives a hang-up and output that nobody reads any more."""
    child = textwrap.dedent(
        f"""
        import os, signal, sys
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
        print("x" * 100000, flush=True)
        open({str(tmp_path / "done")!r}, "w").close()
        """
    )
    ended, held = os.pipe()
    parent = textwrap.dedent(
        f"""
        import sys
        from ansible_collections.foresight.capacity.plugins.module_utils.resize.shield import ShieldedRunner, signals_ignored
        with signals_ignored():
            ShieldedRunner({held})([sys.executable, "-c", {child!r}])
        """
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", parent], check=False, pass_fds=(held,), env=environment)
    os.close(held)
    # The child holds the last copy of the other end.
    assert os.read(ended, 1) == b""
    os.close(ended)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "done").exists()


def test_a_program_that_cannot_be_started_is_a_failed_step(tmp_path):
    program = tmp_path / "lvm"
    program.write_bytes(b"\x7fELF of no machine")
    program.chmod(0o755)
    with open(tmp_path / "lock", "w", encoding="ascii") as lock:
        status, out, err = ShieldedRunner(lock.fileno())([str(program)])
    assert (status, out) == (126, "")
    assert err.startswith("it could not be started: ")


def test_no_memory_for_what_a_program_says_is_a_failed_step(tmp_path, monkeypatch):
    """In the middle of a resize it must not end the module: what was unmounted is mounted again."""

    def no_memory(_name):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(shield, "_memory", no_memory)
    with open(tmp_path / "lock", "w", encoding="ascii") as lock:
        answer = ShieldedRunner(lock.fileno())([sys.executable, "-c", f"open({str(tmp_path / 'ran')!r}, 'w')"])
    assert answer == (126, "", "it could not be started: Cannot allocate memory")
    assert not (tmp_path / "ran").exists()
