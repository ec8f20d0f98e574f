"""Where the lab keeps its things: the cache, the run directory, the checkout."""

from __future__ import annotations

import os
from pathlib import Path

LAB = Path(__file__).resolve().parent
CHECKOUT = LAB.parent.parent
INVENTORY = CHECKOUT / "inventories" / "lab" / "hosts.yml"


def cache_root() -> Path:
    """Images, downloaded packages and the disks of running hosts (gigabytes, outside of the checkout)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "foresight-lab"


def run_root() -> Path:
    """Pid files, sockets and state of running hosts; short, because a socket path holds 107 bytes."""
    base = os.environ.get("XDG_RUNTIME_DIR") or "/tmp"
    return Path(base) / f"foresight-lab-{os.getuid()}"


def host_run(name: str) -> Path:
    return run_root() / name


def host_disks(name: str) -> Path:
    return cache_root() / "hosts" / name
