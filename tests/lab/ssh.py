"""The ssh command line into a lab host, one for the lab itself and for Ansible."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab.rootfs import HOST_KEY_ALIAS


def common_options(known_hosts: Path) -> list[str]:
    """Options that keep the user's own ssh files out of it; the host key is known from the image's build."""
    return [
        *("-F", "/dev/null"),
        *("-o", f"UserKnownHostsFile={known_hosts}", "-o", "GlobalKnownHostsFile=/dev/null"),
        *("-o", f"HostKeyAlias={HOST_KEY_ALIAS}", "-o", "StrictHostKeyChecking=yes"),
        *("-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "PasswordAuthentication=no"),
    ]


def options(key: Path, known_hosts: Path, control: Path) -> list[str]:
    """Options of the lab's own connections: one shared connection per host (a login costs a second under emulation)."""
    return [
        *common_options(known_hosts),
        *("-i", str(key), "-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=30"),
        *("-o", "ControlMaster=auto", "-o", f"ControlPath={control}", "-o", "ControlPersist=120"),
        *("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=8"),
    ]


def answers(command: list[str]) -> bool:
    """Whether the host behind this ssh command line runs a command now."""
    try:
        done = subprocess.run([*command, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
