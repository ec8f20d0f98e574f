"""Faults on request: a JSON list of rules, read at the start or handed over by ``ctl faults FILE``.

Answers: ``{"fault": "slow|drop|drop_after|truncate|error|error_after", "method", "path", "at", "times", "after", "seconds", "status",
"reason"}``.
``drop`` and ``error`` refuse before anything is done, ``drop_after``, ``truncate`` and ``error_after`` after the call was carried out.
Tasks: ``{"fault": "hang|fail", "type", "id", "times", "after", "text", "seconds"}``; nodes: ``{"fault": "death", "node",
"after_seconds", "seconds"}``.
``path`` is a regular expression for the whole path below /api2/json, ``at`` the node that was asked, ``times`` how often (default: for
ever), ``after`` how many matches pass first.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .scheduler import Work, told
from .tasks import Task, TaskError

if TYPE_CHECKING:
    from .world import World

ANSWERS = ("slow", "drop", "drop_after", "truncate", "error", "error_after")
TASKS = ("hang", "fail")
FOREVER = 1e9


@dataclass
class Fault:
    """One rule."""

    fault: str
    method: str = ".*"
    path: str = ".*"
    at: str | None = None
    type: str = ".*"
    id: str = ".*"
    times: int | None = None
    after: int = 0
    seconds: float = 0.0
    status: int = 500
    reason: str = "sandbox fault"
    text: str = "sandbox fault"
    node: str = ""
    after_seconds: float = 0.0

    def counts(self) -> bool:
        """Whether a match is hit; counts it."""
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


class Faults:
    """The rules in force."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.rules: list[Fault] = []
        world.tasks.wrap = self._task

    def load(self, file: Path | None) -> None:
        """Replace the rules by those of a file, or by none."""
        self.set(json.loads(file.read_text(encoding="utf-8")) if file else [])

    def set(self, rules: list[dict[str, Any]]) -> None:
        """Replace the rules."""
        self.rules = [Fault(**rule) for rule in rules]
        for rule in self.rules:
            if rule.fault == "death":
                self._world.scheduler.start(self._death(rule), told)
            elif rule.fault not in (*ANSWERS, *TASKS):
                raise ValueError(f"unknown fault {rule.fault!r}: needs one of {', '.join((*ANSWERS, *TASKS, 'death'))}")

    def answer(self, node: str, method: str, path: str) -> Fault | None:
        """The fault that hits a request."""
        for rule in self.rules:
            if rule.fault not in ANSWERS or rule.at not in (None, node):
                continue
            if re.fullmatch(rule.method, method) and re.fullmatch(rule.path, path) and rule.counts():
                return rule
        return None

    def _task(self, task: Task, work: Work) -> Work:
        for rule in self.rules:
            if rule.fault in TASKS and re.fullmatch(rule.type, task.type) and re.fullmatch(rule.id, task.id) and rule.counts():
                return self._hang(work, rule.seconds) if rule.fault == "hang" else self._fail(work, rule)
        return work

    @staticmethod
    def _hang(work: Work, seconds: float) -> Work:
        """The first step is done, then nothing for ``seconds`` (0 = for ever), or until it is interrupted."""
        for step in work:
            try:
                yield step
                yield seconds or FOREVER
            except TaskError as error:
                yield from _hit(work, error)
            break
        yield from work

    @staticmethod
    def _fail(work: Work, rule: Fault) -> Work:
        """Goes on for a while, then the work is hit by an error where it stands, and cleans up as it would."""
        waited = 0.0
        for step in work:
            if waited + step >= rule.seconds:
                break
            yield step
            waited += step
        else:
            return
        yield rule.seconds - waited
        yield from _hit(work, TaskError(rule.text))

    def _death(self, rule: Fault) -> Work:
        from .power import die, live

        yield rule.after_seconds
        die(self._world, self._world.nodes[rule.node])
        if rule.seconds:
            yield rule.seconds
            live(self._world, self._world.nodes[rule.node])


def _hit(work: Work, error: TaskError) -> Work:
    """Throw an error into work where it waits, and let it clean up."""
    try:
        wait = work.throw(error)
    except StopIteration:
        return
    yield wait
    yield from work
