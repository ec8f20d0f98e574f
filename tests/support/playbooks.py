"""Running ansible-playbook against lab hosts, and reading what it says."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.wait import wait_for

CHECKOUT = Path(__file__).resolve().parents[2]
# Of the environment that runs the tests, which is the checkout's own unless somebody lends theirs.
ANSIBLE_PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
_RECAP = re.compile(r"^(\S+)\s*: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Recap:
    ok: int
    changed: int
    unreachable: int
    failed: int


@dataclass(frozen=True)
class Run:
    """What one call of ansible-playbook did."""

    returncode: int
    output: str
    recap: dict[str, Recap]

    @property
    def changed(self) -> int:
        return sum(host.changed for host in self.recap.values())

    def diffs(self) -> list[str]:
        """All diffs that were shown, each as one text; sorted, because hosts that work at the same time report in any order."""
        lines = [line for line in self.output.splitlines() if re.match(r"^(\+|-|@@)", line)]
        return sorted(("\n" + "\n".join(lines)).split("\n--- ")[1:])


@dataclass
class Playbooks:
    """Plays of the collection against one inventory and one store, with extra variables of the test."""

    inventory: Path
    store: Path
    variables: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, playbook: str, *options: str, **variables: Any) -> list[str]:
        extra = {"foresight_store": str(self.store), **self.variables, **variables}
        name = playbook if "/" in playbook else f"foresight.capacity.{playbook}"
        return [str(ANSIBLE_PLAYBOOK), "-i", str(self.inventory), name, "-e", json.dumps(extra), *options]

    def environ(self) -> dict[str, str]:
        return {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "1", "ANSIBLE_HOST_KEY_CHECKING": "false", **self.environment}

    def run(self, playbook: str, *options: str, check: bool = True, timeout: float = 600.0, **variables: Any) -> Run:
        """Run a playbook to its end. With ``check`` any return code but 0 and 4 (a host was unreachable) is an error."""
        done = subprocess.run(
            self.command(playbook, *options, **variables),
            cwd=self.store.parent, env=self.environ(), capture_output=True, text=True, check=False, timeout=timeout,
        )  # fmt: skip
        run = Run(done.returncode, done.stdout + done.stderr, _recap(done.stdout))
        if check and run.returncode not in (0, 4):
            raise AssertionError(f"{playbook} ended with {run.returncode}\n{run.output[-12000:]}")
        return run

    def start(self, playbook: str, *options: str, **variables: Any) -> Started:
        """Run a playbook in the background, in a session of its own, so that it can be killed with all its workers."""
        process = subprocess.Popen(
            self.command(playbook, *options, **variables),
            cwd=self.store.parent, env=self.environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        return Started(process)


@dataclass(frozen=True)
class Started:
    process: subprocess.Popen[str]

    def kill(self) -> None:
        """SIGKILL to the process group of ansible-playbook: it does not say goodbye. Its workers have sessions of their own, and live on."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def end_all(self, number: int) -> None:
        """A signal to ansible-playbook and all that it has started, as systemd sends it to a unit; returns when all are gone."""
        everybody = [self.process.pid, *self.descendants()]
        for pid in everybody:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        self.process.communicate()
        wait_for(lambda: not any(map(self.lives, everybody)), 60, "the end of what ansible-playbook has started")

    def descendants(self) -> list[int]:
        """The processes that it has started, those that they have started and so on."""
        parents = {int(entry.name): _parent_of(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
        found: list[int] = []
        more = [self.process.pid]
        while more:
            more = [child for child, parent in parents.items() if parent in more]
            found += more
        return found

    @staticmethod
    def lives(pid: int) -> bool:
        """Whether there is such a process; a zombie is none."""
        return bool(_parent_of(pid))

    def wait(self, timeout: float = 600.0) -> Run:
        output, _nothing = self.process.communicate(timeout=timeout)
        return Run(self.process.returncode, output, _recap(output))


def _parent_of(pid: int) -> int:
    """The parent of a process, 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[1])


def _recap(output: str) -> dict[str, Recap]:
    return {host: Recap(*(int(number) for number in numbers)) for host, *numbers in _RECAP.findall(output)}
