# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import pathlib

import pytest


@pytest.fixture(scope="session")
def documents():
    """Facts documents, as the tests of the observation use them."""
    path = pathlib.Path(__file__).parents[1] / "observation" / "documents.py"
    spec = importlib.util.spec_from_file_location("history_documents", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
