# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import pathlib
import sys

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine_local
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classical, global_model, lstm_network
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


@pytest.fixture
def little_training(monkeypatch):
    """Train in this process, and no longer than the tests need to see; without theta and ETS, whose fits take long."""
    monkeypatch.setattr(engine_local, "run_each", lambda function, batches, **_how: map(function, batches))
    monkeypatch.setattr(global_model, "MIN_STEPS", 30)
    monkeypatch.setattr(global_model, "MAX_STEPS", 30)
    monkeypatch.setattr(global_model, "MAX_WINDOWS", 240)
    monkeypatch.setattr(lstm_network, "EPOCHS", 3)
    monkeypatch.setattr(classical, "available", lambda: False)


@pytest.fixture
def trainings(monkeypatch):
    """The jobs of the global network for what has no season, as they come; by chance a series has one now and then."""
    real, jobs = global_model.train, []

    def noted(job):
        if job.season == 1:
            jobs.append(job)
        return real(job)

    monkeypatch.setattr(global_model, "train", noted)
    return jobs


@pytest.fixture
def fleet(tmp_path):
    """The path of a store that holds the fleet of fleet_samples.py."""
    sys.path.insert(0, str(HERE))
    import fleet_samples

    fleet_samples.put(tmp_path / "store.db")
    return tmp_path / "store.db"
