"""docs/volumes.md: what the lab has shown of lv_resize, written from the noted results of the last runs (``tests/lab report``)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from lab import results, sources
from lab.errors import LabError
from lab.paths import CHECKOUT, LAB
from lab.results import Result
from lab.volumes import matrix, refusals
from lab.volumes.flows import FLOWS, points

PAGE = CHECKOUT / "docs" / "volumes.md"
HASH = "Sources of lv_resize: `{}`"
_FAULTS = ("test_faults.py", "test_faults_of_plans.py", "test_left_unmounted.py")
_PLANS = ("test_neighbours.py", "test_pools.py")
INTRODUCTION = """\
# What lv_resize did to real volumes

<!-- written by `make lab-full` (tests/lab/report.py); do not edit -->

Each line below is one test on a real volume of a Debian 12 host in the [VM lab](lab.md): 200 small files and a large one were written and
their checksums noted; check mode foretold the result to the byte; the run did it, or refused it; a second run changed nothing; then the volume was
read again, the checksums compared, and the file system checked as a whole. What is done and refused in general is told in [lv_resize](lv_resize.md).
"""


class Gap(LabError):
    """Cases that the page tells of have no valid result."""


class Page:
    """The page from these results; ``missing`` collects the tests without a valid one."""

    def __init__(self, noted: dict[str, Result]) -> None:
        self._noted = noted
        self.used: list[Result] = []
        self.missing: list[str] = []

    def text(self) -> str:
        body = [
            *self._matrix(),
            *self._others(),
            *self._refusals(),
            *self._kills(),
            *self._tests("Faults", _FAULTS),
            *self._tests("From plan to host", _PLANS),
        ]
        return "\n".join([INTRODUCTION, *self._head(), *body]) + "\n"

    def _head(self) -> list[str]:
        dates = sorted(result.date[:10] for result in self.used)
        commits = sorted({result.commit for result in self.used})
        versions = {name: version for result in self.used for name, version in result.versions.items()}
        return [
            f"- {len(self.used)} cases, {' to '.join(dict.fromkeys((dates[0], dates[-1]))) if dates else 'never'}",
            f"- Commit: {', '.join(commits)}",
            f"- {HASH.format(lv_resize_hash())}",
            f"- Versions: {', '.join(f'{name} {version}' for name, version in sorted(versions.items()))}",
            *([f"- **Not shown yet: {len(self.missing)} cases** (marked below)"] if self.missing else []),
            "",
        ]

    def _result(self, test: str) -> Result | None:
        result = self._noted.get(test)
        if result is None:
            self.missing.append(test)
        else:
            self.used.append(result)
        return result

    def _matrix(self) -> list[str]:
        columns = [operation.name for operation in matrix.OPERATIONS]
        lines = ["## File systems", "", f"| | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
        told: list[str] = []
        for kind, cases in matrix.GROUPS.items():
            if kind not in matrix.MATRIX:
                continue
            fields: dict[str, list[str]] = {column: [] for column in columns}
            for case in cases:
                result = self._result(_matrix_test(kind, case.name))
                column, _with, permission = case.name.partition(" with ")
                fields[column].append(_field(result, permission, case.expected))
                told += _told(f"{kind}, {case.name}", result)
            lines.append(f"| {kind} | {' | '.join('; '.join(fields[column]) for column in columns)} |")
        lines += [
            "",
            "Mounted swap is swap in use. Shrinking is asked for with `allow_shrink`; a permission that was needed besides is named.",
            "",
        ]
        return [*lines, *_list(told)]

    def _others(self) -> list[str]:
        lines = []
        for group, title in (("layouts", "## Layouts"), ("special", "## Special cases")):
            told = [line for case in matrix.GROUPS[group] for line in self._line(_matrix_test(group, case.name), case.name)]
            lines += [title, "", *_list(told)]
        return lines

    def _refusals(self) -> list[str]:
        lines = ["## Refusals", "", "| reason | told |", "|---|---|"]
        for group, cases in refusals.GROUPS.items():
            for case in cases:
                result = self._result(f"tests/lab/test_refusals.py::test_refusal[{group}: {case.name}]")
                reason, _colon, detail = case.name.partition(":")
                lines.append(f"| `{reason}`{f': {detail.strip()}' if detail else ''} | {_cell(result)} |")
        return [*lines, ""]

    def _kills(self) -> list[str]:
        lines = ["## Killed with SIGKILL at every step", "", "The next run finished each of them, and a third changed nothing.", ""]
        lines += ["| flow | its steps | killed before and after each |", "|---|---|---|"]
        for flow in FLOWS:
            results = [self._result(f"tests/lab/test_resize_kills.py::test_kill[{point.name}]") for point in points(flow)]
            shown = sum(result is not None for result in results)
            lines.append(f"| {flow.name} | {', '.join(flow.steps)} | {_share(shown, len(results))} |")
        return [*lines, ""]

    def _tests(self, title: str, files: Sequence[str]) -> list[str]:
        lines = [f"## {title}", "", "| test | told |", "|---|---|"]
        for name, test, case in tests_of(files):
            result = self._result(test)
            lines.append(f"| {name}{f' ({case})' if case else ''} | {_cell(result)} |")
        return [*lines, ""]

    def _line(self, test: str, name: str) -> list[str]:
        return _told(name, self._result(test)) or [f"{name}: **not shown**"]


def tests_of(files: Sequence[str]) -> list[tuple[str, str, str]]:
    """What each test of these files says of itself, its node id, and the name of its case."""
    found = []
    for node in collected(files):
        path, _colons, name = node.partition("::")
        test, _bracket, case = name.partition("[")
        found.append((_sentences(CHECKOUT / path)[test], node, case.rstrip("]")))
    return found


def collected(files: Sequence[str]) -> list[str]:
    """The node ids of all tests in these files."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:xdist",
        *(str((LAB / file).relative_to(CHECKOUT)) for file in files),
    ]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    nodes = [line for line in done.stdout.splitlines() if "::" in line]
    if done.returncode or not nodes:
        raise LabError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return nodes


