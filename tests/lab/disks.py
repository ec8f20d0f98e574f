"""Disk files of a VM: sparse blank data disks, and a root overlay that leaves the image untouched."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab.machine import DATA_DISKS_BYTES


def make_blank(directory: Path) -> list[Path]:
    """Create (or empty) the data disks in ``directory``."""
    made = []
    for number, size in enumerate(DATA_DISKS_BYTES, start=1):
        path = directory / f"data{number}.raw"
        with path.open("wb") as file:
            file.truncate(size)
        made.append(path)
    return made


def make_overlay(path: Path, backing: str, backing_format: str) -> None:
    """Create the qcow2 ``path``, empty above ``backing`` (a path relative to it, or absolute)."""
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", backing, "-F", backing_format, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
