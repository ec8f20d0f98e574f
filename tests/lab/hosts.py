"""A lab host in the hands of a test: commands, files, and the wrappers that kill or hold."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from lab import wrappers
from lab.errors import LabError
from lab.vm import Vm
from lab.wrappers import Call, Hold, Rule, Victim, When

Command = str | Sequence[str]


class LabHost:
    """The host of this name, which must be up.

    A command given as a list reaches the tool word by word; given as text it is a line of shell. The first folder
    of PATH is the one of the wrappers, as it is for Ansible.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.vm = Vm(name)

    def __repr__(self) -> str:
        return f"LabHost({self.name!r})"

    def run(
        self, command: Command, check: bool = True, timeout: float = 300.0, data: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one command over ssh, ``data`` on its standard input; ``timeout`` in seconds.

        Raises LabError with both outputs when it ends badly and ``check`` is true, and when the host cannot be reached.
        """
        line = command if isinstance(command, str) else shlex.join(command)
        words = [*self.vm.ssh_command(), line]
        done = subprocess.run(words, input=data or "", capture_output=True, text=True, check=False, timeout=timeout)
        if done.returncode and (check or done.returncode == 255):
            raise LabError(f"{self.name}: {line[:2000]}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def start(self, command: str) -> subprocess.Popen[str]:
        """Run one line of shell over ssh in the background (a writer, say); the caller ends it, on the host too."""
        words = [*self.vm.ssh_command(), command]
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def read(self, path: str) -> str:
        """The text of a file on the host."""
        return self.run(["cat", path]).stdout

    def put(self, local: Path | str, remote: str) -> None:
        """Copy a file to the host, byte by byte, with its mode."""
        source = Path(local)
        command = f"cat > {shlex.quote(remote)} && chmod {source.stat().st_mode & 0o777:o} {shlex.quote(remote)}"
        with source.open("rb") as file:
            subprocess.run([*self.vm.ssh_command(), command], stdin=file, check=True, capture_output=True)

    def get(self, remote: str, local: Path | str) -> None:
        """Copy a file from the host, byte by byte."""
        with Path(local).open("wb") as file:
            subprocess.run([*self.vm.ssh_command(), f"cat {shlex.quote(remote)}"], stdin=subprocess.DEVNULL, stdout=file, check=True)

    def reset(self) -> None:
        """Back to the snapshot: fresh system, blank data disks, same ssh port, no wrappers."""
        self.vm.reset(self.vm.image)

    def power_cycle(self) -> None:
        """Cut the power and boot again: what was not on disk is lost. Wrappers are gone, mounts too (there is no fstab)."""
        self.vm.power_cycle()
        self.wrappers_clear()  # their rules were in memory, their names perhaps on the disk

    def kill_on(
        self, tool: str, when: When = "before", nth: int = 1, signal: int = 9, victim: Victim = "parent", pattern: str = "*"
    ) -> None:
        """Kill the Ansible module at the ``nth`` call of ``tool`` whose arguments match the shell glob ``pattern``.

        ``before``: the command does not run at all; ``after``: it ran to its end, and nobody learns how it ended.
        ``parent`` kills the module's Python process; ``tree`` everything of that ssh command. ``killed`` tells whether it happened.
        """
        wrappers.install(self, tool, Rule("kill", when, nth, pattern, victim, signal))

    def killed(self, tool: str) -> bool:
        """Whether the wrapper of ``tool`` has killed its caller. Raises LabError when it found nobody to kill."""
        seen = wrappers.reached(self, tool)
        if seen == "nobody":
            raise LabError(f"{self.name}: the wrapper of {tool} was called, but not by a Python process")
        return seen is not None

    def hold_on(self, tool: str, when: When = "before", nth: int = 1, pattern: str = "*") -> Hold:
        """Stop at the ``nth`` matching call of ``tool`` until the returned hold is released: time to kill something on this side."""
        wrappers.install(self, tool, Rule("hold", when, nth, pattern))
        return Hold(self, tool)

    def fail_on(self, tool: str, when: When = "before", nth: int = 1, pattern: str = "*", status: int = 5) -> None:
        """Let the ``nth`` matching call of ``tool`` end with ``status``: without doing anything, or after all its work."""
        wrappers.install(self, tool, Rule("fail", when, nth, pattern, status=status))

    def note_calls(self, tools: Iterable[str] = wrappers.TOOLS) -> None:
        """Only note the calls of these tools; ``calls`` gives them. This is how a test learns all points to kill at."""
        wrappers.install_many(self, {tool: [Rule()] for tool in tools})

    def calls(self) -> list[Call]:
        """The calls of wrapped tools since the first wrapper was installed."""
        return wrappers.calls(self)

    def wrappers_clear(self) -> None:
        """Take all wrappers and their notes away."""
        wrappers.clear(self)
