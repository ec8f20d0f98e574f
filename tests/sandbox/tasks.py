"""Tasks: asynchronous work with a UPID, a log and an exit status."""

from __future__ import annotations

import itertools
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .clock import Clock
from .errors import ApiError
from .scheduler import Job, Scheduler, Work

UPID = re.compile(
    r"UPID:(?P<node>[a-zA-Z0-9][a-zA-Z0-9-]*):(?P<pid>[0-9A-Fa-f]{8}):(?P<pstart>[0-9A-Fa-f]{8,9}):(?P<starttime>[0-9A-Fa-f]{8}):"
    r"(?P<type>[^:\s]+):(?P<id>[^:\s]*):(?P<user>[^:\s]+):"
)
_KEEP = 2000  # finished tasks that are remembered


class TaskError(Exception):
    """The task ends with this text."""


class Interrupted(TaskError):
    """SIGTERM."""

    def __init__(self) -> None:
        super().__init__("received interrupt")


@dataclass
class Task:
    """One task of one node."""

    upid: str
    node: str
    pid: int
    pstart: int
    starttime: int
    type: str
    id: str
    user: str
    log: list[str] = field(default_factory=list)
    warnings: int = 0
    endtime: int | None = None
    exitstatus: str | None = None
    job: Job | None = field(default=None, repr=False)
    saved: bool = True

    def say(self, *lines: str) -> None:
        """Append to the log."""
        self.log.extend(lines)

    @property
    def running(self) -> bool:
        return self.exitstatus is None

    @property
    def identity(self) -> dict[str, Any]:
        """Who started it, as the API splits it."""
        user, _unused, token = self.user.partition("!")
        return {"user": user} | ({"tokenid": token} if token else {})

    @property
    def lines(self) -> list[str]:
        """The log as it is read: with its last line when it has ended."""
        if self.exitstatus is None:
            return self.log or ["no content"]
        if self.exitstatus == "OK" or self.exitstatus.startswith("WARNINGS: "):
            return [*self.log, f"TASK {self.exitstatus}"]
        return [*self.log, "TASK ERROR: " + " ".join(self.exitstatus.split("\n")).rstrip()]

    @property
    def result(self) -> str:
        """How status filters call its end."""
        if self.exitstatus == "OK":
            return "ok"
        if self.exitstatus is None or self.exitstatus in ("unknown", "unexpected status"):
            return "unknown"
        return "warning" if self.exitstatus.startswith("WARNINGS: ") else "error"


class Tasks:
    """All tasks of the cluster. ``wrap`` lets faults change what a task does."""

    def __init__(self, clock: Clock, scheduler: Scheduler) -> None:
        self._clock = clock
        self._scheduler = scheduler
        self._by_upid: dict[str, Task] = {}
        self._pids = itertools.count(4001)
        self.wrap: Callable[[Task, Work], Work] = lambda _task, work: work
        self.on_end: Callable[[Task], None] = lambda _task: None

    def clear(self) -> None:
        """Forget all tasks."""
        self._by_upid.clear()

    def get(self, upid: str) -> Task | None:
        return self._by_upid.get(upid)

    def all(self) -> list[Task]:
        """All tasks, newest first."""
        return list(reversed(self._by_upid.values()))

    def running_on(self, node: str, id_: str | None = None) -> list[Task]:
        """Tasks that run on a node."""
        return [task for task in self._by_upid.values() if task.running and task.node == node and id_ in (None, task.id)]

    def start(self, node: str, type_: str, id_: str, user: str, run: Callable[[Task], Work]) -> Task:
        """Start a task; ``run`` makes its work."""
        task = self._new(node, type_, id_, user, self._clock.now())
        task.job = self._scheduler.start(self.wrap(task, _begin(run, task)), lambda error: self._end(task, error))
        return task

    def record(self, node: str, type_: str, id_: str, user: str, at: float) -> Task:
        """A task of the past that ended well."""
        task = self._new(node, type_, id_, user, at)
        task.endtime, task.exitstatus = int(at) + 1, "OK"
        return task

    def interrupt(self, task: Task) -> None:
        """SIGTERM."""
        if task.job is not None and task.running:
            task.job = self._scheduler.interrupt(task.job, Interrupted())

    def kill(self, task: Task) -> None:
        """The process is gone without a word."""
        if task.job is not None and task.running:
            task.job.cancelled = True
            task.job.work.close()
            self._finish(task, "unexpected status")

    def _new(self, node: str, type_: str, id_: str, user: str, at: float) -> Task:
        pid = next(self._pids) & 0xFFFFFFFF
        pstart = int(at * 100) & 0xFFFFFFFF
        upid = f"UPID:{node}:{pid:08X}:{pstart:08X}:{int(at):08X}:{type_}:{id_}:{user}:"
        task = Task(upid, node, pid, pstart, int(at), type_, id_, user)
        self._by_upid[upid] = task
        if len(self._by_upid) > _KEEP:
            oldest = next((t for t in self._by_upid.values() if not t.running), None)
            if oldest is not None:
                del self._by_upid[oldest.upid]
        return task

    def _end(self, task: Task, error: BaseException | None) -> None:
        if isinstance(error, ApiError):  # a call that was refused inside the task
            error = TaskError(error.message.rstrip("\n"))
        if error is not None and not isinstance(error, TaskError):
            traceback.print_exception(error)  # a defect of the sandbox: shown where it runs, and the task fails
            self._finish(task, f"sandbox: {type(error).__name__}: {error}")
            return
        if error is not None:
            self._finish(task, str(error))
        else:
            self._finish(task, f"WARNINGS: {task.warnings}" if task.warnings else "OK")

    def _finish(self, task: Task, exitstatus: str) -> None:
        if task.running:
            task.endtime, task.exitstatus = int(self._clock.now()), exitstatus
            self.on_end(task)


def _begin(run: Callable[[Task], Work], task: Task) -> Work:
    """The work, made when it begins: a refusal is the task's end, not the caller's."""
    yield from run(task)
