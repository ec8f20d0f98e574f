"""What `make lab-full` has shown so far, case by case: a file of JSON lines, one for each test that has ended."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from lab import sources
from lab.paths import CHECKOUT, LAB

NOTEBOOK = CHECKOUT / ".cache" / "lab" / "results.jsonl"
PASSED = ("done", "refused")
WHOLE_COLLECTION = ("plugins", "roles", "playbooks")
# Tests that run the module lv_resize and nothing else of the collection: what Ansible sends to the host for it is all that counts.
MODULE_TESTS = ("test_matrix.py", "test_refusals.py", "test_resize_kills.py", "test_faults.py")
# Tests that need what the one before them left.
STORIES = ("test_site.py",)


@dataclass(frozen=True)
class Result:
    """How one test ended: ``done``, ``refused`` (as it should be) or ``failed``, with the words that go with it."""

    test: str
    outcome: str
    message: str
    seconds: float
    date: str
    commit: str
    sources: str
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return self.outcome in PASSED

    def append(self, notebook: Path = NOTEBOOK) -> None:
        notebook.parent.mkdir(parents=True, exist_ok=True)
        with notebook.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(self), ensure_ascii=False) + "\n")


def read(notebook: Path = NOTEBOOK) -> dict[str, Result]:
    """The newest result of each test; a line that a power cut left half written counts as nothing."""
    found: dict[str, Result] = {}
    lines = notebook.read_text(encoding="utf-8").splitlines() if notebook.exists() else []
    for line in lines:
        try:
            result = Result(**json.loads(line))
        except (ValueError, TypeError):
            continue
        found[result.test] = result
    return found


def still_valid(results: Iterable[Result], hash_for: Callable[[str], str | None]) -> dict[str, Result]:
    """Those that passed with the same sources as now."""
    return {result.test: result for result in results if result.passed and result.sources == hash_for(result.test)}


@cache
def hash_for_file(test_file: str) -> str | None:
    """Hash of all that counts for the tests in this file (a path from the checkout on); None when there is no such file."""
    path = CHECKOUT / test_file
    if not path.is_file():
        return None
    everything = [path for folder in WHOLE_COLLECTION for path in _files(CHECKOUT / folder)]
    tested = sources.lv_resize_sources() if path.name in MODULE_TESTS else everything
    return sources.hash_of([*tested, path, *_cases(path), *_bystanders()])


def hash_for(test: str) -> str | None:
    """Hash of all that counts for the test of this node id."""
    return hash_for_file(test.partition("::")[0])


def _cases(path: Path) -> list[Path]:
    """What a test imports of the cases and of what is held against them; how a host is started and reached decides nothing."""
    return [source for source in sources.closure([path]) if LAB / "volumes" in source.parents]


def _bystanders() -> list[Path]:
    """Files beside the Python of the lab: plays, shell, what the guest image is made of."""
    return [path for path in _files(LAB) if path.suffix != ".py"] + [LAB / "volumes" / "on_host.py"]


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]


def commit() -> str:
    """The commit of the checkout, with a mark when files differ from it."""
    described = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    done = subprocess.run(described, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
