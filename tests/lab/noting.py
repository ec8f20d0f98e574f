"""A pytest plugin that notes how each lab test ended, and leaves out what was noted with the same sources (``--resume``)."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from lab import results
from lab.paths import CHECKOUT, LAB
from lab.results import Result

_KEYS = ("outcome", "message", "versions")


class Note:
    """In a test: ``note.done("Grew …")`` or ``note.refused("… is mounted")``, for the page docs/volumes.md."""

    def __init__(self, properties: list[tuple[str, Any]]) -> None:
        self._properties = properties

    def done(self, message: str) -> None:
        self._properties += [("outcome", "done"), ("message", message)]

    def refused(self, message: str) -> None:
        self._properties += [("outcome", "refused"), ("message", message)]

    def versions(self, versions: dict[str, str]) -> None:
        self._properties.append(("versions", versions))


class Noting:
    """Registered once per session; with pytest-xdist only the controller writes, and decides what is left out."""

    def __init__(self, config: pytest.Config) -> None:
        self._worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        # Read before the first test: whoever edits a source meanwhile gets no result for what was not tested.
        self._commit = "" if self._worker is not None else results.commit()
        for path in sorted(LAB.glob("test_*.py")) if self._worker is None else ():
            results.hash_for_file(str(path.relative_to(CHECKOUT)))
        self._seconds: dict[str, float] = {}
        self._failed: dict[str, str] = {}
        self._called: set[str] = set()
        valid = results.still_valid(results.read().values(), results.hash_for) if config.getoption("--resume") else {}
        self._left_out: list[str] = self._worker["lab_left_out"] if self._worker is not None else sorted(valid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["lab_left_out"] = self._left_out

    def pytest_report_header(self) -> str | None:
        return f"lab: {len(self._left_out)} cases are left out, they passed with the same sources" if self._left_out else None

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        left_out = set(self._left_out)
        wanted = [item for item in items if item.nodeid not in left_out]
        # A story goes on where the test before it stopped: all of it, or nothing.
        unfinished = {item.path for item in wanted} & {LAB / name for name in results.STORIES}
        kept = [item for item in items if item in wanted or item.path in unfinished]
        if len(kept) < len(items):
            config.hook.pytest_deselected(items=[item for item in items if item not in kept])
            items[:] = kept

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self._worker is not None:
            return
        test = report.nodeid
        self._seconds[test] = self._seconds.get(test, 0.0) + report.duration
        if report.failed:
            self._failed.setdefault(test, _reason(report))
        self._called |= {test} if report.when == "call" and not report.skipped else set()
        # A test that was skipped has shown nothing.
        if report.when == "teardown" and (test in self._called or test in self._failed):
            self._note(test, report)

    def _note(self, test: str, report: pytest.TestReport) -> None:
        failed = self._failed.get(test)
        said: dict[str, Any] = {key: value for key, value in report.user_properties if key in _KEYS}
        Result(
            test=test,
            outcome=said.get("outcome", "done") if failed is None else "failed",
            message=said.get("message", "") if failed is None else failed,
            seconds=round(self._seconds[test], 1),
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            commit=self._commit,
            sources=results.hash_for(test) or "",
            versions=said.get("versions", {}),
        ).append()

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self._left_out:
            session.exitstatus = pytest.ExitCode.OK


def _reason(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr or "")
    return " / ".join(line.strip() for line in text.splitlines() if line.strip())[-1000:]
