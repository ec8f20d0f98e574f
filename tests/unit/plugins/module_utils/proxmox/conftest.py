"""One sandbox per test module on free ports. Targets with an older Python have neither it nor proxmoxer, and run none of this."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import sys

import pytest

STATE = pathlib.Path(__file__).parents[3] / "sandbox" / "data" / "state.json"

if sys.version_info < (3, 11) or any(importlib.util.find_spec(name) is None for name in ("proxmoxer", "requests", "cryptography")):
    collect_ignore_glob = ["test_*.py"]
else:
    from sandbox import https
    from sandbox.server import Sandbox

    @pytest.fixture(scope="module")
    def state():
        """The state that the module's sandbox starts from; a test module may have its own."""
        return json.loads(STATE.read_text(encoding="utf-8"))

    @pytest.fixture(scope="module")
    def started(state, tmp_path_factory):
        file = tmp_path_factory.mktemp("sandbox") / "state.json"
        file.write_text(json.dumps(state), encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(https, "_UNAUTHORISED_DELAY", 0.0)
            with Sandbox(file, speed=200.0) as sandbox:
                yield sandbox

    @pytest.fixture
    def sandbox(started):
        """The module's sandbox; what a test did to it is undone."""
        yield started
        with started.world.lock:
            started.faults.set([])
        started.reseed()

    @pytest.fixture
    def serve(tmp_path):
        """Start a sandbox from a state of the test's own; its loads and its clock stand still."""
        running = []

        def start(state, **options):
            file = tmp_path / f"state{len(running)}.json"
            file.write_text(json.dumps({"load_series": {"seed": 1, "wave": 0, "noise": 0}, **state}), encoding="utf-8")
            running.append(Sandbox(file, **{"speed": 0.0, **options}))
            return running[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(https, "_UNAUTHORISED_DELAY", 0.0)
            yield start
        for sandbox in running:
            sandbox.stop()

    @pytest.fixture
    def recorded():
        """The recordings' start state, to be changed at will."""
        return json.loads(STATE.read_text(encoding="utf-8"))
