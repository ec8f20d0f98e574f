# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One store per test on each engine: SQLite in a file, PostgreSQL in a private cluster of this test session."""

from __future__ import annotations

import itertools
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, Store, open_store

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "support"))
import postgres

ENGINES = ("sqlite", "postgresql")
_names = itertools.count()


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Postgres]:
    if postgres.binaries() is None:
        pytest.skip(f"PostgreSQL is not installed ({postgres.APT})")
    with postgres.running(durable=False) as running:
        yield running


def _location(request: pytest.FixtureRequest, folder: pathlib.Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(folder / "store.db")
        return
    cluster = request.getfixturevalue("cluster")
    url = cluster.create_database()
    yield url
    cluster.drop_database(url)


@pytest.fixture(params=ENGINES)
def location(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[str]:
    """Where an empty store can be created."""
    yield from _location(request, tmp_path)


@pytest.fixture
def store(location: str) -> Iterator[Store]:
    """An empty store of this test's own."""
    with open_store(location) as opened:
        yield opened


@pytest.fixture(scope="module", params=ENGINES)
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store for all examples of a property; each example takes series of its own."""
    for place in _location(request, tmp_path_factory.mktemp("store")):
        with open_store(place) as opened:
            yield opened


@pytest.fixture(scope="session")
def new_series() -> Callable[[Store, int], list[int]]:
    """Create so many series, each of an entity of its own, and return their ids."""

    def create(store: Store, count: int) -> list[int]:
        keys = [f"kpi:test/{next(_names)}" for _number in range(count)]
        entities = store.put_entities([EntityRow(key, key, "kpi", None, {}, 0) for key in keys])
        series = store.put_series([(entities[key], "value", "count", False) for key in keys])
        return [series[entities[key], "value"] for key in keys]

    return create


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen[str]]:
    """Start a Python process that runs a script with arguments."""

    def run(script: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, *map(str, arguments)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return run