def lv_resize_hash() -> str:
    return sources.hash_of(sources.lv_resize_sources())


def write(partial: bool) -> tuple[Path, int]:
    """Write the page; gives its path and how many cases are missing. Raises Gap when some are, unless that is allowed."""
    page = Page(results.still_valid(results.read().values(), results.hash_for))
    text = page.text()
    if page.missing and not partial:
        shown = "\n".join(f"  {test}" for test in page.missing)
        raise Gap(f"{len(page.missing)} cases have not passed with the present sources, run make lab-full:\n{shown}")
    PAGE.write_text(text, encoding="utf-8")
    return PAGE, len(page.missing)


def _matrix_test(group: str, case: str) -> str:
    return f"tests/lab/test_matrix.py::test_matrix[{group}: {case}]"


def _field(result: Result | None, permission: str, expected: str) -> str:
    if result is None:
        return "**not shown**"
    answer = "done" if result.outcome == "done" else f"refused: `{expected}`"
    return f"{answer} with `{permission}`" if permission else answer


def _told(name: str, result: Result | None) -> list[str]:
    return [f"{name}: {_words(result.message)}"] if result is not None else []


def _cell(result: Result | None) -> str:
    return "**not shown**" if result is None else _words(result.message).replace("|", "\\|")


def _words(message: str) -> str:
    return " ".join(message.replace("<", "&lt;").split())


def _list(lines: Iterable[str]) -> list[str]:
    return [*(f"- {line}" for line in lines), ""]


def _share(shown: int, of: int) -> str:
    return f"{of} points, all finished" if shown == of else f"**{shown} of {of} shown**"


@cache
def _sentences(path: Path) -> dict[str, str]:
    """The first line that each test of a file says of itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return {test.name: (ast.get_docstring(test) or "").splitlines()[0].rstrip(".") for test in tests}
