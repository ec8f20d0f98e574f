"""What the real API answered, the sandbox answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from support.scenario_player import Player, differences

DATA = Path(__file__).parent / "data"
SCENARIOS = sorted((DATA / "scenarios").glob("*.json"))
_USERS = {
    "full": "root@pam!full",
    "ro": "viewer@pve!ro",
    "cap": "ops@pve!cap",
    "nopriv": "ops@pve!none",
    "capmgr": "capmgr@pve!mgr",
    "one": "one@pve!tok",
}


def identities(state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Who asks: the tokens of the state file, a user with a password, and some whom nobody lets in."""
    secrets = {token["tokenid"]: token["value"] for token in state["tokens"]}
    found: dict[str, dict[str, Any]] = {name: {"token": f"{token}={secrets[token]}"} for name, token in _USERS.items()}
    return found | {
        "ops": {"username": "ops@pve", "password": "secret12"},
        "badtoken": {"token": "ops@pve!cap=99999999-3333-3333-3333-333333333333"},
        "unknowntoken": {"token": "ops@pve!nope=33333333-3333-3333-3333-333333333333"},
        "malformed": {"headers": {"Authorization": "PVEAPIToken=garbage"}},
        "wrongscheme": {"headers": {"Authorization": "Bearer abc"}},
        "badcookie": {"headers": {"Cookie": "PVEAuthCookie=PVE:ops@pve:00000000::AAAA"}},
        "none": {},
    }


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_scenario(file: Path, state: dict[str, Any]) -> None:
    with Sandbox(DATA / "state.json", speed=200.0) as sandbox:
        assert Player(sandbox, identities(state)).play(json.loads(file.read_text(encoding="utf-8"))) == []


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) >= 31


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        (1, 1, True),
        (1, True, False),
        (1, "1", False),
        (1, 1.0, False),
        ({"a": 1, "?b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1, "$extra": True}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {}, False),
        ({"$re": "x+"}, "xxy", False),
        ({"$type": "int", "min": 0}, -1, False),
        ({"$keyed": "k", "items": [{"k": 1}, {"k": 2}]}, [{"k": 2}, {"k": 1}], True),
        ({"$keyed": "k", "items": [{"k": 1}]}, [{"k": 2}, {"k": 1}], False),
        ({"$each": {"$type": "str"}, "min": 1}, [], False),
        ({"$set": [1, 2]}, [2, 1], True),
        ({"$csv": ["a", "b"]}, "b,a", True),
        ({"$log": {"last": "TASK OK", "has": ["b"], "min": 1}}, [{"n": 1, "t": "a"}, {"n": 2, "t": "TASK OK"}], False),
        ({"$any": ["a", None]}, None, True),
    ],
)
def test_the_player_sees_differences(pattern: Any, value: Any, fits: bool) -> None:
    assert (list(differences(pattern, value)) == []) is fits
