# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of Proxmox VE: 200 with a UPID only means that one was started, its end tells whether it went well."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure

_TOLD = 5
_PAGE = 1000


class Task(t.NamedTuple):
    """The parts of a UPID."""

    upid: str
    node: str
    started: int
    kind: str
    id: str
    user: str


class Ended(t.NamedTuple):
    """A task that ended well, with warnings or without."""

    task: Task
    exitstatus: str
    log: t.Tuple[str, ...]

    @property
    def warnings(self) -> bool:
        return self.exitstatus.startswith("WARNINGS")


def parse(upid: t.Any) -> Task:
    """Take a UPID apart.

    :raises Failure: for anything else.
    """
    parts = str(upid).split(":")
    if len(parts) != 9 or parts[0] != "UPID":
        raise Failure(failures.UNSETTLED, f"The API answered {upid!r}", "Needed is the UPID of a task")
    return Task(str(upid), parts[1], int(parts[4], 16), parts[5], parts[6], parts[7])


def follow(
    client: Client,
    upid: str,
    *,
    timeout: float,
    poll: float = 1.0,
    progress: t.Optional[t.Callable[[t.List[str]], None]] = None,
    clock: t.Callable[[], float] = time.monotonic,
) -> Ended:
    """Wait for the end of a task at the node that runs it.

    :param progress: called with the new lines of its log whenever there are some.
    :raises Failure: V(task_failed) with the last lines of its log, V(timed_out) when it still runs (it is not ended), or of a call.
    """
    task = parse(upid)
    path = f"/nodes/{task.node}/tasks/{upid}"
    end, told = clock() + timeout, 0
    while True:
        status = client.get(f"{path}/status")
        if progress is not None:
            lines = read_log(client, task, told)
            if lines:
                told += len(lines)
                progress(lines)
        if status.get("status") != "running":
            break
        if clock() >= end:
            raise Failure(
                failures.TIMED_OUT,
                f"Task {task.kind} of {task.id or task.node} still runs on {task.node} after {timeout:g} seconds ({upid})",
                "It goes on there; needed is more patience (O(timeout)), or a look at its log",
            )
        client.sleep(poll)
    log = tuple(read_log(client, task, 0))
    exitstatus = str(status.get("exitstatus", "unknown"))
    if exitstatus != "OK" and not exitstatus.startswith("WARNINGS"):
        last = " | ".join(line for line in log[-_TOLD:] if not line.startswith(("TASK ERROR", "no content")))
        where = f"Task {task.kind} of {task.id or task.node} on {task.node} ended with: {exitstatus}"
        raise TaskFailed(f"{where} (log: {last})" if last else where, exitstatus, log)
    return Ended(task, exitstatus, log)


class TaskFailed(Failure):
    """A task that ended badly; ``log`` has all its lines."""

    def __init__(self, seen: str, exitstatus: str, log: t.Tuple[str, ...]) -> None:
        super().__init__(failures.TASK_FAILED, seen)
        self.exitstatus = exitstatus
        self.log = log


def read_log(client: Client, task: Task, start: int) -> t.List[str]:
    """The lines of a task's log from a line on; an empty log has none."""
    found: t.List[str] = []
    while True:
        page = client.get(f"/nodes/{task.node}/tasks/{task.upid}/log", start=start + len(found), limit=_PAGE)
        lines = [str(line.get("t", "")) for line in page]
        found += lines
        if len(lines) < _PAGE:
            return [] if start == 0 and found == ["no content"] else [line for line in found if line != "no content"]


def started_since(client: Client, node: str, kind: str, vmid: int, since: float) -> t.Optional[str]:
    """The UPID of the newest task of a guest and kind that began at that time (the cluster's clock) or later: what a lost answer told."""
    entries = client.get(f"/nodes/{node}/tasks", source="all", vmid=vmid, typefilter=kind, since=int(since))
    newest = max(entries, key=lambda entry: entry.get("starttime", 0), default=None)
    return None if newest is None else str(newest["upid"])


def of_guest(client: Client, node: str, vmid: int) -> t.List[t.Dict[str, t.Any]]:
    """The newest tasks of a guest on a node, those that run (without C(endtime)) included."""
    entries: t.List[t.Dict[str, t.Any]] = client.get(f"/nodes/{node}/tasks", source="all", vmid=vmid)
    return sorted(entries, key=lambda entry: entry.get("starttime", 0), reverse=True)
