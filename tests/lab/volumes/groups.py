"""Groups of cases, each on a fresh host of its own: made when its first test asks, taken down when the next group begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from lab.fleet import Lab
from lab.volumes.bench import Bench, bench_of, versions

Answer = TypeVar("Answer")
# Asks for these items of a group on its host; gives what came of each by its name.
Ask = Callable[[Bench, Sequence[Any], Path], dict[str, Answer]]


@dataclass(frozen=True)
class Group(Generic[Answer]):
    versions: dict[str, str]
    answers: dict[str, Answer]


class Groups(Generic[Answer]):
    """The groups of one test module; ``chosen`` holds for each the items whose tests are to run."""

    def __init__(self, lab: Lab, prefix: str, chosen: dict[str, list[Any]], ask: Ask[Answer], folder: Path) -> None:
        self._lab, self._prefix, self._chosen, self._ask, self._folder = lab, prefix, chosen, ask, folder
        self._stack = ExitStack()
        self._current: str | None = None
        self._group: Group[Answer] | Exception | None = None

    def of(self, name: str) -> Group[Answer]:
        """The answers of this group. What went wrong when it was asked is told to each of its tests, and tried once."""
        if name != self._current:
            self.close()
            self._current = name
            try:
                self._group = self._make(name)
            except Exception as error:
                self._group = error
                raise
        if isinstance(self._group, Exception):
            pytest.fail(f"the group {name} was not made: {str(self._group)[-2000:]}", pytrace=False)
        assert self._group is not None
        return self._group

    def _make(self, name: str) -> Group[Answer]:
        bench = self._stack.enter_context(bench_of(self._lab, f"{self._prefix}-{name}"))
        folder = self._folder / name
        folder.mkdir()
        return Group(versions(bench.host), self._ask(bench, self._chosen[name], folder))

    def close(self) -> None:
        self._stack.close()
        self._stack = ExitStack()


def chosen(request: pytest.FixtureRequest, group: str, item: str) -> dict[str, list[Any]]:
    """The items of each group whose tests in the file of this fixture are to run; ``group`` and ``item`` name their parameters."""
    found: dict[str, list[Any]] = {}
    for test in request.session.items:
        if test.path == request.path and hasattr(test, "callspec") and item in test.callspec.params:
            found.setdefault(test.callspec.params[group], []).append(test.callspec.params[item])
    return found
