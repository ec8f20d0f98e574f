"""Inventories of the lab: one for the integration hosts in the checkout, one per extra host in its run directory."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from lab import ssh
from lab.image import Image
from lab.paths import INVENTORY
from lab.vm import Vm, known

_NUMBERED = re.compile(r"lab(\d+)")
CLOSED_PORT = 9  # "discard": nobody listens there


def numbered(count: int) -> list[str]:
    """Names of the integration hosts: lab1, lab2 …"""
    return [f"lab{number}" for number in range(1, count + 1)]


def is_numbered(vm: Vm) -> bool:
    return _NUMBERED.fullmatch(vm.name) is not None


def switched_off(hosts: list[Vm]) -> str:
    """Name of the host that the inventory lists although it does not run: the number after the last."""
    highest = max((int(found.group(1)) for vm in hosts if (found := _NUMBERED.fullmatch(vm.name))), default=0)
    return f"lab{highest + 1}"


def write(changed: list[Vm]) -> Path:
    """Write the inventory of the numbered hosts if one of them changed; other names get one of their own beside their sockets."""
    for vm in changed:
        if vm.exists and not is_numbered(vm):
            _write(own_path(vm), render([vm], None))
    if any(is_numbered(vm) for vm in changed):
        _write_numbered()
    return INVENTORY


def _write_numbered() -> None:
    integration = [vm for vm in known() if is_numbered(vm)]
    if integration:
        _write(INVENTORY, render(integration, switched_off(integration)))
    else:
        INVENTORY.unlink(missing_ok=True)


def own_path(vm: Vm) -> Path:
    return vm.directory / "hosts.yml"


def render(hosts: list[Vm], off: str | None) -> str:
    """YAML of an inventory with ``hosts`` and, if named, one host that nobody answers for."""
    image = hosts[0].image
    lines = ["# Written by tests/lab; up, reset and down write it anew.", "all:", "  hosts:"]
    for vm in hosts:
        lines += _host(vm.name, vm.port, vm.image)
    if off is not None:
        lines += ["    # Switched off, on purpose: a run must get along without it.", *_host(off, CLOSED_PORT, image)]
    lines += [
        "  vars:",
        "    ansible_host: 127.0.0.1",
        "    ansible_user: root",
        "    ansible_python_interpreter: /usr/bin/python3",
        "    ansible_pipelining: true",
        "    ansible_ssh_timeout: 60",
    ]
    return "\n".join(lines) + "\n"


def _host(name: str, port: int, image: Image) -> list[str]:
    return [
        f"    {name}:",
        f"      ansible_port: {port}",
        f"      ansible_ssh_private_key_file: {image.key}",
        f"      ansible_ssh_common_args: {_quoted(shlex.join(ssh.common_options(image.known_hosts)))}",
    ]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(path)
