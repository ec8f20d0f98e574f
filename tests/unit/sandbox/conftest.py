"""A sandbox of each test's own on free ports, with a clock that makes waiting short."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from support.sandbox_client import Client

DATA = Path(__file__).parent / "data"
SPEED = 200.0


@pytest.fixture
def state() -> dict[str, Any]:
    """The recordings' start state, to be changed at will."""
    return copy.deepcopy(json.loads((DATA / "state.json").read_text(encoding="utf-8")))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Start a sandbox from a state; what starts is stopped."""
    running: list[Sandbox] = []

    def start(state: dict[str, Any], *, speed: float = SPEED, faults: list[dict[str, Any]] | None = None, **options: Any) -> Client:
        file = tmp_path / f"state{len(running)}.json"
        file.write_text(json.dumps(state), encoding="utf-8")
        if faults is not None:
            options["faults"] = tmp_path / "faults.json"
            options["faults"].write_text(json.dumps(faults), encoding="utf-8")
        running.append(Sandbox(file, speed=speed, **options))
        return Client(running[-1])

    yield start
    for sandbox in running:
        sandbox.stop()


@pytest.fixture
def client(serve: Callable[..., Client], state: dict[str, Any]) -> Client:
    """A client of the recordings' cluster."""
    return serve(state)
