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
    """Make a volume for each point, kill its resize there, let two more follow, and inspect them all."""
    cases = [point.case() for point in points]
    volumes = [bench.volume(case.recipe) for case in cases]
    bench.create(volumes)
    requests = [request(volume, case) for volume, case in zip(volumes, cases, strict=True)]
    plays = Playbooks(bench.module.inventory, folder / "store.db", {"resize_host": bench.host.name, "resize_requests": requests})
    answers = folder / "answers.json"
    plays.run(str(PLAYS / "foretell_all.yml"), timeout=3600, resize_answers=str(answers))
    foretold = json.loads(answers.read_text())["foretold"]
    rules = [rule_at(point, outcome["commands"]) for point, outcome in zip(points, foretold, strict=True)]
    by_tool: dict[str, list[Rule]] = {}
    for outcome in foretold:
        by_tool |= {shlex.split(command)[0]: [] for command in outcome["commands"]}
    numbers = []
    for tool, rule in rules:
        by_tool[tool].append(rule)
        numbers.append((tool, len(by_tool[tool]) - 1))
    # Every tool is wrapped, for a rule that waits for the step before its own.
    wrappers.install_many(bench.host, {tool: rules or [Rule()] for tool, rules in by_tool.items()})
    plays.run(str(PLAYS / "kill_all.yml"), timeout=3600, resize_answers=str(answers))
    said = json.loads(answers.read_text())
    reached = [wrappers.reached(bench.host, tool, number) for tool, number in numbers]
    bench.host.wrappers_clear()
    inspected = bench.inspect(volume.name for volume in volumes)
    rows = zip(points, volumes, foretold, said["killed"], reached, said["finished"], said["again"], strict=True)
    return {
        point.name: Killed(before, killed, (seen or "nobody").isdecimal(), finished, again, inspected[volume.name])
        for point, volume, before, killed, seen, finished, again in rows
    }


def rule_at(point: Point, commands: Sequence[str]) -> tuple[str, Rule]:
    """The tool, and the rule that kills its caller at this point of a run with these commands."""
    tool, *arguments = shlex.split(commands[point.step])
    since = ""
    if point.step:
        # The same words may be read with earlier: only what comes after the step before counts.
        former, *words = shlex.split(commands[point.step - 1])
        since = "\t".join((former, "[0-9]*", re.sub(r"([.*^$\[\\])", r"\\\1", " ".join(words))))
    return tool, Rule("kill", point.when, pattern=re.sub(r"([*?\[\\])", r"\\\1", " ".join(arguments)), since=since)


def steps_of(commands: Sequence[str]) -> tuple[str, ...]:
    """The names of the steps, as the table of flows has them: the tool, and what lvm is asked to do."""
    words = [shlex.split(command) for command in commands]
    return tuple(" ".join(command[:2]) if command[0] == "lvm" else command[0] for command in words)
