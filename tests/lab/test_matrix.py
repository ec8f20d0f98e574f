"""lv_resize on real volumes: every file system grown and shrunk, mounted and not, on every layout; refused where it cannot.

The cases are tables in volumes/matrix.py. Each group of them has a host of its own and is asked for in one play.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.fleet import Lab
from lab.noting import Note
from lab.volumes.batch import DONE, Answers, Case, ask, parameters
from lab.volumes.checks import check_done, check_refused
from lab.volumes.groups import Groups, chosen
from lab.volumes.matrix import GROUPS


@pytest.fixture(scope="module")
def groups(lab: Lab, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Groups[Answers]]:
    made = Groups(lab, "matrix", chosen(request, "group", "case"), ask, tmp_path_factory.mktemp("matrix"))
    yield made
    made.close()


@pytest.mark.parametrize(("group", "case"), parameters(GROUPS))
def test_matrix(groups: Groups[Answers], group: str, case: Case, note: Note) -> None:
    made = groups.of(group)
    said = made.answers[case.name]
    note.versions(made.versions)
    if case.expected == DONE:
        check_done(case, said)
        note.done(said.real["message"])
    else:
        check_refused(case, said)
        note.refused(said.real["message"])
