"""Running one module on a lab host by the ansible command, as an administrator would."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ANSIBLE = Path(__file__).resolve().parents[2] / ".venv" / "bin" / "ansible"
_RESULT = re.compile(r"=> (\{.*\})", re.DOTALL)
Outcome = dict[str, Any]


@dataclass(frozen=True)
class ModuleRun:
    """A module that runs in the background."""

    process: subprocess.Popen[str]

    def wait(self, timeout: float = 300.0) -> Outcome:
        """The result of the module. One that was killed has no ``status``, but a message of Ansible's."""
        output, errors = self.process.communicate(timeout=timeout)
        found = _RESULT.search(output)
        assert found, f"the ansible command gave no result:\n{output}{errors}"
        outcome: Outcome = json.loads(found.group(1))
        return outcome

    def kill_controller(self) -> None:
        """SIGKILL to the ansible command, its workers and its ssh client: the connection is gone at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


@dataclass(frozen=True)
class Module:
    """One module on one host of an inventory."""

    inventory: Path
    host: str
    name: str

    def start(self, check: bool = False, **arguments: Any) -> ModuleRun:
        command = [str(ANSIBLE), "-i", str(self.inventory), self.host, "-m", self.name, "-a", json.dumps(arguments)]
        # No connection outlives the command: a killed one must not take others with it.
        ssh = {"ANSIBLE_SSH_ARGS": "-o ControlMaster=no"}
        environment = {**os.environ, **ssh, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
        process = subprocess.Popen(
            command + (["--check"] if check else []),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=environment,
        )
        return ModuleRun(process)

    def run(self, check: bool = False, **arguments: Any) -> Outcome:
        return self.start(check, **arguments).wait()
