# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import pathlib

import pytest

from support import recorded_volumes

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="session")
def gates():
    """A small plan in a real store: gate_samples.py of this folder."""
    spec = importlib.util.spec_from_file_location("gate_samples_of_workflow_tests", HERE / "gate_samples.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def store(tmp_path, gates):
    """The path of a store that holds the sample hosts."""
    path = str(tmp_path / "store.db")
    gates.observe(path)
    return path


@pytest.fixture
def plan(store, gates):
    """The id of the sample plan."""
    return gates.make(store)["plan"]["id"]


@pytest.fixture(scope="session")
def growing_store(tmp_path_factory):
    """The path of a store that holds volumes which grow; nobody writes to it."""
    return recorded_volumes.growing_store(tmp_path_factory.mktemp("growing"))
