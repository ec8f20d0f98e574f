"""Killing lv_resize at many points in one play: each volume's own run dies at its point, the next one finishes, a third finds nothing to do."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import wrappers
from lab.volumes.batch import request
from lab.volumes.bench import Bench, Inspection
from lab.volumes.flows import Point
from lab.wrappers import Rule
from support.modules import Outcome
from support.playbooks import Playbooks

PLAYS = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Killed:
    """What came of one point: what check mode foretold, what Ansible told of the killed run, the two runs after it, and the volume."""

    foretold: Outcome
    killed: Outcome
    was_killed: bool
    finished: Outcome
    again: Outcome
    inspection: Inspection


def kill(bench: Bench, points: Sequence[Point], folder: Path) -> dict[str, Killed]:
    """Make a volume for each point, kill its resize there, let two more follow, and inspect them all.

    The steps must be those of the table.
    """
    cases = [point.case() for point in points]
    volumes = [bench.volume(case.recipe) for case in cases]
    bench.create(volumes)
    requests = [request(volume, case) for volume, case in zip(volumes, cases, strict=True)]
    plays = Playbooks(bench.module.inventory, folder / "store.db", {"resize_host": bench.host.name, "resize_requests": requests})
    answers = folder / "answers.json"
    plays.run(str(PLAYS / "foretell_all.yml"), timeout=3600, resize_answers=str(answers))
    foretold: list[Outcome] = json.loads(answers.read_text())["foretold"]
    for point, outcome in zip(points, foretold, strict=True):
        assert steps_of(outcome["commands"]) == point.flow.steps, f"{point.name}: {outcome['message']} {outcome['commands']}"
    by_tool: dict[str, list[Rule]] = {}
    rule_of_point: list[tuple[str, int]] = []
    for point, volume, outcome in zip(points, volumes, foretold, strict=True):
        for step, command in enumerate(outcome["commands"]):
            tool, rule = rule_of(point, step, command, volume.name)
            by_tool.setdefault(tool, []).append(rule)
            if step == point.step:
                rule_of_point.append((tool, len(by_tool[tool]) - 1))
    wrappers.install_many(bench.host, by_tool)
    plays.run(str(PLAYS / "kill_all.yml"), timeout=3600, resize_answers=str(answers))
    said = json.loads(answers.read_text())
    reached = wrappers.reached_all(bench.host, rule_of_point)
    bench.host.wrappers_clear()
    inspected = bench.inspect(volume.name for volume in volumes)
    rows = zip(points, volumes, foretold, said["killed"], reached, said["finished"], said["again"], strict=True)
    return {
        point.name: Killed(before, killed, (seen or "nobody").isdecimal(), finished, again, inspected[volume.name])
        for point, volume, before, killed, seen, finished, again in rows
    }


def rule_of(point: Point, step: int, command: str, volume: str) -> tuple[str, Rule]:
    """The tool of a step, and the rule that kills its caller if it is the one of this point.

    The same words are read with before and after: a call is the step only when the one before it has been.
    """
    tool, *arguments = shlex.split(command)
    pattern = re.sub(r"([*?\[\\])", r"\\\1", " ".join(arguments))
    return tool, Rule("kill" if step == point.step else "none", point.when, pattern=pattern, sequence=volume, turn=step)


def steps_of(commands: Sequence[str]) -> tuple[str, ...]:
    """The names of the steps, as the table of flows has them: the tool, and what lvm is asked to do."""
    words = [shlex.split(command) for command in commands]
    return tuple(" ".join(command[:2]) if command[0] == "lvm" else command[0] for command in words)
