"""Free TCP ports of 127.0.0.1 for the hosts' ssh."""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from lab.errors import LabError
from lab.paths import run_root

# Below the range the kernel hands out for outgoing connections, so that a port stays free while its host is reset.
FIRST, LAST = 22100, 22999


@contextmanager
def reserved(wanted: int | None = None) -> Iterator[int]:
    """Give a free port (``wanted`` if that is free), and keep other calls waiting until QEMU listens on it."""
    run_root().mkdir(mode=0o700, parents=True, exist_ok=True)
    with (run_root() / "ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        candidates = ([wanted] if wanted else []) + list(range(FIRST, LAST + 1))
        yield next(filter(_is_free, candidates), None) or _none_free()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As QEMU does: connections of a killed predecessor that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _none_free() -> int:
    raise LabError(f"No free port on 127.0.0.1 between {FIRST} and {LAST} for a lab host's ssh.")
