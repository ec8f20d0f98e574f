"""Kill -9 of lv_resize on the host, before and after every changing command of every flow.

The flows and their steps are a table in volumes/flows.py. After each kill the next run finishes, a third changes nothing, the data is as it was.
Kills of ansible-playbook are in test_kills.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.fleet import Lab
from lab.noting import Note
from lab.volumes.bench import MIB
from lab.volumes.flows import FLOWS, Point, points
from lab.volumes.groups import Groups, chosen
from lab.volumes.killing import Killed, kill


def parameters() -> Iterator[Any]:
    for flow in FLOWS:
        group = f"{flow.kind} {flow.operation}".replace(" ", "-")
        for point in points(flow):
            marks = () if point.quick else pytest.mark.full
            yield pytest.param(group, point, id=point.name, marks=marks)


@pytest.fixture(scope="module")
def groups(lab: Lab, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Groups[Killed]]:
    made = Groups(lab, "k", chosen(request, "group", "point"), kill, tmp_path_factory.mktemp("kills"))
    yield made
    made.close()


@pytest.mark.parametrize(("group", "point"), list(parameters()))
def test_kill(groups: Groups[Killed], group: str, point: Point, note: Note) -> None:
    made = groups.of(group)
    said = made.answers[point.name]
    note.versions(made.versions)
    assert said.was_killed, said.killed
    assert "status" not in said.killed
    assert said.finished["status"] in ("changed", "ok"), said.finished["message"]
    assert said.finished["after"] == said.foretold["after"]
    assert said.inspection.now["size"] == said.foretold["after"]["size"] >= point.case().size * MIB
    assert (said.again["status"], said.again["changed"], said.again["after"]) == ("ok", False, said.finished["after"]), said.again[
        "message"
    ]
    assert said.inspection.wrong == []
    for kept in ("signature", "mounted", "swap"):
        assert said.inspection.now[kept] == said.inspection.before[kept]
    note.done(said.finished["message"])
