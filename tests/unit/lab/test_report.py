"""docs/volumes.md from noted results: everything is told, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import report
from lab.report import Gap, Page
from lab.results import Result
from lab.volumes import flows, matrix, refusals

FAULT = "tests/lab/test_faults.py::test_lost_connection[growth]"
ROAD = "tests/lab/test_neighbours.py::test_a_neighbour_makes_room"


@pytest.fixture(autouse=True)
def one_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "collected", lambda files: [FAULT] if "test_faults.py" in files else [ROAD])


def everything() -> dict[str, Result]:
    """A result of every case."""
    outcomes = {
        f"tests/lab/test_matrix.py::test_matrix[{group}: {case.name}]": case for group, cases in matrix.GROUPS.items() for case in cases
    }
    outcomes |= {
        f"tests/lab/test_refusals.py::test_refusal[{group}: {case.name}]": case
        for group, cases in refusals.GROUPS.items()
        for case in cases
    }
    noted = {test: noted_result(test, "done" if case.expected == "done" else "refused") for test, case in outcomes.items()}
    killed = [f"tests/lab/test_resize_kills.py::test_kill[{point.name}]" for flow in flows.FLOWS for point in flows.points(flow)]
    return noted | {test: noted_result(test, "done") for test in [*killed, FAULT, ROAD]}


def noted_result(test: str, outcome: str) -> Result:
    return Result(test, outcome, f"said of <{test[-12:]}>", 1.0, "2026-11-21T12:00:00+00:00", "abc", "hash", {"lvm2": "2.03.16"})


def test_all_is_told() -> None:
    page = Page(everything())
    text = page.text()
    assert page.missing == []
    assert "not shown" not in text.lower()
    assert report.HASH.format(report.lv_resize_hash()) in text
    assert "lvm2 2.03.16" in text
    for kind in matrix.MATRIX:
        assert f"\n| {kind} | " in text
    assert "| vfat | refused: `mounted`; done with `allow_unmount` | done | refused: `mounted`; done with `allow_unmount` | done |" in text
    assert "## From plan to host" in text
    assert "The SSH connection is cut while the file system is resized: lv_resize goes on to its end (growth) | said of" in text


def test_what_is_missing_is_marked_and_counted() -> None:
    noted = everything()
    gone = [
        "tests/lab/test_matrix.py::test_matrix[xfs: grow mounted]",
        "tests/lab/test_resize_kills.py::test_kill[xfs grow mounted: before step 2, xfs_growfs]",
    ]
    page = Page({test: result for test, result in noted.items() if test not in gone})
    text = page.text()
    assert sorted(page.missing) == sorted(gone)
    assert "| xfs | **not shown** |" in text
    assert "**3 of 4 shown**" in text
    assert "**Not shown yet: 2 cases**" in text


def test_a_page_with_gaps_is_written_on_demand_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "PAGE", tmp_path / "volumes.md")
    monkeypatch.setattr("lab.results.read", dict)
    with pytest.raises(Gap, match=r"make lab-full:\n  tests/lab/"):
        report.write(partial=False)
    assert not (tmp_path / "volumes.md").exists()
    path, missing = report.write(partial=True)
    assert path.exists()
    assert missing == len(everything())


def test_no_two_cases_share_a_name() -> None:
    for groups in (matrix.GROUPS, refusals.GROUPS):
        names = [f"{group}: {case.name}" for group, cases in groups.items() for case in cases]
        assert len(set(names)) == len(names)


def test_every_kind_has_every_operation() -> None:
    """And for swap, what is never mounted is what is not in use."""
    assert {kind: set(operations) for kind, operations in matrix.MATRIX.items()} == {
        kind: {operation.name for operation in matrix.OPERATIONS}
        for kind in ("ext2", "ext3", "ext4", "vfat", "btrfs", "f2fs", "xfs", "swap")
    }
