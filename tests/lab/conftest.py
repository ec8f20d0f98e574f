"""Fixtures of the tests that need real hosts. Without QEMU, debootstrap or root they skip and say what to install."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab import fleet
from lab.errors import LabUnavailable
from lab.fleet import Lab
from lab.hosts import LabHost
from lab.vm import Vm


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: every kill point, no time limit (make lab-full); the rest is make lab-test")


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Lab:
    """The lab, its image built or found in the cache. What the session restored keeps running for the next one (``tests/lab down``)."""
    reporter = pytestconfig.pluginmanager.get_plugin("terminalreporter")

    def say(text: str) -> None:
        if reporter is not None:
            reporter.write_line(f"lab: {text}")

    try:
        fleet.up([], say)
    except LabUnavailable as reason:
        pytest.skip(str(reason))
    return Lab(say)


@pytest.fixture
def scratch(lab: Lab, request: pytest.FixtureRequest) -> Iterator[LabHost]:
    """A host of its own for one test, fresh from the snapshot and gone afterwards."""
    name = f"scratch{abs(hash(request.node.nodeid)) % 10**6}"
    (host,) = lab.reset(name)
    yield host
    Vm(name).down()
