"""The execution environment needs what the controller needs."""

from __future__ import annotations

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]


def names(path: str) -> set[str]:
    lines = (ROOT / path).read_text().splitlines()
    return {re.split(r"[\[<>=; ]", line)[0] for line in lines if line and not line.startswith("#")}


def test_execution_environment_has_the_packages_of_the_controller() -> None:
    controller = names("requirements-core.txt") | names("requirements-ml.txt")
    assert names("meta/ee-requirements.txt") == controller - {"ansible-core"}


@pytest.mark.parametrize("path", ["requirements-core.txt", "requirements-ml.txt", "requirements-test.txt", "tests/third-party-clients.txt"])
def test_every_requirement_is_bounded(path: str) -> None:
    lines = [line for line in (ROOT / path).read_text().splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if "==" not in line and "<" not in line] == []
