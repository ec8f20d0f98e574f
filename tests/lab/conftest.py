"""Fixtures of the tests that need real hosts. Without QEMU, debootstrap or root they skip and say what to install."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from lab import fleet
from lab.errors import LabUnavailable
from lab.fleet import Lab
from lab.hosts import LabHost
from lab.noting import Note, Noting
from lab.vm import Vm
from lab.volumes.bench import Bench, bench_of, versions


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--resume", action="store_true", help="leave out the cases that passed with the same sources (.cache/lab/results.jsonl)"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: part of make lab-full only; the rest is make lab-test")
    config.pluginmanager.register(Noting(config), "lab-noting")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from lab.grouping import GroupScheduling  # pytest-xdist need not be there

    return GroupScheduling(config, log)


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
    name = f"scratch{zlib.crc32(request.node.nodeid.encode())}"
    (host,) = lab.reset(name)
    yield host
    Vm(name).down()


@pytest.fixture(scope="module")
def host_of_module(lab: Lab, request: pytest.FixtureRequest) -> Iterator[tuple[Bench, dict[str, str]]]:
    with bench_of(lab, request.path.stem.removeprefix("test_").replace("_", "-")) as bench:
        yield bench, versions(bench.host)


@pytest.fixture
def bench(host_of_module: tuple[Bench, dict[str, str]], note: Note) -> Iterator[Bench]:
    """One host with a volume group for all tests of a file; what a test put in the way of its tools is gone after it."""
    bench, seen = host_of_module
    note.versions(seen)
    yield bench
    bench.host.wrappers_clear()


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """What the test has shown, in the words of the module; it goes to docs/volumes.md."""
    return Note(request.node.user_properties)
