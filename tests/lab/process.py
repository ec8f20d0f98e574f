"""The QEMU process of a VM: start it in the background, see whether it runs, end it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError
from lab.machine import Sockets


def start(command: list[str], sockets: Sockets) -> None:
    """Run a ``-daemonize`` command line; returns when QEMU has opened its sockets. Raises LabError with its words."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"QEMU did not start ({done.returncode}): {done.stderr.strip()}")
    if running_pid(sockets) is None:
        raise LabError(f"QEMU started and ended at once; see {sockets.console}")


def running_pid(sockets: Sockets) -> int | None:
    """Process id of the VM of this directory, or None. A pid that now belongs to somebody else does not count."""
    try:
        pid = int(sockets.pid.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if str(sockets.pid).encode() in command else None


@contextmanager
def ending(sockets: Sockets, timeout: float = 30.0) -> Iterator[int | None]:
    """Give the pid of the VM; on leaving, wait until that process is gone, its files closed and its disks unlocked."""
    pid = running_pid(sockets)
    try:
        handle = os.pidfd_open(pid) if pid is not None else None
    except ProcessLookupError:
        handle = None
    if handle is None:
        yield None
        return
    try:
        yield pid
        ended, _writable, _broken = select.select([handle], [], [], timeout)
    finally:
        os.close(handle)
    if not ended:
        raise LabError(f"QEMU (process {pid}) has not ended within {timeout:g} s")


def kill(sockets: Sockets) -> None:
    """End the VM at once, as if the power failed; nothing happens when it is not running."""
    with ending(sockets) as pid:
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
