"""Tests that share a host stay on one worker."""

from __future__ import annotations

import pytest

from lab.grouping import group_of


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/lab/test_matrix.py::test_matrix[ext4: grow mounted]", "tests/lab/test_matrix.py ext4"),
        ("tests/lab/test_refusals.py::test_refusal[growing: read_only: mounted so]", "tests/lab/test_refusals.py growing"),
        (
            "tests/lab/test_resize_kills.py::test_kill[xfs grow mounted: after step 1, lvm lvextend]",
            "tests/lab/test_resize_kills.py xfs grow mounted",
        ),
        ("tests/lab/test_faults.py::test_failing_command[mount fails]", "tests/lab/test_faults.py"),
        ("tests/lab/test_kills.py::test_kill_of_an_observation[before]", "tests/lab/test_kills.py"),
    ],
)
def test_group(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group
