# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import pathlib

import pytest

HERE = pathlib.Path(__file__).parent


def _load(path):
    spec = importlib.util.spec_from_file_location(path.stem + "_of_planning_tests", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def samples():
    """Inputs of plans: samples.py of this folder."""
    return _load(HERE / "samples.py")


@pytest.fixture(scope="session")
def verifier():
    """The independent verifier of plans."""
    return _load(HERE.parents[2] / "verifiers" / "plan.py")
