"""Many requests to lv_resize in one play: each in check mode, really, and what was done once more. One start of Ansible and of ssh serves all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.volumes.bench import MIB, Bench, Inspection
from lab.volumes.recipes import Recipe, Volume
from support.modules import Outcome
from support.playbooks import Playbooks

DONE = "done"
PLAY = Path(__file__).resolve().parent.parent / "resize_all.yml"
_WOULD = re.compile("would (grow|shrink|mount)", re.IGNORECASE)
_DID = {"grow": "grew", "shrink": "shrank", "mount": "mounted"}
SHOWN = ("changed", "status", "reason", "before", "after", "diff", "commands", "message")


@dataclass(frozen=True)
class Case:
    """One volume, what is asked of it, and how that shall end: ``done``, or the code of the refusal.

    ``size`` in MiB; ``request`` holds the other options of the module, {name} in them is that of the volume. ``quick`` cases are part
    of `make lab-test`. ``sound``: nothing is wrong with the file system to begin with.
    """

    name: str
    recipe: Recipe
    size: int
    request: dict[str, Any]
    expected: str = DONE
    quick: bool = False
    sound: bool = True


@dataclass(frozen=True)
class Answers:
    """What lv_resize said to one request: in check mode, really, and once more where it was to be done; and what became of the volume."""

    foretold: Outcome
    real: Outcome
    again: Outcome | None
    inspection: Inspection


def parameters(groups: Mapping[str, Sequence[Case]]) -> list[Any]:
    """A table of cases as parameters (group, case) of a test; those that are not quick belong to `make lab-full` only."""
    return [
        pytest.param(group, case, id=f"{group}: {case.name}", marks=() if case.quick else pytest.mark.full)
        for group, cases in groups.items()
        for case in cases
    ]


def ask(bench: Bench, cases: Sequence[Case], folder: Path) -> dict[str, Answers]:
    """Make the volumes of all cases, ask for each, and inspect them all."""
    volumes = {case.name: bench.volume(case.recipe) for case in cases}
    bench.create(list(volumes.values()))
    requests = {case.name: request(volumes[case.name], case) for case in cases}
    repeated = [case.name for case in cases if case.expected == DONE]
    answers = folder / "answers.json"
    variables = {
        "resize_host": bench.host.name,
        "resize_requests": list(requests.values()),
        "resize_again": [requests[name] for name in repeated],
    }
    plays = Playbooks(bench.module.inventory, folder / "store.db", variables)
    plays.run(str(PLAY), timeout=7200, resize_answers=str(answers))
    said: dict[str, list[Outcome]] = json.loads(answers.read_text())
    again = dict(zip(repeated, said["again"], strict=True))
    inspected = bench.inspect(volume.name for volume in volumes.values())
    rows = zip(cases, said["foretold"], said["real"], strict=True)
    return {case.name: Answers(foretold, real, again.get(case.name), inspected[volumes[case.name].name]) for case, foretold, real in rows}


def request(volume: Volume, case: Case) -> dict[str, Any]:
    """The options of the module for one case."""
    asked = {key: value.format(name=volume.name) if isinstance(value, str) else value for key, value in case.request.items()}
    return {"vg": "vg0", "lv": volume.name, "size": case.size * MIB, **asked}


def shown(outcome: Outcome) -> dict[str, Any]:
    """What check mode and the real run have in common: everything but the tense of the message."""
    message = _WOULD.sub(lambda found: _DID[found.group(1).lower()], outcome["message"])
    return {key: outcome[key] for key in SHOWN} | {"message": message.lower()}
