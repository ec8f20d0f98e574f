"""Everything that lv_resize refuses on real volumes: with its reason, in check mode too, and nothing is changed.

The cases are a table in volumes/refusals.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.fleet import Lab
from lab.noting import Note
from lab.volumes.batch import Answers, Case, ask, parameters
from lab.volumes.checks import check_refused
from lab.volumes.groups import Groups, chosen
from lab.volumes.refusals import GROUPS


@pytest.fixture(scope="module")
def groups(lab: Lab, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Groups[Answers]]:
    made = Groups(lab, "refused", chosen(request, "group", "case"), ask, tmp_path_factory.mktemp("refused"))
    yield made
    made.close()


@pytest.mark.parametrize(("group", "case"), parameters(GROUPS))
def test_refusal(groups: Groups[Answers], group: str, case: Case, note: Note) -> None:
    made = groups.of(group)
    note.versions(made.versions)
    check_refused(case, made.answers[case.name])
    note.refused(made.answers[case.name].real["message"])
