# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which process of which controller is at work, and whether another one still lives."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import platform
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError

_INITIAL_PID_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO of the kernel


class Process(t.NamedTuple):
    """A process that cannot be mistaken for another one: controller, boot, pid, and the pid's start (clock ticks since boot)."""

    controller: str
    boot_id: str
    pid: int
    pid_start: int


def playbook_process(proc: pathlib.Path = pathlib.Path("/proc")) -> Process:
    """Return the ansible-playbook process that this code works for.

    Every task runs in a process of its own that multiprocessing forked; its parent is the one that lives as long as the run.

    :raises ForesightError: when that process is gone or /proc does not tell.
    """
    parent = multiprocessing.parent_process()
    pid = os.getpid() if parent is None or parent.pid is None else parent.pid
    start = started(pid, proc)
    if start is None:
        raise ForesightError(
            f"The ansible-playbook process {pid} is gone, or {proc} does not tell when it began; needed is a Linux controller."
        )
    return Process(controller_id(proc), boot_id(proc), pid, start)


def controller_id(proc: pathlib.Path = pathlib.Path("/proc"), etc: pathlib.Path = pathlib.Path("/etc")) -> str:
    """Return the name of this controller: its host name, its machine id if it has one, and its pid namespace if it is a container.

    Cloned machines and containers of one image share a machine id, and a pid says nothing in another namespace.
    """
    machine = " ".join(filter(None, (platform.node(), _text(etc / "machine-id"))))
    try:
        namespace = os.readlink(proc / "self" / "ns" / "pid")
    except OSError:
        namespace = _INITIAL_PID_NAMESPACE
    return machine if namespace == _INITIAL_PID_NAMESPACE else f"{machine} {namespace}"


def boot_id(proc: pathlib.Path = pathlib.Path("/proc")) -> str:
    """Return the id of this boot of the controller, empty where the system has none."""
    return _text(proc / "sys" / "kernel" / "random" / "boot_id")


def started(pid: int, proc: pathlib.Path = pathlib.Path("/proc")) -> int | None:
    """Return when a process began, in clock ticks since boot; None when it is gone or a zombie."""
    # the command in parentheses may hold anything; the fields after its last ")" are state (3) … starttime (22), see proc(5)
    fields = _text(proc / str(pid) / "stat").rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in ("Z", "X"):
        return None
    return int(fields[19])


def alive(holder: Process, here: Process | None = None, proc: pathlib.Path = pathlib.Path("/proc")) -> bool | None:
    """Return whether a process still lives; None where that is not known: it is one of another controller, or hidden from this user."""
    controller, boot = (here.controller, here.boot_id) if here else (controller_id(proc), boot_id(proc))
    if holder.controller != controller:
        return None
    if holder.boot_id == boot and _is_hidden(holder.pid, proc):
        return None
    return holder.boot_id == boot and started(holder.pid, proc) == holder.pid_start


def _is_hidden(pid: int, proc: pathlib.Path) -> bool:
    """Return whether there is a process of another user of which /proc tells nothing (it may be mounted with hidepid, see proc(5))."""
    if _text(proc / str(pid) / "stat"):
        return False
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def _text(path: pathlib.Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
