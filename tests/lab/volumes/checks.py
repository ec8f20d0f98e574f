"""What must hold after a request to lv_resize, done or refused."""

from __future__ import annotations

from lab.volumes.batch import Answers, Case, shown
from lab.volumes.bench import MIB


def check_done(case: Case, said: Answers) -> None:
    """Check mode foretells, the real run does, the third changes nothing; data, check, mount and identity are as they were."""
    real, found = said.real, said.inspection
    assert real["status"] == "changed", real["message"]
    assert shown(real) == shown(said.foretold)
    assert found.now["size"] == real["after"]["size"] >= case.size * MIB
    assert real["after"]["fs_fills_volume"] is not False
    assert said.again is not None
    assert (said.again["status"], said.again["changed"], said.again["after"]) == ("ok", False, real["after"]), said.again["message"]
    assert said.again["commands"] == []
    assert found.wrong == []
    for kept in ("signature", "mounted", "swap"):
        assert found.now[kept] == found.before[kept]


def check_refused(case: Case, said: Answers) -> None:
    """Refused with the reason, in check mode too; nothing at all was changed."""
    for outcome in (said.foretold, said.real):
        assert (outcome["status"], outcome["reason"], outcome["changed"]) == ("refused", case.expected, False), outcome["message"]
        # Free space is told too, and others grew in between.
        assert {**shown(outcome), "message": ""} == {**shown(said.real), "message": ""}
    assert said.inspection.now == said.inspection.before
    assert said.inspection.wrong == [] or not case.sound
